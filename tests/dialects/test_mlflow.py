"""Programs written for MLflow run, and leave what the same calls of Reenact leave."""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest

import reenact
import reenact.dialects.mlflow as mlflow
from reenact import Store
from reenact.dialects.mlflow import (
    UNSUPPORTED,
    MlflowClient,
    MlflowException,
    automatic,
    experiments,
    narrowing,
    places,
)
from reenact.dialects.mlflow.entities import Metric, Param, RunStatus, RunTag, ViewType
from reenact.dialects.mlflow.filters import matcher
from reenact.errors import ReenactError

from .records import recorded


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("REENACT_SYSTEM_METRICS", "0")
    monkeypatch.setenv("REENACT_CAPTURE", "off")
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(places, "_uri", None)
    monkeypatch.setattr(experiments, "_active", None)
    monkeypatch.setattr(experiments, "_known", {"0": "Default"})
    yield
    while mlflow.active_run():
        mlflow.end_run()


SCRIPT = """
import mlflow
import numpy as np
import pandas as pd

def program():
    mlflow.set_experiment("digits")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 3)), rng.normal(size=64)
    with mlflow.start_run(run_name="linear", tags={"team": "x"}, description="fit") as run:
        mlflow.log_params({"lr": 0.1, "steps": 20, "deep": False, "layers": [3, 1]})
        mlflow.log_input(mlflow.data.from_numpy(x, name="x"), context="train")
        w = np.zeros(3)
        for step in range(20):
            error = x @ w - y
            w -= 0.1 * x.T @ error / len(y)
            mlflow.log_metric("loss", float((error**2).mean()), step=step)
        mlflow.log_metrics({"final": float(np.abs(error).mean())}, step=20)
        for name in ("low", "high"):
            with mlflow.start_run(run_name=name, nested=True):
                mlflow.log_metric("loss", 0.5 if name == "low" else 2)
        mlflow.log_text("it works", "notes/a.txt")
        mlflow.log_dict({"b": [1, 2]}, "b.yaml")
        mlflow.log_dict({"b": [1, 2]}, "b.json")
        mlflow.log_table({"q": ["a"], "n": [1]}, "t.json")
        mlflow.log_table({"q": "b", "n": 2}, "t.json")
        mlflow.set_tag("done", True)
    return run.info.run_id
"""


def ran(module: ModuleType) -> Any:
    """What a program reads back of its own runs, with what differs between any two left out."""
    names: dict[str, Any] = {}
    theirs = module.__name__ == "mlflow"
    text = (
        SCRIPT if theirs else SCRIPT.replace("import mlflow", f"import {module.__name__} as mlflow")
    )
    exec(compile(text, "script", "exec"), names)
    run_id = names["program"]()
    run = module.get_run(run_id)
    frame = module.search_runs(order_by=["attributes.run_name ASC"])
    kinds = [str(kind).partition("[")[0] for kind in frame.dtypes[:9]]
    tags = {k: v for k, v in run.data.tags.items() if k in ("team", "done", "mlflow.runName")}
    own = {"mlflow.source.name", "mlflow.loggedArtifacts", "mlflow.source.git.commit"}
    columns = {c for c in frame.columns if c.removeprefix("tags.") not in own}
    found = {
        "columns": columns, "kinds": kinds, "first": list(frame.columns[:6]),
        "metrics": run.data.metrics, "params": run.data.params, "tags": tags,
        "note": run.data.tags["mlflow.note.content"],
        "status": run.info.status, "name": run.info.run_name, "stage": run.info.lifecycle_stage,
        "times": run.info.start_time <= run.info.end_time,
        "runs": frame[["status", "tags.mlflow.runName"]].to_dict("list"),
        "losses": frame["metrics.loss"].tolist(),
        "lr": [None if pd.isna(value) else value for value in frame["params.lr"]],
        "parents": [pd.isna(value) or value == run_id for value in frame["tags.mlflow.parentRunId"]],
        "history": [(m.key, m.value, m.step)
                    for m in module.MlflowClient().get_metric_history(run_id, "loss")],
        "files": [(f.path, f.is_dir, f.file_size)
                  for f in module.artifacts.list_artifacts(run_id=run_id)],
        "inside": [f.path for f in module.MlflowClient().list_artifacts(run_id, "notes")],
        "text": module.artifacts.load_text(f"runs:/{run_id}/notes/a.txt"),
        "yaml": module.artifacts.load_text(run.info.artifact_uri + "/b.yaml"),
        "json": module.artifacts.load_dict(f"runs:/{run_id}/b.json"),
        "table": module.load_table("t.json").to_dict("list"),
        "download": os.path.basename(
            module.artifacts.download_artifacts(run_id=run_id, artifact_path="notes/a.txt")),
        "inputs": [(i.dataset.name, [(t.key, t.value) for t in i.tags])
                   for i in run.inputs.dataset_inputs],
        "parts": list(run.to_dictionary()), "info": set(run.to_dictionary()["info"]),
        "experiment": module.get_experiment_by_name("digits").name,
        "experiments": [e.name for e in module.search_experiments(filter_string="name LIKE 'dig%'")],
    }  # fmt: skip
    for text in FILTERS:
        try:
            found[text] = len(module.search_runs(filter_string=text))
        except Exception as error:  # noqa: BLE001  (of either library)
            found[text] = type(error).__name__
    return found


