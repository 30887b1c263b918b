"""Following a journal: what is new in an experiment since a cursor, as chunks of whole lines and sealed parts.

This is the one way readers and sinks see an experiment. A last line without its newline is a write in
progress and is left for the next time. The cursor is a plain mapping and is the reader's to save.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from enum import Enum
from zlib import crc32

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
MARK_BYTES = 256
SCAN_BYTES = 4 << 20
MAX_LINE_BYTES = 256 << 20
"""What has no line end by then is no record; whatever it is, it is not read into memory."""


class Stream(str, Enum):
    """The four kinds of files a writer appends to."""

    EVENTS = "events"
    POINTS = "points"
    LOGS = "logs"
    CONSOLE = "console"


class Position(msgspec.Struct, frozen=True, array_like=True):
    """How far a file has been read: `offset` bytes, which are `lines` whole lines; and which file that was.

    `mark` is a checksum of its first bytes and of those before `offset`, 0 where that is not known; `changed_at` and
    `file` are those of its `Blob`. While these two stay, nobody looks; when they do not, the checksum tells a file that
    was touched or copied from one that was replaced.
    """

    offset: int = 0
    lines: int = 0
    mark: int = 0
    changed_at: float = 0.0
    file: int = 0

    def is_at_end_of(self, blob: Blob) -> bool:
        """Whether a file has these bytes and nobody has touched it since."""
        return blob.size == self.offset and (
            not self.mark or (blob.changed_at, blob.file) == (self.changed_at, self.file)
        )


Cursor = dict[str, Position]
"""Positions by the file's path relative to the experiment's folder, with forward slashes."""


class Chunk(msgspec.Struct, frozen=True):
    """Whole lines of one file. `lines` counts those before it; `part` numbers a writer's points files.

    A chunk that does not begin where the cursor ends comes of a file that was replaced. One without data says that the
    file is gone, or holds no whole line any more. `mark`, `changed_at` and `file` are those of the position after it.
    """

    stream: Stream
    path: str
    writer: str
    part: int
    offset: int
    lines: int
    data: bytes
    mark: int = 0
    changed_at: float = 0.0
    file: int = 0

    @property
    def end(self) -> Position:
        """The position after this chunk, to be saved once it has been taken in."""
        return Position(
            self.offset + len(self.data),
            self.lines + self.data.count(b"\n"),
            self.mark,
            self.changed_at,
            self.file,
        )


class SealedPart(msgspec.Struct, frozen=True):
    """A part of a writer's points that was turned into columns; its footer tells which text it stands for.

    `size` is in bytes of the file. A sink remembers at `path` that it has seen the file, and at `text`, as for lines, how far it
    has come in what the file stands for. `mark`, `changed_at` and `file` are as of a `Chunk`.
    """

    path: str
    writer: str
    part: int
    size: int
    mark: int = 0
    changed_at: float = 0.0
    file: int = 0

    @property
    def text(self) -> str:
        """The path of the lines that it stands for."""
        return f"{self.path[:-8]}.jsonl"

    @property
    def end(self) -> Position:
        """The position at `path` that says that it was taken in."""
        return Position(self.size, 0, self.mark, self.changed_at, self.file)


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

    The cursor is not changed: set `cursor[piece.path] = piece.end` when a piece has been taken in. A file that is not
    the one read before, of whatever size, is read from its start.

    Args:
        where: The experiment's files; a text is the path of its folder.

    Raises:
        OSError: A file exists but cannot be read, or has a line that is far too long.
    """
    storage = FolderStorage(where) if isinstance(where, str) else where
    there = set()
    for stream, path, writer, part, blob in _files(storage, streams):
        there.add(path.removesuffix(".parquet").removesuffix(".jsonl"))
        position = cursor.get(path, Position())
        if position.is_at_end_of(blob):
            continue
        try:
            replaced = position.offset > blob.size
            ends = _Ends(storage, path, 0 if replaced else position.offset)
            if position.mark and ends.mark != position.mark:
                position, replaced, ends = Position(), True, _Ends(storage, path, 0)
            if path.endswith(".parquet"):
                if replaced or blob.size != position.offset:
                    mark = _Ends(storage, path, blob.size).mark
                    seen = (mark, blob.changed_at, blob.file)
                    yield SealedPart(path, writer, part, blob.size, *seen)
                continue
        except FileNotFoundError:  # sealed or deleted since the folder was listed
            continue
        if replaced:
            position = Position()
        for chunk in _chunks(storage, path, blob, position, ends, chunk_bytes):
            replaced = False
            yield Chunk(stream, path, writer, part, *chunk, blob.changed_at, blob.file)
        if replaced:
            yield Chunk(stream, path, writer, part, 0, 0, b"")
    yield from _gone(cursor, there, streams)


