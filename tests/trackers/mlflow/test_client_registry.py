"""The unmodified client of MLflow registers a model at our server and loads it, as it does at MLflow's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew import Store
from serving import over_a_socket

from .clients import said, theirs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::Warning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

PROGRAM = """
import json, sys
import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

class Twice(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * x for x in model_input]

mlflow.set_experiment("lab/vision")
client = MlflowClient()
said = {}
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 0.5)
    logged = mlflow.pyfunc.log_model(name="model", python_model=Twice(), registered_model_name="twice")
said["registered"] = int(logged.registered_model_version)
client.set_registered_model_alias("twice", "best", 1)
said["by alias"] = mlflow.pyfunc.load_model("models:/twice@best").predict([1, 2])
said["by number"] = mlflow.pyfunc.load_model("models:/twice/1").predict([3])
second = mlflow.register_model(f"runs:/{run.info.run_id}/model", "twice", tags={"a": "b"})
said["second"] = [int(second.version), second.status, dict(second.tags)]
with_stage = client.transition_model_version_stage("twice", "2", "Staging")
said["stage"] = with_stage.current_stage
client.update_registered_model("twice", description="doubles")
client.set_registered_model_tag("twice", "team", "x")
client.update_model_version("twice", "1", description="first")
client.set_model_version_tag("twice", "1", "k", "v")
client.delete_model_version_tag("twice", "1", "k")
copied = client.copy_model_version("models:/twice@best", "copied")
said["copied"] = [copied.name, int(copied.version)]
model = client.get_registered_model("twice")
said["model"] = [model.description, dict(model.tags), {k: int(v) for k, v in model.aliases.items()}]
said["latest"] = sorted((one.current_stage, int(one.version)) for one in model.latest_versions)
said["searched"] = [one.name for one in client.search_registered_models("name LIKE '%i%'")]
said["versions"] = [(one.name, int(one.version)) for one in client.search_model_versions("name = 'twice'", order_by=["version_number ASC"])]
client.delete_registered_model_alias("twice", "best")
client.delete_model_version("twice", "2")
client.rename_registered_model("twice", "doubled")
said["renamed"] = [int(one.version) for one in client.search_model_versions("name = 'doubled'")]
for what, call in {
    "twice there": lambda: client.create_registered_model("doubled"),
    "not there": lambda: client.get_registered_model("nope"),
    "no version": lambda: client.get_model_version("doubled", "9"),
    "no alias": lambda: client.get_model_version_by_alias("doubled", "nope"),
    "bad alias": lambda: client.set_registered_model_alias("doubled", "v1", 1),
    "bad stage": lambda: client.transition_model_version_stage("doubled", "1", "nope"),
    "bad source": lambda: client.create_model_version("doubled", "/etc/passwd"),
    "bad filter": lambda: client.search_model_versions("nope = 'x'"),
}.items():
    try:
        call()
        said[what] = "nothing"
    except MlflowException as error:
        said[what] = error.error_code
client.delete_registered_model("copied")
said["left"] = [one.name for one in client.search_registered_models()]
print("SAID " + json.dumps(said))
"""


def test_the_registry_answers_as_mlflows_own(root: Path, tmp_path: Path) -> None:
    root.mkdir(exist_ok=True)
    with over_a_socket(str(root)) as url:
        ours = said(PROGRAM, f"{url}/mlflow", tmp_path)
    with theirs(tmp_path) as url:
        expected = said(PROGRAM, url, tmp_path)
    assert ours == expected
    fact = Store(str(root)).models["doubled:1"].fact
    assert fact.points_to == "mlflow"
    assert fact.experiment is not None