FILTERS = [
    "metrics.loss > 1 and params.lr = '0.1'", "metrics.loss >= 2", "metrics.loss < 1e3",
    "metrics.loss != 2", "tags.team LIKE '%x%'", "tags.team LIKE 'X'", "tags.team ILIKE 'X'",
    "attributes.status = 'FINISHED'", "status != 'FINISHED'", "run_name = 'low'",
    "attributes.run_name LIKE 'l__%'", "params.nope IS NULL", "tags.team IS NOT NULL",
    "params.lr != '5'", "run_id IN ('a', 'b')", "run_id NOT IN ('a')", "metrics.`loss` > 0",
    'params."lr" = "0.1"', "datasets.name = 'x'", "tags.`mlflow.runName` = 'low'",
    "attributes.start_time > 0", "", "tags.mlflow.note.content = 'fit'", "parameters.lr = '0.1'",
    # mistakes
    "metrics.loss = '0.9'", "params.lr = 0.1", "a.b = 1", "metrics.loss > 1 OR metrics.loss < 1",
    "attributes.nope = 'x'", "params.lr > '1'", "metrics.loss >", "status LIKE 1",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::Warning:mlflow")  # their own deprecations
@pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_program_reads_back_what_it_reads_back_from_mlflow(monkeypatch: pytest.MonkeyPatch):
    import logging

    import mlflow as real

    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    logging.getLogger("alembic").setLevel(logging.ERROR)
    before = real.get_tracking_uri()
    real.set_tracking_uri("sqlite:///real.db")
    try:
        theirs = ran(real)
    finally:
        real.set_tracking_uri(before)
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            monkeypatch.delenv(name)  # theirs are kept in the environment
    ours = ran(mlflow)
    for found in (theirs, ours):
        # NaN is not equal to itself, and a table's bytes are each one's own.
        found["losses"] = [None if math.isnan(loss) else loss for loss in found["losses"]]
        found["files"] = [
            (path, folder, size) for path, folder, size in found["files"] if path != "t.json"
        ]
    for what, expected in theirs.items():
        assert ours[what] == expected, what


def test_the_calls_leave_what_the_native_calls_leave():
    Path("model.bin").write_bytes(bytes(100))
    Path("configs/deep").mkdir(parents=True)
    Path("configs/a.txt").write_text("a")
    Path("configs/deep/b.txt").write_text("b")
    mlflow.set_experiment("vision")
    with mlflow.start_run(run_name="resnet", tags={"t": 1}, description="about") as run:
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({"model": {"depth": 3}, "opt.name": "adam", "none": None})
        mlflow.log_metric("loss", 1 / 3)
        mlflow.log_metric("loss", math.inf, 5, timestamp=1234)
        mlflow.log_metric("loss", math.nan, 2)
        mlflow.log_metrics({"loss": 0.5, "acc": np.float32(0.25)}, step=2)
        mlflow.log_metrics({"loss": 0.5, "acc": np.float32(0.25)}, step=2, synchronous=False)
        mlflow.log_artifact("model.bin", "models")
        mlflow.log_artifact("configs", "all")
        mlflow.log_artifacts("configs", "some")
        mlflow.log_artifacts("configs")
        mlflow.log_text("text", "notes/n.txt")
        mlflow.log_dict({"a": [1]}, "d.json")
        mlflow.log_table({"q": ["a", "b"], "n": [1, 2]}, "t.json")
        mlflow.log_image(np.zeros((2, 3, 3), np.uint8), key="pic", step=4)
        mlflow.set_tags({"t": "2", "u": 3})
        mlflow.set_tag("gone", 1)
        mlflow.delete_tag("gone")
        mlflow.set_tag("mlflow.note.content", "new")

    native = reenact.Experiment(
        "resnet", project="vision", root="native", tags={"t": 1}, description="about"
    )
    with native:
        native.params.set(lr=0.1)
        native.params.set({"model": {"depth": 3}, "opt": {"name": "adam"}, "none": None})
        native.log_metric("loss", 1 / 3, step=0)
        native.log_metric("loss", math.inf, step=5, metadata={"timestamp": 1234})
        native.log_metric("loss", math.nan, step=2)
        for _ in range(2):
            native.log_metrics({"loss": 0.5, "acc": 0.25}, step=2)
        native.files("models").save("model.bin")
        native.files("all/configs").save("configs/a.txt")
        native.files("all/configs/deep").save("configs/deep/b.txt")
        native.files("some").save("configs/a.txt")
        native.files("some/deep").save("configs/deep/b.txt")
        native.files().save("configs/a.txt")
        native.files("deep").save("configs/deep/b.txt")
        native.files("notes").save_text("text", "n.txt")
        native.files().save({"a": [1]}, "d.json")
        table = reenact.Table({"q": ["a", "b"], "n": [1, 2]})
        native.log_value("t.json", table, metadata={"artifact_file": "t.json"})
        native.log_value("pic", reenact.Image(np.zeros((2, 3, 3), np.uint8)), 4)
        native.add_tags({"t": "2", "u": 3})
        native.set_description("new")
    first, second = recorded(run.native.folder), recorded(native.folder)
    assert repr(first) == repr(second)  # NaN is not equal to itself
    view, other = Store()[run.info.run_id], Store("native")[native.id]
    assert [(v.name, v.kind, v.step, v.data) for v in view.values()] == [
        (v.name, v.kind, v.step, v.data) for v in other.values()
    ]
    assert (view.project, view.name, view.id) == ("vision", "resnet", run.info.run_id)


def test_an_unknown_argument_is_an_error():
    with pytest.raises(TypeError, match="nme"):
        mlflow.start_run(nme="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="nme"):
        mlflow.set_experiment(nme="x")
    with pytest.raises(AttributeError, match="no registry"):
        mlflow.register_model  # noqa: B018


# -- the life of a run -----------------------------------------------------------------------------


def test_a_run_ends_as_its_block_does():
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as failed:
        _ = 1 / 0
    with pytest.raises(KeyboardInterrupt), mlflow.start_run() as killed:
        raise KeyboardInterrupt
    with mlflow.start_run() as by_hand:
        mlflow.end_run("KILLED")
        assert mlflow.active_run() is None
    mlflow.start_run()
    open_run = mlflow.active_run()
    assert open_run is not None
    assert open_run.info.status == "RUNNING"
    mlflow.end_run(RunStatus.to_string(RunStatus.FAILED))
    mlflow.end_run()  # none is active: nothing happens
    statuses = [
        mlflow.get_run(r.info.run_id).info.status for r in (failed, killed, by_hand, open_run)
    ]
    assert statuses == ["FAILED", "KILLED", "KILLED", "FAILED"]
    assert Store()[failed.info.run_id].reason == "ZeroDivisionError: division by zero"
    last = mlflow.last_active_run()
    assert last is not None
    assert last.info.run_id == open_run.info.run_id
    with mlflow.start_run(), pytest.raises(MlflowException, match="RUNNING"):
        mlflow.end_run("RUNNING")


def test_a_second_run_needs_to_be_nested_and_is_a_child():
    with mlflow.start_run(run_name="parent") as parent:
        with pytest.raises(Exception, match="already active"):
            mlflow.start_run()
        with mlflow.start_run(run_name="child", nested=True) as child:
            mlflow.log_metric("a", 1)
            assert mlflow.active_run() is child
        assert mlflow.active_run() is parent
        mlflow.log_metric("a", 2)
    with mlflow.start_run(parent_run_id=parent.info.run_id) as later:
        pass
    found = mlflow.get_parent_run(child.info.run_id)
    assert found is not None
    assert found.info.run_id == parent.info.run_id
    assert mlflow.get_parent_run(parent.info.run_id) is None
    children = Store()[parent.info.run_id].children()
    assert children.ids == [child.info.run_id, later.info.run_id]
    assert mlflow.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
    with pytest.raises(MlflowException, match="not found"):
        mlflow.start_run(parent_run_id="nowhere")


def test_a_run_is_continued_by_its_id(monkeypatch: pytest.MonkeyPatch):
    with mlflow.start_run(run_name="first") as first:
        mlflow.log_param("lr", 0.1)
        mlflow.log_metric("loss", 1, 1)
        mlflow.log_input(mlflow.data.from_numpy(np.zeros(3), name="a"))
    with mlflow.start_run(run_id=first.info.run_id, tags={"again": 1}) as again:
        assert again.info.run_name == "first"
        mlflow.log_metric("loss", 2, 2)
        mlflow.log_param("lr", 0.1)
        mlflow.log_input(mlflow.data.from_numpy(np.ones(3), name="b"))
        with pytest.raises(MlflowException, match="Changing param values"):
            mlflow.log_param("lr", 0.2)
    monkeypatch.setenv("MLFLOW_RUN_ID", first.info.run_id)
    mlflow.log_metric("loss", 3, 3)
    mlflow.end_run()
    assert "MLFLOW_RUN_ID" not in os.environ
    run = mlflow.get_run(first.info.run_id)
    assert Store()[first.info.run_id].metrics["loss"].count == 3
    assert (run.data.tags["again"], run.info.status) == ("1", "FINISHED")
    assert [one.dataset.name for one in run.inputs.dataset_inputs] == ["a", "b"]
    assert len(Store()) == 1


def test_a_log_call_without_a_run_starts_one_and_the_program_end_completes_it():
    program = (
        "import reenact.dialects.mlflow as mlflow\n"
        "mlflow.log_metric('loss', 0.5)\nprint(mlflow.active_run().info.run_id)\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    run = mlflow.get_run(done.stdout.strip())
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"loss": 0.5})
    assert run.info.experiment_id == "0"


def test_an_experiment_begun_with_reenact_takes_calls_and_is_the_parent_of_runs():
    with reenact.Experiment("around") as native:
        mlflow.log_metric("loss", 1, 1)
        mlflow.log_text("x", "a.txt")
        assert mlflow.active_run() is None
        with mlflow.start_run() as run:
            mlflow.log_metric("loss", 2, 1)
    assert Store()[native.id].metrics["loss"].last == 1
    assert Store()[run.info.run_id].parent == native.id
    assert Store()[native.id].children().ids == [run.info.run_id]


def test_programs_that_use_tensorboard_beside_it_have_experiments_of_their_own_for_both():
    from reenact.dialects.tensorboard import SummaryWriter

    writer = SummaryWriter("runs/a")
    with mlflow.start_run() as run:
        inner = SummaryWriter()
        inner.add_scalar("a", 1, 1)
        mlflow.log_metric("b", 2)
    mlflow.log_metric("c", 3)
    assert len({writer.native.id, inner.native.id, run.info.run_id}) == 3
    assert mlflow.get_parent_run(run.info.run_id) is None
    assert mlflow.get_run(run.info.run_id).data.metrics == {"b": 2}
    assert Store()["runs/a"].metrics.get("c") is None


def test_several_processes_may_begin_at_once_and_one_that_is_killed_has_failed():
    program = (
        "import os, signal, sys, reenact.dialects.mlflow as mlflow\n"
        "mlflow.set_experiment('at once')\n"
        "with mlflow.start_run(run_name=sys.argv[1]):\n"
        "    mlflow.log_metric('n', int(sys.argv[1]))\n"
        "    if sys.argv[1] == '0':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, str(n)]) for n in range(4)]
    assert [process.wait() for process in started] == [-9, 0, 0, 0]
    frame = mlflow.search_runs(
        experiment_names=["at once"], order_by=["metrics.n"], output_format="list"
    )
    assert [run.data.metrics["n"] for run in frame] == [0, 1, 2, 3]  # type: ignore[union-attr]
    assert [run.info.status for run in frame] == ["FAILED", *["FINISHED"] * 3]  # type: ignore[union-attr]


def test_threads_have_runs_of_their_own():
    ids: list[str] = []

    def work() -> None:
        with mlflow.start_run() as run:
            mlflow.log_metric("a", 1)
            ids.append(run.info.run_id)

    with mlflow.start_run() as main:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        mlflow.log_metric("b", 1)
    assert len({*ids, main.info.run_id}) == 4
    assert mlflow.get_run(main.info.run_id).data.metrics == {"b": 1}


def test_a_disabled_store_records_nothing_and_no_call_fails(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REENACT_MODE", "disabled")
    mlflow.set_experiment("none")
    for lr in (1, 2):
        with mlflow.start_run() as run:
            mlflow.log_param("lr", lr)
            mlflow.log_metric("a", 1)
            mlflow.log_text("x", "a.txt")
            mlflow.log_table({"a": [1]}, "t.json")
            mlflow.set_tag("mlflow.runName", "x")
            mlflow.log_input(mlflow.data.from_numpy(np.zeros(2)))
            assert run.data.metrics == {}
    assert len(mlflow.search_runs()) == 0
    assert os.listdir() == []


# -- parameters and tags ---------------------------------------------------------------------------


def test_a_parameter_is_set_once():
    with mlflow.start_run() as run:
        assert mlflow.log_param("lr", 0.1) == 0.1
        mlflow.log_param("lr", "0.1")  # the same text
        with pytest.raises(MlflowException, match="'lr' was already logged") as error:
            mlflow.log_params({"other": 1, "lr": 0.2})
        assert error.value.error_code == "INVALID_PARAMETER_VALUE"
        assert isinstance(error.value, ReenactError)
        with mlflow.start_run(nested=True):
            mlflow.log_param("lr", 0.2)
    assert mlflow.get_run(run.info.run_id).data.params == {"lr": "0.1"}


def test_names_with_dots_beside_one_another_are_all_kept():
    with mlflow.start_run() as run:
        mlflow.log_params({"a": 1, "a.b": 2})
        mlflow.log_param("c.d", 3)
        mlflow.log_param("c", 4)
    params = mlflow.get_run(run.info.run_id).data.params
    assert params == {"a/": "1", "a.b": "2", "c.d": "3", "c/": "4"}


def test_odd_values_of_metrics_are_told_or_kept():
    with mlflow.start_run() as run:
        for value in ("text", None, [1, 2]):
            with pytest.raises(MlflowException, match="'a'"):
                mlflow.log_metric("a", value)
        with pytest.raises(MlflowException):
            mlflow.log_metric("a\nb", 1)
        mlflow.log_metric("inf", -math.inf, 1)
        mlflow.log_metric("nan", math.nan, 1)
        for step in (5, 3, 3, -1):
            mlflow.log_metric("steps", step, step)
    data = mlflow.get_run(run.info.run_id).data
    assert data.metrics["inf"] == -math.inf
    assert math.isnan(data.metrics["nan"])
    history = MlflowClient().get_metric_history(run.info.run_id, "steps")
    assert [(m.step, m.value) for m in history] == [(5, 5), (3, 3), (3, 3), (-1, -1)]
    assert MlflowClient().get_metric_history(run.info.run_id, "nope") == []


def test_names_of_runs_come_back_as_given():
    for name in ("a/b", "..", " spaced ", "x" * 300, "line\nbreak", "plain"):
        with mlflow.start_run(run_name=name) as run:
            assert run.info.run_name == name
        assert mlflow.get_run(run.info.run_id).info.run_name == name
        inside = Path(run.native.folder).resolve().relative_to(Path("experiments").resolve())
        assert inside.parts[0] == "Default"
    with mlflow.start_run() as run:
        mlflow.set_tag("mlflow.runName", "later")
        with pytest.raises(MlflowException, match="No tag"):
            mlflow.delete_tag("nope")
    assert mlflow.get_run(run.info.run_id).info.run_name == "later"
    with mlflow.start_run(tags={"mlflow.runName": "tagged"}) as run:
        pass
    assert mlflow.get_run(run.info.run_id).info.run_name == "tagged"


# -- experiments -----------------------------------------------------------------------------------


def test_experiments_are_made_found_and_deleted():
    made = mlflow.create_experiment("one", tags={"k": 1})
    with pytest.raises(MlflowException, match="already exists") as error:
        mlflow.create_experiment("one")
    assert error.value.error_code == "RESOURCE_ALREADY_EXISTS"
    found = mlflow.get_experiment(made)
    assert (found.name, found.experiment_id, found.lifecycle_stage, found.tags) == (
        "one", made, "active", {"k": "1"},
    )  # fmt: skip
    assert mlflow.get_experiment_by_name("one") == found
    assert mlflow.get_experiment_by_name("nope") is None
    assert mlflow.get_experiment("0").name == "Default"
    for bad in ("999", "nope", "../x"):
        with pytest.raises(MlflowException):
            mlflow.get_experiment(bad)
    assert mlflow.set_experiment(experiment_id=made).name == "one"
    mlflow.set_experiment_tags({"a": 1, "b": 2})
    mlflow.set_experiment_tag("c", 3)
    mlflow.delete_experiment_tag("b")
    assert mlflow.get_experiment(made).tags == {"k": "1", "a": "1", "c": "3"}
    mlflow.set_experiment("two")
    assert [e.name for e in mlflow.search_experiments()] == ["two", "one", "Default"]
    assert [e.name for e in mlflow.search_experiments(filter_string="tags.k = '1'")] == ["one"]
    assert [e.name for e in mlflow.search_experiments(order_by=["name ASC"], max_results=2)] == [
        "Default", "one",
    ]  # fmt: skip
    mlflow.delete_experiment(made)
    assert [e.name for e in mlflow.search_experiments()] == ["two", "Default"]
    assert [e.name for e in mlflow.search_experiments(ViewType.DELETED_ONLY)] == ["one"]
    with pytest.raises(MlflowException, match="deleted"):
        mlflow.set_experiment("one")
    mlflow.restore_experiment(made)
    mlflow.set_experiment("one")
    for bad_arguments in ({}, {"experiment_name": "a", "experiment_id": "1"}):
        with pytest.raises(MlflowException, match="exactly one"):
            mlflow.set_experiment(**bad_arguments)  # type: ignore[arg-type]


def test_names_of_experiments_never_lead_outside_and_never_meet():
    names = ["a/b", "/a/b", "../x", "a:b", "a-b", "..", "logs", "weights", "/Users/me@x/exp", "a"]
    folders = set()
    for name in names:
        mlflow.set_experiment(name)
        with mlflow.start_run() as run:
            mlflow.log_param("name", name)
        folder = Path(run.native.folder).resolve()
        assert folder.is_relative_to(Path("experiments").resolve())
        folders.add(folder.parent)
    assert os.listdir() == ["experiments"]
    assert len(folders) == len(names)
    for name in names:
        found = mlflow.search_runs(experiment_names=[name])
        assert found["params.name"].tolist() == [name]
    assert len(mlflow.search_runs(search_all_experiments=True)) == len(names)
    assert len(mlflow.search_runs(["0"])) == 0
    for bad in ("", " ", None, 5):
        with pytest.raises(MlflowException, match="name"):
            mlflow.create_experiment(bad)  # type: ignore[arg-type]


def test_the_environment_names_experiment_and_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "from env")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "records")
    with mlflow.start_run() as run:
        mlflow.log_metric("a", 1)
    assert mlflow.get_tracking_uri() == "records"
    view = Store("records")[run.info.run_id]
    assert view.project == "from env"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", mlflow.create_experiment("by id"))
    with mlflow.start_run() as run:
        pass
    assert Store("records")[run.info.run_id].project == "by id"


def test_a_folder_chooses_the_store_and_a_server_is_told_once(tmp_path: Path):
    assert mlflow.get_tracking_uri() == (tmp_path / "experiments").as_uri()
    assert not mlflow.is_tracking_uri_set()
    for uri in (tmp_path / "a", "b", "file:c", (tmp_path / "d d").as_uri(), "./e"):
        mlflow.set_tracking_uri(uri)
        assert mlflow.get_tracking_uri() == str(uri)
        with mlflow.start_run() as run:
            mlflow.log_metric("x", 1)
        assert mlflow.search_runs()["run_id"].tolist() == [run.info.run_id]
    assert sorted(os.listdir()) == ["a", "b", "c", "d d", "e"]
    for uri in ("http://nowhere:5000", "sqlite:///x.db", "databricks"):
        with pytest.warns(UserWarning, match="recorded in"):
            mlflow.set_tracking_uri(uri)
        mlflow.set_tracking_uri(uri)
        with mlflow.start_run():
            pass
    assert len(Store()) == 3
    assert mlflow.is_tracking_uri_set()


# -- artifacts -------------------------------------------------------------------------------------


def test_artifacts_are_found_by_their_paths(tmp_path: Path):
    with mlflow.start_run() as run:
        mlflow.log_text("old", "a/b/n.txt")
        mlflow.log_text("new", "a/b/n.txt")
        mlflow.log_text("other", "a/m.txt")
        mlflow.log_dict({"x": 1}, "c.yml")
        mlflow.log_text("hidden", ".hidden/we:ird?.txt")
        mlflow.log_text("kept", "weights/logs/x")
        mlflow.log_text("/etc/passwd", "path.txt")  # a text, also one that looks like a path
        assert mlflow.get_artifact_uri("a") == run.info.artifact_uri + "/a"
        for bad in ("../x", "/x", "", "a/../../x", "."):
            with pytest.raises(MlflowException, match="Invalid artifact path"):
                mlflow.log_text("x", bad)
    run_id = run.info.run_id
    listed = mlflow.artifacts.list_artifacts(run_id=run_id)
    assert [(f.path, f.is_dir) for f in listed] == [
        (".hidden", True), ("a", True), ("c.yml", False), ("path.txt", False), ("weights", True),
    ]  # fmt: skip
    assert [f.path for f in mlflow.artifacts.list_artifacts(f"runs:/{run_id}/a")] == [
        "a/b", "a/m.txt",
    ]  # fmt: skip
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/.hidden/we:ird?.txt") == "hidden"
    assert mlflow.artifacts.load_text(run.info.artifact_uri + "/a/b/n.txt") == "new"
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/path.txt") == "/etc/passwd"
    assert mlflow.artifacts.load_dict(f"runs:/{run_id}/c.yml") == {"x": 1}
    to = mlflow.artifacts.download_artifacts(
        run_id=run_id, artifact_path="a", dst_path=tmp_path / "d"
    )
    assert to == str(tmp_path / "d" / "a")
    assert (Path(to) / "b" / "n.txt").read_text() == "new"
    whole = Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/"))
    assert (whole / ".hidden" / "we:ird?.txt").read_text() == "hidden"
    with pytest.raises(MlflowException, match="Failed to download"):
        mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="nope")
    for uri in ("runs:/nope/a", "file:///etc/files/passwd", "s3://a/b"):
        with pytest.raises(MlflowException):
            mlflow.artifacts.load_text(uri)
    with pytest.raises(MlflowException, match="Exactly one"):
        mlflow.artifacts.list_artifacts()


