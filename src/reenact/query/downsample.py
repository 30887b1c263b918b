"""Fewer points of a series, with every spike still there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["kept", "step_order"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def step_order(steps: Ints) -> Ints | None:
    """The order of the steps, stable among equal ones; None when they are in order already."""
    if len(steps) < 2 or bool(np.all(steps[1:] >= steps[:-1])):
        return None
    return np.argsort(steps, kind="stable")


def kept(values: Floats, points: int) -> Ints | None:
    """The positions to keep of a series, ascending; None to keep them all.

    A series of no more than `points` is kept whole. A longer one is cut into buckets of equally many points;
    of each the smallest and the largest stay, and of the whole the first and the last: at most `points` in
    all (four where fewer are asked for). A NaN is no extreme and hides none; a bucket of nothing else keeps
    its first, so that the gap is seen. ±infinity are extremes. Among equals the first is kept.
    """
    count = len(values)
    if count <= max(points, 4):
        return None
    buckets = max(1, (points - 2) // 2)
    width = -(-count // buckets)
    whole = count // width
    low, high = _extremes(values[: whole * width].reshape(whole, width))
    base = np.arange(whole, dtype=np.int64) * width
    found = [np.array([0, count - 1]), base + low, base + high]
    if whole * width < count:
        low, high = _extremes(values[whole * width :].reshape(1, -1))
        found += [whole * width + low, whole * width + high]
    return np.unique(np.concatenate(found))


def _extremes(rows: Floats) -> tuple[Ints, Ints]:
    """The position of the smallest and of the largest value in each row, NaN passed over."""
    low, high = rows.argmin(axis=1), rows.argmax(axis=1)
    # numpy takes a NaN for the smallest and for the largest; only rows where it did are looked at again.
    at = np.arange(len(rows))
    spoilt = np.flatnonzero(np.isnan(rows[at, low]))
    if len(spoilt):
        again = rows[spoilt]
        nan = np.isnan(again)
        low[spoilt] = np.where(nan, np.inf, again).argmin(axis=1)
        high[spoilt] = np.where(nan, -np.inf, again).argmax(axis=1)
        # Where the only other values are the infinity that stands in for NaN, take one of those.
        for row in np.flatnonzero(np.isnan(again[np.arange(len(again)), low[spoilt]])):
            other = np.flatnonzero(~nan[row])
            low[spoilt[row]] = other[again[row][other].argmin()] if len(other) else 0
        for row in np.flatnonzero(np.isnan(again[np.arange(len(again)), high[spoilt]])):
            other = np.flatnonzero(~nan[row])
            high[spoilt[row]] = other[again[row][other].argmax()] if len(other) else 0
    return low.astype(np.int64), high.astype(np.int64)
