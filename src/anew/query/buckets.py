"""Many series on one grid of steps: what a chart over a thousand experiments is drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Buckets", "shared_buckets"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Buckets:
    """Per series (row) and bucket of steps (column): the smallest, largest and last value, and how many.

    NaN is neither smallest nor largest where there is a number beside it; where there is no point, or NaN
    alone, the values are NaN. "Last" is by step, as written among equal steps.
    """

    low: Floats
    high: Floats
    last: Floats
    count: npt.NDArray[np.int64]


def shared_buckets(
    step: Ints, value: Floats, starts: Ints, *, first: int, stop: int, buckets: int
) -> Buckets:
    """Cut the steps from `first` to before `stop` into `buckets` of equal width, and sort all points into them.

    Args:
        starts: Series `i` has the rows `starts[i]:starts[i + 1]`.

    Raises:
        ValueError: There is no bucket, or no step between `first` and `stop`.
    """
    if buckets < 1 or stop <= first:
        raise ValueError(f"No steps from {first} to {stop} fit into {buckets} buckets.")
    series = len(starts) - 1
    place = step.astype(np.float64)
    place -= first
    place *= buckets / (stop - first)
    np.floor(place, out=place)
    outside = (step < first) | (step >= stop)
    np.clip(place, 0, buckets - 1, out=place)
    cell = place.astype(np.int64)
    cell += np.arange(0, series * buckets, buckets).repeat(np.diff(starts))
    if outside.any():
        inside = ~outside
        cell, step, value = cell[inside], step[inside], value[inside]
    change = np.diff(cell)
    if np.any(change < 0) or np.any(np.diff(step)[change == 0] < 0):
        order = np.lexsort((step, cell))
        cell, value = cell[order], value[order]
        change = np.diff(cell)
    begins = np.concatenate([[0], np.flatnonzero(change) + 1])[: len(cell)]
    ends = np.concatenate([begins[1:], [len(cell)]])[: len(begins)]
    shape = (series, buckets)
    low, high, last = (np.full(series * buckets, np.nan) for _ in range(3))
    count = np.zeros(series * buckets, np.int64)
    if len(begins):
        filled = cell[begins]
        low[filled] = np.fmin.reduceat(value, begins)
        high[filled] = np.fmax.reduceat(value, begins)
        last[filled] = value[ends - 1]
        count[filled] = ends - begins
    return Buckets(
        low.reshape(shape), high.reshape(shape), last.reshape(shape), count.reshape(shape)
    )