def test_figures_and_images_are_files_of_the_kind_that_their_names_say():
    import plotly.graph_objects
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1))
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    with mlflow.start_run() as run:
        mlflow.log_figure(figure, "f/fig.png", save_kwargs={"dpi": 50})
        mlflow.log_figure(figure, "fig.svg")
        mlflow.log_figure(plotly.graph_objects.Figure(), "p.html")
        mlflow.log_image(pixels, "i.png")
        mlflow.log_image(PIL.Image.fromarray(pixels), "i.jpg")
        mlflow.log_image(pixels[..., 0] / 255, key="chart", step=3, timestamp=5)
        mlflow.log_stream(io.BytesIO(b"raw"), "raw.bin")
        for arguments in ({}, {"artifact_file": "a.png", "key": "b"}):
            with pytest.raises(TypeError, match="exactly one"):
                mlflow.log_image(pixels, **arguments)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="figure"):
            mlflow.log_figure("no", "a.png")
    uri = f"runs:/{run.info.run_id}/"
    assert mlflow.artifacts.load_image(uri + "f/fig.png").size == (50, 50)
    assert "<svg" in mlflow.artifacts.load_text(uri + "fig.svg")
    assert "<html" in mlflow.artifacts.load_text(uri + "p.html")
    assert (np.asarray(mlflow.artifacts.load_image(uri + "i.png")) == pixels).all()
    assert mlflow.artifacts.load_image(uri + "i.jpg").format == "JPEG"
    (value,) = Store()[run.info.run_id].values("chart")
    assert (value.kind, value.step, value.metadata["timestamp"]) == ("image", 3, 5)


