"""Logged values in a grid on the pages of a PDF."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from .parts import Cell

__all__ = ["grid"]

_ACROSS = 4
_GAP = 8.0
_TALL = 1.5
"""A picture is at most so many times higher than a cell is wide: a very tall one is no page of its own."""
_TEXT = 400


def grid(
    cells: Sequence[Cell], width: float, text: Callable[[str], Any], whose: Callable[[str], Any]
) -> Any:
    """Values beside each other, each with whose it is below it.

    Args:
        width: Of the page, in points.
        text, whose: Make paragraphs of ReportLab's markup: of what a value says, and of whose it is.
    """
    from reportlab.platypus import Table

    across = width / _ACROSS
    shown: list[Any] = [_cell(one, across - _GAP, text, whose) for one in cells]
    shown += [""] * (-len(shown) % _ACROSS)
    rows = [shown[at : at + _ACROSS] for at in range(0, len(shown), _ACROSS)]
    made = Table(rows, colWidths=[across] * _ACROSS, hAlign="LEFT", splitInRow=1)
    tight = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), _GAP)]
    made.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *tight])
    return made


def _cell(
    one: Cell, width: float, text: Callable[[str], Any], whose: Callable[[str], Any]
) -> list[Any]:
    from reportlab.lib.utils import ImageReader
    from reportlab.platypus import Image

    below = whose(escape(" · ".join(filter(None, (one.title, one.detail)))))
    if one.image is None:
        return [text(escape(one.text[:_TEXT]).replace("\n", "<br/>")), below]
    across, down = ImageReader(io.BytesIO(one.image)).getSize()
    high = min(width * down / across, _TALL * width)
    image = Image(io.BytesIO(one.image), width=high * across / down, height=high, hAlign="LEFT")
    return [image, below]
