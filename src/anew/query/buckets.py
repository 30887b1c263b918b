"""What the buckets of a chart hold, from every point, and what groups of series add up to.

A bucket's smallest and largest value are those of all points in it, and a group's mean is taken over all of its members.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, get_args

import msgspec
import numpy as np

from .arrays import Floats, Ints
from .grid import Rule, edges_of

__all__ = ["Buckets", "Column", "Filling", "GroupBuckets", "grouped"]

Column = Literal["low", "high", "last", "mean", "count", "nonfinite"]
_LONG = 1 << 12
"""Points of one series from which on its buckets are looked for by where they begin."""
_TOGETHER = 1 << 16
"""Points put into buckets together: as many as stay in the processor's cache."""


class Buckets(msgspec.Struct, frozen=True, eq=False):
    """What the buckets of several series hold: arrays of as many rows as there are series.

    An array that was not asked for has no rows.

    Attributes:
        low: The smallest value but NaN; NaN where there is none. `high` the largest.
        last: The value furthest along; of several at one place the one written last.
        mean: Of the finite values; NaN where there is none.
        count: How many points there are; `nonfinite` how many of them are NaN or infinite.
    """

    low: Floats
    high: Floats
    last: Floats
    mean: Floats
    count: Ints
    nonfinite: Ints


class GroupBuckets(msgspec.Struct, frozen=True, eq=False):
    """What groups of series add up to: arrays of as many rows as there are groups.

    Each member counts once in a bucket, with the mean of its finite points there.

    Attributes:
        mean: The mean of the members; NaN where none has a finite point.
        deviation: The standard deviation of the members (with n - 1); NaN for fewer than two.
        quantiles: Of the members, linear between them: groups × quantiles × buckets.
        members: How many members have a finite point in the bucket.
    """

    mean: Floats
    deviation: Floats
    quantiles: Floats
    members: Ints


class Filling:
    """Buckets being filled, any number of points at a time.

    Args:
        series: How many series there are.
        rule: Which bucket a place belongs to.
        columns: What is to be told of each bucket.
    """

    def __init__(
        self, series: int, rule: Rule, columns: Collection[Column] = get_args(Column)
    ) -> None:
        self._rule = rule
        self._columns = frozenset(columns)
        shape = (series, rule.buckets)
        size = series * rule.buckets
        self._low, self._high, self._last, self._sum = (
            np.full(size if name in self._columns else 0, np.nan)
            for name in ("low", "high", "last", "mean")
        )
        self._last_x = np.full(size if "last" in self._columns else 0, -np.inf)
        self._count = np.zeros(size, np.int64)
        self._nonfinite = np.zeros(size, np.int64)
        self._shape = shape

    def add(self, series: Ints | int, x: Floats, value: Floats) -> None:
        """Put points into their buckets.

        Args:
            series: The row of each point, or of all. The points of a series come in the order they were written.
            x: The place of each point.
            value: The value of each point.
        """
        if isinstance(series, int) and len(value) > _LONG:
            found = edges_of(self._rule, x)
            if found is not None:
                self._add_ascending(series * self._rule.buckets + found[0], x, value, found[1])
                return
        for begin in range(0, len(value), _TOGETHER):
            here = slice(begin, begin + _TOGETHER)
            rows = series if isinstance(series, int) else series[here]
            self._add(rows, x[here], value[here])

    def _add_ascending(self, cell: int, x: Floats, value: Floats, edges: Ints) -> None:
        """Put a long series into its buckets, of which each is one stretch of it: that of `cell` and those after it."""
        here = np.flatnonzero(edges[1:] > edges[:-1])
        if not len(here):
            return
        begin, end = edges[here], edges[here + 1]
        value = value[begin[0] : end[-1]]
        at = begin - begin[0]
        known = end - begin
        clean = value
        finite = np.isfinite(value)
        if not finite.all():
            known = np.add.reduceat(finite, at, dtype=np.int64)
            clean = np.where(finite, value, 0.0)
        self._note(here + cell, at, value, clean, end - begin, known, x[end - 1])

    def _add(self, series: Ints | int, x: Floats, value: Floats) -> None:
        bucket = self._rule.at(x)
        cell = bucket + series * self._rule.buckets
        if bucket.min() < 0:
            inside = bucket >= 0
            cell, x, value = cell[inside], x[inside], value[inside]
            if not len(value):
                return
        ordered = bool(np.all(cell[1:] >= cell[:-1]))
        if ordered and "last" in self._columns:
            ordered = bool(np.all((cell[1:] > cell[:-1]) | (x[1:] >= x[:-1])))
        if not ordered:
            order = np.lexsort((x, cell))  # stable: as written among equal places
            cell, x, value = cell[order], x[order], value[order]
        begin = np.flatnonzero(np.concatenate(([True], cell[1:] != cell[:-1])))
        end = np.append(begin[1:], len(cell)) - 1
        count = end - begin + 1
        finite = np.isfinite(value)
        known = count if finite.all() else np.add.reduceat(finite.astype(np.int64), begin)
        clean = value if known is count else np.where(finite, value, 0.0)
        self._note(cell[begin], begin, value, clean, count, known, x[end])

    def _note(
        self,
        cells: Ints,
        begin: Ints,
        value: Floats,
        clean: Floats,
        count: Ints,
        known: Ints,
        last_x: Floats,
    ) -> None:
        """Note the points of some cells, each of which has the values from its `begin` to the next: `clean` are the finite ones, else 0."""
        if "low" in self._columns:
            self._low[cells] = np.fmin(self._low[cells], np.fmin.reduceat(value, begin))
        if "high" in self._columns:
            self._high[cells] = np.fmax(self._high[cells], np.fmax.reduceat(value, begin))
        if "mean" in self._columns:
            before = self._sum[cells]
            with np.errstate(over="ignore", invalid="ignore"):
                total = np.where(np.isnan(before), 0.0, before) + np.add.reduceat(clean, begin)
            self._sum[cells] = np.where(known > 0, total, before)
        if "last" in self._columns:
            last = value[begin + count - 1]
            further = last_x >= self._last_x[cells]
            self._last[cells[further]] = last[further]
            self._last_x[cells[further]] = last_x[further]
        self._count[cells] += count
        self._nonfinite[cells] += count - known

    def buckets(self) -> Buckets:
        """What was put in."""
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self._sum / (self._count - self._nonfinite) if len(self._sum) else self._sum
        count = self._count if "count" in self._columns else self._count[:0]
        nonfinite = self._nonfinite if "nonfinite" in self._columns else self._nonfinite[:0]
        buckets = self._shape[1]
        return Buckets(
            self._low.reshape(-1, buckets),
            self._high.reshape(-1, buckets),
            self._last.reshape(-1, buckets),
            mean.reshape(-1, buckets),
            count.reshape(-1, buckets),
            nonfinite.reshape(-1, buckets),
        )