def test_tables_grow_with_every_call():
    ids = []
    for number in range(2):
        with mlflow.start_run() as run:
            mlflow.log_table({"q": ["a", "b"], "n": [1, 2]}, "eval/t.json")
            mlflow.log_table({"q": "c", "n": number}, artifact_file="eval/t.json")
            mlflow.log_table(pd.DataFrame({"q": ["d"], "n": [9]}), "eval/t.json")
            ids.append(run.info.run_id)
    one = mlflow.load_table("eval/t.json", run_ids=ids[:1], extra_columns=["run_id", "status"])
    assert one[["q", "n"]].to_dict("list") == {"q": ["a", "b", "c", "d"], "n": [1, 2, 0, 9]}
    assert set(one["run_id"]) == {ids[0]}
    assert set(one["status"]) == {"FINISHED"}
    assert len(mlflow.load_table("eval/t.json")) == 8
    path = mlflow.artifacts.download_artifacts(run_id=ids[0], artifact_path="eval/t.json")
    assert json.loads(Path(path).read_text())["columns"] == ["q", "n"]
    with pytest.raises(MlflowException, match="No runs found"):
        mlflow.load_table("nope.json")
    with pytest.raises(MlflowException, match="nope"):
        mlflow.load_table("eval/t.json", extra_columns=["nope"])


