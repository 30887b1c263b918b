"""One Parquet file of points: how it is laid out, written and read. `docs/internals/index.md` specifies it.

Columns `name, series, step, time, time_rest, value, row, metadata`, sorted by series and then as written.
`name` is for people and other programs and costs next to nothing, as it is a run per row group.
`series` numbers the names in their order; readers find a series by the offsets in the file's own
metadata and read only the row groups it lies in. No row group holds a part of a series that would fit
into one whole.

Times are stored as timestamps of whole microseconds, which other programs show as such and which encode
to a byte or two. Where that is not the exact time as logged, `time_rest` holds the difference, so that
the sum is exact.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ...errors import CorruptData, UnknownFormat
from .columns import Block, Floats, Ints, Run, grouped

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
else:

    class _Later:
        """A module that is imported when something of it is used: a list of experiments needs none of it."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Any:
            return getattr(import_module(self._name), name)

    pa, pq = _Later("pyarrow"), _Later("pyarrow.parquet")

__all__ = ["PartFile", "PartInfo", "write_part"]

VERSION = 1
# Twice as many would be decoded for one of many series, half as many make a file of one series slower to read.
ROW_GROUP = 64 << 10
_KEY = b"anew"
_ENCODINGS = {
    "series": "DELTA_BINARY_PACKED",
    "step": "DELTA_BINARY_PACKED",
    "time": "DELTA_BINARY_PACKED",
    "time_rest": "BYTE_STREAM_SPLIT",
    "value": "BYTE_STREAM_SPLIT",
    "row": "DELTA_BINARY_PACKED",
}
_MAX_SECONDS = 9e12  # beyond, microseconds leave 64 bits


class PartInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a part's file says of itself, as JSON under the key "anew" of its metadata.

    `first_line` and `lines` tell which lines of the segment it stands for, `start` and `end` their bytes;
    `offsets` where each series of `names` begins; `mark` is the hash of the bytes before `end`, which tells
    whether a segment still is the one this was made from; `broken` are lines passed over, with the reason;
    `tail` is an unfinished last line (base64), which a sealed segment would otherwise lose.
    """

    version: int = VERSION
    experiment_id: str
    writer: str
    part: int
    first_line: int
    lines: int
    start: int
    end: int
    names: list[str] = []
    offsets: list[int] = []
    mark: str = ""
    broken: list[tuple[int, str]] = []
    tail: str | None = None


def write_part(path: str, block: Block, info: PartInfo) -> int:
    """Write a file of points, whole or not at all, and read it back before it gets its name.

    Returns:
        Its size in bytes.

    Raises:
        CorruptData: What was read back is not what was written.
        OSError: It cannot be written.
    """
    block, starts = grouped(block)
    info = msgspec.structs.replace(info, names=list(block.names), offsets=starts[:-1].tolist())
    table = _table(block)
    temporary = f"{path}.{os.urandom(4).hex()}.tmp"
    try:
        with open(temporary, "wb") as file:
            writer = pq.ParquetWriter(
                file,
                table.schema,
                compression="zstd",
                use_dictionary=["name"],
                column_encoding=_ENCODINGS,
                write_statistics=["name", "series", "step", "time"],
                store_schema=False,
                write_page_checksum=True,
            )
            with writer:
                writer.add_key_value_metadata({_KEY: msgspec.json.encode(info)})
                for begin, end in _row_groups(starts):
                    writer.write_table(table.slice(begin, end - begin), row_group_size=ROW_GROUP)
            file.flush()
            os.fsync(file.fileno())
        with PartFile(temporary) as written:
            _verify(block, written, path)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
    return os.path.getsize(path)


@cache
def _schema() -> pa.Schema:
    return pa.schema(
        [
            pa.field("name", pa.string(), nullable=False),
            pa.field("series", pa.int32(), nullable=False),
            pa.field("step", pa.int64()),
            pa.field("time", pa.timestamp("us", tz="UTC")),
            pa.field("time_rest", pa.float64()),
            pa.field("value", pa.float64(), nullable=False),
            pa.field("row", pa.int64(), nullable=False),
            pa.field("metadata", pa.string()),
        ]
    )


def _table(block: Block) -> pa.Table:
    micros, rest, no_time = _split_times(block.time)
    names = pa.DictionaryArray.from_arrays(_array(pa.int32(), block.series), _texts(block.names))
    columns = [
        names,
        _array(pa.int32(), block.series),
        _array(pa.int64(), block.step, block.given),
        _array(pa.timestamp("us", tz="UTC"), micros, None if no_time is None else ~no_time),
        pa.nulls(len(block), pa.float64()) if rest is None else _array(pa.float64(), *rest),
        _array(pa.float64(), block.value),
        _array(pa.int64(), block.row),
        pa.nulls(len(block), pa.string())
        if block.metadata is None
        else _texts(block.metadata.tolist()),
    ]
    fields = [_schema().field(0).with_type(names.type), *list(_schema())[1:]]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


# pa.array() would do the same, and import pandas (where there is one) to see whether it was given its types.
def _array(kind: pa.DataType, values: Any, valid: Any = None) -> pa.Array:
    """A numpy array as an Arrow array of fixed width; `valid` says which values are not null."""
    bits = None
    if valid is not None and not valid.all():
        bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(
        kind, len(values), [bits, pa.py_buffer(np.ascontiguousarray(values))]
    )


def _texts(texts: Sequence[str | None]) -> pa.Array:
    """Texts, or None, as an Arrow array."""
    raw = [b"" if text is None else text.encode() for text in texts]
    offsets = np.zeros(len(raw) + 1, np.int64)
    np.cumsum([len(b) for b in raw], out=offsets[1:])
    valid = np.array([text is not None for text in texts], np.bool_)
    bits = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [bits, pa.py_buffer(offsets), pa.py_buffer(b"".join(raw))]
    return pa.Array.from_buffers(pa.large_string(), len(raw), buffers).cast(pa.string())


def _split_times(time: Floats) -> tuple[Ints, tuple[Floats, Any] | None, Any]:
    """Microseconds, what they leave (values and where), and where they cannot say it at all."""
    far = ~(np.abs(time) < _MAX_SECONDS)
    micros = np.rint(np.where(far, 0.0, time) * 1e6).astype(np.int64)
    rest = np.where(far, time, time - micros / 1e6)
    inexact = rest != 0.0
    return micros, (rest, inexact) if inexact.any() else None, far if far.any() else None


def _row_groups(starts: Ints) -> list[tuple[int, int]]:
    """Where row groups begin and end: whole series as long as they fit, at most ROW_GROUP rows."""
    groups: list[tuple[int, int]] = []
    begin = 0
    for end, after in zip(starts[1:-1].tolist(), starts[2:].tolist(), strict=True):
        if after - begin > ROW_GROUP and end > begin:
            groups.append((begin, end))
            begin = end
    total = int(starts[-1])
    if total > begin or not groups:
        groups.append((begin, total))
    return groups


def _verify(block: Block, written: PartFile, path: str) -> None:
    back = written.read(range(len(block.names)), metadata=True)
    same = (
        np.array_equal(back.series, block.series)
        and np.array_equal(back.row, block.row)
        and np.array_equal(back.value.view(np.int64), block.value.view(np.int64))
        and np.array_equal(back.time, block.time)
        and np.array_equal(back.step, block.step)
        and _same_optional(back.given, block.given)
        and _same_optional(back.metadata, block.metadata)
    )
    if not same:
        raise CorruptData(
            f"{path} did not read back as it was written; the segment it was made from is kept.",
            path=path,
        )


def _same_optional(a: Any, b: Any) -> bool:
    return a is b is None or (a is not None and b is not None and np.array_equal(a, b))


class PartFile:
    """An open file of points.

    Raises:
        CorruptData: It is no Parquet file, or not one of ours; its end may be missing.
        UnknownFormat: It was written by a newer version.
        FileNotFoundError: It is gone.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._file = pq.ParquetFile(path, page_checksum_verification=True)
        except FileNotFoundError:
            raise
        except (pa.ArrowInvalid, OSError) as error:
            raise _corrupt(path, error) from error
        found = (self._file.metadata.metadata or {}).get(_KEY)
        try:
            if found is None:
                raise msgspec.DecodeError("it does not say which points it holds")
            self.info = msgspec.json.decode(found, type=PartInfo)
        except msgspec.DecodeError as error:
            self._file.close()
            raise _corrupt(path, error) from error
        if self.info.version > VERSION:
            self._file.close()
            raise UnknownFormat(
                f"{path} has format version {self.info.version}; this version of Anew reads "
                f"{VERSION}. Upgrade Anew to read it."
            )
        rows = [self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups)]
        self._bounds = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
        self._offsets = [*self.info.offsets, int(self._bounds[-1])]

    def __enter__(self) -> PartFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def points(self) -> int:
        """How many points it holds."""
        return self._offsets[-1]

    def find(self, names: Sequence[str]) -> list[int]:
        """The numbers of those series that it has."""
        at = {name: i for i, name in enumerate(self.info.names)}
        return [at[name] for name in names if name in at]

    def read(self, series: Sequence[int], *, metadata: bool = False) -> Block:
        """The points of some series (numbers ascending), in as-written order each.

        Raises:
            CorruptData: The bytes are not what they should be.
        """
        wanted = [(self._offsets[s], self._offsets[s + 1]) for s in series]
        ranges = _merged([r for r in wanted if r[1] > r[0]])
        groups = self._groups(ranges)
        columns = ["series", "step", "time", "time_rest", "value", "row"]
        try:
            table = self._file.read_row_groups(
                groups, columns=[*columns, "metadata"] if metadata else columns
            )
        except (pa.ArrowInvalid, OSError) as error:
            raise _corrupt(self.path, error) from error
        pieces = self._within(groups, ranges)
        if pieces != [(0, table.num_rows)]:
            table = pa.concat_tables(
                [table.slice(a, b - a) for a, b in pieces] or [table.slice(0, 0)]
            )
        return _block(table, self.info.names)

    def runs(self, part: int, names: Sequence[str] | None, rows: bool, metadata: bool) -> list[Run]:
        """The points of some or all series as views of what was read, series by series.

        Raises:
            CorruptData: The bytes are not what they should be.
        """
        numbers = range(len(self.info.names)) if names is None else sorted(set(self.find(names)))
        ranges = {n: (self._offsets[n], self._offsets[n + 1]) for n in numbers}
        groups = self._groups(_merged([r for r in ranges.values() if r[1] > r[0]]))
        wanted = ["step", "time", "time_rest", "value"]
        wanted += ["row"] * rows + ["metadata"] * metadata
        try:
            table = self._file.read_row_groups(groups, columns=wanted)
        except (pa.ArrowInvalid, OSError) as error:
            raise _corrupt(self.path, error) from error
        slices = _Slices(table)
        found: list[Run] = []
        for number, (begin, end) in ranges.items():
            at = 0
            for group in groups:
                low, high = int(self._bounds[group]), int(self._bounds[group + 1])
                a, b = max(begin, low) - low + at, min(end, high) - low + at
                at += high - low
                if a < b:
                    found += slices.runs(self.info.names[number], part, a, b)
        return found

    def _groups(self, ranges: list[tuple[int, int]]) -> list[int]:
        groups: list[int] = []
        for begin, end in ranges:
            first = int(np.searchsorted(self._bounds, begin, "right")) - 1
            last = int(np.searchsorted(self._bounds, end, "left"))
            groups += [g for g in range(first, last) if not groups or g > groups[-1]]
        return groups

    def _within(self, groups: list[int], ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The ranges as rows of the table that holds just those row groups."""
        pieces: list[tuple[int, int]] = []
        at = 0
        for group in groups:
            low, high = int(self._bounds[group]), int(self._bounds[group + 1])
            for begin, end in ranges:
                a, b = max(begin, low), min(end, high)
                if a < b:
                    pieces.append((a - low + at, b - low + at))
            at += high - low
        return _merged(pieces)


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in ranges:
        if merged and merged[-1][1] == begin:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    return merged


def _block(table: pa.Table, names: list[str]) -> Block:
    step, given = _numpy(table, "step", np.int64)
    micros, _ = _numpy(table, "time", np.int64)
    seconds = micros / 1e6
    if table.column("time_rest").null_count < table.num_rows:
        seconds += _numpy(table, "time_rest", np.float64)[0]
    metadata = None
    if "metadata" in table.column_names:
        column = table.column("metadata")
        if column.null_count < len(column):
            metadata = np.empty(len(column), np.object_)
            metadata[:] = column.to_pylist()
    return Block(
        names=names,
        series=_numpy(table, "series", np.int32)[0],
        step=step,
        given=given,
        time=seconds,
        value=_numpy(table, "value", np.float64)[0],
        row=_numpy(table, "row", np.int64)[0],
        metadata=metadata,
    )


class _Slices:
    """The columns of a table as numpy arrays, a chunk at a time, without copying."""

    def __init__(self, table: pa.Table) -> None:
        if len({tuple(map(len, column.chunks)) for column in table.columns}) > 1:
            table = table.combine_chunks()
        self._table = table
        lengths = [len(chunk) for chunk in table.column("value").chunks]
        self._ends = np.cumsum([0, *lengths]).tolist()

    def runs(self, name: str, part: int, begin: int, end: int) -> Iterator[Run]:
        """Those rows of the table as points of one series."""
        for chunk in range(bisect_right(self._ends, begin) - 1, len(self._ends) - 1):
            low, high = self._ends[chunk], self._ends[chunk + 1]
            a, b = max(begin, low) - low, min(end, high) - low
            if a >= b:
                return
            yield self._run(name, part, chunk, a, b)

    def _run(self, name: str, part: int, chunk: int, a: int, b: int) -> Run:
        columns = self._table.column_names
        pieces = {c: self._table.column(c).chunk(chunk).slice(a, b - a) for c in columns}
        step, given = _values(pieces["step"], np.int64)
        time = _values(pieces["time"], np.int64)[0] / 1e6
        if pieces["time_rest"].null_count < b - a:
            time += _values(pieces["time_rest"], np.float64)[0]
        value = _values(pieces["value"], np.float64)[0]
        row = _values(pieces["row"], np.int64)[0] if "row" in pieces else None
        metadata = None
        if "metadata" in pieces and pieces["metadata"].null_count < b - a:
            metadata = np.empty(b - a, np.object_)
            metadata[:] = pieces["metadata"].to_pylist()
        return Run(name, part, step, given, time, value, row, metadata)


def _numpy(table: pa.Table, name: str, kind: Any) -> tuple[Any, Any]:
    """A column's values (0 where it is null), and where it is not null (None: everywhere)."""
    column = table.column(name)
    pieces = [_values(chunk, kind) for chunk in column.chunks if len(chunk)]
    if not pieces:
        return np.zeros(0, kind), None
    values = pieces[0][0] if len(pieces) == 1 else np.concatenate([v for v, _ in pieces])
    if not column.null_count:
        return values, None
    masks = [np.ones(len(v), np.bool_) if m is None else m for v, m in pieces]
    return values, np.concatenate(masks)


def _values(chunk: pa.Array, kind: Any) -> tuple[Any, Any]:
    """The values of an Arrow array (0 where it is null), and where it is not null (None: everywhere)."""
    valid, data = chunk.buffers()
    values = np.frombuffer(data, kind, len(chunk), chunk.offset * np.dtype(kind).itemsize)
    if not chunk.null_count:
        return values, None
    end = chunk.offset + len(chunk)
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little", count=end)
    there = bits[chunk.offset :] != 0
    return np.where(there, values, 0).astype(kind), there


def _corrupt(path: str, error: Exception) -> CorruptData:
    return CorruptData(
        f"{path} cannot be read: {error}. The points it held are missing from what is shown; restore "
        "the file from a copy if there is one, or delete it to go on without.",
        path=path,
    )
