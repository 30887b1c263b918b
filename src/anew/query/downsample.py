"""Fewer points of a series, with every spike still there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["in_order", "kept", "step_order"]

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
    width = -(-count // max(1, (points - 2) // 2))
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
