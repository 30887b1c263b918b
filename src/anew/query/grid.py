"""Many series on one common grid: what each bucket holds, and what groups of series add up to.

Every number comes from every point: a bucket's smallest and largest value are those of all points in it, and a
group's mean is taken over all of its members.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from .arrays import Floats, Ints

__all__ = ["Buckets", "Grid", "GroupBuckets", "Span", "grouped", "reduced", "unfilled"]


class Grid(msgspec.Struct, frozen=True):
    """`buckets` stretches of equal width from `start` to `stop`; the last one includes `stop`."""

    start: float
    stop: float
    buckets: int

    def at(self, x: Floats) -> Ints:
        """The bucket of each place; -1 for what lies outside, and for NaN."""
        if self.stop > self.start:
            with np.errstate(invalid="ignore", over="ignore"):
                scaled = (x - self.start) * (self.buckets / (self.stop - self.start))
                found = np.where(np.isfinite(scaled), np.floor(scaled), -1.0)
                found = np.clip(found, -1, self.buckets)
            found[found == self.buckets] = np.where(
                x[found == self.buckets] <= self.stop, self.buckets - 1, -1
            )
            # Where scaling rounds, the ends of the range decide and not the rounding.
            found[(x < self.start) | (x > self.stop)] = -1
        else:
            found = np.where(x == self.start, 0.0, -1.0)
        return found.astype(np.int64)


class Buckets(msgspec.Struct, frozen=True, eq=False):
    """What the buckets of several series hold: arrays of as many rows as there are series.

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
        quantiles: Of the members, linear between them: groups × quantiles × buckets.
        members: How many members have a finite point in the bucket.
    """

    mean: Floats
    quantiles: Floats
    members: Ints


class Span(msgspec.Struct, frozen=True):
    """From where to where points lie."""

    first: float
    last: float

    @classmethod
    def of(cls, x: Floats, before: Span | None = None) -> Span | None:
        """The span of these places, and of another; places that are no numbers are passed over. None for nothing."""
        finite = x if np.all(np.isfinite(x)) else x[np.isfinite(x)]
        if not len(finite):
            return before
        first, last = float(finite.min()), float(finite.max())
        if before is None:
            return cls(first, last)
        return cls(min(first, before.first), max(last, before.last))


def unfilled(series: int, grid: Grid) -> Buckets:
    """Empty buckets for so many series, to be filled in."""
    shape = (series, grid.buckets)
    low, high, last, mean = (np.full(shape, np.nan) for _ in range(4))
    return Buckets(low, high, last, mean, np.zeros(shape, np.int64), np.zeros(shape, np.int64))


def reduced(into: Buckets, series: Ints, x: Floats, value: Floats, grid: Grid) -> None:
    """Fill in the buckets of some series from all of their points.

    Args:
        into: What to fill in; the rows of the series given must be empty.
        series: The row of each point. The points of a series come in the order they were written.
        x: The place of each point: its step or its time.
        value: The value of each point.
    """
    bucket = grid.at(x)
    inside = bucket >= 0
    if not inside.all():
        series, x, value, bucket = series[inside], x[inside], value[inside], bucket[inside]
    if not len(value):
        return
    cell = series * grid.buckets + bucket
    rising = (cell[1:] > cell[:-1]) | ((cell[1:] == cell[:-1]) & (x[1:] >= x[:-1]))
    if not rising.all():
        order = np.lexsort((x, cell))  # stable: as written among equal places
        cell, value = cell[order], value[order]
    begin = np.flatnonzero(np.concatenate(([True], cell[1:] != cell[:-1])))
    end = np.append(begin[1:], len(cell)) - 1
    cells = cell[begin]
    finite = np.isfinite(value)
    clean = value if finite.all() else np.where(finite, value, 0.0)
    known = np.add.reduceat(finite.astype(np.int64), begin)
    count = end - begin + 1
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(clean, begin) / known
    for whole, part in (
        (into.low, np.fmin.reduceat(value, begin)),
        (into.high, np.fmax.reduceat(value, begin)),
        (into.last, value[end]),
        (into.mean, mean),
        (into.count, count),
        (into.nonfinite, count - known),
    ):
        whole.reshape(-1)[cells] = part


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
        np.full((groups, len(quantiles), buckets), np.nan),
        np.zeros((groups, buckets), np.int64),
    )
    columns = np.arange(buckets)
    for number in range(groups):
        members = np.sort(mean[of == number], axis=0)  # NaN comes last
        if not len(members):
            continue
        known = (~np.isnan(members)).sum(axis=0)
        result.members[number] = known
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            result.mean[number] = np.nansum(members, axis=0) / known
        some = known > 0
        for at, quantile in enumerate(quantiles):
            place = np.maximum(known - 1, 0) * quantile
            under = np.floor(place).astype(np.int64)
            over = np.minimum(under + 1, np.maximum(known - 1, 0))
            a, b = members[under, columns], members[over, columns]
            with np.errstate(invalid="ignore", over="ignore"):
                between = a + (b - a) * (place - under)
            result.quantiles[number, at] = np.where(
                some, np.where(under == over, a, between), np.nan
            )
    return result
