"""Runs as they are read: an Anew experiment as MLflow shows it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from anew import Status
from anew.errors import AnewError, QueryError

from . import experiments, places
from .entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LifecycleStage,
    Metric,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    ViewType,
)
from .exceptions import MlflowException, missing
from .narrowing import under

__all__ = ["artifact_uri", "history", "run_of", "status_of", "view_of", "views_of"]

_STATUS = {
    Status.PENDING: "SCHEDULED",
    Status.RUNNING: "RUNNING",
    Status.COMPLETED: "FINISHED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "KILLED",
}


def status_of(status: Status) -> str:
    """A status by MLflow's name for it."""
    return _STATUS[status]


def artifact_uri(folder: str) -> str:
    """The URI of an experiment's artifacts; "" where nothing is recorded."""
    return (Path(folder).absolute() / "files").as_uri() if folder else ""


def view_of(run_id: str) -> Any:
    """The Anew view of a run.

    Raises:
        MlflowException: There is none with exactly that id.
    """
    store = places.store()
    try:
        view = store.get(str(run_id)) if store is not None else None
    except AnewError:
        view = None
    if view is None or view.id != run_id:
        raise missing(f"Run with id={run_id} not found")
    return view


def run_of(view: Any) -> Run:
    """A run, with all that it logged so far."""
    facts = view.captured.get("mlflow") or {}
    name = facts.get("run_name") if facts.get("label") == view.name else None
    info = RunInfo(
        run_id=view.id,
        experiment_id=experiment_of(view),
        user_id=view.user or "",
        status=_STATUS[view.status],
        start_time=facts.get("start_time") or _milliseconds(view.started_at or view.created_at),
        end_time=_milliseconds(view.ended_at),
        lifecycle_stage=LifecycleStage.ACTIVE,
        artifact_uri=artifact_uri(str(view.path)),
        run_name=name or view.name,
    )
    metrics = {
        key: metric.last for key, metric in view.metrics.items() if not key.startswith("system/")
    }
    params = {key: str(value) for key, value in flat(view.params.to_dict())}
    return Run(info, RunData(metrics, params, _tags(view, info.run_name)), _inputs(view))


def _tags(view: Any, run_name: str) -> dict[str, str]:
    command = view.captured.get("command") or {}
    program = command.get("entry") if isinstance(command, Mapping) else None
    known = {
        "mlflow.runName": run_name,
        "mlflow.user": view.user,
        "mlflow.source.name": program,
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": view.git.get("commit"),
        "mlflow.parentRunId": view.parent,
        "mlflow.note.content": view.description,
    }
    tags = {key: str(value) for key, value in known.items() if value}
    return tags | {key: "" if value is None else value for key, value in view.tags.items()}


def _inputs(view: Any) -> RunInputs:
    found = []
    for one in (view.captured.get("mlflow inputs") or {}).get("datasets", []):
        tags = [InputTag(key, value) for key, value in one["tags"].items()]
        found.append(DatasetInput(Dataset(**one["dataset"]), tags))
    return RunInputs(found)


def flat(nested: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The parameters of a nested mapping by their dotted names."""
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def experiment_of(view: Any) -> str:
    """The id of the MLflow experiment that a run is in: of the project, for one that was logged by other means."""
    given = (view.captured.get("mlflow") or {}).get("experiment_id")
    if given is not None:
        return str(given)
    folder = os.path.dirname(view.prefix)
    return experiments.id_of(folder) if folder else "0"


def views_of(experiment_ids: list[str] | None, narrower: str | None = None) -> Iterator[Any]:
    """The views of all runs of some experiments (all if None), newest first.

    Args:
        narrower: A condition of Anew's filter language that they meet; one that names what was never logged is left
            out, as MLflow's filters may.
    """
    store = places.store()
    if store is None:
        return
    if experiment_ids is not None:
        projects = []
        for experiment_id in experiment_ids:
            with contextlib.suppress(MlflowException):  # MLflow finds no runs where there is none
                projects.append(experiments.project_of(experiments.name_of(experiment_id)))
        if not projects:
            return
        there = f"({' or '.join(map(under, dict.fromkeys(projects)))})"
        narrower = f"{there} and {narrower}" if narrower else there
    try:
        found = store.list(narrower)
    except QueryError:
        found = store.list()
    for view in found:
        if experiment_ids is None or experiment_of(view) in experiment_ids:
            yield view


def history(view: Any, key: str) -> list[Metric]:
    """All points of a metric as they were logged; none if it was not."""
    metric = view.metrics.get(key)
    if metric is None:
        return []
    found = []
    for row in metric.rows():
        stamp = (row["metadata"] or {}).get("timestamp")
        when = round(row["time"] * 1000) if stamp is None else int(stamp)
        found.append(Metric(key, row["value"], when, row["step"], run_id=view.id))
    return found


def stages_of(view_type: int) -> bool:
    """Whether the runs that were not deleted are wanted."""
    return view_type != ViewType.DELETED_ONLY


def dataset_record(entity: Dataset, tags: Mapping[str, str]) -> dict[str, Any]:
    """A data set as it is kept among the facts of a run."""
    return {"dataset": json.loads(json.dumps(dict(entity))), "tags": dict(tags)}
