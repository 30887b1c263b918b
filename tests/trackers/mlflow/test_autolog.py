"""`mlflow.autolog(); fit()` records what the real MLflow records, under its names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anew.dialects.mlflow as mlflow
from anew.trackers.mlflow.dialect.autologging.sessions import OPTIONS

from .world import fresh_mlflow  # noqa: F401  (every test begins with it)

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    OPTIONS.clear()


def only_run() -> Any:
    (run,) = mlflow.search_runs(output_format="list")
    return run


def artifacts(run: Any) -> set[str]:
    return {file.path for file in mlflow.MlflowClient().list_artifacts(run.info.run_id)}


def test_a_classifier_is_recorded_with_its_scores_and_itself():
    from sklearn.linear_model import LogisticRegression

    mlflow.autolog()
    model = LogisticRegression(C=0.5).fit(X, Y)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert (run.data.params["C"], run.data.params["class_weight"]) == ("0.5", "None")
    assert run.data.metrics["training_score"] == model.score(X, Y)
    assert set(run.data.metrics) == {
        "training_accuracy_score", "training_f1_score", "training_log_loss", "training_precision_score",
        "training_recall_score", "training_roc_auc", "training_score",
    }  # fmt: skip
    assert run.data.tags["estimator_name"] == "LogisticRegression"
    assert {"model", "estimator.html", "training_confusion_matrix.png"} <= artifacts(run)
    again = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
    assert (again.coef_ == model.coef_).all()
    assert [one.dataset.name for one in run.inputs.dataset_inputs] == ["dataset"]


def test_only_the_outermost_fit_is_a_training_and_preparing_is_none():
    from sklearn.ensemble import BaggingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    mlflow.sklearn.autolog(log_models=False)
    StandardScaler().fit(X)
    BaggingClassifier(LogisticRegression(), n_estimators=3).fit(X, Y)
    assert only_run().data.tags["estimator_name"] == "BaggingClassifier"
    assert "model" not in artifacts(only_run())


def test_a_training_that_fails_raises_as_ever_and_its_run_has_failed():
    from sklearn.linear_model import Ridge

    mlflow.sklearn.autolog()
    with pytest.raises(ValueError, match="NaN"):
        Ridge().fit(X * np.nan, Y)
    assert only_run().info.status == "FAILED"
    assert mlflow.active_run() is None


def test_what_cannot_be_recorded_is_told_and_fails_nothing():
    from sklearn.linear_model import LinearRegression

    class Odd(LinearRegression):
        def predict(self, X: Any) -> Any:
            raise RuntimeError("not today")

    mlflow.sklearn.autolog()
    with pytest.warns(UserWarning, match="not today"):
        Odd().fit(X, Y)
    assert only_run().info.status == "FINISHED"
    mlflow.sklearn.autolog(silent=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Odd().fit(X, Y)


def test_the_options_are_heeded():
    from sklearn.linear_model import Ridge

    mlflow.sklearn.autolog(exclusive=True, log_datasets=False, extra_tags={"by": "me"})
    with mlflow.start_run() as mine:
        Ridge().fit(X, Y)
    assert mlflow.get_run(mine.info.run_id).data.params == {}
    Ridge().fit(X, Y)
    (own,) = (
        r for r in mlflow.search_runs(output_format="list") if r.info.run_id != mine.info.run_id
    )
    assert (own.data.tags["by"], own.inputs.dataset_inputs) == ("me", [])
    mlflow.autolog(disable=True)
    Ridge().fit(X, Y)
    assert len(mlflow.search_runs()) == 2


def test_a_search_has_its_candidates_below_it():
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier

    mlflow.sklearn.autolog(max_tuning_runs=2, log_models=False)
    search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2, 3]}, cv=2).fit(X, Y)
    runs = mlflow.search_runs(output_format="list")
    (parent,) = (run for run in runs if "best_cv_score" in run.data.metrics)
    assert parent.data.params["best_max_depth"] == str(search.best_params_["max_depth"])
    below = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(below) == 2
    assert all("mean_test_score" in run.data.metrics for run in below)
    assert "cv_results.csv" in artifacts(parent)


def test_boosters_have_the_metrics_of_each_round():
    import lightgbm
    import xgboost

    mlflow.autolog()
    with mlflow.start_run() as first:
        data = xgboost.DMatrix(X, Y)
        xgboost.train({"eta": 0.1}, data, 4, evals=[(data, "train")], verbose_eval=False)
    with mlflow.start_run() as second:
        lightgbm.LGBMClassifier(n_estimators=3, verbosity=-1).fit(X, Y, eval_X=(X,), eval_y=(Y,))
    client = mlflow.MlflowClient()
    assert len(client.get_metric_history(first.info.run_id, "train-rmse")) == 4
    assert mlflow.get_run(first.info.run_id).data.params["num_boost_round"] == "4"
    (name,) = (
        name
        for name in mlflow.get_run(second.info.run_id).data.metrics
        if name.endswith("-binary_logloss")
    )
    steps = [point.step for point in client.get_metric_history(second.info.run_id, name)]
    assert steps == [0, 1, 2]
    assert {"feature_importance_gain.json", "model"} <= artifacts(second)
    model = mlflow.lightgbm.load_model(f"runs:/{second.info.run_id}/model")
    assert isinstance(model, lightgbm.LGBMClassifier)


LIGHTNING = """
import torch, lightning.pytorch as pl
class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
    def training_step(self, batch, at):
        loss = self.layer(batch[0]).pow(2).mean()
        self.log("loss", loss)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.02)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(8, 4)), 4)
