"""Sorting by a metric's bare name: the best first, as `Store.best` has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..query.fields import COLUMNS, SECTIONS
from ..query.short_names import meanings
from .backend import Backend
from .fields import NamesIn
from .goals import GoalsOf

__all__ = ["bare_metric", "best_first", "metric_field"]


def metric_field(name: str, stat: str) -> str:
    """A metric's summary as a field of the filter language; in brackets, so that it can be no other's."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'metrics["{escaped}"].{stat}'


def bare_metric(backend: Backend, field: str) -> tuple[str, Literal["min", "max"]] | None:
    """The metric that a sort field names without saying `metrics.`, and which of its values are the best.

    It may be the end of the metric's name, where only one thing ends so. None where the field means something else, or can
    mean several things.
    """
    name = field.removeprefix("-").strip()
    if not name or name in COLUMNS or name.partition(".")[0].partition("[")[0] in SECTIONS:
        return None
    found = meanings(name.split("."), NamesIn(backend))
    if len(found) != 1 or found[0].kind != "metric" or not found[0].name.endswith(name):
        return None
    return found[0].name, GoalsOf(backend).now().better(found[0].name)


def best_first(backend: Backend, sort: str | Sequence[str]) -> list[str]:
    """Sort fields in which a metric's bare name means its best values first, or last with a "-" before it."""
    fields = []
    for field in [sort] if isinstance(sort, str) else sort:
        bare = bare_metric(backend, field) if isinstance(field, str) else None
        if bare is not None:
            metric, mode = bare
            downwards = (mode == "max") != field.startswith("-")
            field = ("-" if downwards else "") + metric_field(metric, mode)
        fields.append(field)
    return fields
