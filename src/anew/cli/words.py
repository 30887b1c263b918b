"""How numbers, times and sizes read: short, and the same everywhere."""

from __future__ import annotations

import math
import unicodedata
from contextvars import ContextVar
from datetime import datetime
from typing import Any

__all__ = [
    "absolute_times",
    "ago",
    "duration",
    "moment",
    "number",
    "one_line",
    "plural",
    "shortened",
    "size",
    "value",
]


absolute_times: ContextVar[bool] = ContextVar("absolute_times", default=False)
"""Whether times are shown as they are, and not by how long ago they were."""


def ago(then: float | None, now: float) -> str:
    """How long ago a time was: "now", "5m ago", "3d ago"; its date when that is over a year. With `absolute_times` as `moment`."""
    if then is None:
        return ""
    if absolute_times.get():
        return moment(then)
    seconds = now - then
    if seconds < -60:
        return moment(then)  # a clock ahead of ours
    if seconds < 10:
        return "now"
    for unit, name in ((60, "s"), (3600, "m"), (86400, "h"), (86400 * 365, "d")):
        if seconds < unit:
            size_of = {"s": 1, "m": 60, "h": 3600, "d": 86400}[name]
            return f"{int(seconds // size_of)}{name} ago"
    return _local(then, "%Y-%m-%d")


def moment(then: float | None) -> str:
    """A time as date and time of day, in the local zone."""
    return "" if then is None else _local(then, "%Y-%m-%d %H:%M:%S")


def _local(then: float, form: str) -> str:
    """A time in the local zone; the seconds where the calendar has no such day, as in a damaged record."""
    try:
        return datetime.fromtimestamp(then).strftime(form)
    except (ValueError, OverflowError, OSError):
        return f"{then:.6g} s after 1970"


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units: "0.4s", "12s", "3m 20s", "2d 4h"."""
    if seconds is None:
        return ""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    for large, small, large_name, small_name in (
        (86400, 3600, "d", "h"),
        (3600, 60, "h", "m"),
        (60, 1, "m", "s"),
    ):
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large}{large_name} {rest}{small_name}" if rest else (
                f"{whole // large}{large_name}"
            )  # fmt: skip
    return f"{whole}s"


def size(count: float) -> str:
    """Bytes in decimal units, as disks are sold and `ls -h --si` counts."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(count) < 999.5 or unit == "TB":
            return (
                f"{count:.0f} {unit}" if unit == "B" or abs(count) >= 100 else f"{count:.1f} {unit}"
            )
        count /= 1000
    raise AssertionError("unreachable")


def number(number: float | None) -> str:
    """A value with about four digits that matter; "" for None."""
    if number is None:
        return ""
    if isinstance(number, float) and not math.isfinite(number):
        return "NaN" if math.isnan(number) else "inf" if number > 0 else "-inf"
    if float(number).is_integer() and abs(number) < 1e6:
        return str(int(number))
    if 1e-3 <= abs(number) < 1e5:
        return f"{number:.5g}" if abs(number) >= 1 else f"{number:.4g}"
    return f"{number:.3e}"


def shortened(text: str, most: int) -> str:
    """The text, its middle left out when it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - most // 3 - 1]}…{text[-(most // 3) :]}"


def value(thing: Any) -> str:
    """A parameter for a table cell: a float without noise, anything else as it is written."""
    if thing is None:
        return "none"
    if isinstance(thing, bool):
        return "true" if thing else "false"
    if isinstance(thing, float):
        return f"{thing:.12g}"
    if isinstance(thing, str | int):
        return one_line(str(thing))
    import json

    return one_line(json.dumps(thing, ensure_ascii=False, default=str))


def one_line(text: str) -> str:
    """The text on one line, with nothing in it that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or unicodedata.category(char) == "Zs" else _escaped(char)
        for char in text
    )


def _escaped(char: str) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char) or char.encode(
        "unicode_escape", "backslashreplace"
    ).decode("ascii")


def printable(text: str) -> str:
    """The text with its lines and tabs, and nothing else that a terminal would obey."""
    return "\n".join(
        "\t".join(one_line(part) for part in line.split("\t")) for line in text.split("\n")
    )


def plural(count: int, noun: str) -> str:
    """ "1 experiment", "1,200 experiments"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
