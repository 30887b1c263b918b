"""What is to be sent: an experiment's records since a cursor, from live files and from sealed ones."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ..journal.follow import Chunk, Cursor, Position, Stream, follow
from ..journal.layout import ExperimentLayout, split_part
from ..record.decode import decode_events, decode_logs, decode_points
from ..record.events import Event, LogLine, PointLine

__all__ = ["STREAMS", "Piece", "Record", "backlog", "piece_between", "piece_of", "pieces"]

STREAMS = frozenset({Stream.EVENTS, Stream.POINTS, Stream.LOGS})
CHUNK_BYTES = 256 << 10
SEALED_LINES = 4000
_STREAM_OF = {"journal": Stream.EVENTS, "metrics": Stream.POINTS, "logs": Stream.LOGS}
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

Record = Event | PointLine | LogLine


class Piece(NamedTuple):
    """Records of one file between two positions, each with the number of its line; `broken` lines are no records."""

    path: str
    writer: str
    start: Position
    end: Position
    records: list[tuple[int, Record]]
    broken: int = 0


def pieces(folder: str, cursor: Cursor) -> Iterator[Piece]:
    """What is new since the cursor: events, then points, then messages, in the order they were written by each.

    Points that were sealed in the meantime are read from there. The cursor is not changed.
    """
    for chunk in follow(folder, cursor, frozenset({Stream.EVENTS}), chunk_bytes=CHUNK_BYTES):
        yield piece_of(chunk)
    for path in _sealed(folder):
        yield from _sealed_pieces(folder, path, cursor.get(path, Position()), None)
    rest = STREAMS - {Stream.EVENTS}
    for chunk in follow(folder, cursor, rest, chunk_bytes=CHUNK_BYTES):
        yield piece_of(chunk)


def piece_of(chunk: Chunk) -> Piece:
    """The records of a chunk of whole lines."""
    first = chunk.lines + 1
    records: list[tuple[int, Record]] = []
    if chunk.stream is Stream.EVENTS:
        events, broken = decode_events(chunk.data, first)
        records += events
    elif chunk.stream is Stream.LOGS:
        messages, broken = decode_logs(chunk.data, first)
        records += messages
    else:
        points, broken = decode_points(chunk.data, first)
        for line, point in points:
            numbers = _numbers(point) if str in map(type, point.m.values()) else point
            if numbers is not None:
                records.append((line, numbers))
    start = Position(chunk.offset, chunk.lines)
    return Piece(chunk.path, chunk.writer, start, chunk.end, records, len(broken))


def _numbers(record: PointLine) -> PointLine | None:
    """A point line with floats where names of numbers stood; None if another text stood there."""
    values = {k: _NON_FINITE.get(v, v) if isinstance(v, str) else v for k, v in record.m.items()}
    if any(isinstance(v, str) for v in values.values()):
        return None
    return msgspec.structs.replace(record, m=values)


def piece_between(folder: str, path: str, start: Position, end: Position) -> Piece:
    """The same piece of a file again, whether or not it was sealed since.

    Raises:
        FileNotFoundError: It is there in neither form.
    """
    try:
        with open(ExperimentLayout(folder).path(*path.split("/")), "rb") as file:
            file.seek(start.offset)
            data = file.read(end.offset - start.offset)
    except FileNotFoundError:
        data = b""
    if start.offset + len(data) == end.offset:
        stream = _STREAM_OF[path.partition("/")[0]]
        stem = path.rpartition("/")[2][:-6]
        writer = split_part(stem)[0] if stream is Stream.POINTS else stem
        return piece_of(Chunk(stream, path, writer, 1, start.offset, start.lines, data))
    for piece in _sealed_pieces(folder, path, start, end.lines):
        return piece._replace(end=end)
    raise FileNotFoundError(f"{path} in {folder} is gone, and was to be sent again.")


def _sealed(folder: str) -> list[str]:
    """The points files that are there in their sealed form only, by the path of their lines."""
    metrics = ExperimentLayout(folder).path("metrics")
    try:
        names = set(os.listdir(metrics))
    except (FileNotFoundError, NotADirectoryError):
        return []
    stems = [name[:-8] for name in names if name.endswith(".parquet")]
    stems = [stem for stem in stems if f"{stem}.jsonl" not in names]
    return [f"metrics/{stem}.jsonl" for stem in sorted(stems, key=split_part)]


def _sealed_pieces(folder: str, path: str, start: Position, until: int | None) -> Iterator[Piece]:
    """The lines after `start` of a sealed file, in slices; all up to line `until` in one, if that is given."""
    from ..stores.series.parquet import PartFile

    file = ExperimentLayout(folder).path(*path[:-6].split("/")) + ".parquet"
    try:
        opened = PartFile(file)
    except FileNotFoundError:
        return
    with opened as part:
        info = part.info
        if info.lines <= start.lines:
            return
        block = part.read(range(len(info.names)), metadata=True)
    last = info.lines if until is None else until
    block = block.select((block.row > start.lines) & (block.row <= last))
    block = block.select(block.row.argsort(kind="stable"))
    records: list[tuple[int, Record]] = []
    begin = start
    rows = zip(
        block.row.tolist(),
        block.series.tolist(),
        block.step.tolist(),
        [True] * len(block) if block.given is None else block.given.tolist(),
        block.time.tolist(),
        block.value.tolist(),
        [None] * len(block) if block.metadata is None else block.metadata.tolist(),
        strict=True,
    )
    at = -1
    for row, series, step, given, time, value, metadata in rows:
        if row != at:
            if until is None and len(records) >= SEALED_LINES:
                end = Position(start.offset, row - 1)
                yield Piece(path, info.writer, begin, end, records)
                records, begin = [], end
            extra = None if metadata is None else msgspec.json.decode(metadata)
            records.append((row, PointLine(time, {}, step if given else None, extra)))
            at = row
        records[-1][1].m[block.names[series]] = value  # type: ignore[union-attr]
    yield Piece(path, info.writer, begin, Position(info.end, last), records, 0)


def backlog(folder: str, cursor: Cursor) -> int:
    """How many lines there are after the cursor."""
    count = sum(c.data.count(b"\n") for c in follow(folder, cursor, STREAMS))
    for path in _sealed(folder):
        from ..stores.series.parquet import PartFile

        with PartFile(ExperimentLayout(folder).path(*path[:-6].split("/")) + ".parquet") as part:
            count += max(0, part.info.lines - cursor.get(path, Position()).lines)
    return count
