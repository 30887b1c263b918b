"""A field of an experiment by the name it has in filters: `params.lr`, `git.branch`, `status`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue
from .labels import flat

if TYPE_CHECKING:
    from ..reading.views import ExperimentView

__all__ = ["field_value", "metric_result"]

_FACTS = frozenset(
    {
        "status", "name", "prefix", "id", "owner", "project", "reason", "user", "host", "parent", "relation",
        "duration", "created_at", "started_at", "ended_at", "updated_at", "description", "notes", "lost",
    }
)  # fmt: skip


def field_value(experiment: ExperimentView, field: str) -> Any:
    """The value of a field, None where the experiment has none.

    A name that is no field of every experiment is taken for a parameter. Lists and mappings come as text,
    so that experiments can be grouped by them.

    Raises:
        InvalidValue: It is no name at all.
    """
    value = _found(experiment, field)
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _found(experiment: ExperimentView, field: str) -> Any:
    if not field or field.startswith(".") or field.endswith("."):
        raise InvalidValue(
            f"{field!r} is not a field. Name fields as in filters: params.lr, git.branch, status.",
            key=field,
        )
    if field in _FACTS:
        return getattr(experiment, field)
    section, _, rest = field.partition(".")
    if rest and section == "params":
        return flat(experiment.params).get(rest)
    if rest and section == "config":
        return flat(experiment.config or {}).get(rest)
    if rest and section == "git":
        return experiment.git.get(rest)
    if rest and section == "tags":
        return (experiment.tags[rest] or True) if rest in experiment.tags else None
    if rest and section == "metrics":
        return metric_result(experiment, rest, "last")
    return flat(experiment.params).get(field)


def metric_result(experiment: ExperimentView, metric: str, mode: str) -> float | None:
    """The result of an experiment as one number: mode "last", "min", "max" or "best" (by the metric's name)."""
    if metric not in experiment.metrics:
        return None
    view = experiment.metrics[metric]
    value = {"last": view.last, "min": view.min, "max": view.max}.get(mode)
    if mode == "best":
        value = view.best()
    return None if value is None or math.isnan(value) else float(value)
