"""The points of a panel, read from a series store: placed on the axis asked for, and smoothed if that is asked for."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...errors import CorruptData
from ...query.arrays import Floats, Ints
from ...query.downsample import step_order
from ...query.grid import Grid, Span
from ...query.panel import LeftOut, PanelQuestion
from ...query.smoothing import smoothed
from ...stores.deadline import check_time
from ...stores.series.columns import ManyColumns
from ...stores.series.protocol import ExperimentFolder, SeriesStore

__all__ = ["Beyond", "Member", "PanelReading", "Piece", "smallest_step"]

_AT_ONCE = 4_000_000
"""Points read at once, about."""
_HELD = 20_000_000
"""Points kept between finding out where the grid begins and filling it; beyond them, all are read again."""
LONG = 500_000
"""Points of a series from which on it is read by itself, as it lies in the store."""
_EXACT = 1 << 53
"""Up to which integers are floats exactly."""


class Member(NamedTuple):
    """An experiment of a panel.

    `metrics` says how many points it has of each metric, `began` when it started, `openings` when each of its openings
    did, and `group` the values that it is grouped by.
    """

    place: ExperimentFolder
    began: float
    metrics: Mapping[str, int]
    group: tuple[str | float | bool | None, ...] = ()
    openings: tuple[float, ...] = (0.0,)


class Piece(NamedTuple):
    """Points of some series, one series after the other: of each its experiment, metric, attempt and number of points.

    `all` counts also those outside of the range that were not read.
    """

    member: Ints
    metric: Ints
    attempt: Ints
    counts: Ints
    all: Ints
    x: Floats
    value: Floats


class Beyond(Exception):
    """There are steps that are no floats exactly: they must be counted from another origin."""


def smallest_step(store: SeriesStore, members: Sequence[Member], names: Sequence[str]) -> int:
    """The smallest step of these series."""
    steps = store.read_many([one.place for one in members], names, times=False).step
    return int(steps.min()) if len(steps) else 0


class PanelReading:
    """Reads the series of a panel, once where they can be kept and again for each look where they are too many.

    Args:
        origin: What steps are counted from; None if that is to be found out.

    Attributes:
        origin: What steps are counted from.
        left_out: What could not be read.
        held: Whether all points are kept.

    Raises:
        Beyond: Some steps are no floats exactly, and the question does not say what they are counted from.
    """

    def __init__(
        self,
        store: SeriesStore,
        members: Sequence[Member],
        question: PanelQuestion,
        origin: int | None,
    ) -> None:
        self._store = store
        self.members = members
        self.question = question
        self.origin = origin or 0
        self._unsure = origin is None
        self.names = tuple(dict.fromkeys(question.metrics))
        self.left_out: list[LeftOut] = []
        self._has = np.array(
            [[name in one.metrics for one in members] for name in self.names], np.bool_
        ).reshape(len(self.names), len(members))
        self._parts = self._divided()
        self._kept: list[Piece] = []
        self._span: Span | None = None
        self.held = True
        held = 0
        for piece in self._read_all():
            self._span = Span.of(self._shown(piece.x), self._span)
            held += len(piece.x)
            if held > _HELD:
                self.held, self._kept = False, []
            if self.held:
                self._kept.append(piece)

    def grid(self) -> Grid | None:
        """The grid: as asked for, or from the first to the last point there is. None where there is no point."""
        asked = self.question
        start, stop = asked.start, asked.stop
        if self._span is None:
            return None
        if start is None or (asked.spacing == "log" and start <= 0):
            start = self._span.first
        stop = self._span.last if stop is None else stop
        return Grid(float(start), float(max(start, stop)), asked.buckets, asked.spacing)

    def pieces(self) -> Iterator[Piece]:
        """All points. A series may come in several pieces, which follow each other as they were written."""
        if self.held:
            for piece in self._kept:
                check_time()
                yield piece
        else:
            problems = len(self.left_out)
            yield from self._read_all()
            del self.left_out[problems:]  # they are known from the first time

    def _shown(self, x: Floats) -> Floats:
        """The places that the axis can show."""
        return x[x > 0] if self.question.spacing == "log" else x

    def _divided(self) -> list[list[int]]:
        """The numbers of the members, in parts of not too many points; who has a long series has a part of its own."""
        parts: list[list[int]] = []
        held = _AT_ONCE
        for number, member in enumerate(self.members):
            count = sum(member.metrics.get(name, 0) for name in self.names)
            if not count:
                continue
            if held + count > _AT_ONCE or self._is_long(number):
                parts.append([])
                held = _AT_ONCE if self._is_long(number) else 0
            parts[-1].append(number)
            held += count
        return parts

    def _is_long(self, number: int) -> bool:
        """Whether an experiment is read as it lies, a stretch after the other."""
        asked = self.question
        plain = asked.x != "metric" and not asked.smooth and not asked.attempts
        metrics = self.members[number].metrics
        return plain and any(metrics.get(name, 0) >= LONG for name in self.names)

    def _read_all(self) -> Iterator[Piece]:
        for numbers in self._parts:
            check_time()
            if self._is_long(numbers[0]) and (found := self._stretches(numbers[0])) is not None:
                yield from found
            else:
                yield from map(self._told, self._read(numbers))

    def _told(self, piece: Piece) -> Piece:
        """The series that are told of: a metric may be hidden in one experiment, and its points are still there."""
        kept = self._has[piece.metric, piece.member]
        if kept.all():
            return piece
        points = kept.repeat(piece.counts)
        member, metric, attempt, counts, every = (one[kept] for one in piece[:5])
        return Piece(member, metric, attempt, counts, every, piece.x[points], piece.value[points])

    # -- long series ---------------------------------------------------------------------------------

    def _stretches(self, number: int) -> list[Piece] | None:
        """The series of an experiment as they lie in the store; None where something is missing or has to be put together.

        Of a range of steps, stretches outside of it are not read.
        """
        asked, member = self.question, self.members[number]
        start, stop = asked.start, asked.stop
        within = None
        if asked.x == "step" and start is not None and stop is not None:
            within = (self.origin + math.floor(start), self.origin + math.ceil(stop))
        found: list[Piece] = []
        for metric, name in enumerate(self.names):
            if name not in member.metrics:
                continue
            try:
                runs = self._store.outlines(
                    member.place, [name], whole=True, within=within, times=asked.x != "step"
                )
            except OSError:
                return None
            complete = sum(run.total for run in runs) >= member.metrics[name]
            if not complete or any(run.points.given is not None for run in runs):
                return None
            for run in runs:
                points = run.points
                inside = run.at is None
                x = self._x(points.step, points.time, number) if inside else np.zeros(0)
                value = points.value if inside else np.zeros(0)
                found.append(_piece(number, metric, x, value, run.total))
        return found

    # -- all others ----------------------------------------------------------------------------------

    def _read(self, numbers: Sequence[int]) -> list[Piece]:
        """The points of some members; what cannot be read is left out, and does not keep the others out."""
        asked = self.question
        places = [self.members[number].place for number in numbers]
        names = self.names if asked.x_metric is None else (*self.names, asked.x_metric)
        times = asked.x in ("time", "relative") or asked.attempts
        try:
            columns = self._store.read_many(places, names, times=times)
        except OSError as error:
            if len(numbers) > 1:
                return [piece for number in numbers for piece in self._read([number])]
            self.left_out.append(LeftOut(places[0].experiment_id, None, str(error)))
            return []
        self.left_out += [_left_out(problem, places) for problem in columns.problems]
        members = np.asarray(numbers, np.int64)[columns.experiment]
        if asked.x == "metric" or asked.attempts or asked.smooth:
            return self._one_by_one(columns, members)
        counts = np.diff(columns.starts)
        if asked.x == "step":
            x = self._steps(columns.step)
        else:
            assert columns.time is not None
            x = columns.time
            if asked.x == "relative":
                began = np.array([one.began for one in self.members], np.float64)
                x = x - began[members].repeat(counts)
        attempt = np.zeros(len(members), np.int64)
        metric = columns.metric.astype(np.int64)
        return [Piece(members, metric, attempt, counts, counts, x, columns.value)]

    def _one_by_one(self, columns: ManyColumns, members: Ints) -> list[Piece]:
        asked = self.question
        metric_of = {name: number for number, name in enumerate(self.names)}
        metrics = columns.metric.tolist()
        lookups: dict[int, tuple[Ints, Floats]] = {}
        for at, number in enumerate(members.tolist()):
            if columns.names[metrics[at]] == asked.x_metric:
                alone = columns.alone(at)
                lookups[number] = _last_of_each_step(alone.step, alone.value)
        found: list[Piece] = []
        for at, number in enumerate(members.tolist()):
            metric = metric_of.get(columns.names[metrics[at]])
            if metric is None:
                continue
            alone = columns.alone(at)
            if asked.x == "metric":
                x = _looked_up(alone.step, lookups.get(number))
            else:
                x = self._x(alone.step, alone.time, number)
            for attempt, which in self._attempts(alone.time, number):
                placed, value = x[which], alone.value[which]
                if asked.smooth:
                    placed, value = _smoothed(placed, value, asked.smooth)
                found.append(_piece(number, metric, placed, value, len(value), attempt))
        return found

    def _attempts(self, time: Floats, number: int) -> list[tuple[int, slice | Ints]]:
        """Which points belong to which opening: those written after it began, and before the next."""
        if not self.question.attempts:
            return [(0, slice(None))]
        began = np.array(self.members[number].openings)
        attempt = np.maximum(np.searchsorted(began, time, side="right") - 1, 0)
        return [(one, np.flatnonzero(attempt == one)) for one in np.unique(attempt).tolist()]

    def _x(self, step: Ints, time: Floats, number: int) -> Floats:
        if self.question.x == "step":
            return self._steps(step)
        return time - self.members[number].began if self.question.x == "relative" else time

    def _steps(self, step: Ints) -> Floats:
        """Steps as places.

        Raises:
            Beyond: They are no floats exactly.
        """
        if not len(step):
            return np.zeros(0)
        least, most = int(step.min()), int(step.max())
        if self._unsure and (most > _EXACT or least < -_EXACT):
            raise Beyond
        if not self.origin:
            return step.astype(np.float64)
        if max(abs(self.origin), abs(least - self.origin), abs(most - self.origin)) >= 2**63:
            return np.array([float(one - self.origin) for one in step.tolist()])
        return (step - self.origin).astype(np.float64)


def _piece(
    number: int, metric: int, x: Floats, value: Floats, total: int, attempt: int = 0
) -> Piece:
    """Points of one series."""
    key = np.array([number]), np.array([metric]), np.array([attempt])
    return Piece(*key, np.array([len(value)]), np.array([total]), x, value)


def _smoothed(x: Floats, value: Floats, weight: float) -> tuple[Floats, Floats]:
    if not np.all(x[1:] >= x[:-1]):
        order = np.argsort(x, kind="stable")
        x, value = x[order], value[order]
    return x, smoothed(value, weight)


def _last_of_each_step(step: Ints, value: Floats) -> tuple[Ints, Floats]:
    """The last value written at each step, steps ascending."""
    order = step_order(step)
    if order is not None:
        step, value = step[order], value[order]
    last = np.append(step[1:] != step[:-1], True) if len(step) else np.zeros(0, np.bool_)
    return step[last], value[last]


def _looked_up(step: Ints, known: tuple[Ints, Floats] | None) -> Floats:
    """The value known at each step; NaN where there is none."""
    if known is None or not len(known[0]):
        return np.full(len(step), np.nan)
    steps, values = known
    at = np.minimum(np.searchsorted(steps, step), len(steps) - 1)
    found: Floats = np.where(steps[at] == step, values[at], np.nan)
    return found


def _left_out(problem: CorruptData, places: Sequence[ExperimentFolder]) -> LeftOut:
    """What a broken file or line means for the answer."""
    path = problem.path or ""
    whose = [one for one in places if path.startswith(one.folder + os.sep)]
    nearest = max(whose, key=lambda one: len(one.folder), default=None)
    if nearest is None and len(places) == 1:
        nearest = places[0]
    return LeftOut("" if nearest is None else nearest.experiment_id, None, str(problem))
