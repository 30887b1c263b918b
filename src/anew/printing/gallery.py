"""Logged values in a grid on the pages of a PDF."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

from .parts import Cell

__all__ = ["rows_of"]

_ACROSS = 4
_GAP = 8.0
_TALL = 1.5
"""A picture is at most so many times higher than a cell is wide: a very tall one is no page of its own."""
_TEXT = 400
_LINES = 24


def rows_of(
    cells: Sequence[Cell], width: float, text: Callable[[str], Any], whose: Callable[[str], Any]
) -> Iterator[Any]:
    """Values beside each other in rows, each with whose it is below it.

    Args:
        width: Of the page, in points.
        text, whose: Make paragraphs of ReportLab's markup: of what a value says, and of whose it is.
    """
    from reportlab.platypus import Table

    across = width / _ACROSS
    tight = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), _GAP)]
    for at in range(0, len(cells), _ACROSS):
        shown = [_cell(one, across - _GAP, text, whose) for one in cells[at : at + _ACROSS]]
        row = [*shown, *[""] * (_ACROSS - len(shown))]
        made = Table([row], colWidths=[across] * _ACROSS, hAlign="LEFT")
        made.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *tight])
        yield made


def _cell(
    one: Cell, width: float, text: Callable[[str], Any], whose: Callable[[str], Any]
) -> list[Any]:
    from reportlab.lib.utils import ImageReader
    from reportlab.platypus import Image

    below = whose(escape(" · ".join(filter(None, (one.title, one.detail)))))
    if one.image is None:
        lines = escape(one.text[:_TEXT]).split("\n")
        return [text("<br/>".join([*lines[:_LINES], *["…"] * (len(lines) > _LINES)])), below]
    across, down = ImageReader(io.BytesIO(one.image)).getSize()
    high = min(width * down / across, _TALL * width)
    image = Image(io.BytesIO(one.image), width=high * across / down, height=high, hAlign="LEFT")
    return [image, below]
