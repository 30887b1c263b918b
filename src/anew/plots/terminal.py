"""Charts for the terminal: the same data as the figures, drawn with braille characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidValue, NotFound
from ..query.smoothing import smoothed
from .band import BandKind
from .braille import Curve, Painted, braille_chart
from .draw import Oddities
from .fields import field_values, metric_result
from .group import group_bands
from .labels import labels
from .lines import Line, XAxis, read_lines, scaled_time
from .scatter import Mode, axis_of

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["TextChart", "group_charts", "line_charts", "scatter_chart"]

MOST_CURVES = 26


@dataclass(frozen=True)
class TextChart:
    """A chart as rows of text, and the same as data.

    Attributes:
        names: What each curve is, in the order of the letters.
        letters: Whether curves are named by letters at their ends.
        data: The points drawn, as `--json` prints them.
    """

    title: str
    rows: list[Painted]
    names: list[str]
    letters: bool
    remark: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def line_charts(
    store: Store,
    views: Sequence[ExperimentView],
    metrics: Sequence[str],
    *,
    x: XAxis = "step",
    width: int = 80,
    height: int = 18,
    smooth: float = 0.0,
    log_y: bool = False,
) -> list[TextChart]:
    """A chart per metric, with a curve per experiment.

    Raises:
        NotFound: No experiment has any of the metrics.
    """
    named = labels(views) if len(views) > 1 else {}
    points = None if smooth else 4 * width
    lines = read_lines(store, views, metrics, x=x, points=points)
    charts = []
    for metric in metrics:
        mine = [line for line in lines if line.metric == metric]
        if not mine:
            continue
        if smooth:
            mine = [Line(one.experiment_id, metric, one.x, smoothed(one.y, smooth)) for one in mine]
        names = [named.get(line.experiment_id, "") for line in mine]
        charts.append(_lines_chart(metric, mine, names, x, width, height, log_y))
    return charts


def _lines_chart(
    metric: str,
    lines: Sequence[Line],
    names: Sequence[str],
    x: XAxis,
    width: int,
    height: int,
    log_y: bool,
) -> TextChart:
    oddities = Oddities()
    for line in lines:
        oddities.count(line.y, log_y=log_y)
    drawn = lines[:MOST_CURVES]
    divisor, unit = scaled_time(lines) if x == "relative" else (1.0, x)
    curves = [Curve((line.x / divisor).tolist(), line.y.tolist()) for line in drawn]
    rows = braille_chart(
        curves,
        width=width,
        height=height,
        log_y=log_y,
        letters=len(drawn) > 1,
        x_text=_x_text(x, unit),
    )
    remarks = [oddities.remark(), "" if rows else "there is no finite value to draw"]
    if len(lines) > len(drawn):
        remarks.append(f"{len(lines) - len(drawn)} more are not drawn; -o FILE draws all")
    return TextChart(
        metric,
        rows,
        [name for name in names[:MOST_CURVES] if name],
        len(drawn) > 1,
        " · ".join(filter(None, remarks)),
        {
            "metric": metric,
            "x": x,
            "curves": [
                {
                    "experiment": one.experiment_id,
                    "name": name,
                    "x": one.x.tolist(),
                    "y": one.y.tolist(),
                }
                for one, name in zip(lines, names, strict=True)
            ],
        },
    )


def _x_text(x: XAxis, unit: str) -> Any:
    if x == "time":
        return _day_and_time
    if x == "relative":
        return lambda at: f"{at:.3g} {unit}"
    return lambda at: f"step {at:.0f}"


def _day_and_time(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):  # no day of the calendar, as in a damaged record
        return f"{at:.6g} s"


def group_charts(
    store: Store,
    views: Sequence[ExperimentView],
    metric: str,
    by: Sequence[str],
    *,
    x: XAxis = "step",
    band: BandKind = "std",
    width: int = 80,
    height: int = 18,
    log_y: bool = False,
) -> TextChart:
    """The mean of each group as a curve; the bands are for the figures."""
    if x == "time":
        raise InvalidValue(
            "Experiments that ran at different times have no common time of day to average over: use --x step or --x relative.",
            key="x",
        )
    groups = group_bands(store, views, metric, list(by), band=band, x=x, points=4 * width)
    lines = [Line(name, metric, one.x, one.mean) for name, one in groups.items()]
    divisor, unit = scaled_time(lines) if x == "relative" else (1.0, x)
    rows = braille_chart(
        [Curve((line.x / divisor).tolist(), line.y.tolist()) for line in lines],
        width=width, height=height, log_y=log_y, x_text=_x_text(x, unit),
    )  # fmt: skip
    names = [f"{name} (n = {one.runs})" for name, one in groups.items()]
    data = {
        "metric": metric,
        "x": x,
        "groups": [
            {
                "name": name, "x": one.x.tolist(), "mean": one.mean.tolist(), "low": one.low.tolist(),
                "high": one.high.tolist(), "count": one.count.tolist(),
            }
            for name, one in groups.items()
        ],
    }  # fmt: skip
    remark = "" if rows else "there is no finite value to draw"
    return TextChart(f"{metric}, mean by {', '.join(by)}", rows, names, True, remark, data)


def scatter_chart(
    store: Store,
    views: Sequence[ExperimentView],
    param: str,
    metric: str,
    mode: Mode = "best",
    *,
    width: int = 80,
    height: int = 18,
    log_y: bool = False,
) -> TextChart:
    """Results against a parameter, a dot for each experiment."""
    values = field_values(views, param)
    axis = axis_of(values)
    results = [metric_result(view, metric, mode) for view in views]
    dots = [
        (view, at, y, value)
        for view, at, y, value in zip(views, axis.places, results, values, strict=True)
        if at is not None and y is not None
    ]
    if not dots:
        raise NotFound(f"No experiment has both {param!r} and a metric {metric!r}.", name=param)
    across = [float(np.log10(at)) if axis.kind == "log" else at for _, at, _, _ in dots]

    def text(at: float) -> str:
        if axis.kind == "text":
            return axis.categories[round(at)]
        return f"{10**at if axis.kind == 'log' else at:.4g}"

    rows = braille_chart(
        [Curve(across, [y for _, _, y, _ in dots], joined=False)],
        width=width, height=height, log_y=log_y, letters=False, x_text=text,
    )  # fmt: skip
    result = metric if mode == "last" else f"{mode} {metric}"
    between = axis.categories if axis.kind == "text" else []
    remarks = [f"along x: {', '.join(between)}" if len(between) > 2 else ""]
    if len(dots) < len(views):
        remarks.append(f"{len(views) - len(dots)} without {param} or {metric}")
    data = {
        "metric": metric,
        "param": param,
        "dots": [
            {"experiment": view.id, "param": value, "result": y} for view, _, y, value in dots
        ],
    }
    return TextChart(
        f"{result} by {param}{' (log)' if axis.kind == 'log' else ''}",
        rows, [], False, " · ".join(filter(None, remarks)), data,
    )  # fmt: skip
