"""The curves of an experiment, as the verdict needs them.

Several ranks may log one metric. Which of them opened the experiment first, and so whose point comes first within a step,
is chance; a curve has its points by step, then by rank, then as each wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..query.points import PointsQuestion
from .verdict import Curve

if TYPE_CHECKING:
    from ..query.points import SeriesPoints
    from ..reading.history import Series
    from ..reading.openings import Opening
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["curves_of", "curves_of_recipe"]


def curves_of(
    store: Store, view: ExperimentView, wanted: Collection[str] | None = None
) -> dict[str, Curve]:
    """The metrics that an experiment logged, system metrics too; every point of them.

    Args:
        wanted: Only these; all if None.
    """
    names = [name for name in view.metrics if wanted is None or name in wanted]
    if not names:
        return {}
    found = {
        one.metric: Curve(one.steps, one.values, one.times) for one in _series(store, view, names)
    }
    return {name: found[name] for name in names if name in found}


def _series(store: Store, view: ExperimentView, names: list[str]) -> list[Any]:
    """The series of an experiment, those of several ranks in the order of the ranks."""
    if len({_rank(writer) for writer in view.writers}) < 2:
        return list(store.history(view, names).series)
    question = PointsQuestion(ids=(view.id,), metrics=tuple(names), rows=True)
    return [_by_rank(one) for one in store.backend.points(question).series]


def _by_rank(points: SeriesPoints) -> Series:
    from ..reading.history import Series

    one = Series.of(points)
    if points.writers is None or points.origins is None or len(points.writers) < 2:
        return one
    ranks = np.array([_rank(writer) for writer in points.writers], np.int64)
    order = np.lexsort((ranks[points.origins], one.steps))  # stable: as each wrote them
    return replace(one, steps=one.steps[order], times=one.times[order], values=one.values[order])


_RANK = re.compile(r"-rank(\d+)-")


def _rank(writer: str) -> int:
    """The rank of a writer, by its name; -1 for one that is no rank, such as a child process."""
    found = _RANK.search(writer)
    return int(found[1]) if found else -1


def curves_of_recipe(store: Store, view: ExperimentView) -> tuple[dict[str, Curve], dict[str, str]]:
    """The metrics that the program logged which the recipe of an experiment runs, and the others with the reason.

    An experiment may be continued by another program, such as an evaluation, whose points a re-run of the first cannot
    have. They are told by their times: no point of it lies in an opening of the recipe's own program.
    """
    own, others = _openings(view)
    names = list(view.metrics)
    if not others or not names:
        return curves_of(store, view), {}
    found: dict[str, Curve] = {}
    left_out: dict[str, str] = {}
    for series in _series(store, view, names):
        kept = _within(series.times, own) | ~_within(series.times, others)
        if kept.any():
            found[series.metric] = Curve(
                series.steps[kept], series.values[kept], series.times[kept]
            )
        else:
            left_out[series.metric] = "only another program that continued the experiment logged it"
    return {name: found[name] for name in names if name in found}, left_out


def _openings(view: ExperimentView) -> tuple[list[Opening], list[Opening]]:
    """The openings that ran the program of the recipe, and those that ran another one."""
    recipe = _program(view.captured.get("command"))
    own: list[Opening] = []
    others: list[Opening] = []
    for opening in view.openings:
        program = _program(opening.captured.get("command"))
        (others if program and recipe and program != recipe else own).append(opening)
    return own, others


def _program(command: Any) -> Any:
    """What tells one program from another: its script, else its command line; None where nothing was captured."""
    if not isinstance(command, dict):
        return None
    return command.get("entry") or tuple(command.get("argv") or ()) or None


def _within(times: Any, openings: list[Opening]) -> Any:
    """Which of these times lie in one of the openings. Times of points are cut to the millisecond."""
    inside = np.zeros(len(times), np.bool_)
    for one in openings:
        end = np.inf if one.ended_at is None else one.ended_at
        inside |= (times >= one.started_at - 0.001) & (times <= end)
    return inside
