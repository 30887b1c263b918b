"""What is to be sent: the records of a piece of the journal, of lines and of sealed parts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ..forwarding.waiting import STREAMS
from ..journal.follow import Chunk, Cursor, Piece, Position, Stream, follow_pieces
from ..journal.layout import split_part
from ..journal.storage import FolderStorage
from ..record.decode import decode_events, decode_logs, decode_points
from ..record.events import Event, LogLine, PointLine

__all__ = [
    "CHUNK_BYTES",
    "Record",
    "Records",
    "backlog",
    "records_between",
    "records_of",
]

CHUNK_BYTES = 256 << 10
SEALED_LINES = 4000
_STREAM_OF = {"journal": Stream.EVENTS, "metrics": Stream.POINTS, "logs": Stream.LOGS}
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

Record = Event | PointLine | LogLine


class Records(NamedTuple):
    """Records of one file between two positions, each with the number of its line; `broken` lines are no records."""

    path: str
    writer: str
    start: Position
    end: Position
    records: list[tuple[int, Record]]
    broken: int = 0


def records_of(folder: str, piece: Piece, start: Position) -> Iterator[Records]:
    """The records of a piece of the journal: of a sealed part those of the lines after `start`, in slices."""
    if isinstance(piece, Chunk):
        yield records_of_lines(piece)
    else:
        yield from _sealed_records(folder, piece.text, start, None)


def records_of_lines(chunk: Chunk) -> Records:
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
    return Records(chunk.path, chunk.writer, start, chunk.end, records, len(broken))


def _numbers(record: PointLine) -> PointLine | None:
    """A point line with floats where names of numbers stood; None if another text stood there."""
    values = {k: _NON_FINITE.get(v, v) if isinstance(v, str) else v for k, v in record.m.items()}
    if any(isinstance(v, str) for v in values.values()):
        return None
    return msgspec.structs.replace(record, m=values)


def records_between(folder: str, path: str, start: Position, end: Position) -> Records:
    """The same records of a file again, whether or not it was sealed since.

    Raises:
        FileNotFoundError: It is there in neither form.
    """
    data = b""
    if (
        end.offset > start.offset
    ):  # slices of a sealed part are counted in lines alone, until its last
        try:
            data = FolderStorage(folder).read(path, start.offset, end.offset - start.offset)
        except FileNotFoundError:
            pass  # it was sealed since
    if data and start.offset + len(data) == end.offset:
        stream = _STREAM_OF[path.partition("/")[0]]
        stem = path.rpartition("/")[2][:-6]
        writer = split_part(stem)[0] if stream is Stream.POINTS else stem.removeprefix("logs-")
        return records_of_lines(Chunk(stream, path, writer, 1, start.offset, start.lines, data))
    for records in _sealed_records(folder, path, start, end.lines):
        return records._replace(end=end)
    raise FileNotFoundError(f"{path} in {folder} no longer exists, so it cannot be sent again.")


def _sealed_records(
    folder: str, path: str, start: Position, until: int | None
) -> Iterator[Records]:
    """The lines after `start` of a sealed file, in slices; all up to line `until` in one, if that is given."""
    from ..stores.series.parquet import PartFile

    try:
        with FolderStorage(folder).local(f"{path[:-6]}.parquet") as file, PartFile(file) as part:
            info = part.info
            if info.lines <= start.lines:
                return
            block = part.read(range(len(info.names)), metadata=True)
    except FileNotFoundError:
        return
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
                yield Records(path, info.writer, begin, end, records)
                records, begin = [], end
            extra = None if metadata is None else msgspec.json.decode(metadata)
            records.append((row, PointLine(time, {}, step if given else None, extra)))
            at = row
        records[-1][1].m[block.names[series]] = value  # type: ignore[union-attr]
    yield Records(path, info.writer, begin, Position(info.end, last), records, 0)


def backlog(folder: str, cursor: Cursor) -> int:
    """How many lines there are after the cursor."""
    from ..stores.series.parquet import PartFile

    count = 0
    taken = {path: position.lines for path, position in cursor.items()}
    for piece in follow_pieces(folder, cursor, STREAMS):
        if isinstance(piece, Chunk):
            count += piece.end.lines - piece.lines
            taken[piece.path] = piece.end.lines
        else:
            with FolderStorage(folder).local(piece.path) as file, PartFile(file) as part:
                count += max(0, part.info.lines - taken.get(piece.text, 0))
    return count
