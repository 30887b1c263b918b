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
from .chart import Oddities
from .fields import field_values, metric_result
from .group import group_bands
from .lines import Attempts, Line, XAxis, nth, read_lines, scaled_time
from .named import labels_of
from .places import axis_of
from .scatter import Mode, smaller_is_better

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["ChartLook", "TextChart", "group_charts", "line_charts", "scatter_chart"]

MOST_NAMED = 5  # more letters than these nobody follows through a terminal
_LETTERS = "ABCDE"


@dataclass(frozen=True)
class ChartLook:
    """How charts are drawn.

    Attributes:
        width: Characters across.
        height: Lines, axes included.
        x_name: What stands below the x axis; by default only where it begins and ends.
    """

    width: int = 80
    height: int = 18
    log_x: bool = False
    log_y: bool = False
    x_name: str = ""


@dataclass(frozen=True)
class TextChart:
    """A chart as rows of text, and the same as data.

    Attributes:
        names: Letter, name and number of the colour of each curve that is named; the letter of one alone is "".
        data: The points drawn, as `--json` prints them.
    """

    title: str
    rows: list[Painted]
    names: list[tuple[str, str, int]]
    remark: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def line_charts(
    store: Store,
    views: Sequence[ExperimentView],
    metrics: Sequence[str],
    *,
    x: XAxis = "step",
    look: ChartLook | None = None,
    smooth: float = 0.0,
    label: Sequence[str] = (),
    attempts: Attempts | None = None,
) -> list[TextChart]:
    """A chart per metric, with a curve per experiment.

    Args:
        label: Fields by which the curves are named, instead of by their experiments' names.
        attempts: As of `plot_metric`.

    Raises:
        NotFound: No experiment has any of the metrics.
    """
    look = ChartLook() if look is None else look
    named = labels_of(views, label) if len(views) > 1 or label else {}
    points = None if smooth else 4 * look.width
    lines = read_lines(store, views, metrics, x=x, points=points, attempts=attempts)
    charts = []
    for metric in metrics:
        mine = [line for line in lines if line.metric == metric]
        if not mine:
            continue
        if smooth:
            mine = [
                Line(one.experiment_id, metric, one.x, smoothed(one.y, smooth), one.attempt)
                for one in mine
            ]
        names = [(named.get(line.experiment_id, "") + nth(line)).strip() for line in mine]
        results = {view.id: metric_result(view, metric, "best") for view in views}
        best = _best_first([results[line.experiment_id] for line in mine], metric)
        charts.append(_lines_chart(metric, mine, names, best, x, look))
    return charts


def _best_first(results: Sequence[float | None], metric: str) -> list[int]:
    """Positions in the order of their results, the best first, those without one last."""
    sign = 1 if smaller_is_better(metric, "best") else -1

    def rank(index: int) -> tuple[bool, float]:
        result = results[index]
        return (result is None, 0.0 if result is None else sign * result)

    return sorted(range(len(results)), key=rank)


def _curves(
    lines: Sequence[tuple[Any, Any]], names: Sequence[str], best: Sequence[int]
) -> tuple[list[Curve], list[tuple[str, str, int]], str]:
    """The curves with letters and colours, what the letters mean, and what is to be said of the others.

    Up to five are named, in their own order; of more, the five best, and the others are drawn behind them.
    """
    count = len(lines)
    chosen = list(range(count)) if count <= MOST_NAMED else list(best[:MOST_NAMED])
    letters = {index: _LETTERS[place] for place, index in enumerate(chosen)} if count > 1 else {}
    curves = [
        Curve(
            (x).tolist(),
            y.tolist(),
            letter=letters.get(index, ""),
            color=chosen.index(index) if index in chosen else None,
        )
        for index, (x, y) in enumerate(lines)
    ]
    told = [
        (letters.get(index, ""), names[index], place)
        for place, index in enumerate(chosen)
        if names[index]
    ]
    others = count - len(chosen)
    return curves, told, f"the {MOST_NAMED} best of {count} are named" if others else ""


def _lines_chart(
    metric: str,
    lines: Sequence[Line],
    names: Sequence[str],
    best: Sequence[int],
    x: XAxis,
    look: ChartLook,
) -> TextChart:
    oddities = Oddities()
    for line in lines:
        oddities.count(line.y, log_y=look.log_y)
    divisor, unit = scaled_time(lines) if x == "relative" else (1.0, x)
    curves, told, others = _curves([(line.x / divisor, line.y) for line in lines], names, best)
    rows = braille_chart(
        curves, width=look.width, height=look.height, log_x=look.log_x, log_y=look.log_y,
        x_text=_x_text(x, unit), x_name=look.x_name,
    )  # fmt: skip
    remarks = [oddities.remark(), "" if rows else "there is no finite value to draw", others]
    return TextChart(
        metric,
        rows,
        told,
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
    if x != "step":
        return lambda at: f"{at:.4g}"
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
    look: ChartLook | None = None,
) -> TextChart:
    """The mean of each group as a curve; the bands are for the figures."""
    if x not in ("step", "relative"):
        raise InvalidValue(
            "Experiments that ran at different times have no common time of day to average over, and no common values of a metric: use --x step or --x relative.",
            key="x",
        )
    look = ChartLook() if look is None else look
    groups = group_bands(store, views, metric, list(by), band=band, x=x, points=4 * look.width)
    lines = [Line(name, metric, one.x, one.mean) for name, one in groups.items()]
    divisor, unit = scaled_time(lines) if x == "relative" else (1.0, x)
    names = [f"{name} (n = {one.runs})" for name, one in groups.items()]
    smaller = smaller_is_better(metric, "best")
    results = [float(np.nanmin(y) if smaller else np.nanmax(y)) if np.isfinite(y := line.y).any() else None
               for line in lines]  # fmt: skip
    curves, told, others = _curves(
        [(line.x / divisor, line.y) for line in lines], names, _best_first(results, metric)
    )
    rows = braille_chart(
        curves, width=look.width, height=look.height, log_x=look.log_x, log_y=look.log_y,
        x_text=_x_text(x, unit), x_name=look.x_name,
    )  # fmt: skip
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
    remark = others if rows else "there is no finite value to draw"
    return TextChart(f"{metric}, mean by {', '.join(by)}", rows, told, remark, data)


def scatter_chart(
    store: Store,
    views: Sequence[ExperimentView],
    param: str,
    metric: str,
    mode: Mode = "best",
    *,
    look: ChartLook | None = None,
) -> TextChart:
    """Results against a parameter, a dot for each experiment."""
    look = ChartLook() if look is None else look
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
        width=look.width, height=look.height, log_y=look.log_y, x_text=text, x_name=look.x_name,
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
        rows, [], " · ".join(filter(None, remarks)), data,
    )  # fmt: skip
