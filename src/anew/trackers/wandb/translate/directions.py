"""Whether less or more of a metric is better, as far as its name says it."""

from __future__ import annotations

from typing import Literal

from ....record.direction import known_direction

__all__ = ["better"]


def better(metric: str) -> Literal["min", "max"] | None:
    """Which of its values is the best one; None where the name does not say."""
    return known_direction(metric)
