"""`Api` shows the experiments of a store as wandb's shows the runs of its server; sweeps run functions."""

from __future__ import annotations

import os
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import anew
import anew.dialects.wandb as wandb
from anew.dialects.wandb.errors import UnsupportedError
from anew.sweeps.space import sample


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    yield
    wandb.teardown()


@pytest.fixture
def four() -> None:
    """Four runs of a project, one of them failed."""
    for number, (lr, acc) in enumerate([(0.1, 0.7), (0.01, 0.9), (1.0, 0.2), (0.1, None)]):
        run = wandb.init(
            project="p",
            name=f"run-{number}",
            config={"lr": lr, "model": {"depth": number}, "name": "net" if number else "other"},
            tags=["base", f"t{number}"] if number < 2 else ["late"],
            group="g1" if number % 2 else "g2",
            notes=None if number else "the first",
        )
        if acc is not None:
            run.log({"acc": acc, "val": {"loss": 1 - acc}})
        run.finish(exit_code=1 if number == 3 else 0)


def names(filters: dict[str, Any] | None = None, order: str = "+created_at") -> list[str]:
    return [run.name[-1] for run in wandb.Api().runs("p", filters, order)]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (None, "0123"),
        ({}, "0123"),
        ({"config.lr": 0.1}, "03"),
        ({"config.lr.value": 0.1}, "03"),
        ({"config.lr": {"$lt": 0.1}}, "1"),
        ({"config.lr": {"$lte": 0.1}}, "013"),
        ({"config.lr": {"$gt": 0.1}}, "2"),
        ({"config.lr": {"$gte": 0.1, "$lt": 1}}, "03"),
        ({"config.lr": {"$ne": 0.1}}, "12"),
        ({"config.lr": {"$in": [0.01, 1]}}, "12"),
        ({"config.lr": {"$nin": [0.01, 1]}}, "03"),
        ({"config.model.depth": {"$gt": 1}}, "23"),
        ({"config.model": {"depth": 2}}, "2"),
        ({"config.lr": {"$not": {"$gt": 0.05}}}, "1"),
        ({"config.lr": "0.1"}, ""),
        ({"config.lr": {"$gt": "a"}}, ""),
        ({"config.nothing": {"$exists": False}}, "0123"),
        ({"config.nothing": {"$exists": True}}, ""),
        ({"config.nothing": None}, "0123"),
        ({"config.name": {"$regex": "^ne"}}, "123"),
        ({"config.name": {"$regex": "^NE", "$options": "i"}}, "123"),
        ({"summary_metrics.acc": {"$gt": 0.5}}, "01"),
        ({"summary_metrics.val.loss": {"$lt": 0.2}}, "1"),
        ({"summary_metrics.acc": {"$exists": False}}, "3"),
        ({"state": "finished"}, "012"),
        ({"state": {"$in": ["failed", "crashed"]}}, "3"),
        ({"tags": "base"}, "01"),
        ({"tags": {"$in": ["t0", "late"]}}, "023"),
        ({"tags": {"$nin": ["base"]}}, "23"),
        ({"tags": {"$ne": "late"}}, "01"),
        ({"group": "g1"}, "13"),
        ({"display_name": {"$regex": "-[12]$"}}, "12"),
        ({"displayName": "run-1"}, "1"),
        ({"notes": {"$exists": True, "$ne": None}}, "0"),
        ({"$or": [{"config.lr": 1.0}, {"tags": "t1"}]}, "12"),
        ({"$and": [{"config.lr": 0.1}, {"state": "finished"}]}, "0"),
        ({"$nor": [{"tags": "base"}, {"state": "failed"}]}, "2"),
        ({"$not": {"tags": "base"}}, "23"),
        ({"created_at": {"$lt": datetime(2999, 1, 1, tzinfo=UTC)}}, "0123"),
        ({"created_at": {"$gt": "2999-01-01T00:00:00"}}, ""),
        ({"jobType": {"$exists": True, "$ne": None}}, ""),
    ],
    ids=str,
)
def test_runs_are_found_by_conditions(four: None, filters: dict[str, Any], expected: str):
    assert "".join(names(filters)) == expected


