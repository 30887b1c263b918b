"""What a figure shows, before anything draws it: `draw` and `dots` make a picture of it, `code` a program. The page tells of its charts in the same terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .lines import XAxis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Chart", "Curve", "Dots", "Oddities", "Picture", "Ruler", "Shades", "Strands", "charts_in", "keep_charts"]  # fmt: skip

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
        x_range, y_range: The part that is shown; None for all of it.
    """

    title: str
    x: XAxis
    x_name: str
    y_name: str
    log_y: bool
    curves: tuple[Curve, ...]
    remark: str = ""
    shades: Shades | None = None
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Ruler:
    """What lies along an axis of values; of texts, their places count from 0."""

    name: str
    kind: Literal["linear", "log", "text"] = "linear"
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dots:
    """A dot for each experiment.

    Attributes:
        xs, ys: Where they lie; one without a finite y is marked at the top.
        colors: One for all of them, or one for each.
        ringed: The one that stands out, and `ring_name` what stands beside it.
        front: The numbers of those that no other one beats, from the better end of x; stairs lead from one to the next.
        rising: Whether the lower end of x is the better one.
    """

    title: str
    x: Ruler
    y: Ruler
    xs: Floats
    ys: Floats
    colors: tuple[str, ...]
    remark: str = ""
    ringed: int | None = None
    ring_name: str = ""
    front: tuple[int, ...] = ()
    rising: bool = True


@dataclass(frozen=True)
class Strands:
    """A line for each experiment through axes beside each other.

    Attributes:
        values: Of each axis, where every experiment lies; NaN where it has no value.
        colors: One for each experiment, or none: then the last axis gives them.
        down: Whether the smaller values of the last axis are the better ones.
    """

    title: str
    rulers: tuple[Ruler, ...]
    values: tuple[Floats, ...]
    colors: tuple[str, ...] = ()
    down: bool = False
    remark: str = ""


Picture = Chart | Dots | Strands
_DRAWN: WeakKeyDictionary[Figure, tuple[Picture, ...]] = WeakKeyDictionary()


def keep_charts(figure: Figure, charts: Sequence[Picture]) -> None:
    """Remember what a figure of ours shows, in the order of its axes."""
    _DRAWN[figure] = tuple(charts)


def charts_in(figure: Figure) -> tuple[Picture, ...]:
    """What a figure of ours shows; nothing of one that was drawn into somebody's own axes."""
    return _DRAWN.get(figure, ())
