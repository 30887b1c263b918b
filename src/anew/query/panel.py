"""The question behind a chart of many experiments, and its answer: every series on one common grid."""

from __future__ import annotations

from typing import Literal

import msgspec

from .grid import Buckets, Grid, GroupBuckets
from .question import Question
from .syntax import Field

__all__ = ["LeftOut", "Panel", "PanelGroup", "PanelQuestion", "PanelSeries"]


class PanelQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Some metrics of many experiments, on one grid.

    Attributes:
        ids: The experiments, in the order of the answer; those that `select` chooses if None.
        select: Which experiments, where no ids are given.
        metrics: Names, in the order of the answer.
        x: What the grid divides: steps, times (seconds since the epoch), or "relative": seconds since the
            experiment started.
        start: Where the grid begins; where the first point is if None. `stop` likewise.
        buckets: How many buckets the grid has.
        smooth: How much of the past an exponential moving average over the points of each series keeps, before
            they are put on the grid: 0 changes nothing, see `query.smoothing`.
        group: A field whose equal values make a group of experiments, such as `params.model`.
        quantiles: Of each group, each from 0 to 1.
    """

    ids: tuple[str, ...] | None = None
    select: Question | None = None
    metrics: tuple[str, ...]
    x: Literal["step", "time", "relative"] = "step"
    start: float | None = None
    stop: float | None = None
    buckets: int = 500
    smooth: float = 0.0
    group: Field | None = None
    quantiles: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)


class PanelSeries(msgspec.Struct, frozen=True):
    """One row of the answer's buckets: which metric of which experiment, in which group, of how many points in all."""

    id: str
    metric: str
    points: int
    group: int | None = None


class PanelGroup(msgspec.Struct, frozen=True):
    """One row of the answer's groups: the value of the field it was grouped by, None where there is none."""

    value: str | float | bool | None
    metric: str
    members: int


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
        series: What the rows of `buckets` are.
        groups: What the rows of `group_buckets` are; empty without `group`.
    """

    grid: Grid | None
    series: tuple[PanelSeries, ...]
    buckets: Buckets
    groups: tuple[PanelGroup, ...] = ()
    group_buckets: GroupBuckets | None = None
    left_out: tuple[LeftOut, ...] = ()
