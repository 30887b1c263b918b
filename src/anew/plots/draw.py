"""Drawing one curve so that gaps and outliers stay visible."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .lines import Line, XAxis, scaled_time
from .style import INK, dress, literal, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Oddities", "adjust_x", "axis_unit", "draw_curve", "finish_axes"]

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


def axis_unit(lines: Sequence[Line], x: XAxis) -> tuple[float, str]:
    """By how much to divide the lines' x for the axis, and the axis' name.

    A "relative" axis has a fitting unit; a "time" axis has matplotlib's, days since 1970.
    """
    if x == "step":
        return 1.0, "step"
    if x == "relative":
        divisor, unit = scaled_time(lines)
        return divisor, f"{unit} since the start"
    return (86400.0, "time (UTC)") if x == "time" else (1.0, x)


def draw_curve(
    ax: Axes, x: Floats, y: Floats, *, color: Any, oddities: Oddities, log_y: bool, **style: Any
) -> Any:
    """Draw a curve with gaps where it is not finite; returns the line for a legend.

    A finite point between two gaps, or alone in its series, would be invisible as a line and gets a dot.
    NaN is marked with × at the foot of the axes, +inf with ▲ at the top, -inf with ▼ at the foot.
    """
    finite = np.isfinite(y)
    shown = finite & (y > 0) if log_y else finite
    oddities.count(y, log_y=log_y)
    (line,) = ax.plot(x, np.where(shown, y, np.nan), color=color, **style)
    before = np.concatenate(([False], shown[:-1]))
    after = np.concatenate((shown[1:], [False]))
    alone = shown & ~before & ~after
    if alone.any():
        ax.plot(
            x[alone], y[alone], ".", color=color, markersize=5, zorder=line.get_zorder(),
            alpha=style.get("alpha"),
        )  # fmt: skip
    across = ax.get_xaxis_transform()
    for chosen, at, marker in (
        (np.isnan(y), 0.015, "x"),
        (y == np.inf, 0.985, "^"),
        (y == -np.inf, 0.015, "v"),
    ):
        if chosen.any():
            ax.plot(
                x[chosen], np.full(int(chosen.sum()), at), marker, color=color, markersize=4.5,
                transform=across, clip_on=False, alpha=0.8, zorder=5,
            )  # fmt: skip
    return line


def finish_axes(
    ax: Axes,
    *,
    title: str,
    x: XAxis,
    x_name: str,
    y_name: str,
    log_y: bool,
    oddities: Oddities,
    remark: str = "",
) -> None:
    """Scales, ticks, names and the remark, once all curves are there."""
    dress(ax, title=title, x=x_name, y="" if y_name == title else y_name)
    if log_y:
        ax.set_yscale("log", nonpositive="mask")
    if x == "time":
        _date_axis(ax)
    elif x == "step":
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True, steps=[1, 2, 2.5, 5, 10]))
        ax.xaxis.set_major_formatter(_thousands)
    ax.margins(x=0.015)
    note(ax, " · ".join(filter(None, (remark, oddities.remark()))))


def adjust_x(figure: Figure, *, log_x: bool = False, name: str | None = None) -> None:
    """Give the x axes of a figure's charts a logarithmic scale, or another name; both go by the data as drawn.

    What is not above zero has no place on a logarithmic axis and is left out.
    """
    from matplotlib.ticker import LogFormatterSciNotation, LogLocator

    charts = [ax for ax in figure.axes if ax.get_visible() and ax.get_label() != "<colorbar>"]
    for ax in charts:
        if log_x:
            ax.set_xscale("log", nonpositive="mask")
            ax.xaxis.set_major_locator(LogLocator())
            ax.xaxis.set_major_formatter(LogFormatterSciNotation())
        if name is not None and ax.get_xlabel():
            ax.set_xlabel(literal(name))


def _thousands(value: float, position: float = 0) -> str:
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * size or (abs(value) >= size and value % (size / 10) == 0):
            return f"{value / size:.6g}{unit}"
    return f"{value:.6g}"


def _date_axis(ax: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]  # matplotlib
    ax.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, tz=UTC)  # type: ignore[no-untyped-call]  # matplotlib
    ax.xaxis.set_major_formatter(formatter)
    ax.xaxis.get_offset_text().set_color(INK)
    ax.xaxis.get_offset_text().set_fontsize(8.5)
