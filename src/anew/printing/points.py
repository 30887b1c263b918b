"""Experiments as dots and as lines through axes, drawn by the functions of `anew.plots`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..plots.chart import Dots, Ruler, Strands
from ..plots.front import Better, front_of
from ..plots.pictures import draw_dots, draw_strands
from ..plots.style import new_axes, new_grid, shortened
from .colours import STRONG, TOLD
from .density import MOST_LINES, count_strands
from .figure import WIDE, charted
from .marked import PALE, marked, range_of
from .parts import Chart, Figure
from .words import TIMES, moment, plural, title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..analysis.values import FieldValues, Values
    from ..plots.lines import Floats
    from ..reports.plots import Plot
    from .colours import Colours

__all__ = ["is_log", "parallel", "scatter", "shown_at", "slices"]

_FEW = 2000
"""More dots or lines than this are drawn as pixels, also in a file of lines."""
_LINE = 8
"""A line through axes takes about as much room in a file as so many dots."""
_MOST_TEXTS = 40
_MOST_SLICES = 24
_TOGETHER = 8
_DECADES = 100 * (1 - 1e-9)
_BESIDE = "#B8B8B8"


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


def said_of(values: Values, fields: Sequence[str], plot: Plot, *, dense: bool = False) -> str:
    """How many experiments there are, how many are marked, and of each field what its axis cannot show."""
    found = [plural(values.count, "experiment"), "density of all" if dense else "each drawn"]
    chosen, logs = marked(values, plot.brush), plot.logs
    if chosen is not None:
        found.append(f"{int(chosen.sum()):,} marked")
    for field in dict.fromkeys(fields):
        column = next(one for one in values.columns if one.field == field)
        numbers = column.values[np.isfinite(column.values)]
        below = int((numbers <= 0).sum()) if is_log(column, logs) else 0
        counts = ((column.missing, "without"), (column.nonfinite, "not finite"), (below, "≤ 0"))
        parts = [f"{count:,} {what}" for count, what in counts if count]
        if parts:
            found.append(f"{title_of(field)}: {', '.join(parts)}, beside the axis")
    return " · ".join(found)


def _shades(values: Values, colours: Colours) -> list[str]:
    """The colour of each experiment: its own, unless there are too many to be told apart."""
    if values.count > TOLD:
        return [STRONG] * values.count
    colours.see(values.ids)
    return [colours.of(one).shade for one in values.ids]


def scatter(values: Values, plot: Plot, form: Literal["svg", "png"], colours: Colours) -> Figure:
    """One field against another."""
    across, up = values.columns
    title = f"{title_of(up.field)} by {title_of(across.field)}"
    figure, axes = new_axes(None, size=(WIDE, 3.8))
    texts = across.labels is not None or up.labels is not None
    better = None if texts or plot.front == "none" else plot.front
    found = _dots(axes, across, up, plot.logs, title, _shades(values, colours), marked(values, plot.brush), better)  # fmt: skip
    said = said_of(values, [across.field, up.field], plot)
    if better is not None:
        said += f" · front of {found}: {_front_in(across.field, up.field, better)}"
    elif plot.front != "none":
        said += " · no front of texts"
    return Figure((charted(figure, form, title),), said=(said,))


def slices(values: Values, plot: Plot, form: Literal["svg", "png"], colours: Colours) -> Figure:
    """The result against each setting, some of them in each drawing."""
    result, *settings = values.columns
    drawn = settings[:_MOST_SLICES]
    shades, chosen = _shades(values, colours), marked(values, plot.brush)
    charts: list[Chart] = []
    for begin in range(0, len(drawn), _TOGETHER):
        some = drawn[begin : begin + _TOGETHER]
        across = min(2, len(some))
        down = math.ceil(len(some) / across)
        figure, every = new_grid(down, across, (WIDE, 3.4 if across == 1 else 2.4 * down))
        for axes, setting in zip(every, some, strict=False):
            name = shortened(title_of(setting.field), 60 // across)
            _dots(axes, setting, result, plot.logs, name, shades, chosen)
        for axes in every[len(some) :]:
            axes.set_axis_off()
        title = f"{title_of(result.field)} by each of {', '.join(title_of(one.field) for one in some)}"  # fmt: skip
        charts.append(charted(figure, form, title))
    said = said_of(values, [result.field, *(one.field for one in drawn)], plot)
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
    axes: Axes, across: FieldValues, up: FieldValues, logs: Sequence[str], title: str, shades: Sequence[str], chosen: np.ndarray | None,
    better: Better | None = None,
) -> int:  # fmt: skip
    """Draw dots: those without a place along x in a strip at the left, those without one along y at the top. What is marked lies on top.

    Those that no other one beats, of what is marked if anything is, stand out where it is said which ends are better; the answer is how many
    these are.
    """
    xs, ys = shown_at(across, logs), shown_at(up, logs)
    x, xs = _ruler(across, xs, logs)
    y, ys = _ruler(up, ys, logs)
    order = np.arange(len(xs)) if chosen is None else np.argsort(chosen, kind="stable")
    inks = [one if chosen is None or chosen[at] else PALE for at, one in enumerate(shades)]
    there = [at for at in order.tolist() if math.isfinite(xs[at])]
    among = xs if chosen is None else np.where(chosen, xs, math.nan)
    front = front_of(among[there], ys[there], better) if better else ()
    rising = better is None or better.startswith("low")
    picture = Dots(
        title,
        x,
        y,
        xs[there],
        ys[there],
        tuple(inks[at] for at in there),
        front=front,
        rising=rising,
    )
    draw_dots(axes, picture)
    beside = [at for at in order.tolist() if not math.isfinite(xs[at])]
    if beside:
        axes.plot(
            [0.012] * len(beside), ys[beside], "o", color=_BESIDE, markersize=5, markeredgecolor="white", markeredgewidth=0.5,
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


def parallel(values: Values, plot: Plot, form: Literal["svg", "png"], colours: Colours) -> Figure:
    """Axes beside each other with a line for each experiment."""
    rulers, places = [], []
    for column in values.columns:
        ruler, at = _ruler(column, shown_at(column, plot.logs), plot.logs)
        rulers.append(ruler)
        places.append(at)
    names = ", ".join(title_of(one.field) for one in values.columns)
    title = f"{title_of(values.columns[-1].field)} of {plural(values.count, 'experiment')}"
    chosen = marked(values, plot.brush)
    figure, axes = new_axes(None, size=(WIDE, 3.9))
    if values.count > MOST_LINES:
        count_strands(axes, Strands(title, tuple(rulers), tuple(places)), chosen)
    else:
        shades = _shades(values, colours)
        inks = [one if chosen is None or chosen[at] else PALE for at, one in enumerate(shades)]
        order = np.arange(values.count) if chosen is None else np.argsort(chosen, kind="stable")
        lines = tuple(one[order] for one in places)
        draw_strands(axes, Strands(title, tuple(rulers), lines, tuple(inks[at] for at in order)))
        _as_pixels(axes, values.count * _LINE)
    _bands(axes, values, plot)
    fields = [one.field for one in values.columns]
    said = said_of(values, fields, plot, dense=values.count > MOST_LINES)
    return Figure((charted(figure, form, f"{title}, as lines through {names}"),), said=(said,))


def _bands(axes: Axes, values: Values, plot: Plot) -> None:
    """The marked parts of axes beside each other."""
    for at, column in enumerate(values.columns):
        bounds = range_of(plot.brush, column.field)
        shown = shown_at(column, plot.logs)
        shown = shown[np.isfinite(shown)]
        if bounds is None or not len(shown):
            continue
        ends = np.array([shown.min(), shown.max()])
        if column.labels is not None:
            ends = np.array([0.0, max(1.0, len(column.labels) - 1.0)])
        inside = np.clip(bounds, *ends)
        if is_log(column, plot.logs):
            inside, ends = np.log10(inside), np.log10(ends)
        low, high = (inside - ends[0]) / (ends[1] - ends[0]) if ends[1] > ends[0] else (0.45, 0.55)
        axes.fill_between([at - 0.03, at + 0.03], low, high, color=STRONG, alpha=0.35, lw=0, zorder=5)  # fmt: skip
