"""Where values lie on an axis: of numbers, of logarithms, or of texts.

A setting gets a logarithmic axis when it is positive and spans two decades, as learning rates do; one that is text gets a place per value.
The page does the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .labels import shown

__all__ = ["NONE_AT", "Axis", "axis_of", "unit_places"]

NONE_AT = -0.09
"""Where a line passes an axis of 0 to 1 on which it has no value."""
_LOG_FROM = 100 * (1 - 1e-9)  # 0.3 and 0.003 are two decades apart, but for the last digit


@dataclass(frozen=True)
class Axis:
    """How a parameter's values lie on an axis.

    Attributes:
        kind: "linear", "log" or "text".
        places: Where each experiment lies, None where it has no value; categories at 0, 1, 2 …
        categories: The texts of those places.
    """

    kind: Literal["linear", "log", "text"]
    places: list[float | None]
    categories: list[str]


def axis_of(values: Sequence[Any]) -> Axis:
    """The axis that suits a parameter's values."""
    present = [value for value in values if value is not None]
    numeric = all(
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        for value in present
    )
    if present and numeric:
        low, high = min(present), max(present)
        kind: Literal["linear", "log"] = "log" if low > 0 and high >= low * _LOG_FROM else "linear"
        return Axis(kind, [None if value is None else float(value) for value in values], [])
    texts = sorted({shown(value) for value in present}, key=_natural)
    where = {text: float(index) for index, text in enumerate(texts)}
    return Axis("text", [None if v is None else where[shown(v)] for v in values], texts)


def _natural(text: str) -> tuple[int, float, str]:
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)


def unit_places(axis: Axis) -> tuple[list[float], list[tuple[float, str]]]:
    """Every experiment's height on an axis from 0 to 1 ("none" below 0), and the ticks there."""
    if axis.kind == "text":
        last = max(1, len(axis.categories) - 1)
        spread = 1.0 if len(axis.categories) > 1 else 0.0
        ticks = [
            (index / last if spread else 0.5, name) for index, name in enumerate(axis.categories)
        ]
        heights = [NONE_AT if at is None else (at / last if spread else 0.5) for at in axis.places]
        return heights, ticks
    scale: Any = math.log10 if axis.kind == "log" else float
    numbers = sorted({at for at in axis.places if at is not None})
    if not numbers:
        return [NONE_AT] * len(axis.places), []
    low, high = scale(numbers[0]), scale(numbers[-1])
    span = high - low

    def height(value: float) -> float:
        return (scale(value) - low) / span if span else 0.5

    marks = numbers if len(numbers) <= 6 else _marks(numbers[0], numbers[-1], axis.kind)
    ticks = [(height(mark), f"{mark:.4g}") for mark in marks]
    return [NONE_AT if at is None else height(at) for at in axis.places], ticks


def _marks(low: float, high: float, kind: str) -> list[float]:
    from matplotlib.ticker import LogLocator, MaxNLocator

    locator = LogLocator(numticks=6) if kind == "log" else MaxNLocator(nbins=5)
    scale: Any = math.log10 if kind == "log" else float
    near = 0.07 * (scale(high) - scale(low))
    inside = [
        float(mark)
        for mark in locator.tick_values(low, high)
        if low < mark < high and min(scale(mark) - scale(low), scale(high) - scale(mark)) > near
    ]
    return [low, *inside, high]