class _Ends:
    """The first bytes of a file and those before an offset, from which its mark is made."""

    def __init__(self, storage: Storage, path: str, offset: int) -> None:
        self._first = storage.read(path, 0, min(MARK_BYTES, offset)) if offset else b""
        start = max(0, offset - MARK_BYTES)
        self._last = storage.read(path, start, offset - start) if start else self._first

    def add(self, data: bytes) -> int:
        """Move on over `data`, which follows; the mark of the place after it."""
        if len(self._first) < MARK_BYTES:
            self._first += data[: MARK_BYTES - len(self._first)]
        self._last = (self._last + data[-MARK_BYTES:])[-MARK_BYTES:]
        return self.mark

    @property
    def mark(self) -> int:
        """The checksum; 0 at the start of a file."""
        return (crc32(self._last, crc32(self._first)) or 1) if self._last else 0


def _chunks(
    storage: Storage, path: str, blob: Blob, position: Position, ends: _Ends, chunk_bytes: int
) -> Iterator[tuple[int, int, bytes, int]]:
    """Offset, lines before, data and mark of the whole lines from a position on."""
    offset, lines, want = position.offset, position.lines, chunk_bytes
    while offset < blob.size:
        try:
            data = storage.read(path, offset, min(want, blob.size - offset))
        except FileNotFoundError:  # sealed or deleted since the folder was listed
            break
        end = data.rfind(b"\n") + 1
        if not end:  # a line longer than a chunk, or one in progress
            want = _line_bytes(storage, path, offset, len(data), blob.size)
            if not want:
                break
            continue
        data = data[:end]
        yield offset, lines, data, ends.add(data)
        offset, lines, want = offset + end, lines + data.count(b"\n"), chunk_bytes


def _line_bytes(storage: Storage, path: str, offset: int, known: int, size: int) -> int:
    """The bytes of the line at an offset, of which `known` are no end of it; 0 while it has none.

    Nothing of it is kept meanwhile: a line that turns out too long, or never to end, costs no memory.
    """
    at = offset + known
    while known and at < size:
        piece = storage.read(path, at, min(SCAN_BYTES, size - at))
        end = piece.find(b"\n") + 1
        if end:
            return at + end - offset
        if not piece:
            break
        at += len(piece)
        if at - offset > MAX_LINE_BYTES:
            raise OSError(
                errno.EFBIG, f"it has a line of more than {MAX_LINE_BYTES >> 20} MiB", path
            )
    return 0


def _gone(cursor: Cursor, there: set[str], streams: frozenset[Stream]) -> Iterator[Chunk]:
    """A chunk without data for each file of lines that was read before and is there in no form any more."""
    for path in sorted(cursor):
        stem = path.removesuffix(".jsonl")
        if stem == path or stem in there or not cursor[path].offset:
            continue
        folder, _, name = stem.partition("/")
        stream = _STREAM_OF.get(folder)
        if stream in streams:
            writer, part = split_part(name) if stream is Stream.POINTS else (name, 1)
            yield Chunk(stream, path, writer.removeprefix("logs-"), part, 0, 0, b"")


_STREAM_OF = {"journal": Stream.EVENTS, "metrics": Stream.POINTS, "logs": Stream.LOGS}


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
