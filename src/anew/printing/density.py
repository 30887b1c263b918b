"""Very many lines through axes beside each other: how many run where."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..plots.dots import strands
from ..plots.places import Axis, unit_places
from .colours import STRONG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from ..plots.chart import Strands
    from ..plots.lines import Floats

__all__ = ["MOST_LINES", "count_strands"]

MOST_LINES = 1000
"""More lines than this are counted, as in the page."""
_ROWS = 240
_COLUMNS = 120
_LOW, _HIGH = -0.14, 1.02


def count_strands(axes: Axes, picture: Strands, chosen: NDArray[np.bool_] | None = None) -> None:
    """Draw how many lines run through each place: the darker, the more.

    Args:
        chosen: Which of them are marked: they lie over all of them, which are pale then.
    """
    rulers, heights = [], []
    for ruler, values in zip(picture.rulers, picture.values, strict=True):
        places = [None if value != value else float(value) for value in values.tolist()]
        found, ticks = unit_places(Axis(ruler.kind, places, list(ruler.categories)))
        heights.append(np.array(found))
        rulers.append((ruler.name, ticks, min(found, default=0.0) < 0))
    whole = np.ones(len(picture.values[0]), np.bool_)
    if chosen is None:
        _cells(axes, heights, whole, ("#FFFFFF", "#9CC6E4", STRONG))
    else:
        _cells(axes, heights, whole, ("#FFFFFF", "#F0F2F4", "#B4BBC4"))
        _cells(axes, heights, chosen, ("#FFFFFF00", "#9CC6E4", STRONG))
    strands(axes, [], [], [], rulers, picture.title, picture.remark)


def _cells(
    axes: Axes, heights: Sequence[Floats], chosen: NDArray[np.bool_], shades: Sequence[str]
) -> None:
    """Draw how many of some lines run through each place."""
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    counts = [_between(left[chosen], right[chosen]) for left, right in pairwise(heights)]
    most = max((float(one.max()) for one in counts), default=1.0)
    scheme = LinearSegmentedColormap.from_list("lines", list(shades))
    for at, one in enumerate(counts):
        axes.imshow(
            one, extent=(at, at + 1, _LOW, _HIGH), origin="lower", aspect="auto", cmap=scheme, zorder=1,
            norm=PowerNorm(0.5, 0, max(most, 1.0)),
        )  # fmt: skip


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