def test_data_sets_are_kept_with_their_digests():
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    frame.to_csv("data.csv", index=False)
    first, again = (mlflow.data.from_pandas(frame, "data.csv", name="csv") for _ in range(2))
    assert first.digest == again.digest
    assert mlflow.data.from_pandas(frame.assign(a=[1, 3])).digest != first.digest
    arrays = mlflow.data.from_numpy({"x": np.zeros(3)}, targets=np.ones(3), name="np")
    with mlflow.start_run() as run:
        mlflow.log_input(first, context="train", tags={"v": 1})
        mlflow.log_inputs([arrays, again], ["test", None], [None, None])
        with pytest.raises(MlflowException, match="each data set"):
            mlflow.log_inputs([arrays], ["a", "b"])
    inputs = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    assert [(i.dataset.name, i.dataset.source_type, i.dataset.digest) for i in inputs] == [
        ("csv", "local", first.digest), ("np", "code", arrays.digest), ("csv", "local", first.digest),
    ]  # fmt: skip
    assert {t.key: t.value for t in inputs[0].tags} == {"v": "1", "mlflow.data.context": "train"}
    assert "csv" in json.dumps(Store()[run.info.run_id].captured["inputs"])
    found = mlflow.search_runs(filter_string="datasets.name = 'np' and datasets.context = 'test'")
    assert len(found) == 1


