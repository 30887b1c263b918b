"""Programs written for wandb run, and leave what the same calls of Anew leave."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anew
import anew.dialects.wandb as wandb
from anew import Status, Store
from anew.dialects.wandb.errors import NotStarted, RunFinished, UnsupportedError
from anew.errors import AnewError, NotFound, NotRunning
from later import later

from ...dialects.records import recorded

torch = later("torch")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    # The real wandb, imported by another test, may stand there already.
    before = sys.exit
    yield
    wandb.teardown()
    assert sys.exit is before


def steps(run: Any, name: str) -> list[tuple[int, float]]:
    """The points of a metric in the order they were logged."""
    series = Store()[run.native.id].metrics[name].read(order="written")
    return [(int(s), float(v)) for s, v in zip(series.steps, series.values, strict=True)]


# -- the record ------------------------------------------------------------------------------------


def test_metrics_config_tags_notes_and_files_are_what_the_native_calls_leave():
    Path("model.pth").write_bytes(b"weights")
    run = wandb.init(
        project="digits",
        name="first",
        config={"lr": 0.1, "model": {"depth": 3}},
        tags=["baseline"],
        notes="a note",
        group="grid",
        job_type="train",
    )
    for epoch in range(3):
        wandb.log({"loss": 1 / (epoch + 1), "train": {"acc": epoch, "deep": {"er": 1.5}}})
    wandb.config.update({"seed": 1})
    wandb.alert("Low accuracy", "it is 0.1", level=wandb.AlertLevel.WARN)
    wandb.save("model.pth")
    wandb.finish()

    with anew.Experiment(
        "first",
        project="digits",
        root="native",
        tags={"baseline": None, "group": "grid", "job_type": "train"},
        notes="a note",
    ) as native:
        native.params.set(lr=0.1, model={"depth": 3})
        for epoch in range(3):
            row = {"loss": 1 / (epoch + 1), "train.acc": epoch, "train.deep.er": 1.5}
            native.log_metrics(row, epoch)
        native.params.set(seed=1)
        native.log(
            "Low accuracy: it is 0.1",
            "warning",
            alert=True,
            title="Low accuracy",
            text="it is 0.1",
        )
        native.files().save("model.pth")
    assert recorded(run.native.folder) == recorded(native.folder)
    view = Store()[run.native.id]
    assert (view.name, view.project, view.owner) == ("first", "digits", None)


def test_steps_go_on_by_themselves_and_back_when_they_are_told_to():
    run = wandb.init(project="p")
    seen = [run.step]
    for data, options in (
        ({"loss": 1.0}, {}),
        ({"acc": 0.5}, {"commit": False}),
        ({"acc": 0.6}, {}),
        ({"loss": 2.0}, {"step": 10}),
        ({"acc": 2.0}, {"step": 10}),
        ({"loss": 3.0}, {"step": 5}),
        ({"loss": 4.0}, {"step": 11, "commit": True}),
        ({"loss": 5.0}, {}),
        ({}, {}),
    ):
        run.log(data, **options)
        seen.append(run.step)
    assert seen == [0, 1, 1, 2, 10, 10, 10, 12, 13, 14]  # as wandb's, see test_wandb_real.py
    wandb.finish()
    # wandb drops the point at step 5, and the first of the two at step 1.
    assert steps(run, "loss") == [(0, 1.0), (10, 2.0), (5, 3.0), (11, 4.0), (12, 5.0)]
    assert steps(run, "acc") == [(1, 0.5), (1, 0.6), (10, 2.0)]


def test_all_kinds_of_numbers_are_kept_and_what_is_none_is_a_value():
    run = wandb.init(project="p")
    run.log(
        {
            "np": np.float32(2.5),
            "torch": torch.tensor(0.25, requires_grad=True),
            "half": torch.tensor([1.5], dtype=torch.bfloat16),
            "one": np.array([7]),
            "bool": True,
            "nan": math.nan,
            "inf": -math.inf,
            "big": 10**300,
            "nothing": None,
            "text": "hello",
            "list": [1, 2, 3],
            "texts": ["a", "b"],
            "small": np.arange(5),
            "large": torch.arange(100),
            "empty": [],
            "mapping": {},
            " loss\n": 1.0,
        }
    )
    wandb.finish()
    view = Store()[run.native.id]
    found = {name: metric.last for name, metric in view.metrics.items()}
    assert math.isnan(found.pop("nan"))
    assert found == {
        "np": 2.5, "torch": 0.25, "half": 1.5, "one": 7, "bool": 1.0, "inf": -math.inf, "big": 1e300, " loss\\n": 1.0,
    }  # fmt: skip
    values = {value.name: value for value in view.values()}
    assert sorted(values) == ["empty", "large", "list", "small", "text", "texts"]
    assert (values["text"].kind, values["text"].data) == ("text", "hello")
    assert values["list"].data == "[1, 2, 3]"
    assert (values["large"].kind, sum(values["large"].data["counts"])) == ("histogram", 100)
    summary = wandb.Api().run(run.path).summary
    assert summary["list"] == [1, 2, 3]
    assert summary["bool"] is True
    assert (summary["one"], type(summary["big"])) == (7, int)
    assert "nothing" not in summary
    assert summary["small"] == [0, 1, 2, 3, 4]


def test_mistakes_in_log_are_errors():
    run = wandb.init(project="p")
    with pytest.raises(TypeError, match="dictionary"):
        run.log(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="strings"):
        run.log({1: 2})  # type: ignore[dict-item]
    for step in (1.5, "20"):
        with pytest.raises(TypeError):
            run.log({"a": 1}, step=step)  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="'summary'"):
        _ = run.sumary
    with pytest.raises(AttributeError):
        run.foo = 1
    with pytest.raises(AttributeError, match="'Histogram'"):
        _ = wandb.Histgram
    assert run.step == 0


def test_a_name_may_hold_numbers_at_first_and_texts_later():
    with wandb.init(project="p") as run:
        run.log({"a": 1.0, "b": "text", "c": {"d": 1}})
        run.log({"a": "text", "b": 2.0, "c": 3})
        assert (run.summary["a"], run.summary["b"], run.summary["c"]) == ("text", 2.0, 3)
    summary = wandb.Api().run(run.path).summary
    assert (summary["a"], summary["b"]) == ("text", 2.0)
    assert steps(run, "a") == [(0, 1.0)]


def test_what_cannot_be_logged_is_told_and_the_run_goes_on_where_it_was():
    with wandb.init(project="p", name="n" * 400) as run:
        run.log({"a": 1})
        with pytest.raises(wandb.UsageError):
            run.log({"a": 1}, step=2**70)
        with pytest.raises(ValueError, match="empty"):
            run.log({"": 1})
        assert run.step == 1
        run.log({"a": 2}, step=-5)
        run.log({"a": 3}, step=np.int64(7))
        run.log({"a": 4})
    assert steps(run, "a") == [(0, 1.0), (-5, 2.0), (7, 3.0), (7, 4.0)]
    assert [row["_step"] for row in wandb.Api().run(run.path).scan_history()] == [-5, 0, 7]
    assert len(Store()[run.native.id].name) == 250


def test_threads_that_log_lose_nothing():
    import threading

    with wandb.init(project="p") as run:
        threads = [
            threading.Thread(target=lambda: [run.log({"a": i}) for i in range(250)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert Store()[run.native.id].metrics["a"].count == 1000


# -- the life of a run -----------------------------------------------------------------------------


def test_before_init_and_after_finish_calls_say_so():
    for call in (
        lambda: wandb.log({"a": 1}),
        lambda: wandb.config.x,
        lambda: setattr(wandb.config, "x", 1),
        lambda: wandb.summary["a"],
        lambda: wandb.alert("a", "b"),
    ):
        with pytest.raises(NotStarted):
            call()
    assert wandb.run is None
    wandb.finish()
    run = wandb.init(project="p")
    assert wandb.run is run
    run.finish()
    run.finish()
    assert wandb.run is None
    with pytest.raises(RunFinished) as error:
        run.log({"a": 1})
    assert isinstance(error.value, (wandb.UsageError, NotRunning, AnewError))
    with pytest.raises(RunFinished):
        run.config.x = 1
    with pytest.raises(RunFinished):
        run.summary["x"] = 1


def test_a_second_init_gives_the_run_that_is_open_unless_told_otherwise():
    first = wandb.init(project="p")
    assert wandb.init() is first
    assert wandb.init(project="other", reinit="return_previous") is first
    beside = wandb.init(project="other", reinit="create_new")
    assert (beside is first, wandb.run is first) == (False, True)
    beside.log({"a": 1})
    first.log({"b": 1})
    beside.finish()
    new = wandb.init(project="p", reinit=True)
    assert new is not first
    assert Store()[first.native.id].status is Status.COMPLETED
    assert sorted(Store()[beside.native.id].metrics) == ["a"]
    assert wandb.init(reinit="finish_previous") is not new


def test_the_ends_of_a_run_are_statuses():
    def ended(run: Any) -> tuple[str, str | None]:
        view = Store()[run.native.id]
        return wandb.Api().run(run.id).state, view.reason

    run = wandb.init(project="p")
    assert ended(run)[0] == "running"
    run.finish(exit_code=3)
    assert ended(run) == ("failed", "exit code 3")
    with pytest.raises(ZeroDivisionError), wandb.init(project="p") as run:
        _ = 1 / 0
    assert ended(run) == ("failed", "ZeroDivisionError: division by zero")
    assert wandb.run is None
    with pytest.raises(KeyboardInterrupt), wandb.init(project="p") as run:
        raise KeyboardInterrupt
    assert ended(run)[0] == "killed"
    with wandb.init(project="p") as run:
        pass
    assert ended(run)[0] == "finished"


def test_a_program_that_does_not_call_finish_ends_as_its_exit_says(tmp_path: Path):
    program = textwrap.dedent(
        """
        import os, sys
        import anew.dialects.wandb as wandb
        how = sys.argv[1]
        run = wandb.init(project="ends", name=how)
        wandb.log({"a": 1})
        with open(os.path.join(run.dir, "own.txt"), "w") as file:
            file.write("kept")
        if how == "exit":
            sys.exit(2)
        if how == "raise":
            raise ValueError("no")
        if how == "killed":
            os.kill(os.getpid(), 9)
        if how == "zero":
            sys.exit(0)
        if how == "fork":
            if os.fork() == 0:
                sys.exit(4)
            os.wait()
        """
    )
    Path("program.py").write_text(program)
    for how in ("plain", "zero", "exit", "raise", "killed", "fork"):
        subprocess.run([sys.executable, "program.py", how], capture_output=True, check=False)
    runs = {run.name: run for run in wandb.Api().runs("ends")}
    assert {name: run.state for name, run in runs.items()} == {
        "plain": "finished",
        "zero": "finished",
        "exit": "failed",
        "raise": "failed",
        "killed": "crashed",
        "fork": "finished",
    }
    assert runs["exit"].native.reason == "exit code 2"
    assert runs["killed"].summary["a"] == 1
    for name in ("plain", "zero", "exit", "raise"):
        assert [file.name for file in runs[name].files()] == ["own.txt"], name


def test_what_a_run_says_of_itself():
    run = wandb.init(
        project="p", entity="alice", name="n", group="g", job_type="j", tags=["x"], notes="why"
    )
    assert (run.name, run.project, run.entity, run.group, run.job_type) == (
        "n",
        "p",
        "alice",
        "g",
        "j",
    )
    assert run.path == f"alice/p/{run.id}"
    assert run.native.prefix == f"alice/p/n-{run.id}"
    assert (run.tags, run.notes, run.url, run.sweep_id) == (("x",), "why", None, None)
    assert (run.step, run.starting_step, run.resumed, run.disabled, run.offline) == (
        0,
        0,
        False,
        False,
        False,
    )
    assert run.status().sync_items_pending == 0
    run.tags += ("y",)
    run.tags = tuple(tag for tag in run.tags if tag != "x")
    run.name = "lr 0.1/second"
    run.notes = "better"
    run.mark_preempting()
    assert (run.tags, run.name, run.notes) == (("y",), "lr 0.1/second", "better")
    with pytest.raises(AttributeError):
        run.group = "other"  # type: ignore[misc]
    run.finish()
    view = Store()[run.native.id]
    assert (view.name, view.notes, view.owner, view.project) == (
        "lr 0.1/second",
        "better",
        "alice",
        "p",
    )
    assert view.tags == {"y": None, "group": "g", "job_type": "j"}
    shown = wandb.Api().run(run.path)
    assert (shown.name, shown.tags, shown.group, shown.notes) == (
        "lr 0.1/second",
        ["y"],
        "g",
        "better",
    )


def test_init_refuses_what_cannot_be_and_names_what_is_near():
    with pytest.raises(TypeError):
        wandb.init(projct="x")
    for wrong in (
        {"id": "a/b"},
        {"id": ".."},
        {"project": "a/b"},
        {"project": ".."},
        {"entity": "../.."},
        {"resume": "x"},
        {"mode": "onlin"},
        {"reinit": "zzz"},
        {"settings": {"projct": "x"}},
    ):
        with pytest.raises(wandb.UsageError):
            wandb.init(**wrong)  # type: ignore[arg-type]
    for wrong in ({"fork_from": "a?_step=1"}, {"resume_from": "a?_step=1"}):
        with pytest.raises(UnsupportedError, match="history"):
            wandb.init(**wrong)  # type: ignore[arg-type]
    assert wandb.run is None
    assert not Path("experiments").exists()


def test_settings_and_variables_say_what_arguments_do_not(monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "PROJECT": "ep", "ENTITY": "ee", "NAME": "en", "RUN_GROUP": "eg", "JOB_TYPE": "ej", "TAGS": "a,b", "NOTES": "en",
        "RUN_ID": "eid", "RESUME": "allow",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"WANDB_{name}", value)
    run = wandb.init()
    assert (run.project, run.entity, run.name, run.group, run.job_type) == (
        "ep",
        "ee",
        "en",
        "eg",
        "ej",
    )
    assert (run.tags, run.notes, run.id, run.native.prefix) == (
        ("a", "b"),
        "en",
        "eid",
        "ee/ep/eid",
    )
    run.finish()
    with wandb.init(project="ap", name="an", id="aid", tags=["c"]) as run:
        assert (run.project, run.name, run.id, run.tags) == ("ap", "an", "aid", ("c",))
    with wandb.init(settings=wandb.Settings(project="sp", run_name="sn", run_id="sid")) as run:
        assert (run.project, run.name, run.id) == ("sp", "sn", "sid")
    for wrong in ({"projct": "x"}, {"x_nope": 1}):
        with pytest.raises(wandb.UsageError):
            wandb.Settings(**wrong)
    assert wandb.Settings(x_label="a", init_timeout=3).project is None
    with pytest.warns(UserWarning, match="ANEW_ROOT"):
        wandb.init(dir="elsewhere", id="other").finish()
    assert not Path("elsewhere").exists()


@pytest.mark.parametrize(
    "variable", ["WANDB_MODE=disabled", "WANDB_DISABLED=true", "ANEW_MODE=disabled"]
)
def test_disabled_every_call_does_nothing(variable: str, monkeypatch: pytest.MonkeyPatch):
    name, _, value = variable.partition("=")
    monkeypatch.setenv(name, value)
    run = wandb.init(project="dd", config={"lr": 1}, tags=["a"], id="x" if "MODE" in name else None)
    assert wandb.run is run
    run.log({"a": 1, "b": {"c": 2}, "i": wandb.Image(np.zeros((2, 2)))})
    run.summary["best"] = 3
    run.config.x = 5
    run.tags += ("b",)
    run.name = "other"
    run.define_metric("a", summary="max")
    run.alert("a", "b")
    Path("f.txt").write_text("x")
    run.save("f.txt")
    artifact = wandb.Artifact("a", "b")
    artifact.add_file("f.txt")
    assert run.log_artifact(artifact).wait().version == "v0"
    assert Path(artifact.download("got"), "f.txt").read_text() == "x"
    model = torch.nn.Linear(1, 1)
    run.watch(model, log="all", log_freq=1)
    model(torch.ones(1)).backward()
    assert (run.summary["a"], run.summary["best"], run.config.lr, run.config.x) == (1, 3, 1, 5)
    run.finish()
    assert not Path("experiments").exists()


# -- ids and resuming ------------------------------------------------------------------------------


def test_a_run_is_resumed_by_its_id_with_its_steps_config_and_summary():
    run = wandb.init(project="p", id="abc", name="first", config={"lr": 0.1, "a.b": {}}, group="g")
    run.define_metric("acc", summary="max")
    for step in range(4):
        run.log({"loss": 1.0 / (step + 1), "acc": 0.1 * (3 - step), "n": {"x": step}})
    run.summary["best"] = 7
    run.finish()
    again = wandb.init(project="p", id="abc", resume="must")
    assert (again.resumed, again.step, again.starting_step) == (True, 4, 4)
    assert (again.id, again.name, again.group) == ("abc", "first", "g")
    assert again.config.as_dict() == {"lr": 0.1, "a.b": {}}
    assert (again.summary["best"], again.summary["loss"]) == (7, 0.25)
    assert again.summary["n"]["x"] == 3
    again.log({"loss": 0.2, "acc": 0.05})
    assert again.summary["acc"]["max"] == pytest.approx(0.3)
    again.config.update({"lr": 0.2}, allow_val_change=True)
    again.finish()
    assert steps(again, "loss")[-1] == (4, 0.2)
    assert len(Store()) == 1
    shown = wandb.Api().run("p/abc")
    assert shown.summary["best"] == 7
    assert shown.summary["acc"]["max"] == pytest.approx(0.3)
    assert shown.config == {"lr": 0.2, "a.b": {}}


def test_a_run_without_an_id_is_resumed_by_the_one_it_got():
    run = wandb.init(project="p", name="first")
    run.log({"a": 1})
    run.finish()
    again = wandb.init(project="p", id=run.id, resume="allow")
    assert (again.resumed, again.step, again.native.id) == (True, 1, run.native.id)
    again.finish()
    assert len(Store()) == 1


def test_resume_must_never_and_allow():
    with pytest.raises(wandb.UsageError):
        wandb.init(project="p", id="abc", resume="must")
    wandb.init(project="p", id="abc", resume="never").finish()
    with pytest.raises(wandb.UsageError):
        wandb.init(project="p", id="abc", resume="never")
    with wandb.init(project="p", id="new", resume="allow") as run:
        assert not run.resumed
    assert wandb.run is None


def test_an_id_again_without_resume_begins_at_step_0_and_writes_nothing_over():
    for loss in (1.0, 2.0):
        with wandb.init(project="p", id="abc", config={"lr": loss}) as run:
            assert (run.step, run.resumed) == (0, False)
            run.log({"loss": loss})
    assert steps(run, "loss") == [(0, 1.0), (0, 2.0)]
    assert wandb.Api().run("p/abc").config == {"lr": 2.0}


def test_resume_auto_goes_on_with_the_last_run_that_did_not_come_to_its_end():
    with pytest.raises(ValueError, match="no"), wandb.init(project="p", resume=True) as run:
        run.log({"a": 1})
        raise ValueError("no")
    with wandb.init(project="p", resume="auto") as again:
        assert (again.id, again.resumed, again.step) == (run.id, True, 1)
    with wandb.init(project="p", resume="auto") as new:
        assert new.id != run.id
        assert not new.resumed


def test_a_run_with_an_id_is_reproduced_from_its_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # A root that is the same for every folder, also for the one in which it is run again.
    Path("own/anew").mkdir(parents=True)
    Path("own/anew/config.toml").write_text(f'root = "{tmp_path / "experiments"}"')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    program = """
        import anew.dialects.wandb as wandb
        with wandb.init(project="p", id="fixed", resume="allow", name="nice") as run:
            for epoch in range(3):
                run.log({"loss": 1 / (epoch + 1), "first": run.starting_step})
    """
    Path("code").mkdir()
    Path("code/train.py").write_text(textwrap.dedent(program))
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", *command], cwd="code", check=True)
    subprocess.run([sys.executable, "train.py"], cwd="code", check=True)
    done = subprocess.run(
        [sys.executable, "-m", "anew", "reproduce", "p/fixed"],
        cwd="code",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "IDENTICAL: all 6 points" in done.stdout + done.stderr
    assert wandb.Api().run("p/fixed").name == "nice"


# -- models and files ------------------------------------------------------------------------------


def test_watch_logs_histograms_of_gradients_and_parameters_until_it_is_told_not_to():
    run = wandb.init(project="p")
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 1))
    wandb.watch(model, log="all", log_freq=2)
    with pytest.raises(ValueError):
        wandb.watch(model)
    with pytest.raises(ValueError, match="'gradients'"):
        wandb.watch(torch.nn.Linear(1, 1), log="gradient")
    for _ in range(4):
        model.zero_grad()
        model(torch.ones(2, 4)).sum().backward()
        wandb.log({"loss": 1.0})
    gradient = model[1].bias.grad.clone()
    wandb.unwatch(model)
    model(torch.ones(2, 4)).sum().backward()
    view = Store()[run.native.id]
    names = {value.name for value in view.values(kind="histogram")}
    assert names == {
        f"{kind}/{n}" for kind in ("gradients", "parameters") for n, _ in model.named_parameters()
    }
    found = view.values("gradients/1.bias")
    assert [value.step for value in found] == [1, 3]
    assert found[-1].metadata["mean"] == gradient.item() == 2.0
    assert "gradients/1.bias" not in wandb.Api().run(run.path).summary
    run.finish()
    assert not model._forward_hooks


def test_files_are_kept_when_they_are_saved_and_at_the_end_if_they_changed():
    Path("out/deep").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "deep/c.txt"):
        Path("out", name).write_text(name)
    run = wandb.init(project="p")
    assert len(run.save("out/*.txt")) == 2
    assert len(run.save("out/deep/c.txt", base_path="out", policy="now")) == 1
    assert run.save("nothing*.txt") == []
    assert len(run.save(os.path.abspath("out/deep/c.txt"), policy="end")) == 1
    with pytest.raises(ValueError, match="policies"):
        run.save("out/a.txt", policy="never")
    with pytest.raises(ValueError, match="base_path"):
        run.save(os.path.abspath("out/a.txt"), base_path="out/deep")
    Path("out/a.txt").write_text("changed at last")
    Path("out/deep/c.txt").write_text("changed too")
    Path(run.dir, "own.json").write_text("{}")
    run.finish()
    shown = wandb.Api().run(run.path)
    contents = {}
    for kept in shown.files():
        with kept.download("copies") as file:
            contents[kept.name] = file.read()
    assert contents == {
        "out/a.txt": "changed at last", "out/b.txt": "b.txt", "deep/c.txt": "changed too", "own.json": "{}",
    }  # fmt: skip
    assert Path("copies/out/a.txt").read_text() == "changed at last"


def test_restore_gives_a_file_of_this_run_or_another_one():
    Path("model.h5").write_text("weights")
    first = wandb.init(project="p")
    first.save("model.h5")
    with pytest.raises(ValueError, match="nope"):
        wandb.restore("nope.h5")
    first.finish()
    found = wandb.restore("model.h5", run_path=first.path, root="back")
    with wandb.init(project="p"), found as file:
        assert file.read() == "weights"
        assert file.name == os.path.join("back", "model.h5")
    with pytest.raises(ValueError):
        wandb.restore("model.h5", run_path="p/unknown", root="back2")
    with pytest.raises(ValueError, match="init"):
        wandb.restore("model.h5")


def test_login_asks_for_nothing_and_every_error_is_one_of_anew():
    assert wandb.login(key="secret-key-of-mine", relogin=True) is True
    wandb.setup()
    assert issubclass(wandb.errors.CommError, (wandb.Error, NotFound, KeyError))
    assert issubclass(wandb.errors.UsageError, (AnewError, ValueError))
    assert len(wandb.util.generate_id()) == 8
    for name in ("keras", "Graph", "controller"):
        with pytest.raises(wandb.Error):
            getattr(wandb, name)


# -- a program -------------------------------------------------------------------------------------

_PROGRAM = """
    import argparse
    import random
    import IMPORT

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=4)
    args = parser.parse_args()

    wandb.init(project="simple", config=args, mode="offline")
    wandb.define_metric("acc", summary="max")
    offset = random.Random(3).random() / 5
    for epoch in range(wandb.config.epochs):
        acc = 1 - 2**-(epoch + 1) - offset
        wandb.log({"acc": acc, "epoch": epoch, "train": {"loss": 2**-epoch + offset}})
    table = wandb.Table(columns=["epoch", "word"])
    table.add_data(1, "one")
    wandb.log({"words": table})
    wandb.run.summary["lr_final"] = wandb.config.lr
    print(wandb.run.step, wandb.run.summary["acc"]["max"], sorted(wandb.config.keys()))
    wandb.finish()
"""


@pytest.mark.slow
def test_a_training_program_runs_after_its_import_is_changed(tmp_path: Path):
    said = []
    for name, line in (("theirs", "wandb"), ("ours", "anew.dialects.wandb as wandb")):
        Path(f"{name}.py").write_text(textwrap.dedent(_PROGRAM).replace("IMPORT", line))
        environ = {**os.environ, "WANDB_SILENT": "true", "WANDB_DIR": str(tmp_path)}
        found = subprocess.run(
            [sys.executable, f"{name}.py", "--lr", "0.3"],
            capture_output=True,
            text=True,
            env=environ,
            check=True,
        )
        said.append(found.stdout.strip().splitlines()[-1])
    assert said[0] == said[1]
    run = wandb.Api().runs("simple")[0]
    assert run.config == {"lr": 0.3, "epochs": 4}
    assert list(run.history()["epoch"].dropna()) == [0, 1, 2, 3]
    assert run.summary["lr_final"] == 0.3


def test_a_name_that_is_not_there_is_no_attribute():
    assert not hasattr(wandb, "controller")
    with pytest.raises(UnsupportedError, match="controller"):
        wandb.controller  # noqa: B018
