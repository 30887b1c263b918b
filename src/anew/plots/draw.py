"""Drawing a chart so that gaps and outliers stay visible."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import numpy as np

from .lines import Line, XAxis, scaled_time
from .style import INK, MUTED, dress, legend, literal, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .chart import Chart, Curve, Shades

__all__ = ["adjust_x", "axis_unit", "draw_chart"]


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


def draw_chart(ax: Axes, chart: Chart, *, outside: bool) -> None:
    """Draw a chart into axes.

    Args:
        outside: Whether the legend stands outside of the axes, in a figure of ours.
    """
    named: dict[int, Any] = {}
    for number, curve in enumerate(chart.curves):
        if curve.low is not None and curve.high is not None:
            ax.fill_between(
                curve.x, curve.low, curve.high, color=curve.color, alpha=0.18, linewidth=0
            )
        line = _draw_curve(ax, curve, log_y=chart.log_y)
        if curve.name:
            named[number] = line
    _finish(ax, chart)
    if chart.shades is not None:
        _colorbar(ax, chart.shades)
    elif named:
        names = [chart.curves[number].name for number in named]
        legend(ax, list(named.values()), names, outside=outside)


def _draw_curve(ax: Axes, curve: Curve, *, log_y: bool) -> Any:
    """Draw a curve with gaps where it is not finite; returns the line for a legend.

    A finite point between two gaps, or alone in its series, would be invisible as a line and gets a dot.
    NaN is marked with × at the foot of the axes, +inf with ▲ at the top, -inf with ▼ at the foot.
    """
    x, y, color = curve.x, curve.y, curve.color
    finite = np.isfinite(y)
    shown = finite & (y > 0) if log_y else finite
    (line,) = ax.plot(
        x, np.where(shown, y, np.nan), color=color, linewidth=curve.width, linestyle=curve.dash, alpha=curve.alpha
    )  # fmt: skip
    before = np.concatenate(([False], shown[:-1]))
    after = np.concatenate((shown[1:], [False]))
    alone = shown & ~before & ~after
    if alone.any():
        ax.plot(x[alone], y[alone], ".", color=color, markersize=5, alpha=curve.alpha)
    across = ax.get_xaxis_transform()
    for chosen, at, marker in (
        (np.isnan(y), 0.015, "x"),
        (y == np.inf, 0.985, "^"),
        (y == -np.inf, 0.015, "v"),
    ):
        if curve.marks and chosen.any():
            ax.plot(
                x[chosen], np.full(int(chosen.sum()), at), marker, color=color, markersize=4.5,
                transform=across, clip_on=False, alpha=0.8, zorder=5,
            )  # fmt: skip
    return line


def _finish(ax: Axes, chart: Chart) -> None:
    """Scales, ticks, names and the remark, once all curves are there."""
    dress(
        ax, title=chart.title, x=chart.x_name, y="" if chart.y_name == chart.title else chart.y_name
    )
    if chart.log_y:
        ax.set_yscale("log", nonpositive="mask")
    if chart.x == "time":
        _date_axis(ax)
    elif chart.x == "step":
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True, steps=[1, 2, 2.5, 5, 10]))
        ax.xaxis.set_major_formatter(_thousands)
    ax.margins(x=0.015)
    if chart.x_range is not None:
        ax.set_xlim(chart.x_range)
    if chart.y_range is not None:
        ax.set_ylim(chart.y_range)
    note(ax, chart.remark)


def _colorbar(ax: Axes, shades: Shades) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize

    norm = (LogNorm if shades.log else Normalize)(shades.low, shades.high)
    figure = ax.get_figure()
    assert figure is not None
    bar = figure.colorbar(ScalarMappable(norm, "viridis"), ax=ax, pad=0.02, aspect=32)
    bar.set_label(literal(shades.title), color=MUTED, fontsize=9)
    bar.ax.tick_params(labelsize=8, colors=MUTED, length=2)
    bar.outline.set_visible(False)


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
