"""Things as documents: what `--json` shows of an experiment, a value, a file, a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..alerts.firing import Fired
    from ..alerts.rules import Alert
    from ..models.lineage import LineageFacts
    from ..reading.files import FileView, ValueView
    from ..reading.goals import Goal
    from ..reading.logs import LogLine
    from ..reading.saved_views import SavedView
    from ..reading.upkeep import Deleted, Trashed, Usage
    from ..reading.views import ExperimentView
    from ..record.models import ModelFact
    from ..reports.document import Report

__all__ = [
    "alert_document",
    "deleted_document",
    "destination",
    "experiment_document",
    "fact_document",
    "file_document",
    "fired_document",
    "goal_document",
    "line_document",
    "lineage_document",
    "model_document",
    "of_model_document",
    "open_document",
    "place_of",
    "report_document",
    "restored_document",
    "stopped_document",
    "trashed_document",
    "usage_document",
    "value_document",
    "view_document",
]


def experiment_document(view: ExperimentView) -> dict[str, Any]:
    """One experiment in a list."""
    return {
        "id": view.id,
        "prefix": view.prefix,
        "name": view.name,
        "status": str(view.status),
        "reason": view.reason,
        "created_at": view.created_at,
        "started_at": view.started_at,
        "ended_at": view.ended_at,
        "duration": view.duration,
        "user": view.user,
        "host": view.host,
        "tags": dict(view.tags),
        "params": view.params.flat(),
        "config": None if view.config is None else view.config.flat(),
        "metrics": {
            name: {
                "last": metric.last,
                "last_step": metric.last_step,
                "min": metric.min,
                "max": metric.max,
                "count": metric.count,
            }
            for name, metric in view.metrics.items()
        },
        "parent": view.parent,
        "path": None if view.local_path is None else str(view.local_path),
    }


def place_of(one: ValueView | FileView) -> str:
    """The name of a value, or the path of a file in its experiment."""
    prefix = getattr(one, "prefix", "")
    return f"{prefix}/{one.name}" if prefix else one.name


def value_document(one: ValueView | FileView) -> dict[str, Any]:
    """What is known of a value, or of a file beside values."""
    return {
        "name": place_of(one),
        "kind": getattr(one, "kind", "file"),
        "step": one.step,
        "time": one.time,
        "path": None if one.local_path is None else str(one.local_path),
        "metadata": one.metadata,
    }


def file_document(one: FileView, saved: Path | None = None) -> dict[str, Any]:
    """A file; `saved` is where a copy of it went."""
    there = one.freed_at is None and one.local_path is not None
    return {
        "id": one.id,
        "name": one.name,
        "prefix": one.prefix,
        "path": str(one.local_path) if there else None,
        "size": one.size,
        "hash": one.hash,
        "step": one.step,
        "time": one.time,
        "metadata": one.metadata,
        "folder": one.folder,
        "checkpoint": one.checkpoint,
        "freed_at": one.freed_at,
        **({} if saved is None else {"saved": str(saved)}),
    }


def open_document(view: ExperimentView) -> dict[str, Any]:
    """The values and files of an experiment, as `open` lists them."""
    return {
        "id": view.id,
        "values": [value_document(one) for one in view.values()],
        "files": [value_document(one) for one in view.files],
    }


def lineage_document(found: LineageFacts) -> dict[str, Any]:
    """Where something comes from, and what came of it."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain


def line_document(line: LogLine, experiment_id: str) -> dict[str, Any]:
    """A line of a log."""
    return {
        "time": line.time, "level": line.level, "message": line.message,
        "fields": line.fields, "writer": line.writer, "experiment": experiment_id,
    }  # fmt: skip


def goal_document(one: Goal) -> dict[str, Any]:
    """What somebody said of a metric."""
    return {
        "metric": one.metric,
        "better": one.better,
        "main": one.main,
        "project": one.project,
        "user": one.user,
        "time": one.time,
    }


def view_document(one: SavedView, *, history: bool = False) -> dict[str, Any]:
    """A saved view; with `history` also what it showed before."""
    found = {
        "name": one.name,
        "project": one.project,
        "mine": one.mine,
        "shows": one.shows,
        "default": one.default,
        "user": one.user,
        "time": one.time,
        "others": [view_document(other) for other in one.others],
    }
    if history:
        found["earlier"] = [view_document(other) for other in one.earlier]
    return found


def report_document(one: Report, *, history: bool = False) -> dict[str, Any]:
    """A report; with `history` also what it said before."""
    found = {
        "name": one.name,
        "project": one.project,
        "title": one.title,
        "text": one.text,
        "user": one.user,
        "time": one.time,
        "others": [report_document(other) for other in one.others],
    }
    if history:
        found["earlier"] = [report_document(other) for other in one.earlier]
    return found


def trashed_document(one: Trashed) -> dict[str, Any]:
    """An experiment in the trash."""
    found: dict[str, Any] = msgspec.to_builtins(one)
    return found


def usage_document(usage: Usage) -> dict[str, Any]:
    """What experiments take on disk."""
    return {
        "total": usage.total,
        "by_kind": dict(usage.by_kind),
        "by_experiment": dict(usage.by_experiment),
    }


def fact_document(fact: Any) -> dict[str, Any]:
    """A version, an alias or a change of a model, without the events that it is made of."""
    plain: dict[str, Any] = msgspec.to_builtins(fact)
    plain.pop("events", None)
    return plain


def model_document(fact: ModelFact) -> dict[str, Any]:
    """A registered model, without its history."""
    plain = fact_document(msgspec.structs.replace(fact, history=()))
    del plain["history"]
    for one in (*plain["versions"], *plain["withdrawn"], *plain["aliases"]):
        one.pop("events", None)
    return plain


def of_model_document(found: Any) -> dict[str, Any]:
    """A registered model, or a version of one."""
    from ..models.views import Model

    return model_document(found.fact) if isinstance(found, Model) else fact_document(found.fact)


def destination(to: str) -> str:
    """A destination without what would let others use it: the path of a URL may be a credential."""
    from ..alerts.destinations import hidden

    return hidden(to) if "://" in to else to


def alert_document(one: Alert) -> dict[str, Any]:
    """An alert."""
    return {
        "name": one.name, "filter": one.filter, "when": one.when, "to": [destination(to) for to in one.to],
        "project": one.project, "user": one.user, "time": one.time,
    }  # fmt: skip


def fired_document(one: Fired) -> dict[str, Any]:
    """What an alert found, and who has been told."""
    return {
        "alert": one.alert, "when": one.when, "experiment": one.experiment, "prefix": one.prefix, "why": one.why,
        "time": one.time, "told": one.told,
        "to": [
            {"to": destination(to), "state": how.state, "tried": how.tried, "error": how.error or None}
            for to, how in one.to.items()
        ],
    }  # fmt: skip


def deleted_document(done: Deleted, *, permanently: bool = False) -> dict[str, Any]:
    """What was deleted."""
    return {
        "deleted": done.count, "bytes": done.bytes, "permanently": permanently, "ids": list(done.ids),
    }  # fmt: skip


def restored_document(views: Sequence[ExperimentView]) -> dict[str, Any]:
    """What was taken out of the trash."""
    return {"restored": [{"id": view.id, "prefix": view.prefix} for view in views]}


def stopped_document(ids: Sequence[str], told: int, running: Sequence[str]) -> dict[str, Any]:
    """What was asked to stop: how many programs of this machine were told, and what still runs."""
    return {"ids": list(ids), "told": told, "running": list(running)}
