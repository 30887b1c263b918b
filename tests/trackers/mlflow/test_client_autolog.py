"""`mlflow.autolog()` of the unmodified MLflow logs to our server what it logs to MLflow's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving import over_a_socket

from .clients import said, theirs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::Warning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

BEGIN = """
import json, os, random
import numpy as np
import mlflow
mlflow.set_experiment("lab/auto")
mlflow.autolog(log_datasets=True)
rng = np.random.default_rng(0)
x = rng.normal(size=(60, 3))
y = (x[:, 0] + 0.3 * x[:, 1] > 0).astype(int)
"""
END = """
client = mlflow.MlflowClient()
experiment = client.get_experiment_by_name("lab/auto").experiment_id
def below(run_id, path=None):
    for one in client.list_artifacts(run_id, path):
        if one.is_dir:
            yield from below(run_id, one.path)
        else:
            yield one.path
told = []
for run in client.search_runs([experiment], order_by=["start_time ASC"]):
    models = client.search_logged_models([experiment], filter_string=f"source_run_id = '{run.info.run_id}'")
    told.append({
        "status": run.info.status, "params": run.data.params,
        "metrics": {key: round(value, 4) for key, value in run.data.metrics.items() if not key.startswith("system/") and "time" not in key and "per_second" not in key},
        # a value logged twice at a step is one point where both were logged in the same millisecond, and two otherwise
        "histories": {key: len({(one.step, repr(one.value)) for one in client.get_metric_history(run.info.run_id, key)}) for key in run.data.metrics if not key.startswith("system/")},
        "tags": sorted(key for key in run.data.tags if not key.startswith("mlflow.source.git")),
        "files": sorted(below(run.info.run_id)),
        "models": [[one.name, str(one.status), sorted(one.tags)] for one in models],
        "datasets": [one.dataset.name for one in run.inputs.dataset_inputs],
    })
told.sort(key=lambda one: json.dumps(one["params"], sort_keys=True))  # some begin in the same millisecond
print("SAID " + json.dumps(told))
"""
FITS = {
    "sklearn": """
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
model = GridSearchCV(LogisticRegression(max_iter=300), {"C": [0.1, 1.0]}, cv=2).fit(x, y)
""",
    "xgboost": """
import xgboost
data = xgboost.DMatrix(x, y)
xgboost.train({"eta": 0.1, "seed": 0, "nthread": 1}, data, 4, evals=[(data, "train")], verbose_eval=False)
""",
    "lightning": """
mlflow.pytorch.autolog()  # MLflow's own `autolog` overlooks the package's newer name where its older one is there, too
import torch, lightning.pytorch as pl
torch.manual_seed(0)
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
""",
    "transformers": """
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
torch.manual_seed(0)
config = BertConfig(hidden_size=8, intermediate_size=8, num_attention_heads=2, num_hidden_layers=1, vocab_size=20)
rows = [{"input_ids": torch.tensor([1, 2]), "labels": torch.tensor(n % 2)} for n in range(8)]
arguments = TrainingArguments("out", max_steps=4, logging_steps=1, learning_rate=0.001, report_to="mlflow", use_cpu=True, disable_tqdm=True, save_strategy="no")
Trainer(BertForSequenceClassification(config), arguments, train_dataset=rows).train()
mlflow.end_run()
""",
}


@pytest.mark.parametrize("framework", FITS)
def test_what_is_logged_by_itself_is_what_mlflows_server_has(
    framework: str, tmp_path: Path
) -> None:
    program = BEGIN + FITS[framework] + END
    for name in ("root", "ours", "theirs"):
        (tmp_path / name).mkdir()
    quiet = {"MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false", "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}  # fmt: skip
    with over_a_socket(str(tmp_path / "root")) as url:
        ours = said(program, f"{url}/mlflow", tmp_path / "ours", **quiet)
    with theirs(tmp_path) as url:
        expected = said(program, url, tmp_path / "theirs", **quiet)
    assert ours == expected
    assert ours
    assert all(one["status"] == "FINISHED" for one in ours)
