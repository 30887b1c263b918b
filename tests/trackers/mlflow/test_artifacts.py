"""Files, figures, tables and data sets that a program for MLflow logs are found by their paths."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest

import anew.dialects.mlflow as mlflow
from anew import Store
from anew.dialects.mlflow import (
    MlflowException,
)

from .world import fresh_mlflow as fresh_mlflow


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
            with pytest.raises(MlflowException):
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
    with pytest.raises(MlflowException):
        mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="nope")
    for uri in ("runs:/nope/a", "file:///etc/files/passwd", "s3://a/b"):
        with pytest.raises(MlflowException):
            mlflow.artifacts.load_text(uri)
    with pytest.raises(MlflowException):
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
            with pytest.raises(TypeError):
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
    with pytest.raises(MlflowException):
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
        with pytest.raises(MlflowException):
            mlflow.log_inputs([arrays], ["a", "b"])
    inputs = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    assert [(i.dataset.name, i.dataset.source_type, i.dataset.digest) for i in inputs] == [
        ("csv", "local", first.digest), ("np", "code", arrays.digest), ("csv", "local", first.digest),
    ]  # fmt: skip
    assert {t.key: t.value for t in inputs[0].tags} == {"v": "1", "mlflow.data.context": "train"}
    assert "csv" in json.dumps(Store()[run.info.run_id].captured["inputs"])
    found = mlflow.search_runs(filter_string="datasets.name = 'np' and datasets.context = 'test'")
    assert len(found) == 1


@pytest.mark.parametrize(
    ("image", "error"),
    [
        ("not an image", TypeError),
        (np.tile("a", (1, 1, 3)), TypeError),
        (np.zeros((1,), np.uint8), ValueError),
        (np.zeros((1, 1, 5), np.uint8), ValueError),
        (np.array([[256]]), ValueError),
    ],
)
def test_what_is_no_picture_is_refused_as_mlflow_refuses_it(image: Any, error: type[Exception]):
    with mlflow.start_run(), pytest.raises(error) as refused:
        mlflow.log_image(image, "image.png")
    assert isinstance(refused.value, mlflow.MlflowException)


def test_nothing_of_a_batch_is_logged_when_a_part_of_it_cannot_be():
    client = mlflow.MlflowClient()
    with mlflow.start_run() as run:
        point = mlflow.entities.Metric("loss", 0.5, 0, 0)
        for wrong in (
            {"params": [mlflow.entities.Param("a", "1"), mlflow.entities.Param("a", "2")]},
            {"params": [mlflow.entities.Param("../a", "1")]},
            {"tags": [mlflow.entities.RunTag(None, "1")]},
        ):
            with pytest.raises(mlflow.MlflowException):
                client.log_batch(run.info.run_id, metrics=[point], **wrong)
    assert mlflow.get_run(run.info.run_id).data.metrics == {}


@pytest.mark.parametrize("experiment_id", [[], (), {}, ["a"]])
def test_an_id_of_an_experiment_is_a_text_or_a_number(experiment_id: Any):
    with pytest.raises(mlflow.MlflowException):
        mlflow.start_run(experiment_id=experiment_id)
    with pytest.raises(mlflow.MlflowException):
        mlflow.start_run(tags={"mlflow.note.content": "a"}, description="b")