def test_runs_come_in_the_order_asked_for_with_what_is_missing_last(four: None):
    assert names(order="-created_at") == list("3210")
    assert names(order="-summary_metrics.acc") == list("1023")
    assert names(order="+summary_metrics.acc") == list("2013")
    assert names(order="config.model.depth") == list("0123")
    assert names(order="-config.name") == list("0123")  # those that are equal stay as they were
    assert names(order="display_name") == list("0123")


def test_a_mistake_in_a_filter_is_an_error_and_no_empty_list(four: None):
    for filters, near in (
        ({"confg.lr": 1}, "'config'"),
        ({"config.lr": {"$lessthan": 1}}, r"\$lessthan"),
        ({"$nott": {}}, r"'\$not'"),
        ({"config.lr": {"$in": 3}}, "list"),
        ({"$or": {}}, "list"),
        ({"config.name": {"$regex": "("}}, "regular expression"),
    ):
        with pytest.raises(wandb.UsageError, match=near):
            wandb.Api().runs("p", filters)
    with pytest.raises(wandb.UsageError, match="created_at"):
        wandb.Api().runs("p", order="-creatd_at")
    with pytest.raises(wandb.CommError):
        len(wandb.Api().runs("q"))
    with pytest.raises(wandb.UsageError, match="entity/project"):
        wandb.Api().runs("a/b/c")


def test_runs_are_a_sequence(four: None):
    runs = wandb.Api().runs("p", per_page=2)
    assert (len(runs), runs[0].name, runs[-1].name) == (4, "run-0", "run-3")
    assert [run.name for run in runs[1:3]] == ["run-1", "run-2"]
    assert [run.id for run in runs] == [run.id for run in runs]


