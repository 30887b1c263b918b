"""Models of every flavor come back as they were logged, and what runs code only on trust."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anew.dialects.mlflow as mlflow
from anew.dialects.mlflow import MlflowException

from .world import fresh_mlflow  # noqa: F401  (every test begins with it)

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


class Doubling(mlflow.pyfunc.PythonModel):
    """A model of a program's own."""

    def load_context(self, context: Any) -> None:
        self.by = int(Path(context.artifacts["by"]).read_text())

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return model_input * self.by


def test_an_estimator_comes_back_without_trust_and_predicts_the_same():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(model, name="model")
    again = mlflow.sklearn.load_model(info.model_uri)
    assert (again.predict_proba(X) == model.predict_proba(X)).all()
    assert (mlflow.pyfunc.load_model(info.model_uri).predict(X) == model.predict(X)).all()


class Trap:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("sprung"),)


def test_nothing_of_a_pickle_runs_without_trust():
    with mlflow.start_run() as run:
        info = mlflow.pyfunc.log_model(python_model=Trap(), name="trap")
        mlflow.log_artifact(__file__)
    for load in (mlflow.pyfunc.load_model, mlflow.sklearn.load_model):
        with pytest.raises(MlflowException, match="trust=True"):
            load(info.model_uri)
    assert not Path("sprung").exists()
    mlflow.sklearn.load_model(info.model_uri, trust=True)
    assert Path("sprung").exists()
    with pytest.raises(MlflowException):
        mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/nothing")


def test_a_function_in_an_estimator_needs_trust():
    import os

    from sklearn.preprocessing import FunctionTransformer

    with mlflow.start_run():
        info = mlflow.sklearn.log_model(FunctionTransformer(os.getenv), name="model")
    with pytest.raises(MlflowException, match="trust"):
        mlflow.sklearn.load_model(info.model_uri)
    assert mlflow.sklearn.load_model(info.model_uri, trust=True).func is os.getenv


def test_a_module_comes_back_on_trust_with_its_tensors_and_buffers():
    import torch

    module = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1)
    )
    module.register_buffer("left_out", torch.tensor([7.0]), persistent=False)
    module[2].weight.requires_grad_(False)
    module(torch.randn(8, 3))
    with mlflow.start_run():
        info = mlflow.pytorch.log_model(module, "net")
    with pytest.raises(MlflowException, match="trust"):
        mlflow.pytorch.load_model(info.model_uri)
    again = mlflow.pytorch.load_model(info.model_uri, trust=True)
    assert all(
        torch.equal(a, b)
        for a, b in zip(again.state_dict().values(), module.state_dict().values(), strict=True)
    )
    assert again.left_out.item() == 7.0
    assert [p.requires_grad for p in again.parameters()] == [
        p.requires_grad for p in module.parameters()
    ]
    folder = Path(mlflow.artifacts.download_artifacts(info.model_uri))
    assert (folder / "structure.pkl").stat().st_size < 20_000, "the tensors are not in the pickle"
    said = mlflow.pyfunc.load_model(info.model_uri, trust=True).predict(X.astype("float32"))
    assert said.shape == (60, 1)


def test_boosters_come_back_as_their_classes():
    import lightgbm
    import xgboost

    models = {
        "xgb": xgboost.XGBClassifier(n_estimators=3).fit(X, Y),
        "lgb": lightgbm.LGBMClassifier(n_estimators=3, verbosity=-1).fit(X, Y),
        "booster": lightgbm.train({"verbosity": -1}, lightgbm.Dataset(X, Y), 2),
    }
    with mlflow.start_run() as run:
        for name, model in models.items():
            mlflow.xgboost.log_model(model, name=name)
    for name, model in models.items():
        again = mlflow.lightgbm.load_model(f"runs:/{run.info.run_id}/{name}")
        assert type(again) is type(model)
        assert (again.predict(X) == model.predict(X)).all()


def test_a_model_of_the_program_has_its_files():
    Path("by.txt").write_text("3")
    with mlflow.start_run():
        mlflow.pyfunc.log_model(
            python_model=Doubling(), name="own", artifacts={"by": "by.txt"},
            registered_model_name="threefold",
        )  # fmt: skip
    Path("by.txt").unlink()
    again = mlflow.pyfunc.load_model("models:/threefold/1", trust=True)
    assert again.predict(np.arange(3)).tolist() == [0, 3, 6]
    assert isinstance(again.unwrap_python_model(), Doubling)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_transformers_and_keras_come_back_as_folders_and_files():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    small = {
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "vocab_size": 20,
    }
    bert = BertForSequenceClassification(BertConfig(**small))
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with mlflow.start_run():
        first = mlflow.transformers.log_model(bert, name="bert")
        second = mlflow.keras.log_model(net, name="net")
    again = mlflow.transformers.load_model(first.model_uri)
    ids = torch.tensor([[1, 2, 3]])
    assert torch.allclose(again.eval()(ids).logits, bert.eval()(ids).logits, atol=1e-6)
    assert np.allclose(
        mlflow.pyfunc.load_model(second.model_uri).predict(X), net.predict(X, verbose=0)
    )
