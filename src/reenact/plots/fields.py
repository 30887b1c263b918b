"""A field of an experiment by the name it has in filters: `params.lr`, `git.branch`, `status`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue

if TYPE_CHECKING:
    from ..reading.views import ExperimentView

__all__ = ["field_value", "metric_result"]

_PLAIN = (
    "status", "name", "prefix", "id", "owner", "project", "user", "host", "parent", "relation",
    "duration", "created_at", "started_at", "ended_at", "description", "notes", "lost",
)  # fmt: skip


def field_value(experiment: ExperimentView, field: str) -> Any:
    """The value of a field, None where the experiment has none.

    A name without a dot that is no field of every experiment is taken for a parameter. Lists and
    mappings come as text, so that experiments can be grouped by them.

    Raises:
        InvalidValue: No experiment has such a field.
    """
    room, dot, rest = field.partition(".")
    value: Any
    if room == "params" and dot:
        value = _dotted(experiment.params, rest)
    elif room == "config" and dot:
        value = _dotted(experiment.config or {}, rest)
    elif room == "git" and dot:
        value = experiment.git.get(rest)
    elif room == "tags" and dot:
        value = (experiment.tags[rest] or True) if rest in experiment.tags else None
    elif room == "metrics" and dot:
        value = metric_result(experiment, rest, "last")
    elif field in _PLAIN:
        value = getattr(experiment, field)
        value = str(value) if field == "status" else value
    elif not dot or "." in field:
        value = _dotted(experiment.params, field)
    else:
        raise InvalidValue(f"{field!r} is no field of an experiment.", key=field)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _dotted(values: Mapping[str, Any], key: str) -> Any:
    """A value in a nested mapping by its dotted key; a key that has dots itself is found as well."""
    if key in values:
        value = values[key]
        return value if not isinstance(value, Mapping) else None
    parts = key.split(".")
    for cut in range(1, len(parts)):
        inner = values.get(".".join(parts[:cut]))
        if isinstance(inner, Mapping):
            found = _dotted(inner, ".".join(parts[cut:]))
            if found is not None:
                return found
    return None


def metric_result(experiment: ExperimentView, metric: str, mode: str) -> float | None:
    """What one number an experiment came to: mode "last", "min", "max" or "best" (by the metric's name)."""
    if metric not in experiment.metrics:
        return None
    view = experiment.metrics[metric]
    value = {"last": view.last, "min": view.min, "max": view.max}.get(mode)
    if mode == "best":
        value = view.best()
    return None if value is None or math.isnan(value) else float(value)
