"""A picture of the page as a program: what the page draws, told in the terms of `plots.chart`, as matplotlib code."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import numpy as np

from ..errors import InvalidValue

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..plots.chart import Chart, Dots, Strands

__all__ = ["ChartGiven", "CurveGiven", "DotsGiven", "Program", "ProgramRequest", "RulerGiven", "StrandsGiven", "figure_of", "program"]  # fmt: skip

_MOST = 2_000_000
_MOST_NAMES = 24
_COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_DAY = 86400.0
_SIZE = (8.0, 4.5)
_DOTS_SIZE = (7.0, 4.5)

Number = float | None | Literal["inf", "-inf"]
"""A number; null stands for NaN, which JSON has no number for."""
Numbers = tuple[Number, ...]


class CurveGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A curve, with x as `ChartGiven.x` says: steps, seconds, or values of a metric.

    Attributes:
        dash: Lengths of line and gap in pixels; none for a line without gaps.
        low, high: The band around it, if any.
    """

    name: str = ""
    x: Numbers
    y: Numbers
    color: str
    width: float = 1.6
    dash: tuple[float, ...] = ()
    alpha: float | None = None
    low: Numbers | None = None
    high: Numbers | None = None


class ChartGiven(msgspec.Struct, frozen=True, kw_only=True, tag="curves", tag_field="kind"):
    """Curves with their axes.

    Attributes:
        x: "step", "relative" (seconds since each experiment's start), "time" (seconds since the epoch), or "metric".
        x_range, y_range: The part that is shown, in the units of the curves; None for all of it.
        remark: What it does not show.
    """

    title: str
    x: Literal["step", "relative", "time", "metric"]
    x_name: str = ""
    y_name: str = ""
    log_x: bool = False
    log_y: bool = False
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    remark: str = ""
    curves: tuple[CurveGiven, ...]


class RulerGiven(msgspec.Struct, frozen=True, kw_only=True):
    """What lies along an axis of values; of texts, their places count from 0."""

    name: str
    kind: Literal["linear", "log", "text"] = "linear"
    categories: tuple[str, ...] = ()


class DotsGiven(msgspec.Struct, frozen=True, kw_only=True, tag="dots", tag_field="kind"):
    """A dot for each experiment; `colors` has one for all of them, or one for each.

    `front` are the numbers of those that no other one beats, in the order of the stairs between them; `rising` is whether these go to the right.
    """

    title: str
    x: RulerGiven
    y: RulerGiven
    xs: Numbers
    ys: Numbers
    colors: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    front: tuple[Annotated[int, msgspec.Meta(ge=0)], ...] = ()
    rising: bool = True
    remark: str = ""


class StrandsGiven(msgspec.Struct, frozen=True, kw_only=True, tag="strands", tag_field="kind"):
    """A line for each experiment through axes beside each other: `values` of each axis; `colors` one for each line, or none."""

    title: str
    rulers: Annotated[tuple[RulerGiven, ...], msgspec.Meta(min_length=2, max_length=24)]
    values: tuple[Numbers, ...]
    colors: tuple[str, ...] = ()
    down: bool = False
    remark: str = ""


class ProgramRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A picture, and the file name of the program that is to draw it."""

    name: str = "chart.py"
    picture: ChartGiven | DotsGiven | StrandsGiven


class Program(msgspec.Struct, frozen=True):
    """A program of matplotlib alone, with the numbers in it."""

    text: str


def program(question: ProgramRequest) -> Program:
    """The program that draws a picture.

    Raises:
        InvalidValue: The picture does not fit together, or is too large to be written down.
        MissingDependency: matplotlib is not installed.
    """
    from ..plots.code import program_of

    return Program(program_of(figure_of(question.picture), question.name or "chart.py"))


def figure_of(picture: ChartGiven | DotsGiven | StrandsGiven) -> Figure:
    """The figure of a picture, as `anew plot` would draw it."""
    from ..plots.chart import keep_charts
    from ..plots.draw import adjust_x, draw_chart
    from ..plots.parallel import strands_size
    from ..plots.pictures import draw_dots, draw_strands
    from ..plots.style import new_axes

    if isinstance(picture, ChartGiven):
        chart = _chart(picture)
        figure, axes = new_axes(None, size=_SIZE)
        draw_chart(axes, chart, outside=True)
        keep_charts(figure, [chart])
        adjust_x(figure, log_x=picture.log_x)
    elif isinstance(picture, DotsGiven):
        dots = _dots(picture)
        figure, axes = new_axes(None, size=_DOTS_SIZE)
        draw_dots(axes, dots)
        keep_charts(figure, [dots])
    else:
        strands = _strands(picture)
        figure, axes = new_axes(None, size=strands_size(len(strands.rulers)))
        draw_strands(axes, strands)
        keep_charts(figure, [strands])
    return figure


def _chart(given: ChartGiven) -> Chart:
    from ..plots.chart import Chart, Curve

    _few_enough(one for curve in given.curves for one in (curve.x, curve.y))
    if not given.curves:
        raise InvalidValue("A chart has at least one curve.", key="curves")
    x, by, x_name = _unit(given)
    named = len(given.curves) <= _MOST_NAMES
    curves = []
    for one in given.curves:
        band = one.low is not None and one.high is not None
        columns = [_floats(values) for values in (one.x, one.y, one.low, one.high) if values is not None]  # fmt: skip
        if len({len(column) for column in columns}) > 1:
            raise InvalidValue("A curve has as many values of x as of y.", key="curves")
        curves.append(
            Curve(
                x=columns[0] / by,
                y=columns[1],
                color=_color(one.color),
                width=one.width,
                # In units of the line's width, as matplotlib counts.
                dash=(0, tuple(length / max(one.width, 0.1) for length in one.dash)) if one.dash else "-",
                name=one.name if named else "",
                alpha=one.alpha,
                low=columns[2] if band else None,
                high=columns[3] if band else None,
            )
        )  # fmt: skip
    x_range = None if given.x_range is None else (given.x_range[0] / by, given.x_range[1] / by)
    return Chart(
        given.title, x, x_name, given.y_name, given.log_y, tuple(curves), given.remark,
        x_range=x_range, y_range=given.y_range,
    )  # fmt: skip


def _unit(given: ChartGiven) -> tuple[str, float, str]:
    """The kind of the x axis, what its values are divided by, and its name."""
    if given.x == "time":
        return "time", _DAY, given.x_name or "time (UTC)"
    if given.x == "metric":
        return given.x_name or "metric", 1.0, given.x_name
    if given.x == "step":
        return "step", 1.0, given.x_name or "step"
    longest = max((float(_floats(one.x[-1:])[0]) for one in given.curves if one.x), default=0.0)
    for seconds, unit in ((_DAY, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if longest >= 2 * seconds:
            return "relative", seconds, given.x_name or f"{unit} since the start"
    return "relative", 1.0, given.x_name or "seconds since the start"


def _dots(given: DotsGiven) -> Dots:
    from ..plots.chart import Dots

    _few_enough([given.xs, given.ys])
    xs, ys = _floats(given.xs), _floats(given.ys)
    if len(xs) != len(ys) or len(given.colors) not in (1, len(xs)):
        raise InvalidValue("Each dot has an x and a y, and a color or the one of all.", key="xs")
    if not np.isfinite(xs).all():
        raise InvalidValue("A dot without x has no place.", key="xs")
    if any(one >= len(xs) or not math.isfinite(ys[one]) for one in given.front):
        raise InvalidValue("The front is of dots that have both values.", key="front")
    colors = tuple(map(_color, given.colors))
    return Dots(
        given.title, _ruler(given.x), _ruler(given.y), xs, ys, colors, given.remark, front=given.front,
        rising=given.rising,
    )  # fmt: skip


def _strands(given: StrandsGiven) -> Strands:
    from ..plots.chart import Strands

    _few_enough(given.values)
    values = tuple(map(_floats, given.values))
    if len(values) != len(given.rulers) or len({len(one) for one in values}) != 1 or not len(values[0]):  # fmt: skip
        raise InvalidValue("Each axis has a value for each line.", key="values")
    if given.colors and len(given.colors) != len(values[0]):
        raise InvalidValue("There is a color for each line, or none.", key="colors")
    if not given.colors and not np.isfinite(values[-1]).all():
        raise InvalidValue("The last axis gives the colors: each line has a value on it.", key="values")  # fmt: skip
    rulers = tuple(map(_ruler, given.rulers))
    return Strands(given.title, rulers, values, tuple(map(_color, given.colors)), given.down, given.remark)  # fmt: skip


def _ruler(given: RulerGiven) -> Any:
    from ..plots.chart import Ruler

    return Ruler(given.name, given.kind, given.categories)


def _floats(values: Sequence[Number]) -> Any:
    return np.array([math.nan if one is None else float(one) for one in values], dtype=np.float64)


def _color(text: str) -> str:
    if not _COLOR.fullmatch(text):
        raise InvalidValue(f"A color is written as #rrggbb, not {text[:20]!r}.", key="color")
    return text


def _few_enough(columns: Iterable[Sequence[Number]]) -> None:
    count = sum(map(len, columns))
    if count > _MOST:
        raise InvalidValue(
            f"A program has its numbers in it, and these are {count:,}: show fewer experiments, or groups of them.",
            key="picture",
        )
