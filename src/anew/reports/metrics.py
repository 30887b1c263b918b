"""Which metrics a view has panels of, and which columns a table has that names none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from ..errors import InvalidValue
from ..query.question import NamesQuestion, Question
from ..reading.backend import Backend
from ..reading.telling import telling
from .blocks import Asked

__all__ = ["metrics_of", "telling_columns"]

MOST_PANELS = 24
"""Panels of one view in a report."""


def metrics_of(
    backend: Backend, asked: Asked, parts: Mapping[str, Any], question: Question
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The metrics that have panels, in order, and what is to be said of others."""
    named = asked.named or _arranged(parts)
    if named and not any("*" in one for one in named):
        found = tuple(dict.fromkeys(named))
    else:
        among = msgspec.structs.replace(question, sort=(), limit=None, total=False)
        names = [
            one.name
            for one in backend.names(NamesQuestion(kind="metric", among=among, now=question.now))
        ]
        found = _placed(named, names) if named else _all(parts, names)
    if len(found) <= MOST_PANELS:
        return found, ()
    return found[:MOST_PANELS], (f"{MOST_PANELS} of {len(found)} metrics are drawn.",)


def _arranged(parts: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics of panels that were arranged by hand, section by section."""
    sections = parts.get("panels") or ()
    try:
        every = [panel for section in sections for panel in section["panels"]]
        return tuple(str(one if isinstance(one, str) else one["metric"]) for one in every)
    except (KeyError, TypeError):
        raise InvalidValue(
            "`panels` is a list of sections, each with a `name` and its `panels`.", key="panels"
        ) from None


def _placed(named: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Names and what patterns mean: a metric stands where it is named first, and by name before by pattern."""
    placed = {one for one in named if "*" not in one or one in names}
    found: dict[str, None] = {}
    for one in named:
        if one in placed:
            found[one] = None
            continue
        rest = (name for name in names if name not in placed and fnmatchcase(name, one))
        found |= dict.fromkeys(rest)
    return tuple(found)


def _all(parts: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """The metrics that a view shows by itself: those that fit what was typed, and the machine's only where these are meant."""
    machines = parts.get("tab") == "system"
    mine = [name for name in names if name.startswith("system/") == machines]
    typed = parts.get("metrics") or ""
    if not isinstance(typed, str):
        raise InvalidValue("`metrics` is a text.", key="metrics")
    patterns = [one.strip() for one in typed.split(",") if "*" in one]
    if patterns:
        return tuple(name for name in mine if any(fnmatchcase(name, one) for one in patterns))
    words = typed.lower().split()
    return tuple(name for name in mine if all(word in name.lower() for word in words))


def telling_columns(backend: Backend, question: Question) -> tuple[str, ...]:
    """The columns of a table that names none: what differs between the experiments, and their results."""
    told = telling(backend, question, metrics=3)
    settings = [
        one.field for one in told.fields if one.section in ("params", "config") and one.values > 1
    ]
    metrics = [
        one.field
        for one in told.fields
        if one.section == "metrics" and not one.name.startswith("system/")
    ]
    return ("name", "status", *settings[:5], *metrics[:3])
