"""Sorting by a metric's bare name: the best first, as `Store.best` has them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from ..query.direction import direction
from ..query.fields import COLUMNS, SECTIONS
from ..query.question import NamesQuestion
from .backend import Backend

__all__ = ["bare_metric", "best_first", "metric_field"]


def metric_field(name: str, stat: str) -> str:
    """A metric's summary as a field of the filter language; in brackets, so that it can be no other's."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'metrics["{escaped}"].{stat}'


def bare_metric(backend: Backend, field: str) -> tuple[str, Literal["min", "max"]] | None:
    """The metric that a sort field names without saying `metrics.`, and which of its values are the best.

    None where the field means something else.

    A name that is a parameter or a configuration key as well is not taken for the metric.
    """
    name = field.removeprefix("-").strip()
    if not name or name in COLUMNS or name.partition(".")[0].partition("[")[0] in SECTIONS:
        return None
    found = {
        kind: any(
            one.name == name
            for one in backend.names(NamesQuestion(kind=kind, contains=name, now=time.time()))
        )
        for kind in _KINDS
    }
    if not found["metric"] or found["param"] or found["config"]:
        return None
    return name, direction(name)


_KINDS: tuple[Literal["metric", "param", "config"], ...] = ("metric", "param", "config")


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
