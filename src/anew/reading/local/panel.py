"""Metrics of many experiments on one grid, from every point of a series store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...errors import CorruptData, InvalidValue
from ...query.arrays import Floats, Ints
from ...query.downsample import step_order
from ...query.grid import Grid, Span, grouped, reduced, unfilled
from ...query.panel import LeftOut, Panel, PanelGroup, PanelQuestion, PanelSeries
from ...query.smoothing import smoothed
from ...stores.series.columns import ManyColumns
from ...stores.series.protocol import ExperimentFolder, SeriesStore

__all__ = ["Member", "read_panel"]

_AT_ONCE = 4_000_000
"""Points read at once, about."""
_HELD = 20_000_000
"""Points kept between finding out where the grid begins and filling it; beyond them, the others are read twice."""
MAX_BUCKETS = 20_000


class Member(NamedTuple):
    """An experiment of a panel.

    `metrics` says how many points it has of each metric, `began` when it started.
    """

    place: ExperimentFolder
    began: float
    metrics: Mapping[str, int]
    group: str | float | bool | None = None


class _Points(NamedTuple):
    """Points of several series: the number of each one's experiment and metric, and how many points it has."""

    member: Ints
    metric: Ints
    counts: Ints
    x: Floats
    value: Floats


def read_panel(store: SeriesStore, members: Sequence[Member], question: PanelQuestion) -> Panel:
    """The answer to a question about these experiments.

    Raises:
        InvalidValue: There are no buckets or too many, or the smoothing is not in [0, 1).
    """
    if not 0 < question.buckets <= MAX_BUCKETS:
        raise InvalidValue(
            f"A panel must have between 1 and {MAX_BUCKETS} buckets, not {question.buckets}.",
            key="buckets",
        )
    smoothed(np.zeros(0), question.smooth)  # refuses what is no weight before anything is read
    read = _Reading(store, members, question)
    grid = read.grid()
    if grid is None:
        empty = unfilled(0, Grid(0, 0, 1))
        return Panel(None, (), empty, left_out=tuple(dict.fromkeys(read.left_out)))
    rows = [
        (number, metric)
        for metric in range(len(read.names))
        for number, member in enumerate(members)
        if read.names[metric] in member.metrics
    ]
    row_of = np.full((len(members), len(read.names)), -1, np.int64)
    for row, key in enumerate(rows):
        row_of[key] = row
    buckets = unfilled(len(rows), grid)
    points = np.zeros(len(rows), np.int64)
    for part in read.parts():
        at = row_of[part.member, part.metric]
        points[at] = part.counts
        reduced(buckets, at.repeat(part.counts), part.x, part.value, grid)
    groups: dict[tuple[int, Any], int] = {}
    of = [groups.setdefault((metric, members[n].group), len(groups)) for n, metric in rows]
    told = question.group is not None
    return Panel(
        grid,
        tuple(
            PanelSeries(
                members[number].place.experiment_id,
                read.names[metric],
                int(points[row]),
                of[row] if told else None,
            )
            for row, (number, metric) in enumerate(rows)
        ),
        buckets,
        tuple(
            PanelGroup(value, read.names[metric], of.count(number))
            for (metric, value), number in groups.items()
        )
        if told
        else (),
        grouped(buckets.mean, of, len(groups), question.quantiles) if told else None,
        tuple(dict.fromkeys(read.left_out)),
    )


class _Reading:
    """Reads the series of a panel, once where they can be kept and twice where they are too many."""

    def __init__(
        self, store: SeriesStore, members: Sequence[Member], question: PanelQuestion
    ) -> None:
        self._store = store
        self._members = members
        self._question = question
        self.names = tuple(dict.fromkeys(question.metrics))
        self._parts = self._divided()
        self._held: dict[int, list[_Points]] = {}
        self.left_out: list[LeftOut] = []

    def _divided(self) -> list[list[int]]:
        """The numbers of the members, in parts of not too many points."""
        parts: list[list[int]] = []
        held = _AT_ONCE
        for number, member in enumerate(self._members):
            count = sum(member.metrics.get(name, 0) for name in self.names)
            if not count:
                continue
            if held + count > _AT_ONCE:
                parts.append([])
                held = 0
            parts[-1].append(number)
            held += count
        return parts

    def grid(self) -> Grid | None:
        """The grid: as asked for, or from the first to the last point there is. None where there is no point."""
        asked = self._question
        start, stop = asked.start, asked.stop
        if not self._parts:
            return None
        if start is None or stop is None:
            found: Span | None = None
            held = 0
            for at, numbers in enumerate(self._parts):
                mine = self._read(numbers)
                for points in mine:
                    found = Span.of(points.x, found)
                    held += len(points.x)
                if held <= _HELD:
                    self._held[at] = mine
            if found is None:
                return None
            start = found.first if start is None else start
            stop = found.last if stop is None else stop
        return Grid(float(start), float(max(start, stop)), asked.buckets)

    def parts(self) -> Iterator[_Points]:
        """All points, a part at a time; what was kept is let go of."""
        for at, numbers in enumerate(self._parts):
            mine = self._held.pop(at, None)
            yield from self._read(numbers) if mine is None else mine

    def _read(self, numbers: Sequence[int]) -> list[_Points]:
        """The points of some members; what cannot be read is left out, and does not keep the others out."""
        places = [self._members[number].place for number in numbers]
        try:
            columns = self._store.read_many(places, self.names, times=self._question.x != "step")
        except OSError as error:
            if len(numbers) > 1:
                return [points for number in numbers for points in self._read([number])]
            self.left_out.append(LeftOut(places[0].experiment_id, None, str(error)))
            return []
        self.left_out += [_left_out(problem, places) for problem in columns.problems]
        return [self._placed(columns, np.asarray(numbers, np.int64))]

    def _placed(self, columns: ManyColumns, numbers: Ints) -> _Points:
        """The points on the axis asked for, smoothed if that is asked for."""
        asked = self._question
        counts = np.diff(columns.starts)
        member = numbers[columns.experiment]
        x: Any = columns.step.astype(np.float64) if columns.time is None else columns.time
        if asked.x == "relative":
            began = np.array([one.began for one in self._members], np.float64)
            x = x - began[member].repeat(counts)
        value = columns.value
        if asked.smooth:
            x, value = x.copy(), value.copy()
            for begin, end in zip(columns.starts[:-1], columns.starts[1:], strict=True):
                order = step_order(x[begin:end])
                if order is not None:
                    x[begin:end], value[begin:end] = x[begin:end][order], value[begin:end][order]
                value[begin:end] = smoothed(value[begin:end], asked.smooth)
        return _Points(member, columns.metric.astype(np.int64), counts, x, value)


def _left_out(problem: CorruptData, places: Sequence[ExperimentFolder]) -> LeftOut:
    """What a broken file or line means for the answer."""
    path = problem.path or ""
    whose = [one for one in places if path.startswith(one.folder + os.sep)]
    nearest = max(whose, key=lambda one: len(one.folder), default=None)
    if nearest is None and len(places) == 1:
        nearest = places[0]
    return LeftOut("" if nearest is None else nearest.experiment_id, None, str(problem))
