"""Where the points of a chart are put: stretches of equal width, or the places themselves."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec
import numpy as np

from .arrays import Floats, Ints

__all__ = ["Grid", "Places", "Rule", "Span"]


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
