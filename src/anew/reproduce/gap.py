"""How far the curves of two experiments are apart, for a chart: the largest gap of each stretch of steps, from every point."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .verdict import Curve, matched_rows

__all__ = ["Gap", "gap_of"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gap:
    """The two curves where both have a point, as columns in the order of steps.

    Attributes:
        steps: Of the points that are given.
        a: The value of the first curve there; `b` of the second; `gap` is `b - a`.
        matched: How many points both have.
        exact: Whether every one of them is given. Otherwise each is the one with the largest gap of a stretch of steps.
    """

    steps: Ints
    a: Floats
    b: Floats
    gap: Floats
    matched: int
    exact: bool


def gap_of(a: Curve, b: Curve, points: int) -> Gap:
    """The gap between two curves, at `points` steps at most. Points are matched as for the verdict."""
    rows_a, rows_b = matched_rows(a.steps, b.steps)
    steps, x, y = a.steps[rows_a], a.values[rows_a], b.values[rows_b]
    with np.errstate(invalid="ignore", over="ignore"):
        gap = y - x
    gap[(x == y) | (np.isnan(x) & np.isnan(y))] = 0.0
    count = len(steps)
    if count <= points:
        return Gap(steps, x, y, gap, count, True)
    # What is no number on one side only is the largest gap there can be.
    size = np.where(np.isnan(gap), np.inf, np.abs(gap))
    edges = np.linspace(0, count, points + 1).astype(np.int64)
    kept = np.array(
        [
            start + int(np.argmax(size[start:stop]))
            for start, stop in itertools.pairwise(edges.tolist())
        ]
    )
    return Gap(steps[kept], x[kept], y[kept], gap[kept], count, False)
