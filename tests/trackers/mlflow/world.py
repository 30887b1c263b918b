"""What every test of the MLflow dialect begins with: nothing chosen, nothing active, no settings of MLflow."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import anew.dialects.mlflow as mlflow
from anew.trackers.mlflow.dialect import experiments, places


@pytest.fixture(autouse=True)
def fresh_mlflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    monkeypatch.setenv("ANEW_CAPTURE", "off")
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(places, "_uri", None)
    monkeypatch.setattr(experiments, "_active", None)
    monkeypatch.setattr(experiments, "_known", {"0": "Default"})
    yield
    while mlflow.active_run():
        mlflow.end_run()
    for name in (
        "MLFLOW_TRACKING_URI",
        "MLFLOW_EXPERIMENT_ID",
        "MLFLOW_REGISTRY_URI",
    ):  # which the calls set for children
        os.environ.pop(name, None)
