"""The mean of several runs with a band around it.

How runs that were not logged at the same steps are brought together: the grid is the union of all their
steps, or `points` evenly wide bins of steps when the union is longer. A run's value at a grid position is
the mean of its own points there (for the "range" band also their smallest and largest, so that a spike
stays in the band); at a position where it has none it is interpolated linearly between its neighbouring
points, and never extrapolated beyond its first or last. A run that is not finite at a position takes no
part there. `count` says how many runs stand behind each position.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Band", "BandKind", "band_of"]

Floats = NDArray[np.float64]
BandKind = Literal["std", "range", "ci"]

# Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom.
_T95 = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
    2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
)  # fmt: skip


@dataclass(frozen=True)
class Band:
    """The mean over `runs` runs per grid position, the band's edges, and how many runs are behind each."""

    x: Floats
    mean: Floats
    low: Floats
    high: Floats
    count: NDArray[np.int64]
    runs: int


def band_of(
    runs: Sequence[tuple[Floats, Floats]], *, kind: BandKind = "std", points: int = 1000
) -> Band:
    """Mean and band of runs given as `(x, y)` each, in any order of x.

    Args:
        kind: "std" is the mean ± one sample standard deviation, "range" the smallest and largest, "ci"
            the 95 % confidence interval of the mean (Student's t). With one run "std" and "ci" have no
            width.
        points: The most grid positions.
    """
    grid, edges = _grid([x for x, _ in runs], points)
    shape = (len(runs), len(grid))
    middle, low, high = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    for row, (x, y) in enumerate(runs):
        middle[row], low[row], high[row] = _on_grid(x, y, grid, edges)
    present = np.isfinite(middle)
    count = present.sum(axis=0).astype(np.int64)
    total = np.where(present, middle, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(len(grid), np.nan), where=count > 0)
    if kind == "range":
        below = np.where(np.isfinite(low), low, np.inf).min(axis=0, initial=np.inf)
        above = np.where(np.isfinite(high), high, -np.inf).max(axis=0, initial=-np.inf)
        below[count == 0] = above[count == 0] = np.nan
        return Band(grid, mean, below, above, count, len(runs))
    squares = np.where(present, (middle - mean) ** 2, 0.0).sum(axis=0)
    deviation = np.sqrt(
        np.divide(squares, count - 1, out=np.zeros(len(grid)), where=count > 1),
    )
    if kind == "ci":
        quantiles = np.array([_t95(int(n) - 1) for n in count])
        deviation = deviation * quantiles / np.sqrt(np.maximum(count, 1))
    return Band(grid, mean, mean - deviation, mean + deviation, count, len(runs))


def _t95(degrees: int) -> float:
    """Student's t beyond the table by the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5)."""
    if degrees < 1:
        return 0.0
    if degrees <= len(_T95):
        return _T95[degrees - 1]
    z = 1.959964
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)


def _grid(xs: Sequence[Floats], points: int) -> tuple[Floats, Floats | None]:
    """Grid positions, and the edges of the bins when the positions stand for bins."""
    finite = [x[np.isfinite(x)] for x in xs]
    union = np.unique(np.concatenate(finite)) if finite else np.empty(0)
    if len(union) <= points:
        return union, None
    edges = np.linspace(union[0], union[-1], points + 1)
    return (edges[:-1] + edges[1:]) / 2, edges


def _on_grid(
    x: Floats, y: Floats, grid: Floats, edges: Floats | None
) -> tuple[Floats, Floats, Floats]:
    """A run's mean, smallest and largest value at every grid position (NaN where it takes no part)."""
    nothing = np.full(len(grid), np.nan)
    if len(x) == 0 or len(grid) == 0:
        return nothing, nothing, nothing
    if edges is None:
        place = np.searchsorted(grid, x)
    else:
        place = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(grid) - 1)
    finite = np.isfinite(y)
    seen = np.bincount(place, minlength=len(grid)) > 0
    counts = np.bincount(place[finite], minlength=len(grid))
    sums = np.bincount(place[finite], weights=y[finite], minlength=len(grid))
    middle = np.divide(sums, counts, out=nothing.copy(), where=counts > 0)
    low, high = np.full(len(grid), np.inf), np.full(len(grid), -np.inf)
    np.minimum.at(low, place[finite], y[finite])
    np.maximum.at(high, place[finite], y[finite])
    own = np.flatnonzero(seen)
    # The run's own positions are the knots, those that are not finite included: numpy's interpolation
    # gives NaN next to them, which is the gap that belongs there.
    between = np.interp(grid, grid[own], middle[own], left=math.nan, right=math.nan)
    middle = np.where(seen, middle, between)
    low = np.where(seen & (counts > 0), low, middle)
    high = np.where(seen & (counts > 0), high, middle)
    return middle, low, high
