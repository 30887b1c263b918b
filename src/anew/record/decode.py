"""Decoding lines into records, for the reading side, with an exact account of lines that are broken."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TypeVar

import msgspec

from .events import Event, LogLine, PointLine
from .fold import Written

__all__ = [
    "UNDECODABLE",
    "Broken",
    "decode_events",
    "decode_logs",
    "decode_points",
    "decode_written",
    "is_too_deep",
    "may_be_too_deep",
]

T = TypeVar("T")

UNDECODABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What a decoder raises for bytes that are not what they should be: of the wrong form or type, or nested too deep."""

MAX_NESTING = 200
"""Levels of lists and mappings in one line. Writers nest a value no deeper than `record.plain` says, a quarter of this,
so everything that reads a decoded line may walk through it."""

_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]+|[\]}]+')

_points: msgspec.json.Decoder[PointLine] = msgspec.json.Decoder(PointLine)
_logs: msgspec.json.Decoder[LogLine] = msgspec.json.Decoder(LogLine)
_events: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


class Broken(msgspec.Struct, frozen=True):
    """A line that is not a record: its number (from 1, in its file) and what is wrong with it."""

    line: int
    reason: str
    text: str


def _decode(
    decoder: msgspec.json.Decoder[T], data: bytes, first_line: int
) -> tuple[list[tuple[int, T]], list[Broken]]:
    records: list[tuple[int, T]] = []
    broken: list[Broken] = []
    lines = data.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, first_line):
        try:
            if is_too_deep(line):
                raise ValueError(f"it is nested deeper than {MAX_NESTING} levels")
            records.append((number, decoder.decode(line)))
        except UNDECODABLE as error:
            following = (
                lines[number - first_line + 1] if number - first_line + 1 < len(lines) else b""
            )
            # A write cut short is repeated whole on the next line: nothing is missing.
            if line and following.startswith(line):
                continue
            if not line.strip(b"\0 \r"):
                reason = "the line is empty or filled with zeros" if line else "the line is empty"
            else:
                reason = str(error)
            broken.append(Broken(number, reason, line[:120].decode("utf-8", "backslashreplace")))
    return records, broken


def is_too_deep(line: bytes) -> bool:
    """Whether a line has more levels of lists and mappings than any reader is asked to walk through."""
    if line.count(b"[") + line.count(b"{") <= MAX_NESTING:
        return False
    depth = 0
    for found in _BRACKETS.finditer(line):
        first, length = found[0][:1], found.end() - found.start()
        if first == b'"':
            continue
        depth += length if first in b"[{" else -length
        if depth > MAX_NESTING:
            return True
    return False


def may_be_too_deep(points: bytes, lines: int) -> bool:
    """Whether point lines have to be looked at one by one for `is_too_deep`: only metadata is ever nested so."""
    return b'"x"' in points and points.count(b"[") + points.count(b"{") > MAX_NESTING + 3 * lines


def decode_points(
    data: bytes, first_line: int = 1
) -> tuple[list[tuple[int, PointLine]], list[Broken]]:
    """Whole lines of a points segment as `(line number, point line)`, and the lines that are broken."""
    if may_be_too_deep(data, data.count(b"\n")):
        return _decode(_points, data, first_line)
    try:
        decoded = _points.decode_lines(data)
    except UNDECODABLE:
        return _decode(_points, data, first_line)
    if len(decoded) != data.count(b"\n"):  # the fast path skips empty lines and would misnumber
        return _decode(_points, data, first_line)
    return list(enumerate(decoded, first_line)), []


def decode_logs(data: bytes, first_line: int = 1) -> tuple[list[tuple[int, LogLine]], list[Broken]]:
    """Whole lines of a log as `(line number, log line)`, and the lines that are broken."""
    return _decode(_logs, data, first_line)


def decode_events(data: bytes, first_line: int = 1) -> tuple[list[tuple[int, Event]], list[Broken]]:
    """Whole lines of an event segment as `(line number, event)`, and the lines that are broken."""
    return _decode(_events, data, first_line)


def decode_written(
    data: bytes, writer: str, offset: int = 0, first_line: int = 1
) -> tuple[list[Written], list[Broken]]:
    """Whole lines of a writer's events, each with the byte at which it ends, and the lines that are broken.

    Args:
        offset: The byte of the segment at which `data` begins.
    """
    events, broken = decode_events(data, first_line)
    ends = list(accumulate((len(line) + 1 for line in data.split(b"\n")[:-1]), initial=offset))
    return [Written(writer, ends[n - first_line + 1], event) for n, event in events], broken
