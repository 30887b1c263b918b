"""What is marked in a plot: the experiments in some ranges of its fields keep their colours, and others are pale. The page does the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..reports.plots import marked_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..analysis.values import Values

__all__ = ["PALE", "marked", "range_of"]

PALE = "#dde1e6"
"""The colour of what is not marked."""


def range_of(brush: Mapping[str, str], field: str) -> tuple[float, float] | None:
    """The marked range of a field; of texts, of their places in the order of the axis."""
    return marked_range(brush[field]) if field in brush else None


def marked(values: Values, brush: Mapping[str, str]) -> NDArray[np.bool_] | None:
    """Which experiments are marked; None where no field of them has a marked range."""
    found: NDArray[np.bool_] | None = None
    for column in values.columns:
        bounds = range_of(brush, column.field)
        if bounds is not None:
            inside = (column.values >= bounds[0]) & (column.values <= bounds[1])
            found = inside if found is None else found & inside
    return found
