"""A run of MLflow's as an importer gives it, from whichever store it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ....importing.source import Outcome, Run
from ....record.plain import nest
from ..translate.facts import CAPTURED, meaning, param_name, status_here

__all__ = ["Stored", "as_run"]

_INPUTS = "mlflow inputs"
_OF_DATASETS = ("name", "digest", "source_type", "source", "schema", "profile")
_OUTCOMES: dict[str, Outcome] = {
    "running": "running", "completed": "completed", "failed": "failed", "cancelled": "cancelled",
}  # fmt: skip


class Stored(NamedTuple):
    """What a store has of a run; times in milliseconds since the epoch."""

    run_id: str
    name: str
    experiment_id: str
    place: tuple[str, ...]
    status: str
    user: str
    start: int | None
    end: int | None
    alive: int | None
    artifact_uri: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    kept: Mapping[str, Any]


def as_run(stored: Stored) -> Run:
    """The run, with what its tags say of it; what Anew has no place for is kept by MLflow's own names."""
    said = meaning(stored.tags)
    tags = dict(said.tags)
    captured: dict[str, dict[str, Any]] = {
        CAPTURED: {
            "experiment_id": stored.experiment_id,
            "experiment": stored.place[-1],
            "start_time": stored.start,
        }
    }
    git = {
        name: tags.pop(tag)
        for name, tag in (("commit", "mlflow.source.git.commit"), ("branch", "mlflow.source.git.branch"), ("remote", "mlflow.source.git.repoURL"))
        if tags.get(tag)
    }  # fmt: skip
    if git:
        captured["git"] = git
    entry = tags.pop("mlflow.source.name", "")
    if entry:
        captured["command"] = {"entry": entry}
    user = tags.pop("mlflow.user", "") or stored.user
    status = status_here(stored.status)
    outcome = _OUTCOMES.get(status.value if status else "", "running")
    kept = {**stored.kept, "artifact_uri": stored.artifact_uri, "status": stored.status}
    if datasets := kept.pop("datasets", None):
        captured[_INPUTS] = {"datasets": [_dataset(one) for one in datasets]}
    return Run(
        key=stored.run_id,
        place=stored.place,
        name=said.name or stored.name or stored.run_id,
        started=_seconds(stored.start) or 0.0,
        ended=_seconds(stored.end),
        alive=_seconds(stored.alive),
        status=outcome,
        user=user,
        description=said.description,
        parent=said.parent,
        params=nest(_named(stored.params)),
        tags=tags,
        captured=captured,
        kept={name: value for name, value in kept.items() if value},
    )


def _dataset(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A data set as the dialect writes it down, by which lineage finds it."""
    about = {name: facts.get(name) for name in _OF_DATASETS}
    return {"dataset": about, "tags": facts.get("tags") or {}}


def _named(params: Mapping[str, str]) -> dict[str, str]:
    keys: Sequence[str] = sorted(params)
    return {param_name(key, keys): params[key] for key in keys}


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
