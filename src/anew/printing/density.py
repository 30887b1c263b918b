"""Very many lines through axes beside each other: how many run where."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..plots.dots import strands
from ..plots.places import Axis, unit_places
from ..plots.style import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..plots.chart import Strands
    from ..plots.lines import Floats

__all__ = ["MOST_LINES", "count_strands"]

MOST_LINES = 1000
"""More lines than this are counted, as in the page."""
_ROWS = 240
_COLUMNS = 120
_LOW, _HIGH = -0.14, 1.02


def count_strands(axes: Axes, picture: Strands) -> None:
    """Draw how many lines run through each place: the darker, the more."""
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    rulers, heights = [], []
    for ruler, values in zip(picture.rulers, picture.values, strict=True):
        places = [None if value != value else float(value) for value in values.tolist()]
        found, ticks = unit_places(Axis(ruler.kind, places, list(ruler.categories)))
        heights.append(np.array(found))
        rulers.append((ruler.name, ticks, min(found, default=0.0) < 0))
    counts = [_between(left, right) for left, right in pairwise(heights)]
    most = max((float(one.max()) for one in counts), default=1.0)
    shades = LinearSegmentedColormap.from_list("lines", ["#FFFFFF", "#9CC6E4", PALETTE[0]])
    for at, one in enumerate(counts):
        axes.imshow(
            one, extent=(at, at + 1, _LOW, _HIGH), origin="lower", aspect="auto", cmap=shades, zorder=1,
            norm=PowerNorm(0.5, 0, max(most, 1.0)),
        )  # fmt: skip
    strands(axes, [], [], [], rulers, picture.title, picture.remark)


def _between(left: Floats, right: Floats) -> Floats:
    """How many lines between two axes run through each cell. Those between the same two cells are counted once, with their number."""
    ends = np.stack([left, right])
    rows = np.clip((ends - _LOW) / (_HIGH - _LOW) * _ROWS, 0, _ROWS - 1).astype(np.int64)
    pairs = np.bincount(rows[0] * _ROWS + rows[1], minlength=_ROWS * _ROWS)
    there = np.flatnonzero(pairs)
    start, stop, count = there // _ROWS, there % _ROWS, pairs[there]
    found = np.empty((_ROWS, _COLUMNS))
    for column, share in enumerate((np.arange(_COLUMNS) + 0.5) / _COLUMNS):
        ease = share * share * (3 - 2 * share)  # as single lines are drawn
        row = np.rint(start + (stop - start) * ease).astype(np.int64)
        found[:, column] = np.bincount(row, count, minlength=_ROWS)
    return found