def grouped(
    mean: Floats, group: Sequence[int], groups: int, quantiles: Sequence[float]
) -> GroupBuckets:
    """What groups of series add up to.

    Args:
        mean: The mean of each series in each bucket, as `Buckets.mean`.
        group: The number of each series' group.
        groups: How many groups there are.
        quantiles: Which, each from 0 to 1.
    """
    of = np.asarray(group, np.int64)
    buckets = mean.shape[1]
    result = GroupBuckets(
        np.full((groups, buckets), np.nan),
        np.full((groups, buckets), np.nan),
        np.full((groups, len(quantiles), buckets), np.nan),
        np.zeros((groups, buckets), np.int64),
    )
    order = np.argsort(of, kind="stable")
    edges = np.searchsorted(of[order], np.arange(groups + 1))
    for number in range(groups):
        members = mean[order[edges[number] : edges[number + 1]]]
        if not len(members):
            continue
        missing = np.isnan(members)
        known = len(members) - missing.sum(axis=0)
        result.members[number] = known
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            middle = np.where(missing, 0.0, members).sum(axis=0) / known
            apart = np.where(missing, 0.0, members - middle)
            result.mean[number] = middle
            spread = np.sqrt(np.einsum("ij,ij->j", apart, apart) / (known - 1))
            result.deviation[number] = np.where(known > 1, spread, np.nan)
        if quantiles and all(one in (0, 1) for one in quantiles):
            ends = (np.fmin, np.fmax)
            result.quantiles[number] = [ends[int(one)].reduce(members, axis=0) for one in quantiles]
        elif quantiles:
            result.quantiles[number] = _quantiles(np.sort(members, axis=0), known, quantiles)
    return result


def _quantiles(ascending: Floats, known: Ints, quantiles: Sequence[float]) -> Floats:
    """Quantiles of each column, of which the first `known` values count."""
    columns = np.arange(ascending.shape[1])
    found = np.full((len(quantiles), ascending.shape[1]), np.nan)
    for at, quantile in enumerate(quantiles):
        place = np.maximum(known - 1, 0) * quantile
        under = np.floor(place).astype(np.int64)
        over = np.minimum(under + 1, np.maximum(known - 1, 0))
        a, b = ascending[under, columns], ascending[over, columns]
        with np.errstate(invalid="ignore", over="ignore"):
            between = a + (b - a) * (place - under)
        found[at] = np.where(known > 0, np.where(under == over, a, between), np.nan)
    return found
