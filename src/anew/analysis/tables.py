"""Tables that were logged step after step: one of them page by page, and what differs between two."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from ..errors import CorruptData, InvalidValue, NotFound
from ..reading.files import ValueView
from ..reading.views import ExperimentView
from ..record.plain import from_plain
from ..stores.tables.conditions import ColumnKind
from ..stores.tables.opened import OpenTable, RowPair, Tables
from .copies import copies
from .questions import Kind, TableDifferenceQuestion, TableQuestion, TableRef, check_kinds

__all__ = ["ChangedColumn", "PairedRow", "TableColumnFact", "TableDifference", "TablePage", "TableSteps", "difference_of", "page_of"]  # fmt: skip

_MOST = 1000


class TableColumnFact(msgspec.Struct, frozen=True):
    """A column of a table: its name, and what its values are."""

    name: str
    kind: ColumnKind


class TableSteps(msgspec.Struct, frozen=True, kw_only=True):
    """The tables that an experiment logged under one name, in the order of steps, and which of them is meant.

    Attributes:
        steps: None for one that was logged without a step.
        at: The place of the one that is meant.
    """

    id: str
    name: str
    steps: tuple[int | None, ...]
    times: tuple[float, ...]
    at: int


class TablePage(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a table.

    Attributes:
        places: The number of each row in the table, from 0.
        start: Where this page begins among the rows that meet the filter.
        total: How many rows the table has; `matched` how many of them meet the filter.
    """

    table: TableSteps
    columns: tuple[TableColumnFact, ...]
    rows: tuple[tuple[Any, ...], ...]
    places: tuple[int, ...]
    start: int
    matched: int
    total: int


class PairedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of one table and the row of the other that it goes with.

    Attributes:
        place_a, place_b: Its number in each table, from 0; None where it is not there.
        a, b: The values in each.
        changed: The names of the columns that are not the same.
    """

    kind: Kind
    place_a: int | None
    place_b: int | None
    a: tuple[Any, ...] | None
    b: tuple[Any, ...] | None
    changed: tuple[str, ...]


class ChangedColumn(msgspec.Struct, frozen=True):
    """A column that both tables have, and in how many rows it is not the same."""

    name: str
    rows: int


class TableDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two tables.

    Attributes:
        columns_a, columns_b: The columns of each. A column that only one has makes no row a changed one.
        key: The columns by which rows go together; without one, by their places.
        counts: How many rows were added, removed, changed, and are the same.
        changes: Of each column that both have, in how many rows it changed.
        start: Where this page begins among the rows of the kinds that were asked for.
    """

    a: TableSteps
    b: TableSteps
    columns_a: tuple[TableColumnFact, ...]
    columns_b: tuple[TableColumnFact, ...]
    key: tuple[str, ...]
    counts: dict[Kind, int]
    changes: tuple[ChangedColumn, ...]
    rows: tuple[PairedRow, ...]
    start: int


def _table_at(view: ExperimentView, asked: TableRef) -> tuple[ValueView, TableSteps]:
    """One of the tables of a name: the last by a step or the one at a place, else the newest.

    Raises:
        NotFound: The experiment logged no such table.
    """
    name, step, place = asked.name, asked.step, asked.place
    found = view.values(name, "table")
    if not found:
        known = sorted({one.name for one in view.values(kind="table")})
        raise NotFound(
            f"{view.prefix} has logged no table {name!r}"
            + (f"; it has {', '.join(known[:8])}." if known else "."),
            name=name,
            nearest=known[:8],
        )
    found.sort(key=lambda one: (one.step is not None, one.step or 0, one.time))
    at = len(found) - 1
    if place is not None:
        if not 0 <= place <= at:
            raise NotFound(f"{view.prefix} has logged {at + 1} tables {name!r}, and none at {place}.", name=name)  # fmt: skip
        at = place
    elif step is not None:
        before = [i for i, one in enumerate(found) if one.step is None or one.step <= step]
        at = before[-1] if before else 0
    steps = TableSteps(
        id=view.id, name=name, at=at,
        steps=tuple(one.step for one in found), times=tuple(one.time for one in found),
    )  # fmt: skip
    return found[at], steps


def page_of(view: ExperimentView, asked: TableQuestion) -> TablePage:
    """Some rows of a table of an experiment; see `Analysis.table`."""
    _check(asked.start, asked.limit)
    value, steps = _table_at(view, asked.table)
    with Tables() as tables, _opened(tables, value) as table:
        rows, matched = tables.page(table, asked.filter, asked.sort, asked.start, asked.limit)
        return TablePage(
            table=steps,
            columns=_columns(table),
            rows=tuple(cells for _, cells in rows),
            places=tuple(at for at, _ in rows),
            start=asked.start,
            matched=matched,
            total=table.total,
        )


def difference_of(
    first: ExperimentView, second: ExperimentView, asked: TableDifferenceQuestion
) -> TableDifference:
    """What differs between tables of two experiments, or of one; see `Analysis.table_difference`."""
    _check(asked.start, asked.limit)
    check_kinds(asked.kinds)
    a, b = _table_at(first, asked.a), _table_at(second, asked.b)
    with Tables() as tables, _opened(tables, a[0]) as mine, _opened(tables, b[0]) as other:
        found = tables.difference(mine, other, asked.key, asked.kinds, asked.start, asked.limit)
        names = [column.name for column, _ in found.shared]
        return TableDifference(
            a=a[1],
            b=b[1],
            columns_a=_columns(mine),
            columns_b=_columns(other),
            key=asked.key,
            counts=found.counts,
            changes=tuple(map(ChangedColumn, names, found.changes)),
            rows=tuple(_paired(row, names) for row in found.rows),
            start=asked.start,
        )


def _check(start: int, limit: int) -> None:
    if start < 0:
        raise InvalidValue("The first row is 0 or later.", key="start")
    if not 1 <= limit <= _MOST:
        raise InvalidValue(f"A page has 1 to {_MOST} rows.", key="limit")


def _columns(table: OpenTable) -> tuple[TableColumnFact, ...]:
    return tuple(TableColumnFact(one.name, one.kind) for one in table.columns)


def _paired(row: RowPair, names: Sequence[str]) -> PairedRow:
    return PairedRow(
        kind=row.kind, place_a=row.place_a, place_b=row.place_b, a=row.a, b=row.b,
        changed=tuple(names[at] for at in row.changed),
    )  # fmt: skip


@contextmanager
def _opened(tables: Tables, value: ValueView) -> Iterator[OpenTable]:
    """A recorded table, opened where it lies; one that lies elsewhere is copied, once."""
    stored = value.stored
    if stored is None:
        yield _of_json(tables, value.data, value.name)
        return
    if not stored.name.endswith(".parquet"):
        with stored.open() as file:
            yield _of_json(tables, _parsed(file.read(), stored.name), stored.name)
        return
    local = stored.local_path
    if local is not None and os.path.exists(local):
        yield tables.of_file(str(local))
        return
    with copies.of(stored) as path:
        yield tables.of_file(path)


def _parsed(data: bytes, name: str) -> Any:
    try:
        return from_plain(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise CorruptData(f"This is not a saved table: {error}", path=name) from error


def _of_json(tables: Tables, data: Any, name: str) -> OpenTable:
    columns = data.get("columns") if isinstance(data, dict) else None
    rows = data.get("rows") if isinstance(data, dict) else None
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise CorruptData("This is not a saved table: it has no columns and rows.", path=name)
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        raise CorruptData("This is not a saved table: a row does not fit its columns.", path=name)
    return tables.of_rows([str(one) for one in columns], rows)
