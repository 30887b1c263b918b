"""What trackers log as JSON: numbers under dotted names, and what is none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

__all__ = ["NUMBERS", "Logged", "number_of", "seconds_of", "split"]

NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
"""Numbers that JSON has no words for, as texts that stand for them."""


class Logged(NamedTuple):
    """What one call logged.

    Attributes:
        numbers: By their dotted names.
        exact: Whole numbers that a float has no room for, by their dotted names: as they were.
        others: What is no number, by its dotted name.
    """

    numbers: dict[str, float]
    exact: dict[str, Any]
    others: dict[str, Any]


def number_of(value: Any) -> float | None:
    """A value as a number; None if it is none. True and False are 1 and 0."""
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return None
    return NUMBERS.get(value) if isinstance(value, str) else None


def split(values: Mapping[str, Any]) -> Logged:
    """What one call logged: nested mappings have dotted names, and a mapping with a `_type` is a value of that type."""
    found = Logged({}, {}, {})
    _split(values, "", found)
    return found


def _split(values: Mapping[str, Any], above: str, found: Logged) -> None:
    for key, value in values.items():
        name = f"{above}{key}"
        number = number_of(value)
        if number is not None:
            found.numbers[name] = number
            if isinstance(value, int) and int(number) != value:
                found.exact[name] = value
        elif isinstance(value, Mapping) and "_type" not in value:
            _split(value, f"{name}.", found)
        elif value is not None:
            found.others[name] = value


def seconds_of(text: Any) -> float | None:
    """A time in ISO 8601 as seconds since the epoch, in UTC where it names no zone; None if it is none."""
    try:
        found = datetime.fromisoformat(str(text))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
