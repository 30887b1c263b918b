"""Programs written for MLflow run, and leave what the same calls of Anew leave."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import anew
import anew.dialects.mlflow as mlflow
from anew import Store
from anew.dialects.mlflow import (
    MlflowClient,
    MlflowException,
)
from anew.dialects.mlflow.entities import Metric, Param, RunStatus, RunTag, ViewType
from anew.errors import AnewError

from ...dialects.records import recorded
from .world import fresh_mlflow as fresh_mlflow


def is_invalid(error: MlflowException) -> bool:
    """Whether MLflow's own code says that an argument was wrong."""
    return error.error_code == "INVALID_PARAMETER_VALUE"


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

    native = anew.Experiment(
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
        table = anew.Table({"q": ["a", "b"], "n": [1, 2]})
        native.log_value("t.json", table, metadata={"artifact_file": "t.json"})
        native.log_value("pic", anew.Image(np.zeros((2, 3, 3), np.uint8)), 4)
        listed = json.dumps([{"path": "t.json", "type": "table"}])
        native.add_tags({"t": "2", "mlflow.loggedArtifacts": listed, "u": 3})
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
    with pytest.raises(AttributeError):
        mlflow.evaluate  # noqa: B018


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
    with mlflow.start_run(), pytest.raises(MlflowException, check=is_invalid):
        mlflow.end_run("RUNNING")


def test_a_second_run_needs_to_be_nested_and_is_a_child():
    with mlflow.start_run(run_name="parent") as parent:
        with pytest.raises(MlflowException) as error:
            mlflow.start_run()
        assert error.value.error_code == "INVALID_STATE"
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
    with pytest.raises(MlflowException):
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
        with pytest.raises(MlflowException):
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
        "import anew.dialects.mlflow as mlflow\n"
        "mlflow.log_metric('loss', 0.5)\nprint(mlflow.active_run().info.run_id)\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    run = mlflow.get_run(done.stdout.strip())
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"loss": 0.5})
    assert run.info.experiment_id == "0"


def test_an_experiment_begun_with_anew_takes_calls_and_is_the_parent_of_runs():
    with anew.Experiment("around") as native:
        mlflow.log_metric("loss", 1, 1)
        mlflow.log_text("x", "a.txt")
        assert mlflow.active_run() is None
        with mlflow.start_run() as run:
            mlflow.log_metric("loss", 2, 1)
    assert Store()[native.id].metrics["loss"].last == 1
    assert Store()[run.info.run_id].parent == native.id
    assert Store()[native.id].children().ids == [run.info.run_id]


def test_programs_that_use_tensorboard_beside_it_have_experiments_of_their_own_for_both():
    from anew.dialects.tensorboard import SummaryWriter

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
        "import os, signal, sys, anew.dialects.mlflow as mlflow\n"
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
    monkeypatch.setenv("ANEW_MODE", "disabled")
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
        with pytest.raises(MlflowException) as error:
            mlflow.log_params({"other": 1, "lr": 0.2})
        assert error.value.error_code == "INVALID_PARAMETER_VALUE"
        assert isinstance(error.value, AnewError)
        with mlflow.start_run(nested=True):
            mlflow.log_param("lr", 0.2)
    assert mlflow.get_run(run.info.run_id).data.params == {"lr": "0.1"}


def test_names_with_dots_beside_one_another_are_all_kept():
    with mlflow.start_run() as run:
        mlflow.log_params({"a": 1, "a.b": 2})
        mlflow.log_param("c.d", 3)
        mlflow.log_param("c", 4)
    params = mlflow.get_run(run.info.run_id).data.params
    assert params == {"a": "1", "a.b": "2", "c.d": "3", "c": "4"}


def test_odd_values_of_metrics_are_told_or_kept():
    with mlflow.start_run() as run:
        for value in ("text", [1, 2]):
            with pytest.raises(MlflowException, check=is_invalid):
                mlflow.log_metric("a", value)
        mlflow.log_metric("none", None)
        mlflow.log_metric("a\nb", 1)
        mlflow.log_metric("inf", -math.inf, 1)
        mlflow.log_metric("nan", math.nan, 1)
        for step in (5, 3, 3, -1):
            mlflow.log_metric("steps", step, step)
    data = mlflow.get_run(run.info.run_id).data
    assert data.metrics["inf"] == -math.inf
    assert data.metrics["a\\nb"] == 1
    assert "none" not in data.metrics
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
        with pytest.raises(MlflowException):
            mlflow.delete_tag("nope")
    assert mlflow.get_run(run.info.run_id).info.run_name == "later"
    with mlflow.start_run(tags={"mlflow.runName": "tagged"}) as run:
        pass
    assert mlflow.get_run(run.info.run_id).info.run_name == "tagged"


# -- experiments -----------------------------------------------------------------------------------


def test_experiments_are_made_found_and_deleted():
    made = mlflow.create_experiment("one", tags={"k": 1})
    with pytest.raises(MlflowException) as error:
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
    with pytest.raises(MlflowException, check=is_invalid):
        mlflow.set_experiment("one")
    mlflow.restore_experiment(made)
    mlflow.set_experiment("one")
    for bad_arguments in ({}, {"experiment_name": "a", "experiment_id": "1"}):
        with pytest.raises(MlflowException):
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
        with pytest.raises(MlflowException, check=is_invalid):
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
        with pytest.raises(MlflowException) as error:
            call()
        assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    with pytest.raises(MlflowException):
        client.get_run(run_id[:5])  # an id is a whole one


def test_models_are_kept_as_data():
    import lightgbm
    import torch
    import xgboost
    from sklearn.linear_model import Ridge

    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40.0)
    layer = torch.nn.Linear(3, 1)
    with mlflow.start_run() as run:
        signature = mlflow.models.signature.infer_signature(x, y)
        info = mlflow.pytorch.log_model(layer, "model", signature=signature)
        ridge = mlflow.sklearn.log_model(sk_model=Ridge(alpha=0.5).fit(x, y), name="ridge")
        booster = xgboost.XGBRegressor(n_estimators=2).fit(x, y)
        mlflow.xgboost.log_model(booster, artifact_path="a/xgb")
        mlflow.lightgbm.log_model(
            lightgbm.LGBMRegressor(n_estimators=2, verbosity=-1).fit(x, y), "lgb"
        )
        odd = mlflow.pyfunc.log_model(python_model=object(), name="odd")
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
    with pytest.raises(MlflowException, match="trust"):
        mlflow.pyfunc.load_model(odd.model_uri)
    with pytest.raises(MlflowException, match="download"):
        mlflow.xgboost.load_model(uri + "/a/xgb", into=again)
    pickles = {f.name for f in Path("experiments").rglob("*") if f.suffix in (".pkl", ".pickle")}
    assert len(pickles) == 2, "of the module's code, and of the model that has no format"


def test_calls_that_have_nothing_to_do_are_taken():
    mlflow.flush_async_logging()
    mlflow.disable_system_metrics_logging()
    mlflow.enable_system_metrics_logging()


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