def test_a_run_of_the_api_has_all_that_was_recorded(four: None):
    run = wandb.Api().runs("p")[0]
    assert (run.state, run.entity, run.project, run.path) == ("finished", "", "p", ["p", run.id])
    assert run.config == {"lr": 0.1, "model": {"depth": 0}, "name": "other"}
    assert run.summary["acc"] == run.summary_metrics["acc"] == run.summary.acc == 0.7
    assert run.summary.get("nothing") is None
    assert (run.tags, run.notes, run.group, run.job_type) == (
        ["base", "t0"],
        "the first",
        "g2",
        None,
    )
    made = datetime.strptime(run.created_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs(made.timestamp() - run.native.created_at) <= 1
    assert run.url == f"file://{run.native.path}"
    assert run.lastHistoryStep == 0
    assert run.metadata["host"] == run.host
    assert run["name"] == "run-0"


def test_a_run_is_found_by_its_path_and_by_its_id(four: None):
    api = wandb.Api()
    run = api.runs("p")[2]
    for path in (f"p/{run.id}", run.id, f"/p/{run.id}", f"someone/p/{run.id}", f"p/runs/{run.id}"):
        assert api.run(path).native == run.native, path
    with wandb.init(project="p", id="own", entity="alice") as mine:
        pass
    assert api.run("alice/p/own").id == api.run("p/own").id == "own"
    assert mine.path == "alice/p/own"
    for path in ("p/unknown", f"q/{run.id}", "unknown"):
        with pytest.raises(wandb.CommError):
            api.run(path)
    with pytest.raises(KeyError):
        api.run("p/unknown")


def test_runs_without_an_entity_belong_to_every_entity(monkeypatch: pytest.MonkeyPatch):
    wandb.init(project="p", name="nobody's").finish()
    wandb.init(project="p", name="alice's", entity="alice").finish()
    api = wandb.Api()
    assert [run.name for run in api.runs("p")] == ["nobody's", "alice's"]
    assert [run.name for run in api.runs("alice/p")] == ["nobody's", "alice's"]
    assert [run.name for run in api.runs("bob/p")] == ["nobody's"]
    assert [run.name for run in wandb.Api({"entity": "alice", "project": "p"}).runs()] == [
        "nobody's",
        "alice's",
    ]
    monkeypatch.setenv("WANDB_PROJECT", "p")
    assert len(wandb.Api().runs()) == 2
    assert [project.path for project in api.projects()] == ["p", "alice/p"]


def test_projects_entities_and_ids_of_any_name_are_found_again():
    for project, entity, number in (("outputs", "con", "files"), ("my project.", "ünï<x>", "a b.")):
        with wandb.init(project=project, entity=entity, id=number) as run:
            run.log({"a": 1})
        (found,) = wandb.Api().runs(f"{entity}/{project}")
        assert (found.project, found.entity, found.id) == (project, entity, number)
        assert wandb.Api().run(run.path).native == found.native
        with wandb.init(project=project, entity=entity, id=number, resume="must") as run:
            assert run.step == 1


def test_experiments_recorded_in_other_ways_are_runs_too():
    with anew.Experiment(
        "alice/vision/net", config={"width": 3}, params={"lr": 0.1}, tags=["t"]
    ) as exp:
        exp.log_metrics({"loss": 0.5}, step=3)
    (run,) = wandb.Api().runs("alice/vision", {"config.lr": {"$lt": 1}})
    assert (run.name, run.id, run.entity, run.tags) == ("net", exp.id, "alice", ["t"])
    assert run.config == {"width": 3, "lr": 0.1}
    assert run.summary["loss"] == 0.5
    assert wandb.Api().run("alice/vision/net").native.id == exp.id


# -- history ---------------------------------------------------------------------------------------


def test_history_has_a_row_a_step():
    with wandb.init(project="p") as run:
        for step in range(3):
            run.log({"loss": 1 / (step + 1), "n": {"epoch": step}})
        run.log({"loss": 9.0}, step=1)
        run.log({"text": "end", "l": [1]})
    shown = wandb.Api().run(run.path)
    frame = shown.history()
    assert isinstance(frame, pd.DataFrame)
    assert {"_step", "_runtime", "_timestamp", "loss", "n.epoch", "text", "l"} == set(frame.columns)
    assert frame["_step"].tolist() == [0, 1, 2, 3]
    assert frame["loss"].dropna().tolist() == [1.0, 9.0, 1 / 3]  # of two at a step the last one
    assert frame["n.epoch"].dropna().tolist() == [0, 1, 2]
    assert (frame["text"].iloc[-1], frame["l"].iloc[-1]) == ("end", [1])
    assert frame["_timestamp"].iloc[0] == pytest.approx(run.start_time, abs=60)
    assert (frame["_runtime"] >= 0).all()
    keys = shown.history(keys=["loss", "n.epoch"])
    assert list(keys.columns) == ["_step", "loss", "n.epoch"]
    assert len(keys) == 3
    rows = shown.history(keys=["loss"], pandas=False)
    assert rows[0] == {"_step": 0, "loss": 1.0}
    by = shown.history(keys=["loss"], x_axis="n.epoch", pandas=False)
    assert by[1] == {"n.epoch": 1, "loss": 9.0}
    with pytest.raises(wandb.UsageError, match="list"):
        shown.history(keys="loss")


def test_scan_history_gives_every_row_between_two_steps():
    with wandb.init(project="p") as run:
        for step in range(2000):
            run.log({"loss": float(step), **({"acc": 1.0} if step % 500 == 0 else {})})
    shown = wandb.Api().run(run.path)
    assert len(list(shown.scan_history())) == 2000
    assert [row["loss"] for row in shown.scan_history(keys=["loss"], min_step=10, max_step=13)] == [
        10,
        11,
        12,
    ]
    assert list(shown.scan_history(keys=["acc", "_step"]))[1] == {
        "acc": 1.0,
        "_step": 500,
    }


def test_samples_of_a_history_keep_its_spikes():
    with wandb.init(project="p") as run:
        for step in range(5000):
            run.log({"loss": 1000.0 if step == 3210 else 1.0, "acc": -5.0 if step == 77 else 0.5})
    frame = wandb.Api().run(run.path).history(samples=200)
    assert 50 < len(frame) <= 200
    assert (frame["loss"].max(), frame["acc"].min()) == (1000.0, -5.0)
    assert (frame["_step"].iloc[0], frame["_step"].iloc[-1]) == (0, 4999)
    assert len(wandb.Api().run(run.path).history(samples=10_000)) == 5000


def test_histories_of_several_runs_and_of_the_machine(monkeypatch: pytest.MonkeyPatch):
    for number in range(2):
        with wandb.init(project="p", name=f"{number}") as run:
            run.log({"loss": float(number)})
            run.native.log_metric("system/cpu", 50.0, 0)
    runs = wandb.Api().runs("p")
    frame = runs.histories(format="pandas", keys=["loss"])
    assert frame["loss"].tolist() == [0.0, 1.0]
    assert frame["run_id"].tolist() == [run.id for run in runs]
    assert runs.histories(keys=["loss"])[0] == {"run_id": runs[0].id, "_step": 0, "loss": 0.0}
    assert "system/cpu" not in runs[0].history().columns
    assert runs[0].history(stream="system")["system/cpu"].tolist() == [50.0]
    assert runs[0].system_metrics == {"system/cpu": 50.0}
    assert runs.histories(format="polars", keys=["loss"])["loss"].to_list() == [0.0, 1.0]


# -- files and changes -----------------------------------------------------------------------------


def test_files_are_listed_found_and_downloaded():
    Path("m.pth").write_bytes(b"1")
    with wandb.init(project="p") as run:
        run.save("m.pth", policy="now")
        Path("m.pth").write_bytes(b"22")
        run.save("m.pth", policy="now")
        run.native.files("configs").save({"a": 1}, "c.json")
    shown = wandb.Api().run(run.path)
    assert [(file.name, file.size) for file in shown.files()] == [
        ("m.pth", 2),
        ("configs/c.json", 8 + 4),
    ]
    assert [file.name for file in shown.files(pattern="%.json")] == ["configs/c.json"]
    assert [file.name for file in shown.files(names=["m.pth"])] == ["m.pth"]
    file = shown.file("m.pth")
    with file.download("got") as opened:
        assert opened.read() == "22"
    with pytest.raises(ValueError):
        file.download("got")
    with file.download("got", exist_ok=True), file.download("got", replace=True):
        pass
    assert (shown.file("configs/c.json").mimetype, file.url.startswith("file:///")) == (
        "application/json",
        True,
    )
    with pytest.raises(wandb.CommError):
        shown.file("m.pt")


def test_what_is_said_of_a_run_is_changed_with_update_and_runs_are_deleted(four: None):
    run = wandb.Api().runs("p")[0]
    run.name, run.notes = "renamed", "better"
    run.tags.append("new")
    run.tags.remove("t0")
    run.update()
    again = wandb.Api().run(run.id)
    assert (again.name, again.notes, again.tags) == ("renamed", "better", ["base", "new"])
    again.config["lr"] = 5
    again.summary["best"] = 0.8
    again.summary["acc"] = 0.75
    del again.summary["val"]
    again.update()
    assert (
        again.config
        == wandb.Api().run(run.id).config
        == {"lr": 5, "model": {"depth": 0}, "name": "other"}
    )
    found = {k: v for k, v in wandb.Api().run(run.id).summary.items() if not k.startswith("_")}
    assert found == {"best": 0.8, "acc": 0.75}
    again.summary["val"] = 1
    again.update()
    found = {k: v for k, v in wandb.Api().run(run.id).summary.items() if not k.startswith("_")}
    assert found == {"best": 0.8, "acc": 0.75, "val": 1}
    run.delete()
    assert len(wandb.Api().runs("p")) == 3


# -- sweeps ----------------------------------------------------------------------------------------


def test_a_grid_runs_each_set_of_parameters_once():
    number = wandb.sweep(
        {
            "name": "first sweep",
            "method": "grid",
            "metric": {"name": "loss", "goal": "minimize"},
            "parameters": {
                "lr": {"values": [0.1, 0.01]},
                "width": {"min": 1, "max": 2},
                "fixed": {"value": "x"},
                "nested": {"parameters": {"a": {"values": [1]}}},
            },
        },
        project="p",
    )
    seen = []

    def train() -> None:
        with wandb.init(config={"lr": 5, "own": 1}) as run:
            assert run.sweep_id == number
            seen.append(
                (
                    run.config.lr,
                    run.config.width,
                    run.config.fixed,
                    run.config["nested"]["a"],
                    run.config.own,
                )
            )
            run.log({"loss": run.config.lr * run.config.width})

    wandb.agent(number, function=train, count=3)
    wandb.agent(f"someone/p/{number}", train)  # goes on where the first one left it
    assert seen == [(lr, width, "x", 1, 1) for lr in (0.1, 0.01) for width in (1, 2)]
    sweep = wandb.Api().sweep(f"p/{number}")
    assert (sweep.name, len(sweep.runs)) == ("first sweep", 4)
    assert sweep.best_run().config["lr"] == 0.01
    assert sweep.best_run().sweep.id == number
    assert [run.project for run in sweep.runs] == ["p"] * 4
    assert len(wandb.Api().runs("p")) == 4  # the sweep itself is no run
    assert {child.id for child in anew.Store()[number].children()} == {
        run.native.id for run in sweep.runs
    }
    assert wandb.run is None


def test_a_function_that_raises_fails_its_run_and_the_agent_goes_on(
    capsys: pytest.CaptureFixture[str],
):
    number = wandb.sweep(
        {"method": "grid", "parameters": {"x": {"values": [1, 2, 3]}}}, project="p"
    )

    def train() -> None:
        wandb.init()
        if wandb.config.x == 2:
            raise ValueError("two is wrong")
        wandb.log({"y": wandb.config.x})

    wandb.agent(number, train)
    assert [run.state for run in wandb.Api().sweep(number).runs] == [
        "finished",
        "failed",
        "finished",
    ]
    assert "two is wrong" in capsys.readouterr().err
    endless = wandb.sweep(
        {"method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}}}, project="p"
    )

    def never() -> None:
        raise ValueError("never")

    with pytest.raises(wandb.UsageError):
        wandb.agent(endless, never)


def test_a_sweep_runs_a_program_with_its_parameters():
    Path("train.py").write_text(
        textwrap.dedent(
            """
            import argparse
            import anew.dialects.wandb as wandb

            parser = argparse.ArgumentParser()
            parser.add_argument("--lr", type=float)
            parser.add_argument("--name", default="")
            args = parser.parse_args()
            wandb.init(config=args)
            wandb.log({"twice": wandb.config.lr * 2, "given": args.lr})
            if args.lr > 1:
                raise ValueError("too large")
            """
        )
    )
    number = wandb.sweep(
        {
            "method": "grid",
            "program": "train.py",
            "parameters": {"lr": {"values": [0.5, 2.0]}, "name": {"value": "a b"}},
        },
        project="p",
        entity="alice",
    )
    wandb.agent(number)
    first, second = wandb.Api().sweep(number).runs
    assert (first.state, second.state) == ("finished", "failed")
    assert (first.config, first.path) == ({"lr": 0.5, "name": "a b"}, ["alice", "p", first.id])
    assert (first.summary["twice"], first.summary["given"]) == (1.0, 0.5)


@pytest.mark.slow
def test_a_program_that_is_behind_is_stopped_early():
    Path("train.py").write_text(
        textwrap.dedent("""
            import sys, time
            import anew.dialects.wandb as wandb
            with wandb.init() as run:
                for step in range(601):
                    run.log({"loss": run.config.lr / (step + 1)})
                    time.sleep(0.1 * (run.config.lr > 1))
            """)
    )
    number = wandb.sweep(
        {
            "program": "train.py", "method": "grid", "parameters": {"lr": {"values": [0.5, 2.0]}},
            "metric": {"name": "loss", "goal": "minimize"},
            "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 2},
        }
    )  # fmt: skip
    wandb.agent(number)
    good, bad = wandb.Api().sweep(number).runs
    assert (good.state, bad.state) == ("finished", "killed")
    assert bad.lastHistoryStep < 600


def test_random_sweeps_draw_from_the_distributions_and_leave_the_global_generators_alone():
    import random

    random.seed(0)
    expected = random.random()
    random.seed(0)
    number = wandb.sweep(
        {
            "method": "random",
            "parameters": {"lr": {"min": 0.0, "max": 1.0}, "n": {"min": 1, "max": 3}},
            "run_cap": 4,
        }
    )
    seen = []

    def train() -> None:
        with wandb.init() as run:
            seen.append((run.config.lr, run.config.n))

    wandb.agent(number, train, count=10)
    assert len(seen) == 4
    assert len(set(seen)) == 4
    assert random.random() == expected
    source = random.Random(0)
    draws: dict[str, list[Any]] = {
        kind: [sample("x", {"distribution": kind, **said}, source) for _ in range(200)]
        for kind, said in {
            "constant": {"value": 3},
            "categorical": {"values": ["a", "b"]},
            "categorical_w_probabilities": {"values": ["a", "b"], "probabilities": [1, 0]},
            "int_uniform": {"min": 1, "max": 3},
            "uniform": {"min": -1, "max": 1},
            "q_uniform": {"min": 0, "max": 1, "q": 0.25},
            "log_uniform": {"min": -3, "max": 0},
            "log_uniform_values": {"min": 1e-4, "max": 1},
            "inv_log_uniform_values": {"min": 1e-4, "max": 1},
            "normal": {"mu": 5, "sigma": 0.1},
            "q_log_normal": {"mu": 0, "sigma": 1, "q": 2},
            "beta": {"a": 2, "b": 2},
        }.items()
    }
    assert set(draws["constant"]) == {3}
    assert set(draws["categorical"]) == {"a", "b"}
    assert set(draws["categorical_w_probabilities"]) == {"a"}
    assert set(draws["int_uniform"]) == {1, 2, 3}
    assert set(draws["q_uniform"]) == {0, 0.25, 0.5, 0.75, 1}
    assert -1 <= min(draws["uniform"]) < max(draws["uniform"]) <= 1
    assert np.exp(-3) <= min(draws["log_uniform"]) <= max(draws["log_uniform"]) <= 1
    for kind in ("log_uniform_values", "inv_log_uniform_values"):
        assert 1e-4 <= min(draws[kind]) <= max(draws[kind]) <= 1 + 1e-9
    assert np.mean(draws["normal"]) == pytest.approx(5, abs=0.1)
    assert all(value % 2 == 0 for value in draws["q_log_normal"])
    assert 0 <= min(draws["beta"]) <= max(draws["beta"]) <= 1


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"method": "custom", "parameters": {"x": {"value": 1}}}, UnsupportedError),
        ({"method": "bayes", "parameters": {"x": {"min": 1, "max": 2}}}, wandb.UsageError),
        ({"method": "gird", "parameters": {"x": {"value": 1}}}, wandb.UsageError),
        ({"method": "grid"}, wandb.UsageError),
        ({"method": "grid", "parameters": {"x": {"min": 0.0, "max": 1.0}}}, wandb.UsageError),
        ({"method": "random", "parameters": {"x": {"distribution": "unifrom"}}}, wandb.UsageError),
        ({"method": "random", "parameters": {"x": {"distribution": "uniform"}}}, wandb.UsageError),
        ({"method": "random", "parameters": {"x": 3}}, wandb.UsageError),
    ],
    ids=str,
)
def test_a_sweep_that_cannot_be_is_an_error_when_it_is_made(
    given: dict[str, Any], error: type[Exception]
):
    with pytest.raises(error):
        wandb.sweep(given, project="p")
    assert not Path("experiments").exists()


