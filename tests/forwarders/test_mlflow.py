"""Runs of MLflow, read back through its own client: of a real server, and of a store without one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reenact.forwarders.address import MLflow
from reenact.forwarders.mlflow import MLflowTarget
from reenact.forwarders.mlflow_library import MlflowClient
from reenact.forwarders.mlflow_names import artifact_path, key
from reenact.forwarders.target import Mirror, Target
from reenact.record.status import Status
from reenact.testing.target import TargetContract

from .servers import MLflowServer

OURS = ("captured", "images", "logs", "params", "tags", "values")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLflowServer]:
    running = MLflowServer(tmp_path_factory.mktemp("mlflow")).start()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


class Reading:
    """The run of an experiment as MLflow's client shows it."""

    def __init__(self, uri: str, mirror: Mirror) -> None:
        self.client = MlflowClient(tracking_uri=uri)
        experiment = self.client.get_experiment_by_name(group_of(mirror))
        which = f"tags.`reenact.experiment_id` = '{mirror.experiment_id}'"
        self.runs = self.client.search_runs([experiment.experiment_id], which)
        self.run = self.runs[0]
        self.id = self.run.info.run_id

    def artifacts(self, path: str = "") -> Iterator[str]:
        for entry in self.client.list_artifacts(self.id, path or None):
            if entry.is_dir:
                yield from self.artifacts(entry.path)
            else:
                yield entry.path

    def read(self, path: str) -> bytes:
        return Path(self.client.download_artifacts(self.id, path)).read_bytes()


def group_of(mirror: Mirror) -> str:
    """An MLflow experiment for each test: their stores are shared, since making one takes seconds."""
    return str(Path(mirror.folder).parents[3])


class MLflowContract(TargetContract):
    running = "RUNNING"

    @pytest.fixture(autouse=True)
    def _uri(self, uri: str) -> None:
        self.uri = uri

    def open(self, mirror: Mirror, memo: dict[str, Any]) -> Target:
        return MLflowTarget(MLflow(self.uri, group_of(mirror)), mirror, memo)

    def crash(self, target: Target) -> None:
        pass  # it keeps nothing that a later one could see

    def runs(self, mirror: Mirror) -> int:
        return len(Reading(self.uri, mirror).runs)

    def points(self, mirror: Mirror) -> list[tuple[str, int, float]]:
        reading = Reading(self.uri, mirror)
        return [
            (name, metric.step, metric.value)
            for name in reading.run.data.metrics
            for metric in reading.client.get_metric_history(reading.id, name)
        ]

    def metric(self, name: str) -> str:
        return key(name)

    def kept(self, value: float) -> float:
        largest = 1.7976931348623157e308
        return value if math.isnan(value) else max(-largest, min(largest, value)) + 0.0

    def params(self, mirror: Mirror) -> dict[str, Any]:
        reading = Reading(self.uri, mirror)
        return {
            name: reading.read(artifact_path("params", f"{name}.txt")).decode()
            if "all in the artifact" in value
            else value
            for name, value in reading.run.data.params.items()
        }

    def tags(self, mirror: Mirror) -> dict[str, str | None]:
        tags = Reading(self.uri, mirror).run.data.tags
        return {k: v or None for k, v in tags.items() if not k.startswith(("mlflow.", "reenact."))}

    def notes(self, mirror: Mirror) -> str:
        return str(Reading(self.uri, mirror).run.data.tags.get("mlflow.note.content", ""))

    def files(self, mirror: Mirror) -> dict[str, bytes]:
        reading = Reading(self.uri, mirror)
        paths = [path for path in reading.artifacts() if path.split("/")[0] not in OURS]
        return {path: reading.read(path) for path in paths}

    def values(self, mirror: Mirror) -> list[tuple[str, int | None]]:
        found: list[tuple[str, int | None]] = []
        for path in Reading(self.uri, mirror).artifacts():
            folder, _, name = path.rpartition("/")
            if folder == "images" and name.endswith(".png"):
                image, _, step = name.partition("+step+")
                found.append((image.replace("~", "/"), int(step.partition("+")[0])))
            elif folder.startswith("values/"):
                step, dash, _ = name.partition("-")
                found.append((folder.removeprefix("values/"), int(step) if dash else None))
        return found

    def logs(self, mirror: Mirror) -> str:
        reading = Reading(self.uri, mirror)
        return "\n".join(reading.read(p).decode() for p in reading.artifacts("logs"))

    def status(self, mirror: Mirror) -> Any:
        return Reading(self.uri, mirror).run.info.status

    def ended(self, status: Status) -> Any:
        return {Status.COMPLETED: "FINISHED", Status.FAILED: "FAILED"}.get(status, "KILLED")


class TestAgainstAServer(MLflowContract):
    @pytest.fixture
    def uri(self, server: MLflowServer) -> str:
        return server.uri


# MLflow 3.17 uses what SQLAlchemy 2.1 deprecates, and builds its own tables on first use in this process.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
class TestOnASqliteStore(MLflowContract):
    @pytest.fixture
    def uri(self, store: str) -> str:
        return store
