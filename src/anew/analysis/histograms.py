"""Histograms that were logged step after step, on one grid of bins: what a heat map and ridges are drawn from.

Every histogram counts. Where there are more than can be told apart, those of neighbouring steps are added up; where their bins differ, each
one's counts are spread over the bins of the grid as if its values lay evenly in its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from ..errors import InvalidValue, NotFound
from ..query.arrays import Floats, Ints
from ..reading.views import ExperimentView

__all__ = ["MOST_BINS", "MOST_COLUMNS", "HistogramSteps", "Histograms", "histograms_of"]

MOST_COLUMNS = 2000
MOST_BINS = 512
_MOST_EXPERIMENTS = 50


class HistogramSteps(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The histograms of one experiment under one name, in columns in the order of steps.

    Attributes:
        recorded: How many histograms there are in the range; all of them are counted.
        first, last: The steps that each column is of; where none was logged with a step, their numbers from 0.
        each: How many histograms are in each column.
        at: The step of each histogram.
        counts: Of each column how many values lie in each bin.
        values: Of each column how many values were counted, also those outside of its bins and those not finite.
        nonfinite, outside: Of each column how many values were NaN or infinite, and outside of the recorded bins.
        steps: Whether they were logged with steps.
    """

    id: str
    recorded: int
    first: Ints
    last: Ints
    each: Ints
    at: Ints
    counts: Floats
    values: Floats
    nonfinite: Floats
    outside: Floats
    steps: bool


class Histograms(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Histograms of one name of several experiments on one grid.

    Attributes:
        edges: The edges of the bins, one more than there are bins.
        exact: Whether the bins are those that were recorded: then all counts are as they were recorded.
        unreadable: How many were left out because they are no histograms.
    """

    name: str
    edges: Floats
    exact: bool
    series: tuple[HistogramSteps, ...]
    unreadable: int


class _One:
    """A recorded histogram."""

    __slots__ = ("counts", "edges", "nonfinite", "outside", "step")

    def __init__(self, step: int, data: Any) -> None:
        self.step = step
        self.counts = np.asarray(data["counts"], dtype=np.float64)
        self.edges = np.asarray(data["edges"], dtype=np.float64)
        fits = self.counts.ndim == 1 and self.edges.shape == (len(self.counts) + 1,)
        if not (fits and len(self.counts) and np.isfinite(self.counts).all()):
            raise ValueError("its counts and edges do not fit each other")
        if not (np.isfinite(self.edges).all() and (np.diff(self.edges) > 0).all()):
            raise ValueError("its edges do not increase")
        self.nonfinite = float(data.get("nonfinite", 0))
        self.outside = float(data.get("outside", 0))


def histograms_of(
    views: Sequence[ExperimentView],
    name: str,
    *,
    start: int | None = None,
    stop: int | None = None,
    columns: int = 400,
    bins: int = 128,
) -> Histograms:
    """The histograms of a name on one grid; see `Analysis.histograms`."""
    if not 1 <= columns <= MOST_COLUMNS:
        raise InvalidValue(f"There are 1 to {MOST_COLUMNS} columns.", key="columns")
    if not 1 <= bins <= MOST_BINS:
        raise InvalidValue(f"There are 1 to {MOST_BINS} bins.", key="bins")
    if len(views) > _MOST_EXPERIMENTS:
        raise InvalidValue(f"Histograms of at most {_MOST_EXPERIMENTS} experiments stand side by side.", key="ids")  # fmt: skip
    read = [_read(view, name, start, stop) for view in views]
    everyone = [one for found, _, _ in read for one in found]
    if not everyone and not any(unreadable for _, _, unreadable in read):
        within = "" if start is None and stop is None else " in these steps"
        raise NotFound(f"None of these experiments has logged a histogram {name!r}{within}.", name=name)  # fmt: skip
    edges, exact = _grid(everyone, bins)
    return Histograms(
        name=name,
        edges=edges,
        exact=exact,
        series=tuple(
            _columns(view.id, found, stepped, edges, columns)
            for view, (found, stepped, _) in zip(views, read, strict=True)
        ),
        unreadable=sum(unreadable for _, _, unreadable in read),
    )


def _read(
    view: ExperimentView, name: str, start: int | None, stop: int | None
) -> tuple[list[_One], bool, int]:
    """The histograms of an experiment in the order of steps, whether they have steps, and how many could not be read."""
    values = view.values(name, "histogram")
    values.sort(key=lambda one: (one.step is not None, one.step or 0, one.time))
    known = [one.step for one in values if one.step is not None]
    stepped = bool(known)
    found: list[_One] = []
    unreadable = 0
    for number, value in enumerate(values):
        step = value.step if stepped else number
        if step is None:  # before all that have one
            step = min(known)
        if (start is not None and step < start) or (stop is not None and step > stop):
            continue
        try:
            found.append(_One(step, value.data))
        except (ValueError, TypeError, KeyError, AttributeError):
            unreadable += 1
    return found, stepped, unreadable


def _grid(everyone: Sequence[_One], bins: int) -> tuple[Floats, bool]:
    """The bins that all are shown in: those that were recorded, where all have the same."""
    if not everyone:
        return np.array([0.0, 1.0]), True
    first = everyone[0].edges
    if len(first) <= MOST_BINS + 1 and all(np.array_equal(one.edges, first) for one in everyone):
        return first, True
    ends = [_ends(one) for one in everyone]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    return np.linspace(low / 2, high / 2, bins + 1) * 2, False


def _ends(one: _One) -> tuple[float, float]:
    """From where to where its values lie: bins at the ends that are empty say nothing."""
    filled = np.flatnonzero(one.counts)
    if not len(filled):
        return float(one.edges[0]), float(one.edges[-1])
    return float(one.edges[filled[0]]), float(one.edges[filled[-1] + 1])


def _spread(one: _One, edges: Floats) -> Floats:
    """The counts of a histogram in other bins; none is lost."""
    if np.array_equal(one.edges, edges):
        return one.counts
    below = np.concatenate(([0.0], np.cumsum(one.counts)))
    return np.diff(np.interp(edges, one.edges, below))


def _columns(
    id_: str, found: Sequence[_One], stepped: bool, edges: Floats, most: int
) -> HistogramSteps:
    steps = np.array([one.step for one in found], dtype=np.int64)
    counts = np.zeros((0, len(edges) - 1))
    places = np.zeros(len(found), dtype=np.int64)
    if len(found):
        distinct, places = np.unique(steps, return_inverse=True)
        if len(distinct) > most:
            # Neighbouring steps share a column: as many in each, so that all are of the same weight.
            places = places * most // len(distinct)
        counts = np.zeros((int(places[-1]) + 1, len(edges) - 1))
        for place, one in zip(places, found, strict=True):
            counts[place] += _spread(one, edges)
    wide = len(counts)
    opens = np.searchsorted(places, np.arange(wide), side="left")
    closes = np.searchsorted(places, np.arange(wide), side="right")

    def added(numbers: list[float]) -> Floats:
        if not wide:
            return np.zeros(0)
        return np.bincount(places, weights=numbers, minlength=wide).astype(np.float64)

    return HistogramSteps(
        id=id_,
        recorded=len(found),
        first=steps[opens],
        last=steps[closes - 1] if wide else steps,
        each=closes - opens,
        at=steps,
        counts=counts,
        values=added([float(one.counts.sum()) + one.nonfinite + one.outside for one in found]),
        nonfinite=added([one.nonfinite for one in found]),
        outside=added([one.outside for one in found]),
        steps=stepped,
    )
