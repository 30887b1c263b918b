"""Where the points of a chart are put: stretches of equal width, or the places themselves."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec
import numpy as np

from .arrays import Floats, Ints

__all__ = ["Grid", "Places", "Rule", "Span", "edges_of"]


class Rule(Protocol):
    """Says which of a number of buckets a place belongs to."""

    @property
    def buckets(self) -> int:
        """How many buckets there are."""
        ...

    def at(self, x: Floats) -> Ints:
        """The bucket of each place; -1 for what lies outside, and for NaN."""
        ...


class Grid(msgspec.Struct, frozen=True):
    """`buckets` stretches of equal width from `start` to `stop`; the last one includes `stop`.

    With the spacing "log" they are of equal width in logarithms, and `start` must be above 0.
    """

    start: float
    stop: float
    buckets: int
    spacing: Literal["linear", "log"] = "linear"

    def at(self, x: Floats) -> Ints:
        """The bucket of each place; -1 for what lies outside, and for NaN."""
        if not len(x):
            return np.zeros(0, np.int64)
        if self.stop <= self.start:
            return np.where(x == self.start, 0, -1)
        start, stop, place = self.start, self.stop, x
        if self.spacing == "log":
            start, stop = float(np.log10(start)), float(np.log10(stop))
            with np.errstate(invalid="ignore", divide="ignore"):
                place = np.log10(x)
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = (place - start) * (self.buckets / (stop - start))
        # Where scaling rounds, the ends of the range decide and not the rounding. NaN fails both comparisons.
        inside = (x >= self.start) & (x <= self.stop)
        if not inside.all():
            scaled[~inside] = -1.0
        found = np.floor(scaled, out=scaled)
        np.minimum(found, self.buckets - 1, out=found)
        if self.spacing == "log":  # a logarithm may round below that of the start
            found[inside & (found < 0)] = 0
        return found.astype(np.int64)

    def middle(self) -> Floats:
        """The middle of each stretch."""
        share = (np.arange(self.buckets) + 0.5) / self.buckets
        if self.spacing == "log" and self.stop > self.start:
            logarithm: Floats = np.log(self.start) + share * np.log(self.stop / self.start)
            return np.exp(logarithm)
        return self.start + share * (self.stop - self.start)


class Places(msgspec.Struct, frozen=True, eq=False):
    """A bucket for each of some places, which ascend; nothing lies between them."""

    x: Floats

    @property
    def buckets(self) -> int:
        """How many places there are."""
        return len(self.x)

    def at(self, x: Floats) -> Ints:
        """The bucket of each place; -1 for one that is not among them."""
        if not len(self.x):
            return np.full(len(x), -1, np.int64)
        found = np.minimum(np.searchsorted(self.x, x), len(self.x) - 1).astype(np.int64)
        found[self.x[found] != x] = -1
        return found


class Span(msgspec.Struct, frozen=True):
    """From where to where points lie."""

    first: float
    last: float

    @classmethod
    def of(cls, x: Floats, before: Span | None = None) -> Span | None:
        """The span of these places, and of another; places that are no numbers are passed over. None for nothing."""
        if not len(x):
            return before
        first, last = float(x.min()), float(x.max())
        if not (np.isfinite(first) and np.isfinite(last)):
            finite = x[np.isfinite(x)]
            if not len(finite):
                return before
            first, last = float(finite.min()), float(finite.max())
        if before is None:
            return cls(first, last)
        return cls(min(first, before.first), max(last, before.last))


def edges_of(rule: Rule, x: Floats) -> tuple[int, Ints] | None:
    """The first bucket of ascending places, and where this one and each after it begin, up to the end of the last; None where this cannot be said.

    The rule itself is asked, for a few places of each bucket: they are the buckets that it gives for every place.
    """
    # A logarithm may round so that it does not ascend where its places do.
    if not isinstance(rule, Grid) or rule.spacing == "log" or not len(x):
        return None
    if not (np.isfinite(x[0]) and np.isfinite(x[-1]) and np.all(x[1:] >= x[:-1])):
        return None
    low, high = int(np.searchsorted(x, rule.start)), int(np.searchsorted(x, rule.stop, "right"))
    if low >= high:
        return 0, np.array([low])
    first, last = rule.at(x[[low, high - 1]]).tolist()
    wanted = np.arange(first, last + 2)
    before, after = np.full(len(wanted), low), np.full(len(wanted), high)
    while (unsure := before < after).any():
        middle = (before + after) // 2
        under = rule.at(x[np.minimum(middle, high - 1)]) < wanted
        before = np.where(unsure & under, middle + 1, before)
        after = np.where(unsure & ~under, middle, after)
    return first, before