# -- searching -------------------------------------------------------------------------------------


@pytest.fixture
def three() -> list[str]:
    ids = []
    for acc, lr in ((0.5, 0.1), (0.9, 0.01), (math.nan, 0.1)):
        with mlflow.start_run(run_name=f"lr{lr}", tags={"it's": "a 'quote'"}) as run:
            mlflow.log_param("lr", lr)
            mlflow.log_metrics({"acc": acc, "val/acc-5": acc})
            ids.append(run.info.run_id)
    with mlflow.start_run(run_name="empty") as run:
        ids.append(run.info.run_id)
    return ids


def test_filters_are_asked_of_every_run(three: list[str]):
    def found(text: str) -> list[int]:
        runs = mlflow.search_runs(filter_string=text, output_format="list")
        return sorted(three.index(run.info.run_id) for run in runs)

    assert found("metrics.acc > 0.6") == [1]
    assert found("metrics.acc <= 0.9 AND params.lr = '0.1'") == [0]
    assert found("metrics.acc != 0.5") == [1, 2]
    assert found("metrics.`val/acc-5` = 0.5") == found("metrics.val/acc-5 == 0.5") == [0]
    assert found("metrics.acc IN (0.5, 0.9)") == [0, 1]
    assert found("metrics.acc IS NULL") == [3]
    assert found("params.lr IN ('0.01')") == [1]
    assert found("params.lr NOT IN ('0.01')") == [0, 2]
    assert found("run_name NOT LIKE 'lr%'") == [3]
    assert found("run_name LIKE 'LR%'") == []
    assert found("run_name ILIKE 'LR0._'") == [0, 2]
    assert found(r"tags.`it's` = 'a \'quote\''") == [0, 1, 2]
    assert found('tags."it\'s" LIKE "%\'quote%"') == [0, 1, 2]
    assert found(f"run_id IN ('{three[0]}', '{three[3]}')") == [0, 3]
    assert found("status IN ('FINISHED') and end_time IS NOT NULL") == [0, 1, 2, 3]


