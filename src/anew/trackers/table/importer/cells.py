"""What stands in a cell: numbers, times and typed values, out of texts and of JSON."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

__all__ = ["EMPTY", "number_in", "step_in", "time_in", "typed"]

EMPTY = frozenset({"", "null", "none", "na", "n/a", "nil", "-", "<na>"})
_BLANK = " \t\r\n\u00a0"
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d*)")
_GERMAN = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)
_SPECIAL = {
    "nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf, "infinity": math.inf, "+infinity": math.inf,
    "-infinity": -math.inf,
}  # fmt: skip
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
_FORMATS = (
    "%d/%m/%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d-%H%M%S",
    "%Y%m%d_%H%M%S",
    "%a %b %d %H:%M:%S %Y",
)


def number_in(cell: Any, decimal: str = ".") -> float | None:
    """The number that a cell holds; None for none."""
    if isinstance(cell, str):
        if decimal == "," and _GERMAN.fullmatch(text := cell.strip(_BLANK)):
            cell = text.replace(",", ".")
        try:
            return float(cell) if "_" not in cell else None
        except ValueError:
            return None
    if isinstance(cell, bool) or cell is None:
        return None
    if isinstance(cell, (int, float)):
        try:
            return float(cell)
        except OverflowError:
            return None
    if isinstance(cell, dict):
        return _SPECIAL.get(str(cell["$float"]).lower()) if set(cell) == {"$float"} else None
    return None


def step_in(cell: Any, decimal: str = ".") -> int | None:
    """The whole number of 64 bits that a cell holds; None for anything else."""
    if isinstance(cell, str) and _WHOLE.fullmatch(cell.strip(_BLANK)):
        cell = int(cell) if len(cell) < 30 else None
    if not isinstance(cell, int) or isinstance(cell, bool):
        number = number_in(cell, decimal)
        if number is None or not number.is_integer():
            return None
        cell = int(number)
    return cell if _LEAST <= cell <= _MOST else None


def time_in(cell: Any, unit: float = 0.0) -> float | None:
    """The time that a cell holds, in seconds since the epoch; a date without a zone is in UTC.

    Args:
        unit: What a number counts in a second; 0 to tell by its size.
    """
    number = number_in(cell)
    if number is not None:
        if not math.isfinite(number):
            return None
        return number / (unit or _unit_of(number))
    if not isinstance(cell, str):
        return None
    text = cell.strip(_BLANK)
    found: datetime | None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = next((one for form in _FORMATS if (one := _parsed(text, form)) is not None), None)
    if found is None:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return None


def _unit_of(number: float) -> float:
    size = abs(number)
    return 1.0 if size < 1e11 else 1e3 if size < 1e14 else 1e6 if size < 1e17 else 1e9


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def typed(cell: Any, decimal: str = ".") -> Any:
    """A cell as a parameter: a text that is a number, true, false or nothing becomes one."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip(_BLANK)
    small = text.lower()
    if small in ("true", "false"):
        return small == "true"
    if small in ("", "null", "none"):
        return None if small else ""
    if small in _SPECIAL:
        return _SPECIAL[small]
    if _WHOLE.fullmatch(text) and len(text) < 400:
        return int(text)
    number = number_in(text, decimal)
    begins_like_a_code = text.lstrip("+-").startswith("0") and text.lstrip("+-")[1:2].isdigit()
    return number if number is not None and not begins_like_a_code else cell
