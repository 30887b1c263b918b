"""Runs as they are read: an Anew experiment as MLflow shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anew import Status
from anew.errors import AnewError

from ..translate import facts
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
from .exceptions import missing

__all__ = ["artifact_uri", "experiment_of", "history", "run_of", "trashed", "view_of"]


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
    given = facts.run_facts(view.captured)
    info = RunInfo(
        run_id=view.id,
        experiment_id=experiment_of(view),
        user_id=view.user or "",
        status=facts.status_there(view.status),
        start_time=given.start_time or _milliseconds(view.started_at or view.created_at),
        end_time=_milliseconds(view.ended_at),
        lifecycle_stage=LifecycleStage.ACTIVE,
        artifact_uri=artifact_uri(str(view.path)),
        run_name=given.name(view.name),
    )
    metrics = {key: metric.last for key, metric in view.metrics.items() if facts.is_metric(key)}
    params = facts.param_texts(view.params.to_dict())
    return Run(
        info, RunData(metrics, params, _tags(view, info.run_name or view.name)), _inputs(view)
    )


def trashed(run_id: str) -> Run | None:
    """A run that was deleted, as far as it is known; None if it is not in the trash."""
    store = places.store()
    found = [] if store is None else [one for one in store.trash() if one.id == run_id]
    if not found:
        return None
    one = found[0]
    info = RunInfo(
        run_id=one.id,
        experiment_id=experiments.of_folder(facts.experiment_name(one.prefix)),
        user_id="",
        status=facts.status_there(Status.COMPLETED),
        start_time=None,
        end_time=_milliseconds(one.deleted_at),
        lifecycle_stage=LifecycleStage.DELETED,
        artifact_uri="",
        run_name=one.name,
    )
    return Run(info, RunData())


def _tags(view: Any, run_name: str) -> dict[str, str]:
    command = view.captured.get("command")
    return (
        facts.known_tags(run_name, view.user, view.description, view.notes, view.parent)
        | facts.git_tags(view.git)
        | facts.command_tags(command if isinstance(command, Mapping) else {})
        | {key: facts.tag_text(value) for key, value in view.tags.items()}
    )


def _inputs(view: Any) -> RunInputs:
    found = []
    for one in (view.captured.get("mlflow inputs") or {}).get("datasets", []):
        tags = [InputTag(key, value) for key, value in one["tags"].items()]
        found.append(DatasetInput(Dataset(**one["dataset"]), tags))
    return RunInputs(found)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else facts.milliseconds(seconds)


def experiment_of(view: Any) -> str:
    """The id of the MLflow experiment that a run is in: the one whose folder it lies in."""
    folder = facts.experiment_name(view.prefix)
    given = facts.run_facts(view.captured).experiment
    if given is not None and experiments.project_of(given) == folder:
        return experiments.id_of(given)
    return experiments.of_folder(folder)


def history(view: Any, key: str) -> list[Metric]:
    """All points of a metric as they were logged; none if it was not."""
    metric = view.metrics.get(key)
    if metric is None:
        return []
    found = []
    for row in metric.rows():
        when = facts.point_time(row["time"], row["metadata"])
        found.append(Metric(key, row["value"], when, row["step"], run_id=view.id))
    return found


def stages_of(view_type: int) -> bool:
    """Whether the runs that were not deleted are wanted."""
    return view_type != ViewType.DELETED_ONLY


def dataset_record(entity: Dataset, tags: Mapping[str, str]) -> dict[str, Any]:
    """A data set as it is kept among the facts of a run."""
    return {"dataset": json.loads(json.dumps(dict(entity))), "tags": dict(tags)}