def test_narrowing_leaves_out_no_run_that_a_filter_is_true_of(monkeypatch: pytest.MonkeyPatch):
    values = [
        0.1,
        3,
        1e-05,
        1e20,
        True,
        None,
        "True",
        "3",
        "a'b",
        [1, 2],
        math.nan,
        math.inf,
        "",
        "x" * 600,
    ]
    mlflow.set_experiment("odd (names) ^[1] it's")
    for number, value in enumerate(values):
        with mlflow.start_run(tags={"it's": str(value), "e": ""}):
            mlflow.log_params({"p": value, "q.r": value, "odd 'name'": value})
            mlflow.log_metrics({"m": number / 3, "odd 'm'": [math.nan, math.inf, 2.5][number % 3]})
    with reenact.Experiment("native", params={"p": 3}):
        pass
    filters = ["status = 'FINISHED'", "status IN ('FAILED', 'RUNNING')", "status != 'FAILED'",
               "metrics.`odd 'm'` != 2.5", "metrics.`odd 'm'` >= 2.5", "metrics.m <= 1", "tags.e = ''",
               "metrics.m IN (1, 2)", "params.p IN ('3', 'True')", "run_id = 'x'", "metrics.m > 1e20"]  # fmt: skip
    for value in values:
        text = str(value).replace("'", "\\'")
        for field in ("params.p", "params.q.r", "params.`odd 'name'`", "tags.`it's`"):
            filters += [f"{field} = '{text}'", f"{field} != '{text}'"]
    ours = [len(mlflow.search_runs(filter_string=text)) for text in filters]
    store = places.store()
    assert store is not None
    for text in filters:
        said = narrowing.narrower(matcher(text, ("status", "run_id"), lambda *_: []).conditions)
        store.list(said)  # it can be read, and names what there is
    monkeypatch.setattr("reenact.dialects.mlflow.searching.narrower", lambda conditions: None)
    assert [len(mlflow.search_runs(filter_string=text)) for text in filters] == ours
    assert ours[:3] == [len(values), 0, len(values)]
    assert sum(ours) > 100


def test_a_mistake_in_a_filter_is_pointed_at(three: list[str]):
    for text, said in (
        ("metrics.acc > 'x'", "numeric"), ("params.lr = 0.1", "quoted"), ("nope = 'x'", "nope"),
        ("metrics.acc LIKE 'x'", "LIKE"), ("params.lr IN ('a'", "closed"), ("params.lr IN 'a'", "list"),
        ("metrics.acc > 1 metrics.acc < 2", "AND"), ("metrics.acc > 1 AND", "AND"), ("$", r"\$"),
        ("metrics.acc ~ 1", "~"), ("__import__('os').system('x')", "__import__"),
        ("datasets.nope = 'x'", "dataset"), ("= 1", "field"), ("params.lr >= '1'", "comparator"),
    ):  # fmt: skip
        with pytest.raises(MlflowException, match=said):
            mlflow.search_runs(filter_string=text)
    with pytest.raises(MlflowException, match="order_by"):
        mlflow.search_runs(order_by=["metrics.acc DOWN"])
    with pytest.raises(MlflowException, match="not both"):
        mlflow.search_runs(["0"], experiment_names=["Default"])
    with pytest.raises(ValueError, match="output format"):
        mlflow.search_runs(output_format="polars")  # type: ignore[arg-type]


def test_runs_come_in_the_order_asked_for(three: list[str]):
    def order(*clauses: str, **options: Any) -> list[int]:
        runs = mlflow.search_runs(order_by=list(clauses), output_format="list", **options)
        return [three.index(run.info.run_id) for run in runs]

    assert order() == [3, 2, 1, 0]
    assert order("metrics.acc DESC") == [1, 0, 2, 3]
    assert order("metrics.acc") == [0, 1, 2, 3]
    assert order("params.lr DESC", "start_time ASC") == [0, 2, 1, 3]
    assert order("start_time ASC", max_results=2) == [0, 1]
    client = MlflowClient()
    page = client.search_runs(["0"], order_by=["start_time ASC"], max_results=3)
    rest = client.search_runs(
        ["0"], order_by=["start_time ASC"], max_results=3, page_token=page.token
    )
    assert [r.info.run_id for r in [*page, *rest]] == three
    assert rest.token is None


def test_runs_that_are_deleted_are_not_found(three: list[str]):
    mlflow.delete_run(three[0])
    assert len(mlflow.search_runs()) == 3
    assert len(mlflow.search_runs(run_view_type=ViewType.DELETED_ONLY)) == 0
    with pytest.raises(MlflowException, match="not found"):
        mlflow.get_run(three[0])
    with mlflow.start_run() as run, pytest.raises(MlflowException, match=r"being written|run"):
        mlflow.delete_run(run.info.run_id)


def test_experiments_recorded_by_other_means_are_runs_of_their_project():
    with reenact.Experiment("native", project="team/vision", params={"lr": 1}) as native:
        native.log_metric("loss", 0.5, step=1)
    mlflow.set_experiment("team/vision")
    frame = mlflow.search_runs()
    assert frame["run_id"].tolist() == [native.id]
    assert frame["metrics.loss"].tolist() == [0.5]


# -- the client ------------------------------------------------------------------------------------


