"""Where pages end: a heading stands with the begin of what follows it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

__all__ = ["HEADS", "kept"]

HEADS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "name"})
"""The names of the styles of headings."""
_LINES = 44.0
"""Points of what stands at least below a heading: three lines, or the head of a table with a row."""
_PAGE = 700.0


def kept(flow: Sequence[Any], width: float) -> list[Any]:
    """The flow with a new page before each heading that would stand at the end of one.

    A table goes on below its heading, so ReportLab's own way is of no use: it takes the whole table to the next page.

    Args:
        flow: What stands on the pages; lists of what stands together.
    """
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import CondPageBreak, KeepTogether

    nowhere = Canvas(io.BytesIO())  # what is measured needs one
    found: list[Any] = []
    for at, one in enumerate(flow):
        if _is_head(one) and not (at and _is_head(flow[at - 1])):
            found.append(CondPageBreak(min(_needed(flow, at, width, nowhere), _PAGE)))
        found.append(KeepTogether(one) if isinstance(one, list) else one)
    return found


def _is_head(one: Any) -> bool:
    return getattr(getattr(one, "style", None), "name", "") in HEADS


def _needed(flow: Sequence[Any], at: int, width: float, canvas: Any) -> float:
    """The height of the headings from a place on, and of the least that stands below them."""
    from reportlab.platypus import Table

    height = 0.0
    while at < len(flow) and _is_head(flow[at]):
        height += _height(flow[at], width, canvas)
        at += 1
    if at == len(flow):
        return height
    if isinstance(flow[at], list):
        return height + sum(_height(one, width, canvas) for one in flow[at])
    whole = _height(flow[at], width, canvas)
    goes_on = isinstance(flow[at], Table) or hasattr(flow[at], "style")
    return height + (min(whole, _LINES) if goes_on else whole)


def _height(one: Any, width: float, canvas: Any) -> float:
    """With the room around it."""
    return float(one.wrapOn(canvas, width, 1e6)[1] + one.getSpaceBefore() + one.getSpaceAfter())
