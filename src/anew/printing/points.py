"""Experiments as dots and as lines through axes, drawn by the functions of `anew.plots`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..plots.chart import Dots, Ruler, Strands
from ..plots.front import Better, front_of
from ..plots.parallel import strands_size
from ..plots.pictures import draw_dots, draw_strands
from ..plots.style import PALETTE, new_axes, new_grid
from .density import MOST_LINES, count_strands
from .figure import image_of
from .parts import Figure
from .words import TIMES, moment, plural, title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..analysis.values import FieldValues, Values
    from ..plots.lines import Floats
    from ..reports.plots import Plot

__all__ = ["is_log", "parallel", "scatter", "shown_at", "slices"]

_FEW = 2000
"""More dots or lines than this are drawn as pixels, also in a file of lines."""
_LINE = 8
"""A line through axes takes about as much room in a file as so many dots."""
_MOST_TEXTS = 40
_MOST_SLICES = 24
_TOGETHER = 9
_DECADES = 100 * (1 - 1e-9)
_PALE = "#B8B8B8"


def is_log(column: FieldValues, logs: Sequence[str]) -> bool:
    """Whether the axis of a field is logarithmic: where somebody chose that, or of a setting above zero that spans two decades."""
    if column.labels is not None or f"-{column.field}" in logs:
        return False
    if column.field in logs:
        return True
    if not column.field.startswith(("params", "config")):
        return False
    finite = column.values[np.isfinite(column.values)]
    return len(finite) > 0 and finite.min() > 0 and finite.max() >= finite.min() * _DECADES


def shown_at(column: FieldValues, logs: Sequence[str]) -> Floats:
    """The values that an axis can show, and NaN in the place of others."""
    good = np.isfinite(column.values)
    if is_log(column, logs):
        good &= column.values > 0
    return np.where(good, column.values, math.nan)


def said_of(values: Values, fields: Sequence[str], logs: Sequence[str]) -> str:
    """How many experiments there are, and of each field what its axis cannot show."""
    found = [plural(values.count, "experiment"), "each drawn"]
    for field in dict.fromkeys(fields):
        column = next(one for one in values.columns if one.field == field)
        numbers = column.values[np.isfinite(column.values)]
        below = int((numbers <= 0).sum()) if is_log(column, logs) else 0
        counts = ((column.missing, "without"), (column.nonfinite, "not finite"), (below, "≤ 0"))
        parts = [f"{count:,} {what}" for count, what in counts if count]
        if parts:
            found.append(f"{title_of(field)}: {', '.join(parts)}, beside the axis")
    return " · ".join(found)


def scatter(values: Values, plot: Plot, form: Literal["svg", "png"]) -> Figure:
    """One field against another."""
    across, up = values.columns
    title = f"{title_of(up.field)} by {title_of(across.field)}"
    figure, axes = new_axes(None, size=(7.2, 4.2))
    said = said_of(values, [across.field, up.field], plot.logs)
    if plot.front == "none":
        _dots(axes, across, up, plot.logs, title)
    elif across.labels is not None or up.labels is not None:
        _dots(axes, across, up, plot.logs, title)
        said += " · no front of texts"
    else:
        found = _dots(axes, across, up, plot.logs, title, plot.front)
        said += f" · front of {found}: {_front_in(across.field, up.field, plot.front)}"
    return Figure(((title, image_of(figure, form, title)),), said=(said,))


def slices(values: Values, plot: Plot, form: Literal["svg", "png"]) -> Figure:
    """The result against each setting, some of them in each drawing."""
    result, *settings = values.columns
    drawn = settings[:_MOST_SLICES]
    charts = []
    for begin in range(0, len(drawn), _TOGETHER):
        some = drawn[begin : begin + _TOGETHER]
        across = min(3, len(some))
        figure, every = new_grid(math.ceil(len(some) / across), across)
        for axes, setting in zip(every, some, strict=False):
            _dots(axes, setting, result, plot.logs, title_of(setting.field))
        for axes in every[len(some) :]:
            axes.set_axis_off()
        title = f"{title_of(result.field)} by each of {', '.join(title_of(one.field) for one in some)}"  # fmt: skip
        charts.append((title, image_of(figure, form, title)))
    said = said_of(values, [result.field, *(one.field for one in drawn)], plot.logs)
    if len(settings) > len(drawn):
        said += f" · the first {len(drawn)} of {len(settings)} settings that differ"
    return Figure(tuple(charts), said=(said,))


def _front_in(across: str, up: str, better: Better) -> str:
    """What stands out in a scatter plot, in the words of the page."""
    x, y = better.split("-")
    if across in TIMES and across != "updated_at":
        return f"best {'so far' if x == 'low' else 'since'}, {y} {title_of(up)}"
    return f"{x} {title_of(across)}, {y} {title_of(up)}"


def _dots(
    axes: Axes, across: FieldValues, up: FieldValues, logs: Sequence[str], title: str, better: Better | None = None,
) -> int:  # fmt: skip
    """Draw dots: those without a place along x in a strip at the left, those without one along y at the top.

    Those that no other one beats stand out where it is said which ends are better; the answer is how many these are.
    """
    xs, ys = shown_at(across, logs), shown_at(up, logs)
    x, xs = _ruler(across, xs, logs)
    y, ys = _ruler(up, ys, logs)
    there = np.isfinite(xs)
    front = front_of(xs[there], ys[there], better) if better else ()
    rising = better is None or better.startswith("low")
    picture = Dots(title, x, y, xs[there], ys[there], (PALETTE[0],), front=front, rising=rising)
    draw_dots(axes, picture)
    if (~there).any():
        beside = ys[~there]
        axes.plot(
            [0.012] * len(beside), beside, "o", color=_PALE, markersize=5, markeredgecolor="white", markeredgewidth=0.5,
            transform=axes.get_yaxis_transform(), zorder=3,
        )  # fmt: skip
    _as_pixels(axes, len(xs))
    return len(front)


def _as_pixels(axes: Axes, count: int) -> None:
    if count > _FEW:
        for one in (*axes.collections, *axes.lines):
            one.set_rasterized(True)


def _ruler(column: FieldValues, values: Floats, logs: Sequence[str]) -> tuple[Ruler, Floats]:
    """What lies along an axis, and where the values are on it: times are hours since the first of them."""
    name = title_of(column.field)
    if column.labels is not None:
        return Ruler(name, "text", _thinned(column.labels)), values
    if column.field in TIMES and np.isfinite(values).any():
        first = float(np.nanmin(values))
        return Ruler(f"{name}: hours since {moment(first)}"), (values - first) / 3600
    return Ruler(name, "log" if is_log(column, logs) else "linear"), values


def _thinned(labels: Sequence[str]) -> tuple[str, ...]:
    """Texts of an axis: of many, every second, third … and nothing at the others."""
    every = math.ceil(len(labels) / _MOST_TEXTS)
    return tuple(one if at % every == 0 else "" for at, one in enumerate(labels))


def parallel(values: Values, plot: Plot, form: Literal["svg", "png"]) -> Figure:
    """Axes beside each other with a line for each experiment, coloured by the last axis."""
    rulers, places = [], []
    for column in values.columns:
        ruler, at = _ruler(column, shown_at(column, plot.logs), plot.logs)
        rulers.append(ruler)
        places.append(at)
    names = ", ".join(title_of(one.field) for one in values.columns)
    title = f"{title_of(values.columns[-1].field)} of {plural(values.count, 'experiment')}"
    ends = places[-1]
    # The last axis gives the colours, unless a line has no place on it.
    whole = len(ends) > 0 and bool(np.isfinite(ends).all())
    colors = () if whole else tuple(PALETTE[0] if end == end else _PALE for end in ends)
    down = plot.result.endswith(".min")
    figure, axes = new_axes(None, size=strands_size(len(rulers)))
    picture = Strands(title, tuple(rulers), tuple(places), colors, down)
    if values.count > MOST_LINES:
        count_strands(axes, picture)
    else:
        draw_strands(axes, picture)
        _as_pixels(axes, values.count * _LINE)
    said = said_of(values, [one.field for one in values.columns], plot.logs)
    if values.count > MOST_LINES:
        said = said.replace("each drawn", "density of all")
    return Figure(((f"{title}, as lines through {names}", image_of(figure, form, title)),), said=(said,))  # fmt: skip
