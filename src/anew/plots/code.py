"""A figure as a program: plain matplotlib with the numbers in it, to change for a paper or a talk, and to run without Anew.

What a name says is written as Python writes a text, so that no name is anything but a name there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidValue
from .chart import Chart, Curve, Dots, Strands, charts_in
from .pictures import picture_program
from .style import INK, MUTED, Type, legend_places, literal, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["program_of"]

_STYLE = '''
def dress(axes, title, x, y):
    """Title, names of the axes, and a quiet frame."""
    axes.set_title(title, loc="left", fontsize={title}, color="{ink}", fontweight="bold", pad=10)
    axes.set_xlabel(x, color="{muted}", fontsize={name})
    axes.set_ylabel(y, color="{muted}", fontsize={name})
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#BBBBBB")
    axes.tick_params(which="both", colors="{muted}", labelsize={tick}, length=3)
    axes.tick_params(which="minor", length=1.5)
    axes.grid(True, axis="y", color="#E4E4E4", linewidth={grid})
    axes.set_axisbelow(True)
    axes.margins(x=0.015)
'''
_GAPS = '''
def curve(axes, x, y, log=False, marks=True, **style):
    """A line with gaps where it cannot be shown; NaN is marked with a cross, an infinity with a triangle."""
    x, y = np.array(x, dtype=float), np.array(y, dtype=float)
    shown = np.isfinite(y) & ((y > 0) | (not log))
    (line,) = axes.plot(x, np.where(shown, y, nan), **style)
    alone = shown & ~np.append(False, shown[:-1]) & ~np.append(shown[1:], False)
    color = style["color"]
    if alone.any():
        axes.plot(x[alone], y[alone], ".", color=color, markersize=5, alpha=style.get("alpha"))
    for chosen, at, marker in ((np.isnan(y), 0.015, "x"), (y == inf, 0.985, "^"), (y == -inf, 0.015, "v")):
        if marks and chosen.any():
            axes.plot(
                x[chosen], np.full(chosen.sum(), at), marker, color=color, markersize=4.5, alpha=0.8, zorder=5,
                transform=axes.get_xaxis_transform(), clip_on=False,
            )
    return line
'''
_STEPS = '''
def thousands(value, position=0):
    """A step as people write it: 20k, 1.5M."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * size or (abs(value) >= size and value % (size / 10) == 0):
            return f"{value / size:.6g}{unit}"
    return f"{value:.6g}"


def steps(axes):
    """Whole steps along x."""
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(thousands)
'''
_DATES = '''
def dates(axes):
    """Days along x, in UTC."""
    locator = AutoDateLocator(tz=timezone.utc)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=timezone.utc))
    axes.xaxis.get_offset_text().set(color="{ink}", fontsize={tick})
