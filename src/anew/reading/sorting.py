"""Sorting by a metric's bare name: the best first, as `Store.best` has them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from ..query.direction import direction
from ..query.fields import COLUMNS, SECTIONS
from ..query.question import NamesQuestion
from .backend import Backend
from .compare import metric_field

__all__ = ["bare_metric", "best_first"]


def bare_metric(backend: Backend, field: str) -> str | None:
    """The metric that a sort field names without saying `metrics.`; None where it means something else.

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
    return name if found["metric"] and not (found["param"] or found["config"]) else None


_KINDS: tuple[Literal["metric", "param", "config"], ...] = ("metric", "param", "config")


def best_first(backend: Backend, sort: str | Sequence[str]) -> list[str]:
    """Sort fields in which a metric's bare name means its best values first, or last with a "-" before it."""
    fields = []
    for field in [sort] if isinstance(sort, str) else sort:
        metric = bare_metric(backend, field) if isinstance(field, str) else None
        if metric is not None:
            mode = direction(metric)
            downwards = (mode == "max") != field.startswith("-")
            field = ("-" if downwards else "") + metric_field(metric, mode)
        fields.append(field)
    return fields
