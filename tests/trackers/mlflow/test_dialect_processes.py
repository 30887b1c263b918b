"""What children of a program record, and what a run is after it was ended, restarted, deleted and restored."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import anew.dialects.mlflow as mlflow
from anew.errors import AnewError

from .world import fresh_mlflow  # noqa: F401  (a fixture)


def _work(number: int) -> tuple[str, str]:
    with mlflow.start_run(run_name=f"w{number}") as run:
        mlflow.log_metric("x", number)
    return mlflow.get_experiment(run.info.experiment_id).name, mlflow.get_tracking_uri()


def _is_active() -> Any:
    return mlflow.active_run()


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_children_record_where_their_program_chose(tmp_path: Path, method: str):
    mlflow.set_tracking_uri(tmp_path / "chosen store")
    mlflow.set_experiment("chosen")
    with multiprocessing.get_context(method).Pool(1) as pool:
        ((name, uri),) = pool.map(_work, [3])
    assert name == "chosen"
    assert uri in (str(tmp_path / "chosen store"), (tmp_path / "chosen store").as_uri())
    found = mlflow.search_runs()
    assert found["metrics.x"].tolist() == [3.0]


def test_no_run_is_active_in_a_fork():
    with mlflow.start_run(), multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_is_active) is None


def test_a_run_that_is_started_again_takes_the_name_that_is_given():
    with mlflow.start_run(run_name="old") as run:
        pass
    with mlflow.start_run(run_id=run.info.run_id, run_name="new") as again:
        assert again.info.run_name == "new"
    assert mlflow.get_run(run.info.run_id).info.run_name == "new"


def test_a_run_that_was_started_again_inside_of_its_block_ends_with_the_block():
    with mlflow.start_run() as run:
        mlflow.end_run()
        mlflow.start_run(run_id=run.info.run_id)
    assert mlflow.active_run() is None
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        mlflow.end_run()
        mlflow.start_run(run_id=run.info.run_id)
        raise ZeroDivisionError
    assert mlflow.get_run(run.info.run_id).info.status == "FAILED"


def test_a_run_is_deleted_while_it_runs_seen_as_deleted_and_restored():
    with mlflow.start_run(run_name="gone") as run:
        mlflow.log_param("lr", 1)
        mlflow.delete_run(run.info.run_id)
    info = mlflow.get_run(run.info.run_id).info
    assert (info.lifecycle_stage, info.run_name, info.experiment_id) == ("deleted", "gone", "0")
    assert mlflow.search_runs().empty
    mlflow.MlflowClient().restore_run(run.info.run_id)
    back = mlflow.get_run(run.info.run_id)
    assert (back.info.lifecycle_stage, back.data.params) == ("active", {"lr": "1"})
    with pytest.raises(mlflow.MlflowException):
        mlflow.restore_run(run.info.run_id)


def test_paths_are_made_plain_and_never_lead_outside():
    with mlflow.start_run() as run:
        mlflow.log_text("x", "dir/../f.txt")
        assert mlflow.get_artifact_uri(".") == mlflow.get_artifact_uri() == run.info.artifact_uri
        for wrong in ("../f.txt", "a/../../f.txt", "/f.txt", ".", "a/.."):
            with pytest.raises(mlflow.MlflowException):
                mlflow.log_text("x", wrong)
    assert [one.path for one in mlflow.artifacts.list_artifacts(run_id=run.info.run_id)] == [
        "f.txt"
    ]


def test_the_rows_of_a_table_come_with_what_is_known_of_their_run():
    with mlflow.start_run() as run:
        mlflow.log_param("y", 1)
        mlflow.log_metric("loss", 0.5)
        mlflow.set_tag("kind", "a")
        mlflow.log_table({"a": [1]}, "t.json")
    wanted = ["params.y", "metrics.loss", "tags.kind", "run_id", "params.other"]
    found = mlflow.load_table("t.json", extra_columns=wanted)
    assert found.columns.tolist() == ["a", *wanted]
    assert found.iloc[0].tolist() == [1, "1", 0.5, "a", run.info.run_id, None]
    with pytest.raises(mlflow.MlflowException):
        mlflow.load_table("t.json", extra_columns=["nonsense"])


@pytest.mark.parametrize(("low", "high"), [(0, 300), (-5, 255)])
def test_integers_that_no_pixel_has_are_refused(low: int, high: int):
    with mlflow.start_run():
        with pytest.raises(ValueError) as found:
            mlflow.log_image(np.array([[low, high], [1, 2]]), "i.png")
        assert isinstance(found.value, AnewError)


def test_pixels_are_kept_as_they_are_and_floats_cut_to_their_range():
    with mlflow.start_run() as run:
        mlflow.log_image(np.array([[0, 7], [200, 255]]), "i.png")
        mlflow.log_image(np.array([[True, False]]), "b.png")
        with pytest.warns(UserWarning, match="pixel"):
            mlflow.log_image(np.array([[0.0, 0.5, 2.0, -1.0]]), "f.png")

    def pixels(name: str) -> list[Any]:
        return np.asarray(mlflow.artifacts.load_image(f"runs:/{run.info.run_id}/{name}")).tolist()

    assert pixels("i.png") == [[0, 7], [200, 255]]
    assert pixels("b.png") == [[255, 0]]
    assert pixels("f.png") == [[0, 127, 255, 0]]


def test_digests_are_those_that_mlflow_makes():
    frame = pd.DataFrame({"a": [1, 2, 3], "t": [0, 1, 0]})
    assert mlflow.data.from_pandas(frame).digest == "f22172e1"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Starting with pandas")  # in what MLflow calls
def test_digests_are_those_of_mlflow_itself():
    real = pytest.importorskip("mlflow.data.digest_utils")
    frame = pd.DataFrame(
        {"text": ["a", "b", "ä"], "n": [1.5, np.nan, 3], "mixed": [1, "x", None], "when": pd.to_datetime(["2020-01-01"] * 3)}
    )  # fmt: skip
    long = pd.DataFrame({"n": np.arange(20_001), 7: ["x"] * 20_001}).rename(columns=str)
    for one in (frame, long):
        assert mlflow.data.from_pandas(one).digest == real.compute_pandas_digest(one)
    arrays = {"b": np.arange(12).reshape(3, 4), "a": np.array(["x", "y"])}
    for features, targets in ((arrays["b"], None), (arrays, np.zeros(20_001))):
        found = mlflow.data.from_numpy(features, targets=targets).digest
        assert found == real.compute_numpy_digest(features, targets)


def test_what_is_not_there_is_explained_by_its_own_entry_and_no_other():
    for name in mlflow.UNSUPPORTED:
        assert mlflow.UNSUPPORTED[name]
    with pytest.raises(AttributeError) as found:
        mlflow.evaluate  # noqa: B018
    assert mlflow.UNSUPPORTED[
        "mlflow.trace, mlflow.evaluate, mlflow.projects, mlflow.genai"
    ] in str(found.value)
    for name in ("run", "store", "log_mode"):
        with pytest.raises(AttributeError) as found:
            getattr(mlflow, name)
        assert not any(why in str(found.value) for why in mlflow.UNSUPPORTED.values())
