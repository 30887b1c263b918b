"""Following a journal: what is new in an experiment since a cursor, as chunks of whole lines and sealed parts.

This is the one way readers and sinks see an experiment. A last line without its newline is a write in
progress and is left for the next time. The cursor is a plain mapping and is the reader's to save.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from enum import Enum

import msgspec

from ..record.decode import decode_written
from ..record.fold import Written
from .layout import split_part
from .storage import Blob, FolderStorage, Storage

__all__ = [
    "Chunk",
    "Cursor",
    "Piece",
    "Position",
    "SealedPart",
    "Stream",
    "follow",
    "follow_pieces",
    "read_events",
]

CHUNK_BYTES = 8 << 20
MAX_LINE_BYTES = 256 << 20
"""What has no line end by then is no record; whatever it is, it is not read into memory."""


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


class SealedPart(msgspec.Struct, frozen=True):
    """A part of a writer's points that was turned into columns; its footer tells which text it stands for.

    `size` is in bytes of the file. A sink remembers at `path` that it has seen the file, and at `text`, as for lines, how far it
    has come in what the file stands for.
    """

    path: str
    writer: str
    part: int
    size: int

    @property
    def text(self) -> str:
        """The path of the lines that it stands for."""
        return f"{self.path[:-8]}.jsonl"

    @property
    def end(self) -> Position:
        """The position at `path` that says that it was taken in."""
        return Position(self.size, 0)


Piece = Chunk | SealedPart
"""What a sink is given: lines, or a sealed part."""


def _files(
    storage: Storage, streams: frozenset[Stream]
) -> Iterator[tuple[Stream, str, str, int, Blob]]:
    """`(stream, path, writer, part, file)`: events first, then points as they were written, then logs."""
    if Stream.EVENTS in streams:
        for blob in storage.list("journal"):
            if blob.name.endswith(".jsonl"):
                yield Stream.EVENTS, f"journal/{blob.name}", blob.name[:-6], 1, blob
    if Stream.POINTS in streams:
        parts = []
        for blob in storage.list("metrics"):
            stem, _, suffix = blob.name.rpartition(".")
            if suffix in ("jsonl", "parquet"):  # in this order where both are there
                parts.append((*split_part(stem), suffix, blob))
        for writer, part, _, blob in sorted(parts):
            yield Stream.POINTS, f"metrics/{blob.name}", writer, part, blob
    if Stream.LOGS in streams or Stream.CONSOLE in streams:
        blobs = storage.list("logs")
        for stream, stem, suffix in (
            (Stream.LOGS, "logs-", ".jsonl"),
            (Stream.CONSOLE, "train-", ".log"),
        ):
            for blob in blobs if stream in streams else ():
                if blob.name.startswith(stem) and blob.name.endswith(suffix):
                    writer = blob.name[len(stem) : -len(suffix)]
                    yield stream, f"logs/{blob.name}", writer, 1, blob


def follow_pieces(
    where: Storage | str,
    cursor: Cursor,
    streams: frozenset[Stream],
    *,
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[Piece]:
    """Yield what was appended to an experiment's files since `cursor`, and the parts that were sealed.

    The cursor is not changed: set `cursor[piece.path] = piece.end` when a piece has been taken in. A file
    shorter than its position was replaced and is read from its start.

    Args:
        where: The experiment's files; a text is the path of its folder.

    Raises:
        OSError: A file exists but cannot be read, or has a line that is far too long.
    """
    storage = FolderStorage(where) if isinstance(where, str) else where
    for stream, path, writer, part, blob in _files(storage, streams):
        position = cursor.get(path, Position())
        if blob.size == position.offset:
            continue
        if path.endswith(".parquet"):
            yield SealedPart(path, writer, part, blob.size)
            continue
        offset, lines = (
            (position.offset, position.lines) if position.offset <= blob.size else (0, 0)
        )
        want = chunk_bytes
        while offset < blob.size:
            try:
                data = storage.read(path, offset, min(want, blob.size - offset))
            except FileNotFoundError:  # sealed or deleted since the folder was listed
                break
            end = data.rfind(b"\n") + 1
            if not end:
                if not data or offset + len(data) >= blob.size:
                    break  # a line in progress
                want *= 2  # a line longer than a chunk
                if want > max(MAX_LINE_BYTES, chunk_bytes):
                    raise OSError(
                        errno.EFBIG, f"it has a line of more than {MAX_LINE_BYTES >> 20} MiB", path
                    )
                continue
            chunk = Chunk(stream, path, writer, part, offset, lines, data[:end])
            offset, lines, want = chunk.end.offset, chunk.end.lines, chunk_bytes
            yield chunk


def follow(
    where: Storage | str,
    cursor: Cursor,
    streams: frozenset[Stream] = frozenset({Stream.EVENTS, Stream.POINTS}),
    *,
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[Chunk]:
    """As `follow_pieces`, the lines alone."""
    for piece in follow_pieces(where, cursor, streams, chunk_bytes=chunk_bytes):
        if isinstance(piece, Chunk):
            yield piece


def read_events(where: Storage | str) -> Iterator[Written]:
    """All events of an experiment, a writer's own in the order it wrote them; broken lines are passed over.

    Raises:
        OSError: A file exists but cannot be read.
    """
    for chunk in follow(where, {}, frozenset({Stream.EVENTS})):
        yield from decode_written(chunk.data, chunk.writer, chunk.offset)[0]