def test_the_client_writes_runs_by_their_ids():
    client = MlflowClient()
    experiment = client.create_experiment("by client")
    run = client.create_run(experiment, 1000, {"k": "v"}, "named")
    run_id = run.info.run_id
    assert (run.info.status, run.info.run_name, run.info.start_time) == ("RUNNING", "named", 1000)
    client.log_metric(run_id, "loss", 0.5, 2000, 3)
    client.log_param(run_id, "lr", 0.1)
    client.log_batch(
        run_id,
        [Metric("loss", 0.25, 3000, 4), Metric("acc", 1, 3000, 4)],
        [Param("depth", "3")],
        [RunTag("t", "u")],
    )
    client.set_tag(run_id, "x", 1)
    client.delete_tag(run_id, "x")
    Path("a.txt").write_text("a")
    client.log_artifact(run_id, "a.txt", "d")
    client.log_text(run_id, "t", "t.txt")
    client.log_dict(run_id, {"a": 1}, "d.json")
    client.log_table(run_id, {"a": [1]}, "table.json")
    assert mlflow.active_run() is None
    client.set_terminated(run_id, "FAILED")
    found = client.get_run(run_id)
    assert found.info.status == "FAILED"
    assert found.data.params == {"lr": "0.1", "depth": "3"}
    assert found.data.metrics == {"loss": 0.25, "acc": 1}
    assert {k: v for k, v in found.data.tags.items() if not k.startswith("mlflow.")} == {
        "k": "v", "t": "u",
    }  # fmt: skip
    points = [(m.value, m.timestamp, m.step) for m in client.get_metric_history(run_id, "loss")]
    assert points == [(0.5, 2000, 3), (0.25, 3000, 4)]
    assert [f.path for f in client.list_artifacts(run_id)] == [
        "d", "d.json", "t.txt", "table.json",
    ]  # fmt: skip
    assert Path(client.download_artifacts(run_id, "d/a.txt")).read_text() == "a"
    assert len(client.load_table(experiment, "table.json")) == 1


def test_a_run_that_ended_takes_more_and_stays_as_it_ended():
    client = MlflowClient()
    run_id = client.create_run("0").info.run_id
    client.set_terminated(run_id, "KILLED")
    client.log_metric(run_id, "late", 1)
    client.set_tag(run_id, "late", "yes")
    client.set_tag(run_id, "mlflow.note.content", "noted")
    client.update_run(run_id, name="renamed")
    mlflow.log_metric("later", 2, run_id=run_id)
    mlflow.log_text("x", "late.txt", run_id=run_id)
    run = client.get_run(run_id)
    assert (run.info.status, run.info.run_name) == ("KILLED", "renamed")
    assert run.data.metrics == {"late": 1, "later": 2}
    assert (run.data.tags["late"], run.data.tags["mlflow.note.content"]) == ("yes", "noted")
    client.set_terminated(run_id)
    assert client.get_run(run_id).info.status == "FINISHED"
    for call in (lambda: client.get_run("nope"), lambda: client.log_metric("nope", "a", 1)):
        with pytest.raises(MlflowException, match="not found") as error:
            call()
        assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    with pytest.raises(MlflowException, match="not found"):
        client.get_run(run_id[:5])  # an id is a whole one


def test_models_are_kept_as_data():
    import lightgbm
    import torch
    import xgboost
    from sklearn.linear_model import Ridge

    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40.0)
    layer = torch.nn.Linear(3, 1)
    with mlflow.start_run() as run:
        signature = mlflow.models.infer_signature(x, y)
        info = mlflow.pytorch.log_model(layer, "model", signature=signature)
        ridge = mlflow.sklearn.log_model(sk_model=Ridge(alpha=0.5).fit(x, y), name="ridge")
        booster = xgboost.XGBRegressor(n_estimators=2).fit(x, y)
        mlflow.xgboost.log_model(booster, artifact_path="a/xgb")
        mlflow.lightgbm.log_model(
            lightgbm.LGBMRegressor(n_estimators=2, verbosity=-1).fit(x, y), "lgb"
        )
        with pytest.warns(UserWarning, match="no model is pickled"):
            mlflow.pyfunc.log_model(python_model=object(), name="odd")
    other = torch.nn.Linear(3, 1)
    assert mlflow.pytorch.load_model(info.model_uri, into=other) is other
    assert torch.equal(other.weight, layer.weight)
    about = mlflow.artifacts.load_dict(info.model_uri + "/model.json")
    assert about["class"] == "torch.nn.modules.linear.Linear"
    assert about["weights"] == info.commit
    assert about["signature"]["inputs"] == {"type": "float64", "shape": [-1, 3]}
    about = mlflow.artifacts.load_dict(ridge.model_uri + "/model.json")
    assert about["params"]["alpha"] == "0.5"
    uri = f"runs:/{run.info.run_id}"
    again = xgboost.XGBRegressor()
    again.load_model(mlflow.artifacts.download_artifacts(uri + "/a/xgb/model.ubj"))
    assert (again.predict(x) == booster.predict(x)).all()
    assert mlflow.artifacts.load_text(uri + "/lgb/model.txt").startswith("tree")
    with pytest.raises(MlflowException, match="into=model"):
        mlflow.sklearn.load_model(ridge.model_uri)
    with pytest.raises(MlflowException, match="download"):
        mlflow.xgboost.load_model(uri + "/a/xgb", into=again)
    assert not [f for f in Path("experiments").rglob("*") if f.suffix in (".pkl", ".pickle")]


def test_autolog_is_taken_and_said_to_do_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(automatic, "_told", False)
    with pytest.warns(UserWarning, match="autolog"):
        mlflow.autolog()
    mlflow.autolog()
    mlflow.sklearn.autolog(log_models=False)
    mlflow.flush_async_logging()
    mlflow.disable_system_metrics_logging()
    mlflow.enable_system_metrics_logging()
    assert "autolog()" in UNSUPPORTED


def test_every_fluent_call_that_is_here_takes_what_mlflow_takes():
    import inspect

    import mlflow as real

    for ours, theirs in ((mlflow, real), (MlflowClient, real.MlflowClient)):
        names = (
            mlflow.__all__ if ours is mlflow else [n for n in dir(ours) if not n.startswith("_")]
        )
        for name in names:
            call, other = getattr(ours, name), getattr(theirs, name, None)
            if not inspect.isfunction(call) or not inspect.isfunction(other) or name == "autolog":
                continue
            taken = [*inspect.signature(call).parameters]
            known = [p for p in inspect.signature(other).parameters if p != "trace_location"]
            assert taken[: len(known)] == known or name == "set_experiment", name
