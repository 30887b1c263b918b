"""Logged models, pictures with a key, pictures in tables, and data sets that are only named."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import anew.dialects.mlflow as mlflow
from anew.dialects.mlflow.entities import LoggedModelStatus

from .world import fresh_mlflow as fresh_mlflow


@pytest.fixture(autouse=True)
def _no_model(fresh_mlflow: Any) -> Any:
    yield
    mlflow.clear_active_model()


def test_metrics_are_of_the_active_model():
    model = mlflow.create_external_model(name="net", params={"lr": 0.1}, tags={"team": "vision"})
    with mlflow.set_active_model(name="net") as active:
        assert active.model_id == mlflow.get_active_model_id() == model.model_id
        with mlflow.start_run() as run:
            mlflow.log_metrics({"loss": 1.0, "acc": 0.5})
            mlflow.log_metric("loss", 0.25, step=1)
    assert mlflow.get_active_model_id() is None
    with mlflow.start_run():
        mlflow.log_metric("loss", 9.0)
    found = mlflow.get_logged_model(model.model_id)
    assert {one.key: (one.value, one.run_id) for one in found.metrics} == {
        "loss": (0.25, run.info.run_id), "acc": (0.5, run.info.run_id),
    }  # fmt: skip
    assert (found.params, found.tags["team"], found.status) == (
        {"lr": "0.1"},
        "vision",
        LoggedModelStatus.READY,
    )
    assert mlflow.create_external_model(name="other").metrics is None


def test_a_logged_model_is_of_the_run_that_makes_it():
    with mlflow.start_run(experiment_id=mlflow.create_experiment("own")) as run:
        model = mlflow.initialize_logged_model()
    assert (model.source_run_id, model.experiment_id) == (run.info.run_id, run.info.experiment_id)
    assert model.status == LoggedModelStatus.PENDING
    assert mlflow.finalize_logged_model(model.model_id, "FAILED").status == LoggedModelStatus.FAILED
    other = threading.Thread(target=mlflow.initialize_logged_model)
    other.start()
    other.join()
    assert mlflow.last_logged_model().model_id == model.model_id
    mlflow.set_tracking_uri("elsewhere")
    assert mlflow.last_logged_model() is None


def test_logged_models_are_found_by_what_is_said_of_them():
    client = mlflow.MlflowClient()
    made = [client.create_logged_model("0", f"m{n}", tags={"n": str(n)}) for n in range(3)]
    client.log_model_params(made[1].model_id, {"depth": 3})
    client.delete_logged_model(made[2].model_id)

    def names(text: str = "", **more: Any) -> list[str]:
        found = mlflow.search_logged_models(filter_string=text, output_format="list", **more)
        return [one.name for one in found]

    assert names() == ["m1", "m0"]
    assert names("params.depth = '3'") == ["m1"]
    assert names("tags.n = '0' AND name LIKE 'm%'") == ["m0"]
    assert names(order_by=[{"field_name": "name"}], max_results=1) == ["m0"]
    page = client.search_logged_models(["0"], max_results=1)
    assert [one.name for one in client.search_logged_models(["0"], page_token=page.token)] == ["m0"]
    assert list(mlflow.search_logged_models()["name"]) == ["m1", "m0"]
    client.set_logged_model_tags(made[0].model_id, {"kept": "yes"})
    client.delete_logged_model_tag(made[0].model_id, "n")
    assert mlflow.get_logged_model(made[0].model_id).tags == {"kept": "yes"}


def test_what_cannot_be_said_of_a_model_is_refused():
    model = mlflow.create_external_model(name="net")
    for call in (
        lambda: mlflow.set_active_model(),
        lambda: mlflow.set_active_model(name="abc", model_id=model.model_id),
        lambda: mlflow.set_active_model(model_id="1234"),
        lambda: mlflow.set_logged_model_tags("1234", {"a": "b"}),
        lambda: mlflow.delete_logged_model_tag(model.model_id, "none"),
        lambda: mlflow.log_model_params({"a": 1}),
        lambda: mlflow.create_external_model(name="a/b"),
        lambda: mlflow.finalize_logged_model(model.model_id, "DONE"),
    ):
        with pytest.raises(mlflow.MlflowException):
            call()


def test_pictures_with_a_key_are_among_the_artifacts(tmp_path: Path):
    picture = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    with mlflow.start_run() as run:
        for _ in range(2):
            mlflow.log_image(picture, key="cats/one", step=7, timestamp=100)
    run_id = run.info.run_id
    listed = mlflow.artifacts.list_artifacts(run_id=run_id, artifact_path="images")
    assert len(listed) == 4
    folder = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="images", dst_path=str(tmp_path))  # fmt: skip
    names = sorted(os.listdir(folder))
    assert all(name.startswith("cats~one+step+7+timestamp+100+") for name in names)
    said = json.loads(Path(folder, names[0]).read_text())
    assert (said["key"], said["step"], said["timestamp"]) == ("cats/one", 7, 100)
    again = mlflow.artifacts.load_image(f"runs:/{run_id}/{said['filepath']}")
    assert np.array_equal(np.asarray(again), picture)


def test_pictures_in_a_table_are_files_and_the_cells_say_where():
    picture = mlflow.Image([[1, 2, 3]])
    with mlflow.start_run() as run:
        for _ in range(2):
            mlflow.log_table({"a": [1, 2], "image": [picture, picture]}, "t.json")
        with pytest.raises(ValueError):
            mlflow.log_table({"image": [picture, "text"]}, "other.json")
    table = mlflow.load_table("t.json", [run.info.run_id])
    assert list(table["a"]) == [1, 2, 1, 2]
    with pytest.raises(KeyError, match="no fact"):
        mlflow.load_table("t.json", [run.info.run_id], extra_columns=["nothing"])
    cell = table["image"][2]
    assert cell["type"] == "image"
    path = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=cell["filepath"])  # fmt: skip
    with PIL.Image.open(io.BytesIO(Path(path).read_bytes())) as kept:
        assert np.array_equal(np.asarray(kept), picture.to_array())
    tag = mlflow.get_run(run.info.run_id).data.tags["mlflow.loggedArtifacts"]
    assert json.loads(tag) == [{"path": "t.json", "type": "table"}]


def test_data_that_are_only_named_are_inputs():
    from anew.dialects.mlflow.data import HTTPDatasetSource, MetaDataset

    data = MetaDataset(HTTPDatasetSource("test:/uri"), name="mine")
    with mlflow.start_run() as run:
        mlflow.log_input(data, "train")
        mlflow.log_metric("acc", 0.5, dataset=data)
    (found,) = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.source_type) == ("mine", "http")
    assert json.loads(found.dataset.source) == {"url": "test:/uri"}


def test_a_model_that_is_kept_is_a_logged_model():
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model({"w": np.arange(3.0)}, "models/net.v2")
    found = mlflow.get_logged_model(info.model_id)
    assert (found.name, found.source_run_id) == ("net_v2", run.info.run_id)
    assert mlflow.last_logged_model().model_id == info.model_id
    again = mlflow.sklearn.load_model(found.model_uri)
    assert np.array_equal(again["w"], np.arange(3.0))
    mlflow.delete_logged_model_tag(info.model_id, "anew.model.address")
    with pytest.raises(mlflow.MlflowException):
        mlflow.sklearn.load_model(found.model_uri)
