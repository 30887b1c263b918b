"""Fewer points of a series, with every spike still there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "in_order", "kept", "kept_of_outline", "outlined", "step_order"]

BLOCK = 1024
"""How many values of a series an outline has a smallest and a largest of."""
COARSE = 4
"""How many blocks a bucket must have, for an outline to cut it close enough."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def in_order(steps: Ints) -> bool:
    """Whether no step is smaller than the one before it."""
    return bool(np.all(steps[1:] >= steps[:-1]))


def step_order(steps: Ints) -> Ints | None:
    """The order of the steps, stable among equal ones; None when they are in order already."""
    return None if in_order(steps) else np.argsort(steps, kind="stable")


def kept(values: Floats | Sequence[Floats], points: int) -> Ints | None:
    """The positions to keep of a series, ascending; None to keep them all.

    A series of no more than `points` is kept whole. A longer one is cut into buckets of equally many points;
    of each the smallest and the largest stay, and of the whole the first and the last: at most `points` in
    all (four where fewer are asked for). A NaN is no extreme and hides none; a bucket of nothing else keeps
    its first, so that the gap is seen. ±infinity are extremes. Among equals the first is kept.

    Args:
        values: The series, or its pieces one after the other.
        points: How many to keep at most.
    """
    pieces = [values] if isinstance(values, np.ndarray) else values
    count = sum(map(len, pieces))
    if count <= max(points, 4):
        return None
    return _chosen(pieces, count, _width(count, points))


def outlined(values: Floats) -> Ints:
    """The positions of the outline of a series: its first and last value, and the extremes of each `BLOCK` of it.

    Extremes are chosen as `kept` does. There must be a value.
    """
    return _chosen([values], len(values), BLOCK)


def kept_of_outline(block: Ints, values: Floats, count: int, points: int) -> Ints | None:
    """Which values of an outline to keep of the whole series, as `kept` does; None where it is too coarse.

    A bucket is made of whole blocks: it has as many values as the others, give or take a block.

    Args:
        block: The position in the whole series at which the block of each value of the outline begins.
        values: The outline.
        count: How many values the whole series has.
        points: How many to keep at most.
    """
    width = _width(count, points)
    if count <= max(points, 4) or width < COARSE * BLOCK:
        return None
    bucket = block // width
    begin = [0, *(np.flatnonzero(bucket[1:] != bucket[:-1]) + 1).tolist(), len(values)]
    found = [0, len(values) - 1]
    for first, end in pairwise(begin):
        low, high = _extremes(values[first:end].reshape(1, -1))
        found += [first + int(low[0]), first + int(high[0])]
    return np.unique(np.array(found, np.int64))


def _width(count: int, points: int) -> int:
    """How many values a bucket has."""
    return -(-count // max(1, (points - 2) // 2))


def _chosen(pieces: Sequence[Floats], count: int, width: int) -> Ints:
    """The positions of the first, the last and the extremes of each `width` values."""
    found = [np.array([0, count - 1])]
    for first, rows in _buckets(pieces, width):
        low, high = _extremes(rows)
        begin = first + np.arange(len(rows), dtype=np.int64) * width
        found += [begin + low, begin + high]
    return np.unique(np.concatenate(found))


def _buckets(pieces: Sequence[Floats], width: int) -> Iterator[tuple[int, Floats]]:
    """The values in rows of `width`, with the position of the first; the last row may be shorter."""
    at = held = 0
    waiting: list[Floats] = []
    for piece in pieces:
        if held:
            more = piece[: width - held]
            piece = piece[len(more) :]
            waiting.append(more)
            held += len(more)
            if held < width:
                continue
            yield at, np.concatenate(waiting).reshape(1, width)
            at, held, waiting = at + width, 0, []
        whole = len(piece) // width
        if whole:
            yield at, piece[: whole * width].reshape(whole, width)
            at += whole * width
        if whole * width < len(piece):
            waiting = [piece[whole * width :]]
            held = len(waiting[0])
    if held:
        yield at, np.concatenate(waiting).reshape(1, held)


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
