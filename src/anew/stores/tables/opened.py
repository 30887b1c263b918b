"""Recorded tables, read in parts: a page of the rows that meet a condition in an order, and the difference of two.

Nothing but the page leaves DuckDB, which reads no more of a Parquet file than the columns that a question needs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from types import TracebackType
from typing import Any, Literal

from ...errors import CorruptData, InvalidValue
from ...record.plain import to_plain
from ..series.engine import Engine, EngineError, file_pattern, quoted
from .conditions import ColumnKind, TableColumn, column_named, condition_of

__all__ = ["DIFFERENCES", "Compared", "OpenTable", "RowPair", "Tables"]

Difference = Literal["added", "removed", "changed", "same"]
DIFFERENCES: tuple[Difference, ...] = ("added", "removed", "changed", "same")
_LONGEST = 2000
_LARGEST = 1 << 63
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
_TIMES = ("DATE", "TIMESTAMP")


@dataclass(frozen=True)
class OpenTable:
    """A table that can be asked.

    Attributes:
        sql: What stands after FROM, with the columns `c0` … and `place`, the number of each row from 0.
    """

    sql: str
    columns: tuple[TableColumn, ...]
    total: int


@dataclass(frozen=True)
class RowPair:
    """A row of one table and the row of the other that it goes with; None where there is none.

    Attributes:
        changed: The numbers of the shared columns that are not the same.
    """

    kind: Difference
    place_a: int | None
    place_b: int | None
    a: tuple[Any, ...] | None
    b: tuple[Any, ...] | None
    changed: tuple[int, ...]


@dataclass(frozen=True)
class Compared:
    """Two tables, compared row by row.

    Attributes:
        shared: The columns that both have, as they lie in each.
        counts: How many rows of each kind.
        changes: In how many rows each shared column is not the same, as `shared`.
    """

    shared: tuple[tuple[TableColumn, TableColumn], ...]
    counts: dict[Difference, int]
    changes: tuple[int, ...]
    rows: tuple[RowPair, ...]


class Tables:
    """A place in which recorded tables are opened, to be used in a `with` block by one thread."""

    def __init__(self) -> None:
        self._engine = Engine()
        self._count = 0

    def __enter__(self) -> Tables:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._engine.close()

    def of_file(self, path: str) -> OpenTable:
        """A table that is a Parquet file.

        Raises:
            CorruptData: It is none.
        """
        # Statistics of a file never tell of NaN: without the option DuckDB takes it that there is none.
        options = "file_row_number = true, can_have_nan = true"
        read = f"read_parquet({quoted(file_pattern(path))}, {options})"
        try:
            described = self._engine.rows(f"DESCRIBE SELECT * FROM {read}")
            names = [str(row[0]) for row in described[:-1]]
            columns = tuple(
                TableColumn(name, place, _kind(str(row[1])), str(row[1]) in ("FLOAT", "DOUBLE"))
                for place, (name, row) in enumerate(zip(names, described, strict=False))
            )
            places = ", ".join([one.sql for one in columns] + ["place"])
            sql = f"(SELECT * FROM {read} AS file({places}))"
            return OpenTable(sql, columns, self._counted(sql))
        except EngineError as error:
            raise CorruptData(f"This is not a saved table: {error}", path=path) from error

    def of_rows(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> OpenTable:
        """A table that is here, row by row. A column of several types becomes one of texts."""
        name = f"rows{self._count}"
        self._count += 1
        columns, wanted, values = [], [], []
        for place, called in enumerate(names):
            sql_type, kind, cells = _column_of([row[place] for row in rows])
            columns.append(TableColumn(called, place, kind, sql_type == "DOUBLE"))
            wanted.append(f"unnest(?::{sql_type}[]) AS c{place}")
            values.append(cells)
        wanted.append("unnest(range(?)) AS place")
        self._engine.rows(f"CREATE TEMP TABLE {name} AS SELECT {', '.join(wanted)}", [*values, len(rows)])  # fmt: skip
        return OpenTable(name, tuple(columns), len(rows))

    def _counted(self, sql: str) -> int:
        return int(self._engine.rows(f"SELECT count(*) FROM {sql}")[0][0])

    def page(
        self, table: OpenTable, filter: str, order: Sequence[str], start: int, limit: int
    ) -> tuple[list[tuple[int, tuple[Any, ...]]], int]:
        """Some rows of those that meet a filter, each with its place in the table; and how many meet it.

        Args:
            order: Names of columns, with `-` before those that descend. What is missing or NaN comes last.

        Raises:
            QueryError: The filter or a column cannot be read.
        """
        condition = condition_of(filter, table.columns)
        by = [*_order(order, table.columns), "place"]
        cells = ", ".join(["place", *(one.sql for one in table.columns)])
        try:
            matched = table.total
            if filter.strip():
                query = f"SELECT count(*) FROM {table.sql} WHERE {condition.sql}"
                matched = int(self._engine.rows(query, condition.values)[0][0])
            if matched == table.total and not order:  # as the rows lie: no others are looked at
                found = self._engine.rows(
                    f"SELECT {cells} FROM {table.sql} WHERE place >= ? AND place < ? ORDER BY place",
                    [start, start + limit],
                )
            else:
                found = self._engine.rows(
                    f"SELECT {cells} FROM {table.sql} WHERE {condition.sql} ORDER BY {', '.join(by)} LIMIT ? OFFSET ?",
                    [*condition.values, limit, start],
                )
        except EngineError as error:
            raise InvalidValue(f"The table cannot be asked that: {error}", key="filter") from error
        return [(int(row[0]), _cells(row[1:])) for row in found], matched

    def difference(
        self,
        a: OpenTable,
        b: OpenTable,
        key: Sequence[str],
        kinds: Sequence[Difference],
        start: int,
        limit: int,
    ) -> Compared:
        """What was added to a table, removed from it and changed in it, to make the other one.

        Args:
            key: Columns by which rows go together; of rows with the same key, the first goes with the first.
                Without one, rows go together by their places.
            kinds: Which rows are wanted.

        Raises:
            QueryError: A table has no such column.
            InvalidValue: They cannot be compared.
        """
        keys = [(column_named(name, a.columns), column_named(name, b.columns)) for name in key]
        theirs = {one.name: one for one in b.columns}
        shared = tuple((one, theirs[one.name]) for one in a.columns if one.name in theirs)
        try:
            once = all(self._are_apart(table, [pair[at] for pair in keys]) for at, table in enumerate((a, b)))  # fmt: skip
            plan = _Plan(a, b, keys, shared, once)
            self._engine.rows(plan.pairs())
            counted = self._engine.rows(plan.counts())[0]
            wanted = [one for one in DIFFERENCES if one in kinds]
            found = self._engine.rows(plan.rows(wanted), [limit, start]) if wanted else []
            self._engine.rows("DROP TABLE pairs")
        except EngineError as error:
            raise InvalidValue(f"The tables cannot be compared: {error}", key="key") from error
        counts = {kind: int(counted[at] or 0) for at, kind in enumerate(DIFFERENCES)}
        return Compared(
            shared=shared,
            counts=counts,
            changes=tuple(int(one or 0) for one in counted[len(DIFFERENCES) :]),
            rows=tuple(_pair(row, len(a.columns), len(b.columns)) for row in found),
        )

    def _are_apart(self, table: OpenTable, keys: Sequence[TableColumn]) -> bool:
        """Whether no two rows have the same key; numbering those that have takes much longer than looking."""
        if not keys:
            return False
        names = ", ".join(one.sql for one in keys)
        query = f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM {table.sql})"
        return bool(self._engine.rows(query)[0][0] == table.total)


@dataclass(frozen=True)
class _Plan:
    """The queries for a difference: the places of rows that go together, each pair with its kind, then what is asked of these.

    Attributes:
        once: Whether no key comes twice in a table.
    """

    a: OpenTable
    b: OpenTable
    keys: Sequence[tuple[TableColumn, TableColumn]]
    shared: Sequence[tuple[TableColumn, TableColumn]]
    once: bool

    def _joined(self) -> tuple[str, str]:
        sides = [
            f"{side} AS (SELECT *, {self._nth([pair[at] for pair in self.keys])} AS nth FROM {table.sql})"
            for at, (side, table) in enumerate((("a", self.a), ("b", self.b)))
        ]
        on = [f"{_same(mine, other)}" for mine, other in self.keys] + ["a.nth = b.nth"]
        return f"WITH {', '.join(sides)}", f"FROM a FULL OUTER JOIN b ON {' AND '.join(on)}"

    def _nth(self, keys: Sequence[TableColumn]) -> str:
        if not keys:
            return "place"
        if self.once:
            return "1"
        names = ", ".join(one.sql for one in keys)
        return f"row_number() OVER (PARTITION BY {names} ORDER BY place)"

    def _changes(self) -> list[str]:
        return [f"(NOT {_same(mine, other)})" for mine, other in self.shared]

    def _kind(self) -> str:
        changed = " OR ".join(self._changes()) or "FALSE"
        return (
            "CASE WHEN a.place IS NULL THEN 'added' WHEN b.place IS NULL THEN 'removed' "
            f"WHEN {changed} THEN 'changed' ELSE 'same' END"
        )

    def pairs(self) -> str:
        """The table of the pairs."""
        sides, joined = self._joined()
        changes = ", ".join(self._changes())
        listed = f"{self._kind()} AS kind, a.place AS pa, b.place AS pb, [{changes}]::BOOLEAN[] AS changed"
        return f"CREATE OR REPLACE TEMP TABLE pairs AS {sides} SELECT {listed} {joined}"

    def counts(self) -> str:
        """How many rows of each kind, and in how many of both each shared column is not the same."""
        kinds = [f"count(*) FILTER (WHERE kind = '{kind}')" for kind in DIFFERENCES]
        changed = [
            f"count(*) FILTER (WHERE kind = 'changed' AND changed[{at + 1}])"
            for at in range(len(self.shared))
        ]
        return f"SELECT {', '.join(kinds + changed)} FROM pairs"

    def rows(self, kinds: Iterable[str]) -> str:
        """The rows of some kinds, in the order of the places."""
        cells = [f"{side}.{one.sql}" for side, table in (("a", self.a), ("b", self.b)) for one in table.columns]  # fmt: skip
        wanted = ", ".join(f"'{kind}'" for kind in kinds)
        order = "coalesce(pa, pb), pb"
        return (
            f"WITH chosen AS (SELECT * FROM pairs WHERE kind IN ({wanted}) ORDER BY {order} LIMIT ? OFFSET ?) "
            f"SELECT {', '.join(['kind', 'pa', 'pb', 'changed', *cells])} FROM chosen "
            f"LEFT JOIN {self.a.sql} AS a ON a.place = pa LEFT JOIN {self.b.sql} AS b ON b.place = pb ORDER BY {order}"
        )


def _same(mine: TableColumn, other: TableColumn) -> str:
    a, b = f"a.{mine.sql}", f"b.{other.sql}"
    if mine.kind != other.kind:
        a, b = f"CAST({a} AS VARCHAR)", f"CAST({b} AS VARCHAR)"
    return f"({a} IS NOT DISTINCT FROM {b})"


def _pair(row: Sequence[Any], first: int, second: int) -> RowPair:
    kind, place_a, place_b, changed, *cells = row
    return RowPair(
        kind=kind,
        place_a=place_a,
        place_b=place_b,
        a=None if place_a is None else _cells(cells[:first]),
        b=None if place_b is None else _cells(cells[first : first + second]),
        changed=tuple(at for at, one in enumerate(changed) if one) if kind == "changed" else (),
    )


def _order(order: Sequence[str], columns: Sequence[TableColumn]) -> list[str]:
    found = []
    for text in order:
        known = any(one.name == text for one in columns)
        column = column_named(text if known else text.removeprefix("-"), columns)
        last = f"{column.sql} IS NULL" + (f" OR isnan({column.sql})" if column.floating else "")
        found += [f"({last})", column.sql + ("" if known or text[:1] != "-" else " DESC")]
    return found


def _kind(sql_type: str) -> ColumnKind:
    plain = sql_type.partition("(")[0]
    if sql_type.endswith("]"):
        return "other"
    if plain in _NUMBERS:
        return "number"
    if plain.startswith(_TIMES):
        return "time"
    return {"VARCHAR": "text", "BOOLEAN": "bool"}.get(plain, "other")  # type: ignore[return-value]


def _column_of(values: Sequence[Any]) -> tuple[str, ColumnKind, list[Any]]:
    """The type of SQL that fits values of Python, and the values as it takes them."""
    there = {type(value) for value in values if value is not None}
    if there == {bool}:
        return "BOOLEAN", "bool", list(values)
    if there == {int} and all(value is None or -_LARGEST <= value < _LARGEST for value in values):
        return "BIGINT", "number", list(values)
    if there and there <= {int, float}:
        return "DOUBLE", "number", [None if value is None else _as_float(value) for value in values]
    if there <= {str}:
        return "VARCHAR", "text", list(values)
    texts = [None if value is None else value if isinstance(value, str) else json.dumps(to_plain(value), ensure_ascii=False) for value in values]  # fmt: skip
    return "VARCHAR", "text", texts


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def _cells(row: Sequence[Any]) -> tuple[Any, ...]:
    """The values of a row as plain ones, long texts cut."""
    return tuple(map(_cell, row))


def _cell(value: Any) -> Any:
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return f"{len(value)} bytes"
    if isinstance(value, Decimal):
        return float(value)
    plain = to_plain(value)
    if isinstance(plain, str) and len(plain) > _LONGEST:
        return plain[:_LONGEST] + " …"
    return plain
