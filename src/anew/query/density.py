"""How many lines run through each cell of a chart of very many, from every point of every line."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from .arrays import Floats, Ints
from .grid import Grid

__all__ = ["Crossings", "Density", "DensityQuestion"]


class DensityQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Cells instead of series: as many columns as the panel has buckets.

    Attributes:
        rows: How many rows of cells there are.
        spacing: Whether the rows are of equal height, or of equal height in logarithms; then only values above 0 are shown.
        low: Where the rows begin; a little below the smallest value if None. `high` likewise.
        better: Which last values are better, for `best`; None if that is not known.
        best: How many experiments are named that end best.
    """

    rows: int
    spacing: Literal["linear", "log"] = "linear"
    low: float | None = None
    high: float | None = None
    better: Literal["min", "max"] | None = None
    best: int = 10


class Density(msgspec.Struct, frozen=True, eq=False):
    """How many lines run through each cell.

    Attributes:
        low: Where the rows begin, `high` where they end.
        counts: Rows × columns; the first row is the highest. A line counts once in each cell that it runs through.
        series: How many lines there are.
        best: The ids of the experiments that end best, the best first.
    """

    low: float
    high: float
    counts: Ints
    series: int
    best: tuple[str, ...] = ()


class Crossings:
    """Counts lines in cells, any number of lines at a time.

    Args:
        grid: The columns.
        rows: How many rows there are.
        low: The value where they begin, `high` where they end; above it.
        spacing: Whether they are of equal height in logarithms.
    """

    def __init__(
        self, grid: Grid, rows: int, low: float, high: float, spacing: Literal["linear", "log"]
    ) -> None:
        self._grid = grid
        self._rows = rows
        self._log = spacing == "log"
        self._low = float(np.log10(low)) if self._log else low
        self._high = float(np.log10(high)) if self._log else high
        self._changes = np.zeros(grid.buckets * (rows + 1), np.int64)

    def add(self, series: Ints, x: Floats, value: Floats) -> None:
        """Count whole lines.

        A line goes straight from point to point, and breaks where a value cannot be shown.

        Args:
            series: The line of each point, ascending.
            x: The place of each point.
            value: The value of each point.
        """
        across = self._across(x)
        placed = ~np.isnan(across)
        if not placed.all():
            series, across, value = series[placed], across[placed], value[placed]
        if not np.all((series[1:] > series[:-1]) | (across[1:] >= across[:-1])):
            order = np.lexsort((across, series))  # stable: as written among equal places
            series, across, value = series[order], across[order], value[order]
        down = self._down(value)
        known = ~np.isnan(down)
        part = np.cumsum(~known)  # what lies between two gaps
        if not known.all():
            series, across, down, part = series[known], across[known], down[known], part[known]
        if not len(series):
            return
        columns = self._grid.buckets
        column = np.clip(np.floor(across), -1, columns).astype(np.int64)
        column[across == columns] = columns - 1
        apart = (series[1:] != series[:-1]) | (part[1:] != part[:-1])
        # Runs of points in one column, and the straight lines from each run to the next one.
        begin = np.flatnonzero(np.concatenate(([True], apart | (column[1:] != column[:-1]))))
        end = np.append(begin[1:], len(series)) - 1
        low, high = np.minimum.reduceat(down, begin), np.maximum.reduceat(down, begin)
        before = np.flatnonzero(~apart[end[:-1]])
        after = before + 1
        from_x, from_y = across[end[before]], down[end[before]]
        slope = (down[begin[after]] - from_y) / (across[begin[after]] - from_x)
        first = column[begin[before]] + 1
        count = column[begin[after]] - first + 1
        # Each line has a height at every edge between columns that it crosses.
        starts = np.cumsum(count) - count
        whose = np.arange(len(before)).repeat(count)
        edge = np.arange(int(count.sum())) - starts[whose] + first[whose]
        height = from_y[whose] + (edge - from_x[whose]) * slope[whose]
        last = starts + count - 1
        for runs, at in ((before, starts), (after, last)):
            low[runs] = np.minimum(low[runs], height[at])
            high[runs] = np.maximum(high[runs], height[at])
        between = np.ones(len(edge), np.bool_)
        between[last] = False
        here = np.flatnonzero(between)
        self._count(
            np.concatenate((column[begin], edge[here])),
            np.concatenate((low, np.minimum(height[here], height[here + 1]))),
            np.concatenate((high, np.maximum(height[here], height[here + 1]))),
        )

    def counts(self) -> Ints:
        """How many lines run through each cell: rows × columns, the highest row first."""
        changes = self._changes.reshape(self._grid.buckets, self._rows + 1)
        found: Ints = np.cumsum(changes[:, : self._rows], axis=1).T
        return found

    def _count(self, column: Ints, low: Floats, high: Floats) -> None:
        """Count lines that run from a height to another in a column each."""
        rows = self._rows
        seen = (column >= 0) & (column < self._grid.buckets) & (high >= 0) & (low <= rows)
        at = column[seen] * (rows + 1)
        for heights, by, beyond in ((low, 1, 0), (high, -1, 1)):
            row = np.clip(heights[seen], 0, rows - 1).astype(np.int64) + beyond
            self._changes += by * np.bincount(at + row, minlength=len(self._changes))

    def _across(self, x: Floats) -> Floats:
        """Places as columns and parts of columns; NaN for what has none."""
        grid = self._grid
        start, stop = grid.start, grid.stop
        if stop <= start:
            return np.where(x == start, 0.5, np.nan)
        place = np.where(np.isfinite(x), x, np.nan)
        if grid.spacing == "log":
            start, stop = float(np.log10(start)), float(np.log10(stop))
            place = np.log10(np.where(place > 0, place, np.nan))
        found: Floats = (place - start) * (grid.buckets / (stop - start))
        found[x == grid.start] = 0.0  # where scaling rounds, the ends of the range decide
        found[x == grid.stop] = grid.buckets
        return found

    def _down(self, value: Floats) -> Floats:
        """Values as rows and parts of rows; NaN for what cannot be shown."""
        shown = np.where(np.isfinite(value), value, np.nan)
        if self._log:
            shown = np.log10(np.where(shown > 0, shown, np.nan))
        found: Floats = (self._high - shown) * (self._rows / (self._high - self._low))
        return found
