"""The question for points of metrics, and its answer: every point as it was written."""

from __future__ import annotations

from typing import Literal

import msgspec

from .arrays import Bools, Floats, Ints

__all__ = ["Points", "PointsQuestion", "SeriesPoints"]


class PointsQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Points of some metrics of some experiments.

    Attributes:
        ids: The experiments; one that is not there has no series in the answer.
        metrics: Names; all of each experiment if None. A name that an experiment never logged is left out.
        start: The first step wanted; `stop` the step to stop before.
        points: At most about how many points to give of each series: the first, the last and the smallest and
            largest of each stretch. None gives every point.
        order: "step" sorts each series by step, as written among equal steps; "written" leaves it as written.
        metadata: Also give what was logged beside each point.
        rows: Also say which log call each point is from, and which writer wrote it.
        cursor: "" begins to follow the series: everything is given, and the answer has a cursor. With that cursor
            the next answer has only what was written since. The other fields should then be the same as before.
    """

    ids: tuple[str, ...]
    metrics: tuple[str, ...] | None = None
    start: int | None = None
    stop: int | None = None
    points: int | None = None
    order: Literal["step", "written"] = "step"
    metadata: bool = False
    rows: bool = False
    cursor: str | None = None


class SeriesPoints(msgspec.Struct, frozen=True, eq=False):
    """Points of one metric of one experiment, as columns.

    Attributes:
        steps: The steps; a point that was logged without one has its position in the whole series.
        times: Seconds since the epoch.
        total: How many points there are in the range asked for; more than there are steps where `points` thinned
            the series out.
        given: Where a step was given; None when all were, or when rows were not asked for.
        calls: The number of the log call each point is from, rising in the order they were written; points of one
            call share it. None when rows were not asked for.
        metadata: JSON text or None per point; None when it was not asked for.
        writers: The names of the writers, and `origins` the index into them of each point; None when rows were not
            asked for.
    """

    id: str
    metric: str
    steps: Ints
    times: Floats
    values: Floats
    total: int
    given: Bools | None = None
    calls: Ints | None = None
    metadata: tuple[str | None, ...] | None = None
    writers: tuple[str, ...] | None = None
    origins: Ints | None = None


class Points(msgspec.Struct, frozen=True, eq=False):
    """The answer: a series per experiment and metric, in the order asked for.

    Attributes:
        cursor: To be given with the next question, which then gives what was written after this answer; None
            where the question had none.
        problems: Broken lines and files that were passed over, one sentence each.
    """

    series: tuple[SeriesPoints, ...]
    cursor: str | None = None
    problems: tuple[str, ...] = ()