'''


def program_of(figure: Figure, name: str, *, size: tuple[float, float] | None = None) -> str:
    """The program that draws a figure of ours, and saves it beside itself as a PNG file.

    Args:
        name: The program's own file name, by which the picture is called.
        size: Width and height in inches; the figure's own by default.

    Raises:
        InvalidValue: The figure was drawn into somebody's own axes, or is not one of ours.
    """
    pictures = charts_in(figure)
    if not pictures:
        raise InvalidValue(
            "A program is written of a figure that stands alone; save this one as .png, .svg or .pdf.",
            key="save",
        )
    type_ = Type.of(size)
    inches = size or (float(figure.get_figwidth()), float(figure.get_figheight()))
    saved = f"\nfigure.savefig({PurePath(name).stem + '.png'!r})"
    if isinstance(pictures[0], (Dots, Strands)):
        body = [
            *picture_program(pictures[0], type_, inches),
            *_adjusted(pictures[0], figure.axes[0]),
        ]
        return "\n".join([*body, saved, ""])
    charts = [one for one in pictures if isinstance(one, Chart)]
    axes = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    body = list(_figure(inches, axes))
    for number, (chart, ax) in enumerate(zip(charts, axes, strict=False)):
        place = f"axes[{number}]" if len(axes) > 1 else "axes"
        body += ["", f"# {'the' if len(charts) == 1 else f'panel {number + 1}: the'} curves"]
        body += _chart(chart, ax, place, type_, inches[0])
    title = figure.get_suptitle()
    if title:
        told = f"figure.suptitle({title!r}, x=0.01, ha='left', fontsize={type_.points(13)!r}, "
        body += ["", told + f"fontweight='bold', color={INK!r})"]
    body.append(saved)
    return "\n".join([*_head(charts, axes, type_), *body, ""])


def _adjusted(picture: Dots | Strands, ax: Axes) -> Iterator[str]:
    """What was said of the x axis besides; see `draw.adjust_x`."""
    if not isinstance(picture, Dots):
        return
    if ax.get_xscale() == "log" and picture.x.kind == "linear":
        yield "from matplotlib.ticker import LogFormatterSciNotation, LogLocator"
        yield "axes.set_xscale('log', nonpositive='mask')"
        yield "axes.xaxis.set_major_locator(LogLocator())"
        yield "axes.xaxis.set_major_formatter(LogFormatterSciNotation())"
    if ax.get_xlabel() != literal(picture.x.name):
        yield f"axes.set_xlabel({ax.get_xlabel()!r})"


def _head(charts: Sequence[Chart], axes: Sequence[Axes], type_: Type) -> Iterator[str]:
    gaps = any(_has_gaps(curve, chart.log_y) for chart in charts for curve in chart.curves)
    log_x = any(ax.get_xscale() == "log" for ax in axes)
    kinds = set() if log_x else {chart.x for chart in charts}
    shades = any(chart.shades is not None for chart in charts)
    yield '"""Drawn by matplotlib alone; run it for the picture, and change what should look otherwise."""'
    yield ""
    if "time" in kinds:
        yield "from datetime import timezone\n"
    yield "import matplotlib.pyplot as plt"
    if gaps:
        yield "import numpy as np"
    if shades:
        yield "from matplotlib.cm import ScalarMappable"
        yield "from matplotlib.colors import LogNorm, Normalize"
    if "time" in kinds:
        yield "from matplotlib.dates import AutoDateLocator, ConciseDateFormatter"
    tickers = ["LogFormatterSciNotation, LogLocator"] if log_x else []
    if tickers or "step" in kinds:
        yield f"from matplotlib.ticker import {', '.join(tickers or ['MaxNLocator'])}"
    if gaps or not _all_finite(charts):
        yield "from numpy import inf, nan"
    sizes = {
        "title": type_.points(12),
        "name": type_.points(9.5),
        "tick": type_.points(8.5),
        "grid": type_.stroke(0.8),
        "ink": INK,
        "muted": MUTED,
    }
    yield "\n\n" + _filled(_STYLE, sizes)
    if gaps:
        yield "\n" + _GAPS.strip("\n") + "\n"
    if "step" in kinds:
        yield "\n" + _STEPS.strip("\n") + "\n"
    if "time" in kinds:
        yield "\n" + _filled(_DATES, sizes)


def _filled(template: str, values: dict[str, Any]) -> str:
    for name, value in values.items():
        template = template.replace("{" + name + "}", str(value))
    return template.strip("\n") + "\n"


def _figure(inches: tuple[float, float], axes: Sequence[Axes]) -> Iterator[str]:
    common = (
        f"figsize=({inches[0]:g}, {inches[1]:g}), dpi=150, layout='constrained', facecolor='white'"
    )
    yield ""
    if len(axes) == 1:
        yield f"figure, axes = plt.subplots({common})"
        return
    grid = axes[0].get_subplotspec()
    assert grid is not None  # a figure of several charts is a grid
    rows, columns = grid.get_gridspec().nrows, grid.get_gridspec().ncols
    yield f"figure, grid = plt.subplots({rows}, {columns}, squeeze=False, {common})"
    yield "axes = grid.flatten()"
    hidden = [number for number, ax in enumerate(axes) if not ax.get_visible()]
    if hidden:
        yield f"for unused in axes[{hidden[0]}:]:\n    unused.set_visible(False)"


def _chart(chart: Chart, ax: Axes, place: str, type_: Type, width: float) -> Iterator[str]:
    yield "lines = []"
    for curve in chart.curves:
        yield from _curve(curve, chart, place, type_)
    yield f"dress({place}, {ax.get_title(loc='left')!r}, {ax.get_xlabel()!r}, {ax.get_ylabel()!r})"
    if chart.log_y:
        yield f"{place}.set_yscale('log', nonpositive='mask')"
    if ax.get_xscale() == "log":
        yield f"{place}.set_xscale('log', nonpositive='mask')"
        yield f"{place}.xaxis.set_major_locator(LogLocator())"
        yield f"{place}.xaxis.set_major_formatter(LogFormatterSciNotation())"
    elif chart.x in ("step", "time"):
        yield f"{'steps' if chart.x == 'step' else 'dates'}({place})"
    if chart.x_range is not None:
        yield f"{place}.set_xlim({chart.x_range[0]!r}, {chart.x_range[1]!r})"
    if chart.y_range is not None:
        yield f"{place}.set_ylim({chart.y_range[0]!r}, {chart.y_range[1]!r})"
    if chart.remark:
        yield (
            f"{place}.annotate({literal(chart.remark)!r}, (1, 1), xytext=(0, 4), xycoords='axes fraction', "
            f"textcoords='offset points', ha='right', va='bottom', fontsize={type_.points(8)!r}, color={MUTED!r})"
        )
    if chart.shades is not None:
        kind = "LogNorm" if chart.shades.log else "Normalize"
        norm = f"{kind}({chart.shades.low!r}, {chart.shades.high!r})"
        yield f"bar = figure.colorbar(ScalarMappable({norm}, 'viridis'), ax={place}, pad=0.02, aspect=32)"
        yield f"bar.set_label({literal(chart.shades.title)!r}, color={MUTED!r}, fontsize={type_.points(9)!r})"
        yield f"bar.ax.tick_params(labelsize={type_.points(8)!r}, colors={MUTED!r}, length=2)"
        yield "bar.outline.set_visible(False)"
    elif any(curve.name for curve in chart.curves):
        yield from _legend(chart, ax, place, type_, width)


def _curve(curve: Curve, chart: Chart, place: str, type_: Type) -> Iterator[str]:
    if curve.name:
        yield f"# {curve.name!r}"
    x = _numbers(curve.x)
    yield from _assigned("x", x)
    yield from _assigned("y", _numbers(curve.y))
    color = repr(_color(curve.color))
    if curve.low is not None and curve.high is not None:
        yield from _assigned("low", _numbers(curve.low))
        yield from _assigned("high", _numbers(curve.high))
        yield f"{place}.fill_between(x, low, high, color={color}, alpha=0.18, linewidth=0)"
    style = f"color={color}, linewidth={type_.stroke(curve.width)!r}, linestyle={curve.dash!r}"
    if curve.alpha is not None:
        style += f", alpha={curve.alpha!r}"
    if _has_gaps(curve, chart.log_y):
        more = (", log=True" if chart.log_y else "") + ("" if curve.marks else ", marks=False")
        yield f"line = curve({place}, x, y{more}, {style})"
    else:
        yield f"(line,) = {place}.plot(x, y, {style})"
    if curve.name:
        yield "lines.append(line)"


def _legend(chart: Chart, ax: Axes, place: str, type_: Type, width: float) -> Iterator[str]:
    names = [literal(shortened(curve.name, 48)) for curve in chart.curves if curve.name]
    look = f"labelcolor={INK!r}, handlelength=2.0"
    # matplotlib leaves out what begins with an underscore, and what has no name.
    left_out = any(name[:1] in ("", "_") for name in names)
    given = "[f'.{name}' for name in names]" if left_out else "names"
    box = "box = " if left_out else ""
    if ax.get_legend() is not None:  # several charts: each has its own
        yield from _assigned("names", [repr(name) for name in names])
        yield (
            f"{box}{place}.legend(lines, {given}, loc='best', frameon=True, framealpha=0.85, "
            f"edgecolor='none', fontsize={type_.points(8.5)!r}, {look})"
        )
    else:
        order, columns, below = legend_places(names, width, type_.legend)
        yield from _assigned("names", [repr(names[index]) for index in order])
        lines = "lines" if order == sorted(order) else f"[lines[index] for index in {order}]"
        where = (
            f"loc='outside lower left', ncols={columns}" if below else "loc='outside right upper'"
        )
        yield (
            f"{box}figure.legend({lines}, {given}, {where}, columnspacing=1.6, frameon=False, "
            f"fontsize={type_.legend!r}, {look})"
        )
    if left_out:
        yield "for text, name in zip(box.get_texts(), names):\n    text.set_text(name)"


def _has_gaps(curve: Curve, log_y: bool) -> bool:
    """Whether a curve needs more than a line: something of it cannot be shown, or is a single point."""
    shown = np.isfinite(curve.y)
    return bool(len(curve.y) < 2 or not shown.all() or (log_y and (curve.y <= 0).any()))


def _all_finite(charts: Sequence[Chart]) -> bool:
    curves = [curve for chart in charts for curve in chart.curves]
    numbers = (one for c in curves for one in (c.x, c.y, c.low, c.high) if one is not None)
    return all(np.isfinite(one).all() for one in numbers)


def _color(color: Any) -> str:
    from matplotlib.colors import to_hex

    return to_hex(color)


def _numbers(values: Any) -> list[str] | str:
    """Numbers as Python writes them; evenly spaced whole ones as a range."""
    numbers = np.asarray(values, dtype=float)
    if not (len(numbers) and np.isfinite(numbers).all() and np.abs(numbers).max() < 2**53):
        return [repr(float(number)) for number in numbers]
    if (numbers != np.round(numbers)).any():
        return [repr(float(number)) for number in numbers]
    whole = [int(number) for number in numbers]
    apart = whole[1] - whole[0] if len(whole) > 3 else 0
    if apart <= 0 or (np.diff(whole) != apart).any():
        return [str(number) for number in whole]
    return f"range({whole[0]}, {whole[-1] + apart}{f', {apart}' if apart != 1 else ''})"


def _assigned(name: str, values: Sequence[str] | str) -> Iterator[str]:
    if isinstance(values, str):
        yield f"{name} = {values}"
        return
    line = f"{name} = [{', '.join(values)}]"
    if len(line) <= 100:
        yield line
        return
    # Filled by hand: a name may have spaces, at which nothing may be broken.
    yield f"{name} = ["
    row = "   "
    for value in values:
        if len(row) + len(value) > 100 and row.strip():
            yield row
            row = "   "
        row += f" {value},"
    yield row
    yield "]"
