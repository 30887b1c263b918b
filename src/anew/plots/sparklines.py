"""A series in one line of text: ▁▂▅▇.

A cell stands for a stretch of the series and shows the value in it that lies furthest from the cell
before, so a spike of a single point is seen however many points share its cell. A stretch with no finite
value at all is marked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["NOT_FINITE", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = "_.-=+*#@"
NOT_FINITE = "×"


def sparkline(values: Sequence[float], width: int = 12, *, ascii_only: bool = False) -> str:
    """The series as at most `width` characters; "" for an empty one.

    Args:
        values: The points in order; NaN and infinities are left out of their cell, and a cell of
            nothing else is a "×".
        width: The most characters to use; a shorter series takes one each.
        ascii_only: Use characters every terminal can show.
    """
    bars, missing = (_ASCII_BARS, "x") if ascii_only else (_BARS, NOT_FINITE)
    cells = _cells(values, width)
    finite = [value for value in cells if value is not None]
    if not finite:
        return missing * len(cells)
    low, high = min(finite), max(finite)
    # Halved, because the difference of two huge numbers is not a number any more.
    span = high / 2 - low / 2
    if span == 0:
        middle = bars[len(bars) // 2 - 1]
        return "".join(missing if value is None else middle for value in cells)
    top = len(bars) - 1
    return "".join(
        missing if value is None else bars[round((value / 2 - low / 2) / span * top)]
        for value in cells
    )


def _cells(values: Sequence[float], width: int) -> list[float | None]:
    count = len(values)
    width = min(width, count)
    if width <= 0:
        return []
    everything = [float(value) for value in values if math.isfinite(value)]
    if not everything:
        return [None] * width
    low, high = min(everything), max(everything)
    cells: list[float | None] = []
    before: float | None = None
    for cell in range(width):
        stretch = values[count * cell // width : max(count * (cell + 1) // width, 1)]
        inside = [float(value) for value in stretch if math.isfinite(value)]
        if not inside:
            cells.append(None)
            continue
        if high in inside and low not in inside:
            chosen = high
        elif low in inside and high not in inside:
            chosen = low
        elif cell == width - 1 and count <= width * 2:
            chosen = inside[-1]
        else:
            around = before if before is not None else inside[0]
            chosen = max(inside, key=lambda value: abs(value / 2 - around / 2))
        cells.append(chosen)
        before = inside[-1]
    return cells
