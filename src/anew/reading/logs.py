"""Messages and console output of an experiment, read from its folder."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import Any

from ..journal.follow import Cursor, Stream, follow
from ..journal.layout import ExperimentLayout
from ..record.decode import decode_logs

__all__ = ["LEVELS", "LogLine", "follow_lines", "read_console", "read_logs"]

LEVELS = {
    "trace": 5, "debug": 10, "info": 20, "notice": 25, "warn": 30, "warning": 30, "error": 40,
    "critical": 50, "fatal": 50,
}  # fmt: skip
"""Levels by how grave they are."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One message; `time` in seconds since the epoch, `fields` what was logged beside it."""

    time: float
    level: str
    message: str
    fields: dict[str, Any] = field(default_factory=dict)
    writer: str = ""


def read_logs(
    folder: str, level: str | None = None, contains: str | None = None, tail: int | None = None
) -> list[LogLine]:
    """The messages of all writers in the order of their times; see `ExperimentView.logs`."""
    wanted = _wanted(level, contains)
    by_writer: dict[str, list[LogLine]] = {}
    for chunk in follow(folder, {}, frozenset({Stream.LOGS})):
        lines = by_writer.setdefault(chunk.writer, [])
        lines += [line for line in _lines(chunk.data, chunk.writer) if wanted(line)]
    # A clock that jumped back must not reorder what one writer wrote: merging keeps each writer's order.
    found = merge(*by_writer.values(), key=lambda line: line.time)
    if tail is None:
        return list(found)
    return list(deque(found, maxlen=tail)) if tail > 0 else []


def _lines(data: bytes, writer: str) -> list[LogLine]:
    records, _ = decode_logs(data)
    return [LogLine(r.t, r.level, r.message, r.fields, writer) for _, r in records]


def _wanted(level: str | None, contains: str | None) -> Callable[[LogLine], bool]:
    least = None if level is None else LEVELS.get(level.lower())
    needle = None if contains is None else contains.lower()

    def wanted(line: LogLine) -> bool:
        if level is not None:
            if least is None:  # a level of the user's own
                if line.level.lower() != level.lower():
                    return False
            elif LEVELS.get(line.level.lower(), 20) < least:
                return False
        return needle is None or needle in line.message.lower()

    return wanted


def read_console(folder: str, tail: int | None = None) -> str:
    """What the experiment printed; of several writers, each under a heading of its own."""
    texts: list[tuple[str, str]] = []
    for writer, path in _consoles(folder):
        text = _read_tail(path, tail) if tail is not None else _read(path)
        if text:
            texts.append((writer, text))
    if len(texts) < 2:
        return texts[0][1] if texts else ""
    return "\n".join(f"==> {writer} <==\n{text}" for writer, text in texts)


def _consoles(folder: str) -> Iterator[tuple[str, str]]:
    layout = ExperimentLayout(folder)
    for writer in layout.writers():
        path = layout.console(writer)
        if os.path.exists(path):
            yield writer, path


def _read(path: str) -> str:
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")


def _read_tail(path: str, lines: int, block: int = 1 << 16) -> str:
    """The last lines of a file, read from its end."""
    if lines <= 0:
        return ""
    with open(path, "rb") as file:
        position = file.seek(0, os.SEEK_END)
        data = b""
        while position > 0 and data.rstrip(b"\n").count(b"\n") < lines:
            begin = max(0, position - block)
            file.seek(begin)
            data = file.read(position - begin) + data
            position, block = begin, block * 2
    kept = data.decode("utf-8", "replace").splitlines(keepends=True)
    return "".join(kept[-lines:])


def follow_lines(
    folder: str,
    ended: Callable[[], bool],
    *,
    console: bool,
    interval: float,
    level: str | None = None,
    contains: str | None = None,
    tail: int | None = None,
) -> Iterator[LogLine]:
    """Lines as they are written, until `ended` says that nothing more will be and all was given.

    Args:
        level: Only messages of this level and above.
        contains: Only lines with this text in them.
        tail: Begin with the last so many (of those) that are there already; all of them if None.
    """
    wanted = _wanted(level, contains)
    streams = frozenset({Stream.CONSOLE if console else Stream.LOGS})
    cursor: Cursor = {}
    first = True
    while True:
        last = ended()  # asked before reading: what was written before the end is then seen
        new: list[LogLine] = []
        for chunk in follow(folder, cursor, streams):
            cursor[chunk.path] = chunk.end
            if console:
                now = time.time()
                text = chunk.data.decode("utf-8", "replace")
                new += [LogLine(now, "console", t, {}, chunk.writer) for t in text.splitlines()]
            else:
                new += _lines(chunk.data, chunk.writer)
        if not console:
            new.sort(key=lambda line: line.time)
        new = [line for line in new if wanted(line)]
        if first and tail is not None:
            new = new[len(new) - tail :] if 0 < tail < len(new) else new if tail > 0 else []
        first = False
        yield from new
        if last:
            return
        time.sleep(interval)
