"""The values of a run's metrics, each of which MLflow keeps or gives by itself, in one order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ....importing.source import Points

__all__ = ["BATCH", "Line", "merged"]

BATCH = 4_000
"""Values that are handed on at a time."""


class Line(NamedTuple):
    """A value of a metric, in the order in which all of a run's are merged: by time, a metric's own as they stand.

    Attributes:
        at: The newest time of the metric so far, in milliseconds since the epoch, which no later one of it is below.
        number: Which of the metric's values it is.
    """

    at: int
    name: str
    number: int
    step: int
    time: int
    value: float


def merged(streams: Iterable[Iterator[Line]]) -> Iterator[Points]:
    """The values of some metrics as one."""
    batch: list[Line] = []
    for line in heapq.merge(*streams):
        batch.append(line)
        if len(batch) == BATCH:
            yield _points(batch)
            batch = []
    if batch:
        yield _points(batch)


def _points(lines: list[Line]) -> Points:
    return Points(
        [line.name for line in lines], [line.step for line in lines],
        [line.time / 1000 for line in lines], [line.value for line in lines],
    )  # fmt: skip
