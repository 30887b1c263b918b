"""The question behind a chart of many experiments, and its answer: every series on one common grid, or point by point."""

from __future__ import annotations

from typing import Literal

import msgspec

from .arrays import Floats, Ints
from .buckets import Buckets, Column, GroupBuckets
from .density import Density, DensityQuestion
from .grid import Grid
from .question import Question
from .syntax import Field

__all__ = [
    "LeftOut",
    "Panel",
    "PanelGroup",
    "PanelPoints",
    "PanelQuestion",
    "PanelSeries",
    "PanelTotals",
]


class PanelQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Some metrics of many experiments, on one grid.

    Attributes:
        ids: The experiments, in the order of the answer; those that `select` chooses if None.
        select: Which experiments, where no ids are given.
        metrics: Names, in the order of the answer.
        x: What the grid divides: steps, times (seconds since the epoch), "relative": seconds since the
            experiment started, or "metric": the values of `x_metric`.
        x_metric: A point's place is the value that this metric has at the same step, the last one written of several. A
            point at whose step it has none is left out and counted.
        origin: What steps are counted from, an integer as text: numbers of browsers are exact up to 2^53. If None it is 0, or
            the smallest step where there are steps beyond 2^53.
        spacing: Whether the buckets are of equal width, or of equal width in logarithms.
        start: Where the grid begins; where the first point is if None. `stop` likewise.
        buckets: How many buckets the grid has.
        points: Up to so many points in the range are all given, and there are no buckets then.
        columns: What is told of each bucket.
        smooth: How much of the past an exponential moving average over the points of each series keeps, before
            they are put on the grid: 0 changes nothing, see `query.smoothing`.
        attempts: Whether each opening of an experiment is a series of its own.
        group: Fields whose equal values make a group of experiments, such as `params.model`.
        quantiles: Of each group, each from 0 to 1.
        robust: Two quantiles, each from 0 to 1: tells between which values that part of all points lies.
        density: How many series run through each cell, instead of the series themselves: of more than can be told apart. It goes
            without `group` and `attempts`.
    """

    ids: tuple[str, ...] | None = None
    select: Question | None = None
    metrics: tuple[str, ...]
    x: Literal["step", "time", "relative", "metric"] = "step"
    x_metric: str | None = None
    origin: str | None = None
    spacing: Literal["linear", "log"] = "linear"
    start: float | None = None
    stop: float | None = None
    buckets: int = 500
    points: int = 0
    columns: tuple[Column, ...] = ("low", "high", "last", "mean", "count", "nonfinite")
    smooth: float = 0.0
    attempts: bool = False
    group: tuple[Field, ...] = ()
    quantiles: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    robust: tuple[float, float] | None = None
    density: DensityQuestion | None = None


class PanelSeries(msgspec.Struct, frozen=True):
    """One row of the answer: which metric of which experiment, in which group, of how many points in all.

    `attempt` is the number of the opening, from 0, where each is a series of its own.
    """

    id: str
    metric: str
    points: int
    group: int | None = None
    attempt: int | None = None


class PanelGroup(msgspec.Struct, frozen=True):
    """One row of the answer's groups: the values of the fields it was grouped by, None where there is none."""

    values: tuple[str | float | bool | None, ...]
    metric: str
    members: int


class PanelPoints(msgspec.Struct, frozen=True, eq=False):
    """Every point in the range, by place and, at one place, as written.

    Row `r` has the values `value[starts[r]:starts[r + 1]]`, and as many places from `x[x_starts[r]]` on: rows with the
    same places share them.

    Attributes:
        x: The places, counted from `base`.
    """

    starts: Ints
    x: Floats
    x_starts: Ints
    value: Floats
    base: float = 0.0


class PanelTotals(msgspec.Struct, frozen=True, eq=False):
    """Of each row, from every point of it.

    Attributes:
        inside: How many points lie in the range.
        nan: How many of these are NaN; `infinite` how many are infinite, `not_positive` how many are finite and not
            above 0, which no logarithmic axis can show.
        unplaced: Points that have no place: the metric that is x has no value at their step, or x is logarithmic and
            they are not above 0.
    """

    inside: Ints
    nan: Ints
    infinite: Ints
    not_positive: Ints
    unplaced: Ints


class LeftOut(msgspec.Struct, frozen=True):
    """What is not in the answer or not whole, and why; `id` is empty where it is not known whose it was."""

    id: str
    metric: str | None
    reason: str


class Panel(msgspec.Struct, frozen=True, eq=False):
    """The answer.

    Every number is worked out from every point in the range. What could not be read is in `left_out`; experiments
    that never logged a metric have no row, and that is no omission.

    Attributes:
        grid: The grid; None where there is no point at all.
        series: What the rows are.
        buckets: A row for each series; no rows where `exact` is given.
        totals: A row for each series.
        origin: What steps are counted from.
        exact: Every point, where there are few enough.
        groups: What the rows of `group_buckets` are; empty without `group`.
        group_places: Where the columns of `group_buckets` are, where each is one place; None where they are the buckets of
            the grid.
        robust: The values asked for with `robust`; None where no point in the range is finite.
        density: What was asked for with `density`; then there are no `series` and no `buckets`, and `totals` has one row for all of them.
            None where no value can be shown.
    """

    grid: Grid | None
    series: tuple[PanelSeries, ...]
    buckets: Buckets
    totals: PanelTotals
    origin: str = "0"
    exact: PanelPoints | None = None
    groups: tuple[PanelGroup, ...] = ()
    group_buckets: GroupBuckets | None = None
    group_places: Floats | None = None
    robust: tuple[float, float] | None = None
    left_out: tuple[LeftOut, ...] = ()
    density: Density | None = None
