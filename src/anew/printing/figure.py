"""The curves of a report's block, asked for as the page asks and drawn by matplotlib."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..plots.chart import Chart, Curve
from ..plots.draw import adjust_x, axis_unit, draw_chart
from ..plots.labels import short_keys, shown
from ..plots.lines import Floats, Line
from ..plots.metric import chart_of
from ..plots.style import new_axes
from ..query.panel import Panel, PanelQuestion
from ..query.question import parse_field
from .colours import TOLD, group_key
from .lent import lent_texts, with_texts, without_warnings
from .parts import Chart as Drawn
from .parts import Key

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..query.grid import Grid
    from ..reading.backend import Backend
    from ..reports.blocks import Look
    from .colours import Colours

__all__ = ["WIDE", "charted", "drawn"]

_BUCKETS = 400
_POINTS = 20_000
WIDE = 7.2
"""The width of every drawing in inches: a little more than that of the text, so that type is nearly as large as it is set."""
_SIZE = (WIDE, 3.4)
_MOST_KEYS = 24
"""Curves that are named below a chart."""
_FEW_CURVES = 24
_BANDS = {
    "minmax": "smallest to largest", "sd": "± 1 standard deviation", "se": "± 1 standard error", "quantiles": "quartiles", "none": "",
}  # fmt: skip


def drawn(
    backend: Backend,
    ids: Sequence[str],
    names: Mapping[str, str],
    metric: str,
    look: Look,
    form: Literal["svg", "png"],
    colours: Colours,
) -> Drawn | None:
    """The chart of a metric; None where the experiments logged none of it.

    Args:
        names: What the experiments are called, by id.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    panel = backend.panel(_question(ids, metric, look))
    chart, keys = _grouped(panel, metric, look, colours) if look.group else _single(panel, names, metric, look, colours)  # fmt: skip
    if chart is None:
        return None
    figure, axes = new_axes(None, size=_SIZE)
    draw_chart(axes, chart, outside=True)
    if look.x_log:
        adjust_x(figure, log_x=True)
    if panel.robust is not None and panel.robust[0] < panel.robust[1]:
        axes.set_ylim(*panel.robust)
    return charted(figure, form, f"{metric} as curves", keys)


def charted(
    figure: Figure, form: Literal["svg", "png"], words: str, keys: Sequence[Key] = ()
) -> Drawn:
    """A figure as an image with what its colours mean.

    Args:
        words: What it shows.
    """
    from matplotlib import rc_context

    found = io.BytesIO()
    lent = lent_texts(figure)
    with (
        rc_context({"svg.hashsalt": words}),
        without_warnings(),
    ):  # the same figure is the same file
        figure.savefig(found, format=form, dpi=200, metadata={"Date": None} if form == "svg" else None)  # fmt: skip
    image = found.getvalue()
    if form == "svg":
        image, lent = with_texts(image, figure, lent), ()
    return Drawn(words, image, tuple(keys[:_MOST_KEYS]), max(0, len(keys) - _MOST_KEYS), lent)


def _question(ids: Sequence[str], metric: str, look: Look) -> PanelQuestion:
    x: Any = look.x if look.x in ("step", "time", "relative") else "metric"
    edges = {"minmax": (0.0, 1.0), "quantiles": (0.25, 0.75)}.get(look.band, ())
    middle = (0.5,) if look.centre == "median" else ()
    return PanelQuestion(
        ids=tuple(ids),
        metrics=(metric,),
        x=x,
        x_metric=look.x if x == "metric" else None,
        origin="0",
        spacing="log" if look.x_log else "linear",
        start=look.range[0] if look.range else None,
        stop=look.range[1] if look.range else None,
        buckets=_BUCKETS,
        points=0 if look.group else _POINTS,
        columns=() if look.group else ("low", "high", "nonfinite"),
        smooth=look.smooth,
        group=tuple(parse_field(one) for one in look.group),
        quantiles=(*edges, *middle) if look.group else (),
        robust=(0.01, 0.99) if look.robust else None,
    )


