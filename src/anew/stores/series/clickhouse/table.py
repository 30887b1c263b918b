"""The table of series in ClickHouse, and the only SQL about it.

It has a row for each point, and one for each stretch of a part whose points are there. Points and the row of their stretch are written as one
block of one partition, which is there whole or not at all. The name of the table carries a version: one of another layout is another table,
which is filled from the records again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from ....clickhouse import ClickHouse, ClickHouseError, Column, Named, Rows, native, texts
from ....journal.layout import part_name, split_part
from ...deadline import check_time, seconds_left
from ..columns import Block, Floats, Ints, PartName, grouped

__all__ = ["MOST_ROWS", "TABLE", "VERSION", "Filling", "Range", "Series", "Table", "chosen"]

VERSION = 1
"""Of the layout of the table."""
TABLE = f"anew_points_v{VERSION}"
MOST_ROWS = 1_000_000
"""Points that are written at once, about."""
_LISTED = 60_000
"""Characters that a list in a question may have: ClickHouse takes twice as many in one field."""
_COMPACTED = 900.0
"""Seconds that giving bytes back may take: what lies beside them is written again."""
_NO_TABLE, _NO_DATABASE = 60, 81
_STRETCH = 2
"""What `given` is in the row of a stretch. No metric has its key: its segment begins with a slash."""
_CREATE = f"""CREATE TABLE IF NOT EXISTS {TABLE} (
    experiment String CODEC(ZSTD(1)),
    metric String CODEC(ZSTD(1)),
    step Int64 CODEC(DoubleDelta, ZSTD(1)),
    segment LowCardinality(String),
    row UInt32 CODEC(DoubleDelta, ZSTD(1)),
    given UInt8 CODEC(ZSTD(1)),
    at Float64 CODEC(Gorilla, ZSTD(1)),
    value Float64 CODEC(Gorilla, ZSTD(1)),
    metadata String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree ORDER BY (experiment, metric, step, segment, row) PARTITION BY cityHash64(experiment) % 8"""

T = TypeVar("T")


class Filling(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of a part whose points are there.

    Attributes:
        sealed: The size of the file of columns that the part is, 0 where it is lines.
        start, end: Its bytes; of a file of columns its lines.
        line: The number of its last line.
        bytes: Of the last stretch of a file of columns, how many bytes its lines had.
        broken: Lines that gave no points, with the reason.
    """

    sealed: int
    start: int
    end: int
    line: int
    bytes: int = 0
    broken: tuple[tuple[int, str], ...] = ()


class Series(NamedTuple):
    """The points of one metric in one part, in as-written order, each once."""

    experiment: str
    metric: str
    part: PartName
    row: Ints
    step: Ints
    given: npt.NDArray[np.bool_] | None
    time: Floats
    value: Floats
    metadata: npt.NDArray[np.object_] | None


class Range(NamedTuple):
    """Which points of series are wanted: from a step on, before a step, after a line of each part."""

    start: int | None = None
    stop: int | None = None
    after: Mapping[PartName, int] | None = None


class Table:
    """Reads and writes the table. Any thread may use it.

    A table that is not there is empty, and is made when something is written.
    """

    def __init__(self, engine: ClickHouse) -> None:
        self.engine = engine

    # -- writing ----------------------------------------------------------------------------------

    def insert(self, experiment: str, part: PartName, filling: Filling, block: Block) -> None:
        """Add the points of a stretch. The same ones again change nothing.

        Raises:
            ClickHouseError: They were not added; it may be tried again.
        """
        self._write(_columns(experiment, part, filling, block), len(block) + 1)

    def _write(self, columns: Sequence[Column], rows: int) -> None:
        listed = ", ".join(column.name for column in columns)
        statement = f"INSERT INTO {TABLE} ({listed}) FORMAT Native"
        data = native(columns, rows)
        try:
            self.engine.insert(statement, data)
        except ClickHouseError as error:
            if error.code not in (_NO_TABLE, _NO_DATABASE):
                raise
            self._create(error.code == _NO_DATABASE)
            self.engine.insert(statement, data)

    def _create(self, database: bool) -> None:
        if database:
            name = self.engine.address.database
            self.engine.ask("CREATE DATABASE IF NOT EXISTS {name:Identifier}", {"name": name}, database=False)  # fmt: skip
        self.engine.ask(_CREATE)

    def forget(self, experiment: str) -> int:
        """Remove an experiment: what is left of it are marked rows. Returns how many rows it had."""
        one = {"one": [experiment]}
        where = "WHERE experiment IN {one:Array(String)}"
        count = self._number(f"SELECT count() FROM {TABLE} {where} FORMAT RowBinary", one)
        self._ask(f"DELETE FROM {TABLE} {where}", one)
        return count

    def compact(self) -> int:
        """Give back what marked rows take; the bytes given back."""
        before = self.bytes()
        self._ask(
            f"ALTER TABLE {TABLE} APPLY DELETED MASK SETTINGS mutations_sync = 2",
            seconds=_COMPACTED,
        )
        return max(0, before - self.bytes())

    def remove(self) -> None:
        """Drop the table, and those of other versions.

        Raises:
            ClickHouseError: They could not be dropped.
        """
        query = (
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^anew_points_v[0-9]+$') "
            "FORMAT RowBinary"
        )
        for name in _each(self._ask(query), Rows.text):
            self.engine.ask("DROP TABLE IF EXISTS {name:Identifier} SYNC", {"name": name})

    # -- reading ----------------------------------------------------------------------------------

    def fillings(self, experiments: Sequence[str]) -> dict[str, list[tuple[PartName, Filling]]]:
        """What is there of some experiments.

        Raises:
            ClickHouseError: The server cannot be asked.
        """
        query = (
            f"SELECT experiment, segment, metadata FROM {TABLE} WHERE experiment IN {{ids:Array(String)}} AND metric = '' "
            f"AND given = {_STRETCH} FORMAT RowBinary"
        )
        found: dict[str, list[tuple[PartName, Filling]]] = {}
        for ids in _lists(experiments):
            for experiment, segment, said in _each(self._ask(query, {"ids": ids}), _three):
                try:
                    row = split_part(segment[1:]), msgspec.json.decode(said, type=Filling)
                except msgspec.DecodeError:
                    continue  # not of ours: the stretch is read from its lines
                found.setdefault(experiment, []).append(row)
        return found

    def series(
        self,
        experiments: Sequence[str],
        names: Sequence[str] | None,
        within: Range = Range(),  # noqa: B008  (a frozen tuple)
        *,
        times: bool = True,
        metadata: bool = False,
    ) -> Iterator[Series]:
        """Some or all series of some experiments.

        Raises:
            ClickHouseError: The server cannot be asked.
        """
        where = ["experiment IN {ids:Array(String)}", f"given < {_STRETCH}"]
        values: dict[str, Any] = {}
        if within.after:
            where.append("row > transform(segment, {segments:Array(String)}, {lines:Array(UInt64)}, toUInt64(0))")  # fmt: skip
            values["segments"] = [part_name(*part) for part in within.after]
            values["lines"] = [max(0, line) for line in within.after.values()]
        inside = list(where)
        ranged = within.start is not None or within.stop is not None
        if ranged:  # a point without a step may be in any
            inside.append("(given = 0 OR (step >= {start:Int64} AND step <= {last:Int64}))")
            values["start"] = _int64(-(1 << 63) if within.start is None else within.start)
            values["last"] = _int64((1 << 63) - 1 if within.stop is None else within.stop - 1)
        named = "toLowCardinality(experiment) AS whose, toLowCardinality(metric) AS what, segment"
        listed = ["row", "step", "given", *(["at"] if times else []), "value", *(["metadata"] if metadata else [])]  # fmt: skip
        for ids in _lists(experiments):
            for some in [None] if names is None else _lists(names):
                check_time()
                asked = {**values, "ids": ids, **({} if some is None else {"names": some})}
                only = [] if some is None else ["metric IN {names:Array(String)}"]
                found = set()
                query = f"SELECT {named}, {', '.join(listed)} FROM {TABLE} WHERE {' AND '.join([*inside, *only])} FORMAT Native"
                for one in _split(self._ask(query, asked)):
                    found.add(one[:3])
                    yield one
                if ranged:  # a series without a point in the range is there all the same
                    query = f"SELECT DISTINCT {named} FROM {TABLE} WHERE {' AND '.join([*where, *only])} FORMAT Native"
                    yield from (one for one in _empty(self._ask(query, asked)) if one[:3] not in found)  # fmt: skip

    def rows(self) -> dict[str, int]:
        """How many rows each experiment has."""
        query = f"SELECT experiment, count() FROM {TABLE} GROUP BY experiment FORMAT RowBinary"
        return dict(_each(self._ask(query), lambda row: (row.text(), row.number())))

    def bytes(self) -> int:
        """Bytes that the table takes."""
        query = (
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() "
            f"AND table = '{TABLE}' FORMAT RowBinary"
        )
        return self._number(query)

    def _number(self, query: str, values: Mapping[str, Any] | None = None) -> int:
        found = self._ask(query, values)
        return found.number() if found else 0

    def _ask(
        self, query: str, values: Mapping[str, Any] | None = None, seconds: float | None = None
    ) -> Rows:
        """The answer to a question; without rows where the table is not there."""
        seconds = seconds_left() if seconds is None else seconds
        try:
            return Rows(self.engine.ask(query, values, seconds=seconds))
        except ClickHouseError as error:
            if error.code in (_NO_TABLE, _NO_DATABASE):
                return Rows(b"")
            raise


def _columns(experiment: str, part: PartName, filling: Filling, block: Block) -> list[Column]:
    """The columns of points; those of a series follow each other, as in the table. The last row is that of their stretch."""
    block, starts = grouped(block)
    count, name = len(block), part_name(*part)
    counts = np.diff(starts).tolist()
    given = np.ones(count, np.uint8) if block.given is None else block.given.astype(np.uint8)
    if block.metadata is None:
        metadata = bytes(count)
    else:
        metadata = texts((value or "", 1) for value in block.metadata)
    # Together with the segment and its last line, this is a key of its own for each stretch.
    key = -filling.sealed if filling.sealed else filling.start
    return [
        Column("experiment", "String", texts([(experiment, count + 1)])),
        Column("metric", "String", texts([*zip(block.names, counts, strict=True), ("", 1)])),
        Column("step", "Int64", np.append(block.step, key).astype("<i8").tobytes()),
        Column("segment", "String", texts([(name, count), (f"/{name}", 1)])),
        Column("row", "UInt32", np.append(block.row, filling.line).astype("<u4").tobytes()),
        Column("given", "UInt8", np.append(given, _STRETCH).astype("u1").tobytes()),
        Column("at", "Float64", np.append(block.time, 0.0).astype("<f8").tobytes()),
        Column("value", "Float64", np.append(block.value, 0.0).astype("<f8").tobytes()),
        Column("metadata", "String", metadata + texts([(msgspec.json.encode(filling).decode(), 1)])),
    ]  # fmt: skip


def _three(rows: Rows) -> tuple[str, str, str]:
    return rows.text(), rows.text(), rows.text()


def _split(rows: Rows) -> Iterator[Series]:
    """The series of an answer, each in as-written order."""
    blocks: list[Mapping[str, Any]] = []
    while rows:
        blocks.append(rows.block())
    row = _joined(blocks, "row", np.int64)
    key = np.zeros(len(row), np.int64)
    names: list[list[str]] = []
    for name in ("whose", "what", "segment"):
        found, numbers = _numbered([block[name] for block in blocks])
        names.append(found)
        if len(found) > 1:
            key = key * len(found) + numbers
    order: Any = None
    if not _in_order(key, row):
        # What is in order but for its parts, as the engine reads it, takes no time to be sorted.
        few = len(names[0]) * len(names[1]) * len(names[2]) < 1 << 16
        order = np.argsort(key.astype(np.uint16) if few else key, kind="stable")
        if not _in_order(key[order], row[order]):
            order = np.lexsort((row, key))
            # What was sent twice may be there twice: a line has a metric once.
            again = (np.diff(key[order]) == 0) & (np.diff(row[order]) == 0)
            order = order[~np.append(False, again)] if len(order) else order
        key, row = key[order], row[order]

    def column(name: str, kind: type[Any]) -> npt.NDArray[Any]:
        found = _joined(blocks, name, kind)
        return found if order is None else found[order]

    there = blocks[0] if blocks else {}
    step, given, value = column("step", np.int64), column("given", np.bool_), column("value", np.float64)  # fmt: skip
    time = column("at", np.float64) if "at" in there else np.zeros(len(value))
    said = column("metadata", np.object_) if "metadata" in there else None
    ends = [*(np.flatnonzero(np.diff(key)) + 1).tolist(), len(key)] if len(key) else []
    parts = [split_part(text) for text in names[2]]
    begin = 0
    for end in ends:
        rest, segment = divmod(int(key[begin]), max(1, len(names[2])))
        whose, what = divmod(rest, max(1, len(names[1])))
        mine = slice(begin, end)
        begin = end
        yield Series(
            names[0][whose], names[1][what], parts[segment], row[mine], step[mine],
            None if given[mine].all() else given[mine], time[mine], value[mine],
            None if said is None else _metadata(said[mine]),
        )  # fmt: skip


def _metadata(texts: npt.NDArray[Any]) -> npt.NDArray[np.object_] | None:
    """Metadata as readers get it; None where no point has any."""
    return np.array([text or None for text in texts], np.object_) if any(texts) else None


def _empty(rows: Rows) -> Iterator[Series]:
    """Series of which an answer says that they are there, without their points."""
    none = np.zeros(0, np.int64), np.zeros(0, np.int64), None, np.zeros(0), np.zeros(0), None
    while rows:
        block = rows.block()
        columns: list[Any] = [block[name] for name in ("whose", "what", "segment")]
        for at in zip(*(column.at.tolist() for column in columns), strict=True):
            whose, what, segment = (one.texts[n] for one, n in zip(columns, at, strict=True))
            yield Series(whose, what, split_part(segment), *none)


def _in_order(key: Ints, row: Ints) -> bool:
    """Whether series follow each other, and the lines of each, none twice."""
    later = key[1:] > key[:-1]
    return bool(np.all(later | ((key[1:] == key[:-1]) & (row[1:] > row[:-1]))))


def _numbered(columns: Sequence[Named]) -> tuple[list[str], Ints]:
    """The texts of a column in all blocks, each once, and the number of that of each row; no numbers where there is one text."""
    ids: dict[str, int] = {}
    of = [
        np.array([ids.setdefault(text, len(ids)) for text in column.texts], np.int64)
        for column in columns
    ]
    if len(ids) < 2:
        return list(ids), np.zeros(0, np.int64)
    return list(ids), np.concatenate([each[c.at] for each, c in zip(of, columns, strict=True)])


def _joined(blocks: Sequence[Mapping[str, Any]], name: str, kind: type[Any]) -> npt.NDArray[Any]:
    """A column of all blocks; nothing where they have none."""
    pieces = [np.asarray(block[name], kind) for block in blocks if name in block]
    return np.concatenate(pieces) if pieces else np.zeros(0, kind)


def chosen(series: Series, which: Any) -> Series:
    """Some points of a series."""
    return Series(
        *series[:3], series.row[which], series.step[which], None if series.given is None else series.given[which],
        series.time[which], series.value[which], None if series.metadata is None else series.metadata[which],
    )  # fmt: skip


def _each(rows: Rows, read: Callable[[Rows], T]) -> list[T]:
    found = []
    while rows:
        found.append(read(rows))
    return found


def _lists(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in lists that one question can have."""
    some: list[str] = []
    size = 0
    for text in texts:
        if some and size + 2 * len(text) > _LISTED:
            yield some
            some, size = [], 0
        some.append(text)
        size += 2 * len(text.encode()) + 3
    if some:
        yield some


def _int64(number: int) -> int:
    return max(-(1 << 63), min(number, (1 << 63) - 1))
