"""Following a journal: what is new in a folder since a cursor, as chunks of whole lines.

This is the one way readers and sinks see an experiment. A last line without its newline is a write in
progress and is left for the next time. The cursor is a plain mapping and is the reader's to save.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import Enum

import msgspec

from ..record.decode import decode_written
from ..record.fold import Written
from .layout import ExperimentLayout, split_part

__all__ = ["Chunk", "Cursor", "Position", "Stream", "follow", "read_events"]

CHUNK_BYTES = 8 << 20


class Stream(str, Enum):
    """The four kinds of files a writer appends to."""

    EVENTS = "events"
    POINTS = "points"
    LOGS = "logs"
    CONSOLE = "console"


class Position(msgspec.Struct, frozen=True, array_like=True):
    """How far a file has been read: `offset` bytes, which are `lines` whole lines."""

    offset: int = 0
    lines: int = 0


Cursor = dict[str, Position]
"""Positions by the file's path relative to the experiment's folder, with forward slashes."""


class Chunk(msgspec.Struct, frozen=True):
    """Whole lines of one file. `lines` counts those before it; `part` numbers a writer's points files."""

    stream: Stream
    path: str
    writer: str
    part: int
    offset: int
    lines: int
    data: bytes

    @property
    def end(self) -> Position:
        """The position after this chunk, to be saved once it has been taken in."""
        return Position(self.offset + len(self.data), self.lines + self.data.count(b"\n"))


def _files(
    layout: ExperimentLayout, streams: frozenset[Stream]
) -> Iterator[tuple[Stream, str, str, int]]:
    """`(stream, relative path, writer, part)` of every live file: events first, then points, then logs."""
    if Stream.EVENTS in streams:
        for name in _names(layout.path("journal")):
            yield Stream.EVENTS, f"journal/{name}", name[:-6], 1
    if Stream.POINTS in streams:
        parts = [(*split_part(name[:-6]), name) for name in _names(layout.path("metrics"))]
        for writer, part, name in sorted(parts):
            yield Stream.POINTS, f"metrics/{name}", writer, part
    for stream, stem, suffix in (
        (Stream.LOGS, "logs-", ".jsonl"),
        (Stream.CONSOLE, "train-", ".log"),
    ):
        if stream in streams:
            for name in _names(layout.path("logs"), suffix):
                if name.startswith(stem):
                    yield stream, f"logs/{name}", name[len(stem) : -len(suffix)], 1


def _names(folder: str, suffix: str = ".jsonl") -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(suffix))
    except (FileNotFoundError, NotADirectoryError):
        return []


def follow(
    folder: str,
    cursor: Cursor,
    streams: frozenset[Stream] = frozenset({Stream.EVENTS, Stream.POINTS}),
    *,
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[Chunk]:
    """Yield what was appended to an experiment's files since `cursor`, in chunks of whole lines.

    The cursor is not changed: set `cursor[chunk.path] = chunk.end` when a chunk has been taken in. A file
    shorter than its position was replaced and is read from its start.

    Raises:
        OSError: A file exists but cannot be read.
    """
    for stream, path, writer, part in _files(ExperimentLayout(folder), streams):
        position = cursor.get(path, Position())
        full = os.path.join(folder, *path.split("/"))
        try:
            if os.path.getsize(full) == position.offset:
                continue
            file = open(full, "rb")  # noqa: SIM115  (closed below; the chunks are yielded while open)
        except FileNotFoundError:  # sealed or deleted since the folder was listed
            continue
        with file:
            yield from _chunks(file.fileno(), stream, path, writer, part, position, chunk_bytes)


def _chunks(
    fd: int, stream: Stream, path: str, writer: str, part: int, position: Position, chunk_bytes: int
) -> Iterator[Chunk]:
    size = os.fstat(fd).st_size
    offset, lines = (position.offset, position.lines) if position.offset <= size else (0, 0)
    want = chunk_bytes
    while offset < size:
        data = os.pread(fd, min(want, size - offset), offset)
        end = data.rfind(b"\n") + 1
        if not end:
            if offset + len(data) >= size:
                return  # a line in progress
            want *= 2  # a line longer than a chunk
            continue
        chunk = Chunk(stream, path, writer, part, offset, lines, data[:end])
        offset, lines, want = chunk.end.offset, chunk.end.lines, chunk_bytes
        yield chunk


def read_events(folder: str) -> Iterator[Written]:
    """All events of an experiment, a writer's own in the order it wrote them; broken lines are passed over.

    Raises:
        OSError: A file exists but cannot be read.
    """
    for chunk in follow(folder, {}, frozenset({Stream.EVENTS})):
        yield from decode_written(chunk.data, chunk.writer, chunk.offset)[0]
