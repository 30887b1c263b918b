"""A run of the dialect that is forwarded is, at MLflow, the run that the same program makes with MLflow itself."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import anew.dialects.mlflow as mlflow
from anew import Store
from anew.forwarders import MLflow
from anew.forwarders.following import follow_to_the_end
from later import later

from .world import fresh_mlflow as fresh_mlflow

library = later("anew.trackers.mlflow.forward.library")

SCRIPT = """
import mlflow

def program(prefix):
    mlflow.set_experiment(prefix + "/digits: all")
    with mlflow.start_run(run_name="linear/0", tags={"team": "x"}, description="a fit"):
        mlflow.log_params({"lr": 0.1, "deep": False, "a": 1, "a.b": [1, 2.5], "none": None})
        for step in range(3):
            mlflow.log_metric("loss", 1 / (step + 1), step=step, timestamp=1_000_000 + step)
        mlflow.log_metric("loss", float("nan"), step=9, timestamp=5)
        mlflow.log_metric("late", 2, timestamp=7)
        mlflow.log_text("it works", "notes/a.txt")
        mlflow.log_dict({"b": [1, 2]}, "odd (name)/b.json")
        mlflow.set_tag("done", True)
    with mlflow.start_run(run_name="killed"):
        mlflow.end_run("KILLED")
"""


def ran(module: ModuleType, prefix: str) -> None:
    names: dict[str, Any] = {}
    ours = f"import {module.__name__} as mlflow"
    exec(compile(SCRIPT.replace("import mlflow", ours), "script", "exec"), names)
    names["program"](prefix)


def told(client: Any, prefix: str, folder: Path) -> list[dict[str, Any]]:
    """What MLflow says of the runs of one experiment."""
    experiment = client.get_experiment_by_name(prefix + "/digits: all")
    assert experiment is not None
    found = []
    for run in client.search_runs([experiment.experiment_id], order_by=["run_name"]):
        run_id = run.info.run_id
        tags = {
            key: value
            for key, value in run.data.tags.items()
            if not key.startswith(("anew.", "mlflow.source.git"))
        }
        history = {
            name: [
                (m.step, repr(m.value), m.timestamp)
                for m in client.get_metric_history(run_id, name)
            ]
            for name in run.data.metrics
        }
        texts = {
            path: Path(client.download_artifacts(run_id, path, str(folder))).read_text()
            for path in ("notes/a.txt", "odd (name)/b.json")
            if run.info.run_name == "linear/0"
        }
        found.append(
            {
                "name": run.info.run_name, "status": run.info.status, "user": run.info.user_id,
                "tags": tags, "params": run.data.params,
                "history": {name: sorted(points) for name, points in history.items()},
                "files": {path: json.loads(t) if path.endswith("json") else t for path, t in texts.items()},
            }
        )  # fmt: skip
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::Warning")  # deprecations in MLflow and below it
@pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_forwarded_run_is_the_run_that_mlflow_itself_would_have_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    import mlflow as real

    # MLflow takes its name from the command line, which in a worker of pytest-xdist is "-c"; we take that of the main module.
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    logging.getLogger("alembic").setLevel(logging.ERROR)
    uri = f"sqlite:///{tmp_path}/store.db"
    library.make_store(uri)
    before = real.get_tracking_uri()
    real.set_tracking_uri(uri)
    try:
        ran(real, "theirs")
    finally:
        real.set_tracking_uri(before)
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            monkeypatch.delenv(name)  # theirs are kept in the environment
    ran(mlflow, "ours")
    for view in Store():
        follow_to_the_end(str(view.path), MLflow(uri), prefix=view.prefix, patience=0, once=True)
    client = library.MlflowClient(tracking_uri=uri)
    assert told(client, "ours", tmp_path / "a") == told(client, "theirs", tmp_path / "b")
