"""Values as they are written in a filter: numbers, durations, dates."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec

__all__ = ["Span", "parse_duration", "parse_number", "parse_time"]

_NUMBER = re.compile(r"[+-]?(\d[\d_]*(\.[\d_]*)?|\.\d[\d_]*)([eE][+-]?\d+)?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|min|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?")


class Span(msgspec.Struct, frozen=True):
    """A moment as written: all the time from `start` until before `end`, seconds since the epoch.

    `2026-01-02` is a whole day and `2026-01` a month; a date with a time is one moment (`end` is None).
    """

    start: float
    end: float | None


def parse_number(text: str) -> int | float | None:
    """The number written, an int where it is one; None if it is not a number."""
    if text.lower() in ("inf", "+inf"):
        return float("inf")
    if text.lower() == "-inf":
        return float("-inf")
    if not _NUMBER.fullmatch(text):
        return None
    try:
        if re.fullmatch(r"[+-]?[\d_]{1,4300}", text):
            return int(text)
        return float(text)  # infinite where it has more digits than a float can say
    except ValueError:  # a trailing or doubled underscore
        return None


def parse_duration(text: str) -> float | None:
    """Seconds of a duration such as `90s`, `1h30m` or `7d`; None if it is not one."""
    total = 0.0
    position = 0
    for match in _DURATION.finditer(text):
        if match.start() != position:
            return None
        total += float(match[1]) * _SECONDS[match[2]]
        position = match.end()
    return total if position and position == len(text) else None


def parse_time(text: str) -> Span | None:
    """The time meant by an ISO date, with or without a time of day; None if it is not one.

    Without an offset it is the local time of the reader.
    """
    try:
        partial = _PARTIAL.fullmatch(text)
        if partial:
            year = int(partial[1])
            month = int(partial[2]) if partial[2] else None
            start = datetime(year, month or 1, 1)
            if month is None:
                end = datetime(year + 1, 1, 1)
            else:
                end = datetime(year + month // 12, month % 12 + 1, 1)
            return Span(start.timestamp(), end.timestamp())
        moment = datetime.fromisoformat(text)
        if len(text) <= 10:
            # The next midnight by the calendar: a day may have 23 or 25 hours.
            return Span(moment.timestamp(), (moment + timedelta(days=1)).timestamp())
        return Span(moment.timestamp(), None)
    except (ValueError, OverflowError, OSError):
        return None
