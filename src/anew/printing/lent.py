"""Texts of charts for which matplotlib has no font: left out of the drawing, and set over it by whoever shows the file."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure
    from matplotlib.text import Text

__all__ = ["Lent", "lent_texts", "with_texts", "without_warnings"]

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Lent:
    """A line of text, and where it stands.

    Attributes:
        x, y: From the left and from the bottom, as shares of the width and of the height: the begin, the middle or the end of its foot, as `anchor` says.
        size: Of its type, as a share of the width.
        turned: By how many degrees it is turned around that place, against the clock.
    """

    text: str
    x: float
    y: float
    size: float
    colour: str
    bold: bool = False
    anchor: str = "start"
    turned: float = 0.0


@contextmanager
def without_warnings() -> Iterator[None]:
    """Have matplotlib not warn of characters that it has no font for: they are set over the drawing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def lent_texts(figure: Figure) -> tuple[Lent, ...]:
    """The texts of a figure that its fonts cannot show; they keep their room in it and are not drawn."""
    from matplotlib.text import Text as Written

    # Texts of ticks are there once they have been drawn.
    with without_warnings():
        figure.draw_without_rendering()
        written = [
            one for one in figure.findobj(Written) if one.get_visible() and _lacks(one.get_text())
        ]
        found = [line for one in written for line in _lines(figure, one)]
    for one in written:
        one.set_alpha(0)
    return tuple(found)


def _lacks(text: str) -> bool:
    return not text.isascii() and any(ord(one) not in _characters() for one in text if one != "\n")


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    """What the fonts of charts have, upright and bold."""
    import matplotlib
    from matplotlib import ft2font

    folder = os.path.join(matplotlib.get_data_path(), "fonts", "ttf")
    plain, bold = (frozenset(ft2font.FT2Font(os.path.join(folder, one)).get_charmap()) for one in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"))  # fmt: skip
    return plain & bold


def _lines(figure: Figure, text: Text) -> Sequence[Lent]:
    """The lines of a text, from its first one down."""
    from matplotlib.colors import to_hex

    whole = figure.bbox
    box: Any = text.get_window_extent()
    turned = float(text.get_rotation())
    size = float(text.get_fontsize()) / 72 / figure.get_figwidth()
    lines = text.get_text().replace(r"\$", "$").split("\n")
    bold = text.get_fontweight() in ("bold", 700)
    colour = to_hex(text.get_color())
    if turned:
        # Its middle, and its foot below that by as much as a third of its size.
        place = ((box.x0 + box.x1) / 2 / whole.width, (box.y0 + box.y1) / 2 / whole.height)
        return [Lent(" ".join(lines), *place, size, colour, bold, "middle", turned)]
    anchor = {"center": "middle", "right": "end"}.get(str(text.get_horizontalalignment()), "start")
    x = {"start": box.x0, "middle": (box.x0 + box.x1) / 2, "end": box.x1}[anchor] / whole.width
    down = (box.y1 - box.y0) / len(lines)
    return [
        Lent(one, x, (box.y1 - (at + 0.8) * down) / whole.height, size, colour, bold, anchor)
        for at, one in enumerate(lines)
    ]


def with_texts(svg: bytes, figure: Figure, lent: Sequence[Lent]) -> bytes:
    """A drawing with texts over it, in the fonts of whoever looks at it."""
    if not lent:
        return svg
    across, down = (72 * one for one in figure.get_size_inches())
    written = []
    for one in lent:
        x, y = one.x * across, (1 - one.y) * down
        size = one.size * across
        turn = f' transform="rotate({-one.turned:g} {x:.2f} {y:.2f})" dy="0.35em"' if one.turned else ""  # fmt: skip
        weight = ' font-weight="bold"' if one.bold else ""
        written.append(
            f'<text x="{x:.2f}" y="{y:.2f}" font-family="sans-serif" font-size="{size:.2f}"{weight} fill="{one.colour}" '
            f'text-anchor="{one.anchor}"{turn}>{escape(_NO_XML.sub("", one.text))}</text>'
        )
    end = svg.rindex(b"</svg>")
    return svg[:end] + "".join(written).encode("utf-8", "replace") + svg[end:]
