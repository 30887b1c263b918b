"""What a chart of curves shows, before anything draws it: `draw` makes a picture of it, `code` a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .lines import XAxis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Chart", "Curve", "Oddities", "Shades", "charts_in", "keep_charts"]

Floats = NDArray[np.float64]


class Oddities:
    """Counts what a chart cannot show, such as NaN, for the remark beside its title."""

    def __init__(self) -> None:
        self.nan = self.infinite = self.below_zero = self.missing = 0

    def count(self, y: Floats, *, log_y: bool) -> None:
        """Take in a curve."""
        finite = np.isfinite(y)
        self.nan += int(np.isnan(y).sum())
        self.infinite += int(np.isinf(y).sum())
        self.below_zero += int((finite & (y <= 0)).sum()) if log_y else 0

    def remark(self) -> str:
        """The counts as a sentence, "" when there are none."""
        parts = [
            (self.nan, "NaN (×)"),
            (self.infinite, "infinite (▲▼)"),
            (self.below_zero, "≤ 0 not on a log axis"),
            (self.missing, "without the value"),
        ]
        return " · ".join(f"{count:,} {what}" for count, what in parts if count)


@dataclass(frozen=True)
class Curve:
    """One curve, with x as its axis counts: steps, hours, days since 1970.

    Attributes:
        name: In the legend; a curve without one is not in it.
        marks: Whether NaN and infinities are marked at the edge of the chart.
        low, high: The band around it, if any.
    """

    x: Floats
    y: Floats
    color: Any
    width: float
    dash: Any = "-"
    name: str = ""
    alpha: float | None = None
    marks: bool = True
    low: Floats | None = None
    high: Floats | None = None


@dataclass(frozen=True)
class Shades:
    """The bar that says what the colours of curves mean which are too many for a legend."""

    low: float
    high: float
    log: bool
    title: str


@dataclass(frozen=True)
class Chart:
    """Curves with their axes.

    Attributes:
        x: What goes across, which decides how its axis is marked.
        x_name, y_name: The names of the axes; "" for none.
        remark: What the chart does not show, in small type.
        shades: In place of a legend.
    """

    title: str
    x: XAxis
    x_name: str
    y_name: str
    log_y: bool
    curves: tuple[Curve, ...]
    remark: str = ""
    shades: Shades | None = None


_DRAWN: WeakKeyDictionary[Figure, tuple[Chart, ...]] = WeakKeyDictionary()


def keep_charts(figure: Figure, charts: Sequence[Chart]) -> None:
    """Remember what a figure of ours shows, in the order of its axes."""
    _DRAWN[figure] = tuple(charts)


def charts_in(figure: Figure) -> tuple[Chart, ...]:
    """What a figure of ours shows; nothing of one that is not described by charts."""
    return _DRAWN.get(figure, ())
