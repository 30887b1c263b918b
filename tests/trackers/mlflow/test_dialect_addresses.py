"""Names that programs and libraries import from MLflow's own modules."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import anew.dialects.mlflow as mlflow
from anew import Store

from .world import fresh_mlflow  # noqa: F401  (a fixture)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("tracking.client", "MlflowClient"), ("tracking.fluent", "start_run"), ("tracking.fluent", "log_metric"),
        ("types.schema", "Schema"), ("utils.validation", "MAX_PARAM_VAL_LENGTH"), ("entities.run", "Run"),
        ("data.pandas_dataset", "from_pandas"), ("pyfunc", "PythonModel"), ("models.signature", "infer_signature"),
    ],
)  # fmt: skip
def test_a_name_is_found_at_its_address(module: str, name: str):
    found = importlib.import_module(f"anew.dialects.mlflow.{module}")
    assert getattr(found, name) is not None


def test_tags_variables_and_contexts_are_those_of_mlflow(monkeypatch: pytest.MonkeyPatch):
    tags = importlib.import_module("anew.dialects.mlflow.utils.mlflow_tags")
    assert (tags.MLFLOW_RUN_NAME, tags.MLFLOW_PARENT_RUN_ID, tags.MLFLOW_GIT_COMMIT) == (
        "mlflow.runName", "mlflow.parentRunId", "mlflow.source.git.commit",
    )  # fmt: skip
    variables = importlib.import_module("anew.dialects.mlflow.environment_variables")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "x")
    assert variables.MLFLOW_EXPERIMENT_NAME.get() == "x"
    assert variables.MLFLOW_ENABLE_ASYNC_LOGGING.get() is False
    resolved = importlib.import_module(
        "anew.dialects.mlflow.tracking.context.registry"
    ).resolve_tags({"a": 1})
    assert resolved["a"] == "1"
    assert resolved["mlflow.source.type"] == "LOCAL"


@pytest.mark.slow
def test_tags_and_limits_equal_those_of_mlflow_itself():
    for address in ("utils.mlflow_tags", "utils.validation"):
        real = pytest.importorskip(f"mlflow.{address}")
        ours = importlib.import_module(f"anew.dialects.mlflow.{address}")
        names = [name for name in vars(ours) if name.isupper()]
        assert names
        assert {name: getattr(ours, name) for name in names} == {
            name: getattr(real, name, None) for name in names
        }


def test_a_schema_is_plain_data():
    from anew.dialects.mlflow.types import ColSpec, DataType, Schema, TensorSpec

    schema = Schema([ColSpec(DataType.double, "x"), TensorSpec(np.dtype("float32"), (-1, 3))])
    assert schema.input_names() == ["x", 1]
    assert schema.to_dict() == [
        {"type": "double", "name": "x", "required": True},
        {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}},
    ]


def test_a_picture_is_made_once_and_logged():
    picture = mlflow.Image(np.array([[0, 255], [7, 9]]))
    assert picture.to_list() == [[0, 255], [7, 9]]
    picture.save("p.png")
    assert np.asarray(PIL.Image.open("p.png")).tolist() == mlflow.Image(Path("p.png")).to_list()
    with mlflow.start_run() as run:
        mlflow.log_image(picture, key="p", step=1)
    (value,) = Store()[run.info.run_id].values()
    assert (value.name, value.step, value.metadata["width"]) == ("p", 1, 2)


def test_the_address_of_a_registry_is_kept():
    mlflow.set_registry_uri("http://registry")
    assert mlflow.get_registry_uri() == "http://registry"
    mlflow.set_registry_uri("")
    assert mlflow.get_registry_uri() == mlflow.get_tracking_uri()


def test_tensors_of_a_state_dict_are_a_commit():
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(2, 1)
    with mlflow.start_run() as run:
        mlflow.pytorch.log_state_dict(model.state_dict(), "state")
    about = mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/state/model.json")
    with Store() as store:
        kept = store.weights.get_all_weights(about["weights"])
    assert set(kept) == {"weight", "bias"}