def _single(
    panel: Panel, names: Mapping[str, str], metric: str, look: Look, colours: Colours
) -> tuple[Chart | None, list[Key]]:
    """A curve for each experiment. Of very many, the colour says where a curve ends."""
    if panel.grid is None:
        return None, []
    lines = [line for row in range(len(panel.series)) if len((line := _line(panel, row)).x)]
    if not lines:
        return None, []
    ids = [one.experiment_id for one in lines]
    called = _called(ids, names)
    chart = chart_of(
        lines, called, x=look.x, title=metric, y_name=metric, log_y=look.y_log,
        missing=len(names) - len(lines),
    )  # fmt: skip
    said = f"smoothed by {look.smooth:g}" if look.smooth else ""
    chart = replace(chart, remark=" · ".join(filter(None, (chart.remark, said))))
    if len(lines) > TOLD:
        return chart, []
    colours.see(ids)
    keys = [Key(colours.of(id_), name, id_) for id_, name in zip(ids, called, strict=True)]
    width = 1.6 if len(lines) <= _FEW_CURVES else 0.9
    curves = tuple(
        replace(curve, color=key.colour.shade, dash=_dash(key, width), width=width, name="")
        for curve, key in zip(chart.curves, keys, strict=True)
    )
    return replace(chart, curves=curves, shades=None), keys


def _dash(key: Key, width: float) -> Any:
    """As matplotlib says dashes: in widths of the line."""
    return (0, tuple(one * 0.75 / width for one in key.colour.dash)) if key.colour.dash else "-"


def _line(panel: Panel, row: int) -> Line:
    """One curve: its points, or of buckets the smallest and the largest value of each, so that no spike is lost."""
    assert panel.grid is not None
    id_, metric = panel.series[row].id, panel.series[row].metric
    exact = panel.exact
    if exact is not None:
        first, stop = int(exact.starts[row]), int(exact.starts[row + 1])
        at = int(exact.x_starts[row])
        x = exact.x[at : at + stop - first] + exact.base
        return Line(id_, metric, x, np.asarray(exact.value[first:stop], np.float64))
    low, high = panel.buckets.low[row], panel.buckets.high[row]
    there = ~(np.isnan(low) & (panel.buckets.nonfinite[row] == 0))
    x = np.repeat(_middles(panel.grid)[there], 2)
    return Line(id_, metric, x, np.stack((low[there], high[there]), axis=1).reshape(-1))


def _middles(grid: Grid) -> Floats:
    share = (np.arange(grid.buckets) + 0.5) / grid.buckets
    if grid.spacing == "log" and grid.stop > grid.start:
        return np.asarray(grid.start * (grid.stop / grid.start) ** share, np.float64)
    return np.asarray(grid.start + share * (grid.stop - grid.start), np.float64)


def _called(ids: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Names, with the ids of those that share one."""
    found = [names.get(one, one) for one in ids]
    return [
        f"{name} ({id_})" if found.count(name) > 1 else name
        for id_, name in zip(ids, found, strict=True)
    ]


def _grouped(
    panel: Panel, metric: str, look: Look, colours: Colours
) -> tuple[Chart | None, list[Key]]:
    """A curve for each group, with its band."""
    found = panel.group_buckets
    if panel.grid is None or found is None or not panel.groups:
        return None, []
    places = _middles(panel.grid) if panel.group_places is None else panel.group_places
    keys = short_keys(look.group)
    divisor, x_name = axis_unit([Line("", metric, places, places)], look.x)
    names = [group_key(one.values) for one in panel.groups]
    colours.see(names)
    curves, meant = [], []
    for row, group in enumerate(panel.groups):
        there = found.members[row] > 0
        middle = found.quantiles[row, -1] if look.centre == "median" else found.mean[row]
        low, high = _band(panel, row, middle, look)
        name = ", ".join(
            f"{key}={'none' if value is None else shown(value)}"
            for key, value in zip(keys, group.values, strict=True)
        )
        key = Key(colours.of(names[row]), f"{name} (n = {group.members})")
        meant.append(key)
        curves.append(
            Curve(
                x=np.asarray(places[there] / divisor, np.float64),
                y=middle[there],
                low=None if low is None else low[there],
                high=None if high is None else high[there],
                color=key.colour.shade,
                width=1.8,
                dash=_dash(key, 1.8),
                marks=False,
            )
        )
    remark = ", ".join(filter(None, (look.centre, _BANDS[look.band])))
    return Chart(metric, look.x, x_name, metric, look.y_log, tuple(curves), remark), meant


def _band(
    panel: Panel, row: int, middle: Floats, look: Look
) -> tuple[Floats, Floats] | tuple[None, None]:
    found = panel.group_buckets
    assert found is not None
    if look.band in ("minmax", "quantiles"):
        return found.quantiles[row, 0], found.quantiles[row, 1]
    if look.band == "none":
        return None, None
    apart = np.nan_to_num(found.deviation[row])  # of one member there is none: its band is a line
    if look.band == "se":
        apart = apart / np.sqrt(np.maximum(found.members[row], 1))
    return middle - apart, middle + apart
