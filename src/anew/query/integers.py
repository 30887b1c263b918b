"""Integers of any size beside the float64 that a database compares fast.

An integer is kept as the nearest float64 and a text that says how far it is from that: `REST_OF_NONE` for every
number that a float64 holds. Pairs of the two sort as the integers do, the texts by code point; and below 2**53
the float64 alone decides.
"""

from __future__ import annotations

import math

__all__ = ["EXACT_BELOW", "REST_OF_NONE", "joined", "split"]

EXACT_BELOW = 2.0**53
"""The magnitude below which every integer is a float64."""

REST_OF_NONE = "0"
_COMPLEMENT = str.maketrans("0123456789abcdef", "fedcba9876543210")


def split(value: float) -> tuple[float, str]:
    """The nearest float64 of a number and the text of its rest."""
    if not isinstance(value, int):
        return value, REST_OF_NONE
    try:
        near = float(value)
    except OverflowError:
        # Beyond every float64 and still less than infinity, or more than minus infinity.
        return (
            (math.inf, "-" + _sortable(value)) if value > 0 else (-math.inf, "1" + _sortable(value))
        )
    return near, _sortable(value - int(near))


def joined(near: float, rest: str) -> int:
    """The integer that `split` took apart."""
    if math.isinf(near):
        return _parsed(rest[1:])
    return int(near) + _parsed(rest)


def _sortable(value: int) -> str:
    """A text for an integer; texts sort by code point as their integers do."""
    if value == 0:
        return REST_OF_NONE
    digits = f"{abs(value):x}"
    if value > 0:
        return f"1{len(digits):08x}{digits}"
    return "-" + f"{len(digits):08x}{digits}".translate(_COMPLEMENT)


def _parsed(text: str) -> int:
    if text == REST_OF_NONE:
        return 0
    if text[0] == "1":
        return int(text[9:], 16)
    return -int(text[9:].translate(_COMPLEMENT), 16)
