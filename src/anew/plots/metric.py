"""One metric over many experiments.

Up to 24 experiments have a colour or dash of their own and a line in the legend; beyond that nobody could
tell them apart, and colour says where a curve ends instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..query.smoothing import smoothed
from .chart import Chart, Curve, Oddities, Shades, keep_charts
from .draw import axis_unit, draw_chart
from .lines import Attempts, Line, XAxis, chosen, nth, read_lines
from .named import labels_of
from .saving import save_figure
from .style import DASHES, MUTED, PALETTE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..store import Ref, Store

__all__ = ["chart_of", "plot_metric"]

MOST_DISTINCT = 24


def plot_metric(
    store: Store,
    refs: Ref | Iterable[Ref],
    metric: str,
    *,
    save: str | os.PathLike[str] | None = None,
    ax: Axes | None = None,
    x: XAxis = "step",
    smooth: float = 0.0,
    log_y: bool = False,
    points: int = 2000,
    title: str | None = None,
    label: str | Sequence[str] = (),
    attempts: Attempts | None = None,
) -> Figure:
    """Draw one metric of many experiments, a curve each.

    Args:
        refs: Experiments: references, views, or the result of a search.
        save: A .png, .svg or .pdf file to write as well, or a .py file: the program that draws the figure.
        ax: Axes to draw in instead of a new figure's.
        x: "step", "time", "relative" (seconds since each experiment's start), or another metric: its value at the same step.
        smooth: Weight of the exponential moving average, in [0, 1); the curve itself stays visible, pale.
        points: About how many points to draw per curve; the extremes are always among them.
        label: Fields by which the curves are named in the legend, such as "lr"; by default the
            experiments' names and what differs between them.
        attempts: Of runs that were resumed: "joined" draws one curve, in which a later attempt takes the place of an earlier one from the
            step on at which it goes on; "each" draws one for each attempt.

    Raises:
        NotFound: An experiment is unknown, or none logged the metric.
        InvalidValue: `save`, `x` or `smooth` has a value it cannot have.
    """
    experiments = chosen(store, refs)
    lines = read_lines(store, experiments, [metric], x=x, points=points, attempts=attempts)
    smooth_lines = _smooth(store, experiments, metric, x, smooth, attempts) if smooth else None
    named = labels_of(experiments, [label] if isinstance(label, str) else label)
    figure, axes = new_axes(ax)
    chart = chart_of(
        lines,
        [named[line.experiment_id] + nth(line) for line in lines],
        x=x,
        title=title or metric,
        y_name=metric,
        log_y=log_y,
        missing=len(experiments) - len({line.experiment_id for line in lines}),
        smooth_lines=smooth_lines,
    )
    draw_chart(axes, chart, outside=ax is None)
    if ax is None:
        keep_charts(figure, [chart])
    if save is not None:
        save_figure(figure, save)
    return figure


def _smooth(
    store: Store,
    experiments: Sequence[Any],
    metric: str,
    x: XAxis,
    weight: float,
    attempts: Attempts | None,
) -> list[Line]:
    # An average over what downsampling left would be one of extremes: it needs all points.
    whole = read_lines(store, experiments, [metric], x=x, points=None, attempts=attempts)
    return [
        Line(one.experiment_id, one.metric, *_thinned(one, smoothed(one.y, weight)))
        for one in whole
    ]


def _thinned(line: Line, y: Any, most: int = 4000) -> tuple[Any, Any]:
    """A smoothed curve has no spikes to lose, so every n-th point and the last will do."""
    every = max(1, len(y) // most)
    keep = np.unique(np.append(np.arange(0, len(y), every), len(y) - 1))
    return line.x[keep], y[keep]


def chart_of(
    lines: Sequence[Line],
    names: Sequence[str],
    *,
    x: XAxis,
    title: str,
    y_name: str,
    log_y: bool,
    missing: int = 0,
    smooth_lines: Sequence[Line] | None = None,
) -> Chart:
    """The chart of some lines, with a legend, or coloured by their last values when there are too many.

    Args:
        missing: How many experiments have no line.
    """
    distinct = len(lines) <= MOST_DISTINCT
    colors, shades = _colors(lines, log_y, y_name)
    divisor, x_name = axis_unit(lines, x)
    oddities = Oddities()
    oddities.missing = missing
    told = distinct and (len(lines) > 1 or names[0] != title)
    curves: list[Curve] = []
    for number, line in enumerate(lines):
        oddities.count(line.y, log_y=log_y)
        curve = Curve(
            x=line.x / divisor,
            y=line.y,
            color=colors[number],
            width=1.6 if distinct else 0.9,
            dash=DASHES[number // len(PALETTE) % len(DASHES)] if distinct else "-",
            name=names[number] if told else "",
        )
        if smooth_lines:
            average = smooth_lines[number]
            curves.append(replace(curve, width=0.8, alpha=0.28, dash="-", name=""))
            curve = replace(curve, x=average.x / divisor, y=average.y, marks=False)
        curves.append(curve)
    return Chart(title, x, x_name, y_name, log_y, tuple(curves), oddities.remark(), shades)


def _colors(lines: Sequence[Line], log_y: bool, name: str) -> tuple[list[Any], Shades | None]:
    if len(lines) <= MOST_DISTINCT:
        return [PALETTE[number % len(PALETTE)] for number in range(len(lines))], None
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm, Normalize

    ends = [_last_finite(line) for line in lines]
    known = [end for end in ends if np.isfinite(end) and (end > 0 or not log_y)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    shades = Shades(low, high, log_y and low < high, f"last {name} of {len(lines)} experiments")
    norm = (LogNorm if shades.log else Normalize)(low, high)
    scheme = colormaps["viridis"]
    colors = [scheme(0.95 * float(norm(end))) if end in known else MUTED for end in ends]
    return colors, shades


def _last_finite(line: Line) -> float:
    finite = np.flatnonzero(np.isfinite(line.y))
    return float(line.y[finite[-1]]) if len(finite) else float("nan")
