"""Experiments that are equal in some fields as one row, with their number and what they add up to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ....query.fields import Fact, Labels, Metric, Param, Target, resolve
from ....query.integers import joined
from ....query.question import Column, Question, Selected, Wanted
from ....query.syntax import Field
from ....query.tokens import mistake
from .columns import is_section, kind_of
from .engine import Connection
from .keys import among
from .names import CatalogNames
from .operands import EXPERIMENTS, KEY, Operands, column_of
from .selection import Selection
from .sql import Query, Rows, Sql, all_of, not_null, sql

__all__ = ["counted_values", "group_count", "grouped", "is_grouped"]


def is_grouped(question: Question) -> bool:
    """Whether the answer has a row for a group of experiments: for all of them, if no field is given."""
    return bool(question.group) or any(wanted.of != "each" for wanted in question.columns)


def grouped(
    connection: Connection, question: Question, selection: Selection, names: CatalogNames
) -> Selected:
    """The groups in the order of their values, what has none last.

    Raises:
        QueryError: A field is unknown, cannot be grouped by, or has no number to add up.
    """
    targets = [_grouping(field, names) for field in question.group]
    operands = Operands(names, question.text, question.now)
    beside: list[tuple[Rows, Sql]] = []
    parts = [_clauses(target, operands, beside) for target in targets]
    keys = [clause for clauses in parts for clause in clauses]
    numbers = [_number(wanted, names, operands, beside) for wanted in question.columns]
    sums = [connection.dialect.sums(connection, wanted.of) for wanted in question.columns]
    summed = [one.clause(number) for one, number in zip(sums, numbers, strict=True)]
    met = () if question.filter is None else (among(connection, selection.unordered(connection)),)
    counted = (*keys, Sql("count(*)"), *summed)
    asked = Query(counted, (EXPERIMENTS,), met, beside=tuple(beside)).sql()
    by = ", ".join(str(number) for number in range(1, len(keys) + 1))
    text = f"{asked.text} GROUP BY {by}" if by else asked.text
    found: list[tuple[list[Any], tuple[Any, ...]]] = []
    for row in connection.execute(text, asked.values):
        cells, order, at = [], [], 0
        for target, clauses in zip(targets, parts, strict=True):
            width = len(clauses)
            cells.append(_value(target, row[at : at + width]))
            order.append(_rank(cells[-1], row[at + width - 1]))
            at += width
        added = [one.value(cell) for one, cell in zip(sums, row[at + 1 :], strict=True)]
        found.append((order, (*cells, row[at], *added)))
    rows = [row for _, row in sorted(found, key=lambda one: one[0])]
    total = len(rows)
    stop = None if question.limit is None else question.offset + question.limit
    rows = rows[question.offset : stop]
    titles = [(f.text, kind_of(t)) for f, t in zip(question.group, targets, strict=True)]
    titles += [("count", "integer"), *((w.field.text, "number") for w in question.columns)]
    columns = [
        Column(name, kind, [row[at] for row in rows]) for at, (name, kind) in enumerate(titles)
    ]
    return Selected((), tuple(columns), total, stop if stop is not None and stop < total else None)


def group_count(
    connection: Connection, question: Question, selection: Selection, names: CatalogNames
) -> int:
    """How many groups there are."""
    return grouped(connection, question, selection, names).total or 0


def counted_values(
    connection: Connection, field: Field, names: CatalogNames, now: float, limit: int | None
) -> list[tuple[Any, int]]:
    """The values of a field with how many experiments have each, the most frequent first; equally frequent ones as groups are ordered.

    The engine orders and cuts them: a field that is different in each of very many experiments has as many values.
    """
    target = _grouping(field, names)
    beside: list[tuple[Rows, Sql]] = []
    clauses = _clauses(target, Operands(names, field.text, now), beside)
    read = (EXPERIMENTS, *(rows for rows, _ in beside))
    met = all_of(not_null(clauses[-1]), *(of_each for _, of_each in beside))
    named = [sql(f"{{}} AS c{number}", one, bare=True) for number, one in enumerate(clauses)]
    asked = Query((*named, Sql("count(*) AS n")), read, (met,)).sql()
    by = ", ".join(str(number) for number in range(1, len(clauses) + 1))
    order = ", ".join(f"c{number} IS NULL, c{number}" for number in range(len(clauses)))
    text = f"SELECT * FROM ({asked.text} GROUP BY {by}) AS found ORDER BY n DESC, {order}"
    cut = "" if limit is None else f" LIMIT {limit:d}"
    found = connection.execute(text + cut, asked.values)
    told = ((_value(target, row[:-1]), row[-1]) for row in found)
    return [(value, count) for value, count in told if value is not None]


def _grouping(field: Field, names: CatalogNames) -> Target:
    if is_section(field):
        raise mistake(
            f"{field.text!r} is a collection; group by one of its entries.", field.text, 0
        )
    target = resolve(field, names, field.text)
    if isinstance(target, Labels):
        raise mistake(
            f"{field.text!r} is a collection; group by one of its entries.", field.text, 0
        )
    return target


def _clauses(target: Target, operands: Operands, beside: list[tuple[Rows, Sql]]) -> list[Sql]:
    """What to group by: one column, or for a parameter all that its value is made of. Whose rows these are is added to `beside`."""
    if isinstance(target, Fact):
        return [column_of(target, operands.now)]
    assert not isinstance(target, Labels)
    source = operands.source(target)
    assert source.rows is not None
    parts = ("number", "rest", "text", "type") if isinstance(target, Param) else ()
    columns = [source.rows[part] for part in parts]
    value = source.number if isinstance(target, Metric) else source.text
    if not columns and value is not None:
        columns = [value]
    beside.append((source.rows, _of_each(source.rows, source.joined)))
    return columns


def _of_each(rows: Rows, joined: Sql) -> Sql:
    return all_of(sql("{} = {}", rows["experiment_key"], KEY), joined)


def _number(
    wanted: Wanted, names: CatalogNames, operands: Operands, beside: list[tuple[Rows, Sql]]
) -> Sql:
    text = wanted.field.text
    if wanted.of == "each":
        raise mistake(f"{text!r} has a value for each experiment, not for a group.", text, 0)
    target = _grouping(wanted.field, names)
    source = operands.source(target)  # type: ignore[arg-type]  # Labels were refused
    if source.number is None:
        raise mistake(f"{text!r} is text, which cannot be aggregated.", text, 0)
    if source.rows is not None:
        beside.append((source.rows, _of_each(source.rows, source.joined)))
    return source.number


def _value(target: Target, cells: Sequence[Any]) -> Any:
    if isinstance(target, Fact) and target.kind == "bool":
        return None if cells[0] is None else bool(cells[0])
    if not isinstance(target, Param):
        return cells[0]
    number, rest, text, kind = cells
    if number is None:
        return math.nan if kind == "float" else text
    return bool(number) if kind == "bool" else joined(number, rest) if kind == "int" else number


def _rank(cell: Any, last: Any) -> tuple[int, Any, str]:
    """Numbers, then texts, NaN, null, and what is missing; True, 1 and 1.0 in the order of the names of their types.

    Args:
        last: The last column of what the cell is made of, which is there for a null and not for what is missing.
    """
    if cell is None:
        return (4 if last is None else 3), 0, ""
    if cell != cell:
        return 2, 0, ""
    return (1 if isinstance(cell, str) else 0), cell, type(cell).__name__