def test_a_run_that_is_behind_is_stopped_early_and_bayes_goes_on():
    number = wandb.sweep(
        {
            "method": "bayes",
            "metric": {"name": "loss", "goal": "minimize"},
            "parameters": {"lr": {"min": 1.0, "max": 2.0}},
            "early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 2},
            "run_cap": 4,
        },
        project="p",
    )
    begun = []

    def train():
        with wandb.init() as run:
            begun.append(run.config["lr"])
            for step in range(3):
                run.trial._again = 0.0  # ask each time
                run.log({"loss": len(begun) + 1.0 / (step + 1)})

    wandb.agent(number, train)
    assert len(begun) == 4
    assert all(1 <= one <= 2 for one in begun)
    runs = wandb.Api().sweep(number).runs
    assert [run.native.status for run in runs] == ["completed", *["cancelled"] * 3]


def test_an_agent_needs_a_sweep_and_a_function():
    number = wandb.sweep({"method": "grid", "parameters": {"x": {"value": 1}}}, project="p")
    with pytest.raises(wandb.UsageError):
        wandb.agent(number)
    for not_one in ("x", number[:6]):
        with pytest.raises(wandb.CommError):
            wandb.agent(not_one, lambda: None)
    with wandb.init(project="p") as run:
        pass
    with pytest.raises(wandb.CommError):
        wandb.agent(run.id, lambda: None)
