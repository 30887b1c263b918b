"""Accelerate's accelerator with our tracker."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from anew import Experiment, Status, Store, session

from .running import run_example

with warnings.catch_warnings():  # of the library's own, while it is loaded
    warnings.simplefilter("ignore")
    from accelerate import Accelerator, DistributedType
    from accelerate.state import AcceleratorState, PartialState

    from anew.integrations.accelerate import AnewTracker


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, root: Path) -> Iterator[None]:
    monkeypatch.setattr(session, "_current", None)
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    monkeypatch.setenv("ANEW_CAPTURE", "off")
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def accelerator(log_with: Any) -> Accelerator:
    return Accelerator(cpu=True, log_with=log_with)


def only(root: Path) -> Any:
    (view,) = Store(str(root))
    return view


@pytest.mark.slow
def test_the_example_logs_each_step_and_a_table(tmp_path):
    view = run_example("with_accelerate", tmp_path)["examples/sine/accelerate"]
    assert view.status is Status.COMPLETED
    assert [row["step"] for row in view.metrics["train/loss"].rows()] == list(range(240))
    assert view.metrics["val/worst"].last < 0.5
    assert (view.params["net.width"], view.params["lr"]) == (32, 0.01)
    (table,) = view.values(kind="table")
    assert (table.name, table.step) == ("errors", 240)


def test_it_is_found_by_name_once_it_is_imported(root):
    run = accelerator("anew")
    options = {"anew": {"tags": ["x"], "notes": "by name"}}
    run.init_trackers("my_project", config={"lr": 0.1}, init_kwargs=options)
    run.log({"loss": 0.5}, step=7, log_kwargs={"anew": {"metadata": {"batch": 3}}})
    exp = run.get_tracker("anew", unwrap=True)
    assert exp.status is Status.RUNNING
    run.end_training()
    view = only(root)
    assert (view.name, view.status, view.notes) == ("my_project", Status.COMPLETED, "by name")
    assert view.params == {"lr": 0.1}
    (row,) = view.metrics["loss"].rows()
    assert (row["step"], row["value"], row["metadata"]) == (7, 0.5, {"batch": 3})


@pytest.mark.parametrize("how", ["handed over", "found", "found by name"])
def test_an_experiment_of_the_programs_own_is_used_and_not_ended(root, how):
    with Experiment("a/b") as exp:
        given = {"handed over": AnewTracker(experiment=exp), "found": AnewTracker()}
        run = accelerator(given.get(how, "anew"))
        run.init_trackers("my_project")
        run.log({"loss": 0.5}, step=0)
        run.end_training()
        assert exp.status is Status.RUNNING
    assert only(root).metrics["loss"].last == 0.5


def test_texts_groups_images_and_tables_are_kept_as_what_they_are(root):
    run = accelerator(AnewTracker(experiment="net"))
    run.init_trackers("my_project")
    run.log({"answer": "seven", "loss": {"train": 1.0, "val": 2.0}}, step=1)
    tracker = run.get_tracker("anew")
    tracker.log_images({"digits": np.zeros((2, 4, 4, 3))}, step=1, caption="black")
    tracker.log_table("rows", columns=["a"], data=[[1], [2]], step=1)
    tracker.log_table("frame", dataframe=pd.DataFrame({"a": [1]}), step=1)
    run.end_training()
    view = only(root)
    assert {name: view.metrics[name].last for name in view.metrics} == {
        "loss/train": 1.0,
        "loss/val": 2.0,
    }
    assert [(v.name, v.kind, v.step) for v in view.values()] == [
        ("answer", "text", 1),
        ("digits", "image", 1),
        ("digits", "image", 1),
        ("rows", "table", 1),
        ("frame", "table", 1),
    ]


def test_in_a_with_block_it_ends_as_the_block_does(root):
    with pytest.raises(ValueError, match="no"), AnewTracker(experiment="net") as tracker:
        run = accelerator(tracker)
        run.init_trackers("my_project")
        run.end_training()
        raise ValueError("no")
    assert (only(root).status, only(root).reason) == (Status.FAILED, "ValueError: no")


def test_other_processes_than_the_first_log_nothing(root):
    tracker = AnewTracker(experiment="net")
    accelerator(tracker)
    second = {"process_index": 1, "num_processes": 2, "distributed_type": DistributedType.MULTI_CPU}
    PartialState._shared_state.update(second)  # as a launcher would have it
    tracker.__enter__()
    tracker.start()
    tracker.store_init_configuration({"lr": 1})
    tracker.log({"loss": 1.0}, step=0)
    tracker.finish()
    tracker.__exit__(None, None, None)
    assert tracker.tracker is None
    assert not root.exists()


UNCAUGHT = """
from accelerate import Accelerator
from anew.integrations.accelerate import AnewTracker

# The whole framework: `make test` does not even import it.
pytestmark = pytest.mark.slow
accelerator = Accelerator(cpu=True, log_with=AnewTracker("net"))
accelerator.init_trackers("net")
accelerator.log({"loss": 1.0}, step=0)
raise ValueError("in the middle")
"""


def test_an_exception_that_ends_the_program_fails_it(root):
    result = subprocess.run([sys.executable, "-c", UNCAUGHT], capture_output=True, check=False)
    assert result.returncode == 1
    assert (only(root).status, only(root).reason) == (Status.FAILED, "ValueError: in the middle")
