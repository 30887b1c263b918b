"""MLflow's registry of models through the dialect: the same calls leave what they leave at MLflow, as models of the store."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anew.dialects.mlflow as mlflow
from anew import Store

from .world import fresh_mlflow as fresh_mlflow


def story(mlflow: Any, client: Any) -> list[Any]:
    """What a program does with the registry, and what it is told of it."""
    told: list[Any] = []

    def refused(call: Any, *given: Any) -> None:
        try:
            call(*given)
        except mlflow.MlflowException as error:
            told.append(error.error_code)
        else:
            told.append("done")

    def shown(one: Any) -> dict[str, Any]:
        kept = {name: getattr(one, name) for name in ("name", "description", "tags")}
        for name in ("version", "aliases", "current_stage", "status"):
            value = getattr(one, name, None)
            kept[name] = sorted(value) if isinstance(value, list) else value
        return kept

    with mlflow.start_run() as run:
        mlflow.log_text("weights", "model/weights.txt")
        mlflow.log_text("other", "second/weights.txt")
        for folder in ("model", "second"):  # MLflow looks for it
            mlflow.log_text("flavors: {}\n", f"{folder}/MLmodel")
    uri = f"runs:/{run.info.run_id}"
    told.append(shown(client.create_registered_model("net", {"a": "b"}, "a net")))
    refused(client.create_registered_model, "net")
    first = client.create_model_version("net", f"{uri}/model", run.info.run_id, tags={"x": "1"})
    told += [shown(first), first.source == f"{uri}/model", first.run_id == run.info.run_id]
    told.append(shown(mlflow.register_model(f"{uri}/second", "net", tags={"y": "2"})))
    client.set_registered_model_alias("net", "best", 1)
    client.set_registered_model_alias("net", "best", "2")
    told.append(shown(client.get_model_version_by_alias("net", "best")))
    told.append(shown(client.get_registered_model("net")))
    refused(client.get_model_version_by_alias, "net", "nowhere")
    refused(client.get_registered_model, "nowhere")
    refused(client.get_model_version, "net", 9)
    client.set_model_version_tag("net", "1", "stage", "done")
    client.delete_model_version_tag("net", "1", "x")
    client.update_model_version("net", 1, "first")
    client.set_registered_model_tag("net", "c", "d")
    client.delete_registered_model_tag("net", "a")
    client.update_registered_model("net", "nets")
    told.append(shown(client.get_model_version("net", 1)))
    client.rename_registered_model("net", "network")
    told.append(shown(client.get_registered_model("network")))
    client.create_registered_model("another")
    for text in ("name = 'network'", "name LIKE 'net%'", "tags.c = 'd'", ""):
        found = client.search_registered_models(text)
        told.append(sorted(one.name for one in found))
    for text in (f"run_id = '{run.info.run_id}'", "name = 'network' and tags.stage = 'done'", "name='another'"):  # fmt: skip
        found = client.search_model_versions(text)
        told.append(sorted((one.name, int(one.version)) for one in found))
    refused(client.search_registered_models, "nam = 'x'")
    client.delete_registered_model_alias("network", "best")
    told.append(shown(client.get_registered_model("network")))
    client.delete_model_version("network", 2)
    told.append([int(one.version) for one in client.search_model_versions("name = 'network'")])
    client.delete_registered_model("network")
    refused(client.get_registered_model, "network")
    again = mlflow.register_model(f"{uri}/model", "network")
    told.append(int(again.version))
    path = Path(mlflow.artifacts.download_artifacts("models:/network/1"))
    told.append(sorted(one.name for one in path.rglob("*.txt")))
    return told


def test_the_registry_is_the_models_of_the_store(fresh_mlflow: None):
    story(mlflow, mlflow.MlflowClient())
    with Store() as store:
        assert sorted(one.name for one in store.models) == ["another", "network"]
        version = store.models["network:1"]
        assert (version.fact.points_to, version.fact.ref) == ("mlflow", "model")
        assert version.files()[-1].read_text() == "weights"
        assert [one.name for one in store.models.deleted()] == ["network"]
        up = store.lineage("network:1")
        assert up.experiment is not None


def test_a_logged_model_is_registered_and_loaded_by_its_alias(fresh_mlflow: None):
    weights = {"w": np.arange(3.0)}
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(weights, "model", registered_model_name="net")
    client = mlflow.MlflowClient()
    client.set_registered_model_alias("net", "live", 1)
    about = mlflow.artifacts.load_dict("models:/net@live/model.json")
    assert about["weights"] == info.commit
    assert mlflow.sklearn.load_model("models:/net@live")["w"].tolist() == [0, 1, 2]
    assert dataclasses.is_dataclass(client.get_model_version("net", 1))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mlflow_itself_says_the_same(tmp_path: Path, fresh_mlflow: None):
    import mlflow as real

    ours = story(mlflow, mlflow.MlflowClient())
    real.set_tracking_uri(f"sqlite:///{tmp_path}/m.db")
    real.set_registry_uri(f"sqlite:///{tmp_path}/m.db")
    real.create_experiment("here", (tmp_path / "artifacts").as_uri())
    real.set_experiment("here")
    assert ours == story(real, real.MlflowClient())
