"""A program reads back from the dialect what it reads back from MLflow itself."""

from __future__ import annotations

import math
import os
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

import anew.dialects.mlflow as mlflow

from .world import fresh_mlflow as fresh_mlflow

SCRIPT = """
import mlflow
import numpy as np
import pandas as pd

def program():
    mlflow.set_experiment("digits")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 3)), rng.normal(size=64)
    with mlflow.start_run(run_name="linear", tags={"team": "x"}, description="fit") as run:
        mlflow.log_params({"lr": 0.1, "steps": 20, "deep": False, "layers": [3, 1]})
        mlflow.log_input(mlflow.data.from_numpy(x, name="x"), context="train")
        w = np.zeros(3)
        for step in range(20):
            error = x @ w - y
            w -= 0.1 * x.T @ error / len(y)
            mlflow.log_metric("loss", float((error**2).mean()), step=step)
        mlflow.log_metrics({"final": float(np.abs(error).mean())}, step=20)
        for name in ("low", "high"):
            with mlflow.start_run(run_name=name, nested=True):
                mlflow.log_metric("loss", 0.5 if name == "low" else 2)
        mlflow.log_text("it works", "notes/a.txt")
        mlflow.log_dict({"b": [1, 2]}, "b.yaml")
        mlflow.log_dict({"b": [1, 2]}, "b.json")
        mlflow.log_table({"q": ["a"], "n": [1]}, "t.json")
        mlflow.log_table({"q": "b", "n": 2}, "t.json")
        mlflow.set_tag("done", True)
    return run.info.run_id
"""


def ran(module: ModuleType) -> Any:
    """What a program reads back of its own runs, with what differs between any two left out."""
    names: dict[str, Any] = {}
    theirs = module.__name__ == "mlflow"
    text = (
        SCRIPT if theirs else SCRIPT.replace("import mlflow", f"import {module.__name__} as mlflow")
    )
    exec(compile(text, "script", "exec"), names)
    run_id = names["program"]()
    run = module.get_run(run_id)
    frame = module.search_runs(order_by=["attributes.run_name ASC"])
    kinds = [str(kind).partition("[")[0] for kind in frame.dtypes[:9]]
    tags = {k: v for k, v in run.data.tags.items() if k in ("team", "done", "mlflow.runName")}
    own = ("tags.mlflow.source.name", "tags.mlflow.loggedArtifacts", "tags.mlflow.source.git")
    columns = {c for c in frame.columns if not c.startswith(own)}
    found = {
        "columns": columns, "kinds": kinds, "first": list(frame.columns[:6]),
        "metrics": run.data.metrics, "params": run.data.params, "tags": tags,
        "note": run.data.tags["mlflow.note.content"],
        "status": run.info.status, "name": run.info.run_name, "stage": run.info.lifecycle_stage,
        "times": run.info.start_time <= run.info.end_time,
        "runs": frame[["status", "tags.mlflow.runName"]].to_dict("list"),
        "losses": frame["metrics.loss"].tolist(),
        "lr": [None if pd.isna(value) else value for value in frame["params.lr"]],
        "parents": [pd.isna(value) or value == run_id for value in frame["tags.mlflow.parentRunId"]],
        "history": [(m.key, m.value, m.step)
                    for m in module.MlflowClient().get_metric_history(run_id, "loss")],
        "files": [(f.path, f.is_dir, f.file_size)
                  for f in module.artifacts.list_artifacts(run_id=run_id)],
        "inside": [f.path for f in module.MlflowClient().list_artifacts(run_id, "notes")],
        "text": module.artifacts.load_text(f"runs:/{run_id}/notes/a.txt"),
        "yaml": module.artifacts.load_text(run.info.artifact_uri + "/b.yaml"),
        "json": module.artifacts.load_dict(f"runs:/{run_id}/b.json"),
        "table": module.load_table("t.json").to_dict("list"),
        "download": os.path.basename(
            module.artifacts.download_artifacts(run_id=run_id, artifact_path="notes/a.txt")),
        "inputs": [(i.dataset.name, [(t.key, t.value) for t in i.tags])
                   for i in run.inputs.dataset_inputs],
        "parts": list(run.to_dictionary()), "info": set(run.to_dictionary()["info"]),
        "experiment": module.get_experiment_by_name("digits").name,
        "experiments": [e.name for e in module.search_experiments(filter_string="name LIKE 'dig%'")],
    }  # fmt: skip
    for text in FILTERS:
        try:
            found[text] = len(module.search_runs(filter_string=text))
        except Exception as error:  # noqa: BLE001  (of either library)
            found[text] = type(error).__name__
    return found


FILTERS = [
    "metrics.loss > 1 and params.lr = '0.1'", "metrics.loss >= 2", "metrics.loss < 1e3",
    "metrics.loss != 2", "tags.team LIKE '%x%'", "tags.team LIKE 'X'", "tags.team ILIKE 'X'",
    "attributes.status = 'FINISHED'", "status != 'FINISHED'", "run_name = 'low'",
    "attributes.run_name LIKE 'l__%'", "params.nope IS NULL", "tags.team IS NOT NULL",
    "params.lr != '5'", "run_id IN ('a', 'b')", "run_id NOT IN ('a')", "metrics.`loss` > 0",
    'params."lr" = "0.1"', "datasets.name = 'x'", "tags.`mlflow.runName` = 'low'",
    "attributes.start_time > 0", "", "tags.mlflow.note.content = 'fit'", "parameters.lr = '0.1'",
    # mistakes
    "metrics.loss = '0.9'", "params.lr = 0.1", "a.b = 1", "metrics.loss > 1 OR metrics.loss < 1",
    "attributes.nope = 'x'", "params.lr > '1'", "metrics.loss >", "status LIKE 1",
]  # fmt: skip


@pytest.mark.slow  # MLflow makes a store of its own; `test_dialect` holds the dialect against Anew's own calls
@pytest.mark.filterwarnings("ignore::Warning:mlflow")  # their own deprecations
@pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_program_reads_back_what_it_reads_back_from_mlflow(monkeypatch: pytest.MonkeyPatch):
    import logging

    import mlflow as real

    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    logging.getLogger("alembic").setLevel(logging.ERROR)
    before = real.get_tracking_uri()
    real.set_tracking_uri("sqlite:///real.db")
    try:
        theirs = ran(real)
    finally:
        real.set_tracking_uri(before)
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            monkeypatch.delenv(name)  # theirs are kept in the environment
    ours = ran(mlflow)
    for found in (theirs, ours):
        # NaN is not equal to itself, and a table's bytes are each one's own.
        found["losses"] = [None if math.isnan(loss) else loss for loss in found["losses"]]
        found["files"] = [
            (path, folder, size) for path, folder, size in found["files"] if path != "t.json"
        ]
    for what, expected in theirs.items():
        assert ours[what] == expected, what