pl.Trainer(max_epochs=3, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu").fit(Net(), data)
"""

# With what is logged each step, each epoch and both, a validation, a scheduler, and a stop before the end.
# By the package's older name: by its newer one, MLflow records no stop, where both are installed.
LIGHTNING_WHOLE = """
import torch, pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping
torch.manual_seed(0)
class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.save_hyperparameters({"depth": 1})
        self.layer = torch.nn.Linear(4, 1)
    def training_step(self, batch, at):
        loss = self.layer(batch[0]).pow(2).mean()
        self.log("loss", loss)
        self.log("both", loss, on_step=True, on_epoch=True)
        self.log("train/epoch", loss, on_step=False, on_epoch=True)
        return loss
    def validation_step(self, batch, at):
        self.log("val_loss", self.layer(batch[0]).pow(2).mean() * 0 + 1)
    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.02, momentum=0.9)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]
def data():
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(8, 4)), 4)
pl.Trainer(
    max_epochs=6, logger=False, enable_progress_bar=False, accelerator="cpu",
    callbacks=[EarlyStopping("val_loss", patience=2)], log_every_n_steps=1,
).fit(Net(), data(), data())
"""

TRANSFORMERS = """
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
config = BertConfig(hidden_size=8, intermediate_size=8, num_attention_heads=2, num_hidden_layers=1, vocab_size=20)
rows = [{"input_ids": torch.tensor([1, 2]), "labels": torch.tensor(n % 2)} for n in range(8)]
arguments = TrainingArguments("out", max_steps=4, logging_steps=1, learning_rate=0.001, report_to="none", use_cpu=True, disable_tqdm=True)
Trainer(BertForSequenceClassification(config), arguments, train_dataset=rows).train()
"""


def run_program(folder: Path, program: str) -> Any:
    path = folder / "train.py"
    path.write_text(f"import anew.dialects.mlflow as mlflow\nmlflow.autolog()\n{program}")
    subprocess.run(
        [sys.executable, "-W", "error::UserWarning:anew", str(path)],
        check=True,
        cwd=folder,
        env={**os.environ},
    )
    return only_run()


@pytest.mark.slow
def test_a_fit_of_lightning_is_recorded(tmp_path: Path):
    run = run_program(Path.cwd(), LIGHTNING)
    assert (
        run.data.params["optimizer_name"],
        run.data.params["lr"],
        run.data.params["epochs"],
    ) == ("SGD", "0.02", "3")
    points = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert [point.step for point in points] == [0, 1, 2]
    assert {"model", "model_summary.txt"} <= artifacts(run)
    assert json.loads(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/model/model.json"))[
        "weights"
    ]


@pytest.mark.slow
def test_a_training_of_transformers_is_recorded():
    run = run_program(Path.cwd(), TRANSFORMERS)
    assert (run.data.params["learning_rate"], run.data.params["hidden_size"]) == ("0.001", "8")
    points = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert [point.step for point in points] == [1, 2, 3, 4]
    model = mlflow.transformers.load_model(f"runs:/{run.info.run_id}/model")
    assert type(model).__name__ == "BertForSequenceClassification"


@pytest.mark.slow
@pytest.mark.parametrize(
    "fit",
    [
        "from sklearn.linear_model import LogisticRegression; LogisticRegression(max_iter=300).fit(x, y)",
        "from sklearn.linear_model import Ridge; Ridge().fit(x, y * 1.0)",
        "from sklearn.svm import SVC; from sklearn.pipeline import make_pipeline; make_pipeline(SVC()).fit(x, y)",
        "import xgboost; xgboost.XGBClassifier(n_estimators=3).fit(x, y, eval_set=[(x, y)], verbose=False)",
        "import lightgbm; d = lightgbm.Dataset(x, y); lightgbm.train({'verbosity': -1}, d, 3, valid_sets=[d])",
        LIGHTNING_WHOLE,
    ],
    ids=["logistic", "ridge", "pipeline", "xgboost", "lightgbm", "lightning"],
)
def test_the_names_and_values_are_those_of_mlflow_itself(fit: str, tmp_path: Path):
    found = []
    for package in ("mlflow", "anew.dialects.mlflow"):
        folder = tmp_path / package
        folder.mkdir()
        uri = "sqlite:///runs.db" if package == "mlflow" else str(folder / "experiments")
        (folder / "train.py").write_text(
            f"import json, {package} as mlflow\n"
            f"mlflow.set_tracking_uri({uri!r})\n"
            "mlflow.autolog()\n"
            "from sklearn.datasets import load_iris\n"
            f"x, y = load_iris(return_X_y=True)\n{fit}\n"
            "(run,) = mlflow.search_runs(output_format='list')\n"
            "said = [run.data.params, run.data.metrics]\n"
            "history = mlflow.MlflowClient().get_metric_history\n"
            "said.append({name: [one.step for one in history(run.info.run_id, name)] for name in run.data.metrics})\n"
            "print('FOUND', json.dumps(said))\n"
        )
        done = subprocess.run(
            [sys.executable, "train.py"], cwd=folder, check=True, capture_output=True, text=True
        )
        line = next(line for line in done.stdout.splitlines() if line.startswith("FOUND"))
        found.append(json.loads(line.removeprefix("FOUND")))
    (params, metrics, steps), (our_params, our_metrics, our_steps) = found
    assert our_params == params
    assert our_steps == steps
    assert our_metrics == pytest.approx(metrics, abs=1e-5)
