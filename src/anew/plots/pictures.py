"""A description of dots or strands as the calls that draw it: made by us, or written into a program."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .chart import Dots, Ruler, Strands
from .dots import bar_beside, dots, stairs, strands, text_axis
from .places import Axis, unit_places
from .style import GRID, INK, MUTED, PALETTE, Type, dress, literal, note, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_dots", "draw_strands", "picture_program"]

_SHRINK = '''
def shrink(figure):
    """Type and lines for a figure that is as narrow as a page."""
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        size = text.get_fontsize()
        text.set_fontsize(min(size, max({least}, round(size * 0.7, 2))))
    for line in figure.findobj(Line2D):
        line.set_linewidth(round(line.get_linewidth() * 0.7, 3))
'''


def draw_dots(ax: Axes, picture: Dots) -> None:
    """Draw dots into axes."""
    dots(ax, **_of_dots(picture))


def draw_strands(ax: Axes, picture: Strands) -> None:
    """Draw strands into axes; the bar of colors stands beside them."""
    given, bar = _of_strands(picture)
    strands(ax, **given)
    if bar is not None:
        bar_beside(ax, *bar)


def _of_dots(picture: Dots) -> dict[str, Any]:
    ring = None
    if picture.ringed is not None:
        ring = (picture.ringed, PALETTE[1], picture.ring_name)
    return {
        "xs": picture.xs.tolist(), "ys": picture.ys.tolist(), "colors": list(picture.colors), "x": _ruled(picture.x),
        "y": _ruled(picture.y), "title": picture.title, "remark": picture.remark, "ring": ring,
        "front": list(picture.front), "rising": picture.rising,
    }  # fmt: skip


def _ruled(ruler: Ruler) -> tuple[str, str, list[str]]:
    return ruler.name, ruler.kind, list(ruler.categories)


def _of_strands(picture: Strands) -> tuple[dict[str, Any], tuple[float, float, str] | None]:
    """What `strands` is called with, and the bar beside it; the best lines come last and lie on top."""
    rulers, columns = [], []
    for ruler, values in zip(picture.rulers, picture.values, strict=True):
        places = [None if value != value else float(value) for value in values.tolist()]
        heights, ticks = unit_places(Axis(ruler.kind, places, list(ruler.categories)))
        columns.append(heights)
        rulers.append((ruler.name, ticks, min(heights, default=0.0) < 0))
    ends = np.asarray(picture.values[-1], dtype=float)
    count = len(ends)
    heights_of = np.array(columns).T
    if picture.colors:
        return {
            "heights": heights_of.tolist(), "colors": list(picture.colors), "widths": [1.2] * count,
            "rulers": rulers, "title": picture.title, "remark": picture.remark,
        }, None  # fmt: skip
    rank = np.argsort(np.argsort(ends))
    goodness = 1 - rank / max(1, count - 1) if picture.down else rank / max(1, count - 1)
    order = np.argsort(goodness)
    low, high = float(ends.min()), float(ends.max())
    shade = (ends - low) / (high - low) if high > low else np.full(count, 0.5)
    scheme = "viridis_r" if picture.down else "viridis"
    given = {
        "heights": heights_of[order].tolist(),
        "colors": [_hex(scheme, 0.95 * float(shade[index])) for index in order],
        "widths": [round(0.8 + 1.4 * float(goodness[index]) ** 3, 3) for index in order],
        "rulers": rulers, "title": picture.title, "remark": picture.remark,
    }  # fmt: skip
    return given, (low, high if high > low else low + 1, scheme)


def _hex(scheme: str, share: float) -> str:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return to_hex(colormaps[scheme](share))


def picture_program(
    picture: Dots | Strands, type_: Type, inches: tuple[float, float]
) -> Iterator[str]:
    """The lines of the program that draws it, up to where the figure is saved."""
    if isinstance(picture, Dots):
        name, given, bar = "dots", _of_dots(picture), None
        functions: Sequence[Any] = (text_axis, stairs, dots)
        imports = ["import math"]
    else:
        name, (given, bar) = "strands", _of_strands(picture)
        functions = (strands, bar_beside) if bar else (strands,)
        imports = ["from itertools import pairwise"]
    yield '"""Drawn by matplotlib alone; run it for the picture, and change what should look otherwise."""'
    yield ""
    yield "from __future__ import annotations\n"
    yield from imports
    yield ""
    yield "import matplotlib.pyplot as plt"
    if name == "strands":
        yield "import numpy as np"
    yield "\nnan, inf = float('nan'), float('inf')"
    yield f"INK, MUTED, GRID = {INK!r}, {MUTED!r}, {GRID!r}\n"
    for function in (literal, shortened, dress, note, *functions):
        yield "\n" + textwrap.dedent(inspect.getsource(function))
    if type_.small:
        yield _SHRINK.replace("{least}", str(type_.legend))
    yield f"\nfigure, axes = plt.subplots(figsize=({inches[0]:g}, {inches[1]:g}), dpi=150, layout='constrained', facecolor='white')"
    for key, value in given.items():
        yield from _assigned(key, value)
    yield f"{name}(axes, {', '.join(given)})"
    if bar is not None:
        yield f"bar_beside(axes, {bar[0]!r}, {bar[1]!r}, {bar[2]!r})"
    if type_.small:
        yield "shrink(figure)"


def _assigned(name: str, value: Any) -> Iterator[str]:
    """A value as Python writes it; a long list with a few of its parts on each line."""
    text = repr(value)
    if not isinstance(value, list) or len(text) <= 100:
        yield f"{name} = {text}"
        return
    yield f"{name} = ["
    row = "   "
    for one in value:
        written = repr(one)
        if len(row) + len(written) > 100 and row.strip():
            yield row
            row = "   "
        row += f" {written},"
    yield row
    yield "]"
