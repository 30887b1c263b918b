"""What belongs to a process, what can be copied, and which run `init` gives while others are open."""

from __future__ import annotations

import copy
import io
import math
import multiprocessing
import os
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import anew.dialects.wandb as wandb
from anew.errors import AnewError


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    yield
    wandb.teardown()


def _sent(value: object) -> Any:
    """What another process gets of it."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301  (its own bytes)


def _fold(number: int) -> str:
    run = wandb.init(project="folds", name=f"fold{number}", config={"fold": number})
    for step in range(3):
        run.log({"x": 10 * number + step})
    wandb.finish()
    return str(run.id)


def _beside(number: int) -> str:
    assert wandb.run is not None  # the parent's
    wandb.log({"from": number})
    return str(wandb.run.id)


def test_a_forked_worker_that_calls_init_has_a_run_of_its_own():
    parent = wandb.init(project="folds", name="parent")
    parent.log({"x": 100})
    with multiprocessing.get_context("fork").Pool(2) as pool:
        folds = pool.map(_fold, [1, 2], chunksize=1)
    parent.log({"x": 200})
    parent.finish()
    assert len({parent.id, *folds}) == 3
    seen = {run.name: run for run in wandb.Api().runs("folds")}
    assert {name: [row["x"] for row in run.history(pandas=False)] for name, run in seen.items()} == {
        "parent": [100, 200], "fold1": [10, 11, 12], "fold2": [20, 21, 22],
    }  # fmt: skip
    assert seen["fold2"].config == {"fold": 2}
    assert seen["parent"].config == {}


def test_a_forked_worker_without_a_run_of_its_own_logs_to_its_parents():
    parent = wandb.init(project="folds")
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map(_beside, [7]) == [parent.id]
    parent.finish()
    assert wandb.Api().run(parent.path).summary["from"] == 7


def test_a_config_is_copied_and_pickled_without_its_run():
    run = wandb.init(project="p", config={"lr": 0.1, "nested": {"a": [1]}})
    copies = [
        copy.copy(run.config),
        copy.deepcopy(run.config),
        _sent(run.config),
    ]
    copies.append(copy.deepcopy({"config": run.config})["config"])
    for one in copies:
        assert isinstance(one, wandb.Config)
        assert dict(one) == {"lr": 0.1, "nested": {"a": [1]}}
        one.update({"lr": 5}, allow_val_change=True)
    assert run.config.lr == 0.1
    assert run.native.params.get()["lr"] == 0.1


def test_a_summary_is_copied_and_pickled_as_what_it_says():
    run = wandb.init(project="p")
    run.log({"a": {"b": 1}})
    assert _sent(dict(run.summary))["a"] == {"b": 1}
    assert copy.deepcopy(run.summary)["a"] == {"b": 1}


def test_what_holds_a_run_can_be_copied_saved_and_sent():
    torch = pytest.importorskip("torch")
    run = wandb.init(project="p", config={"lr": 0.1})
    assert copy.deepcopy({"run": run})["run"] is run
    assert _sent(run) is run
    torch.save({"config": wandb.config, "run": run}, io.BytesIO())
    text = pickle.dumps(run)
    run.finish()
    assert pickle.loads(text).id == run.id  # noqa: S301  (as the `Api` shows it)


def test_a_run_that_is_to_be_resumed_is_never_another_one():
    first = wandb.init(project="p")
    first.log({"acc": 1})
    first.finish()
    second = wandb.init(project="p")
    with pytest.raises(wandb.Error):
        wandb.init(project="p", id=first.id, resume="must")
    again = wandb.init(project="p", id=first.id, resume="must", reinit="create_new")
    again.log({"acc": 99})
    again.finish()
    assert (again.id, wandb.run) == (first.id, second)
    second.finish()
    accs = {run.id: run.summary.get("acc") for run in wandb.Api().runs("p")}
    assert accs == {first.id: 99, second.id: None}


def test_which_run_the_modules_calls_mean():
    beside = wandb.init(project="p", reinit="create_new")
    assert wandb.run is None
    one = wandb.init(project="p", reinit="create_new")
    assert wandb.init(project="p", reinit="return_previous") is one
    with pytest.raises(wandb.Error):
        wandb.init(project="p", id=one.id, reinit="create_new")
    last = wandb.init(project="p", reinit="finish_previous")
    assert wandb.run is last
    for ended in (beside, one):
        with pytest.raises(wandb.UsageError):
            ended.log({"a": 1})
    last.finish()
    assert wandb.run is None


def test_a_config_that_was_assigned_to_the_module_is_the_runs_after_init():
    wandb.config = {"epochs": 2}
    assert wandb.config == {"epochs": 2}
    run = wandb.init(project="p", config=wandb.config)
    assert wandb.config is run.config
    assert run.config.epochs == 2
    del wandb.config


def test_notes_stay_and_tags_are_those_given_when_a_run_is_resumed():
    run = wandb.init(project="p", id="n", notes="hello", tags=["t1"])
    run.finish()
    run = wandb.init(project="p", id="n", resume="must", tags=["t2"])
    assert (run.notes, run.tags) == ("hello", ("t2",))
    run.finish()
    shown = wandb.Api().run("p/n")
    assert (shown.notes, shown.tags) == ("hello", ["t2"])
    run = wandb.init(project="p", id="n", resume="must")
    assert run.tags == ("t2",)


def test_after_the_end_nothing_is_changed():
    run = wandb.init(project="p", notes="why")
    run.finish()
    for name, value in (("name", "x"), ("notes", "x"), ("tags", ("x",))):
        with pytest.raises(wandb.UsageError) as found:
            setattr(run, name, value)
        assert isinstance(found.value, AnewError)
    assert wandb.Api().run(run.path).notes == "why"


def test_a_summarised_metric_that_was_nan_once_says_so():
    run = wandb.init(project="p")
    run.define_metric("v", summary="min,max,mean,last")
    for value in (2.0, math.nan, 4.0):
        run.log({"v": value})
    run.finish()
    for said in (run.summary["v"], wandb.Api().run(run.path).summary["v"]):
        assert said["last"] == 4.0
        assert all(math.isnan(said[op]) for op in ("min", "max", "mean"))


def test_a_disabled_run_does_nothing_after_its_end_and_with_what_is_missing():
    run = wandb.init(project="p", mode="disabled")
    assert run.use_artifact("x:latest") is None
    assert run.log_artifact("missing").wait().name is not None
    run.finish()
    run.log({"a": 1})
    run.tags = ("x",)
