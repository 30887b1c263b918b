"""The order of an answer: sort keys as written → SQL.

Values that are missing (or are NaN) come last in both directions, numbers come before texts. What is equal in
all keys keeps the order in which it was indexed, turned around when the first key is sorted downwards; the index
of the first key then serves the whole order, and the first fifty of a hundred thousand are found by
reading fifty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....query.fields import Fact, Labels, Metric, Param, Tag, resolve
from ....query.question import SortKey as Asked
from ....query.tokens import mistake
from .names import CatalogNames
from .operands import EXPERIMENTS, KEY, Operands, column_of
from .sql import TRUE, Form, Query, Rows, Sql, all_of, any_of, is_null, not_null, sql

__all__ = ["Phase", "SortKey", "directed", "is_streamed", "phases", "resolved", "terms", "tie"]

_REQUIRED = frozenset(
    {"key", "experiment_id", "prefix", "name", "status", "created_at", "updated_at", "metric_count"}
    | {"point_count", "file_count", "file_bytes", "value_count", "lost"}
)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One thing to sort by."""

    target: Fact | Param | Metric | Tag
    descending: bool


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the answer that comes before the next: those with a number, with a text, without a value.

    `rows` are what is read in order, `anchor` the column with the experiment's key, `order` the values to sort by
    within the phase.
    """

    rows: Rows
    anchor: Sql
    condition: Sql
    order: tuple[Sql, ...]


def resolved(sort: Sequence[Asked], names: CatalogNames) -> list[SortKey]:
    """What the keys of a question stand for.

    Raises:
        QueryError: There is no such field, or it has no order.
    """
    keys = []
    for asked in sort:
        text = asked.field.text
        target = resolve(asked.field, names, text)
        if isinstance(target, Labels):
            raise mistake(
                f"{text!r} has no order; sort by the value of one tag.", text, 0, "tags.team"
            )
        keys.append(SortKey(target, asked.descending))
    return keys


def is_streamed(target: Fact | Param | Metric | Tag) -> bool:
    """Whether an index has the order of a sort key, so that its beginning can be read alone."""
    match target:
        case Fact(column, _):
            return column in ("key", "created_at", "name", "experiment_id", "prefix")
        case Metric(_, stat):
            return stat in ("last", "min", "max")
        case Param():
            return True
        case _:
            return False


def directed(value: Sql, *, descending: bool) -> Sql:
    """A term of ORDER BY."""
    return sql("{} DESC" if descending else "{}", value)


def tie(key: SortKey, anchor: Sql) -> Sql:
    """The last term of an order: what is equal keeps the order of indexing."""
    return directed(anchor, descending=key.descending)


def phases(key: SortKey, operands: Operands) -> list[Phase]:
    """The parts of an answer sorted by a first key, one after the other."""
    if isinstance(key.target, Fact):
        value = column_of(key.target, operands.now)
        if key.target.column in _REQUIRED:
            return [Phase(EXPERIMENTS, KEY, TRUE, (value,))]
        return [
            Phase(EXPERIMENTS, KEY, not_null(value), (value,)),
            Phase(EXPERIMENTS, KEY, is_null(value), ()),
        ]
    found: list[Phase] = []
    for side in ("number", "text"):
        source = operands.source(key.target)
        column, rows = getattr(source, side), source.rows
        if column is not None and rows is not None:
            met = all_of(source.joined, not_null(column))
            order = [column]
            if side == "number" and source.rest is not None:
                order.append(source.rest)
            found.append(Phase(rows, rows["experiment_key"], met, tuple(order)))
    source = operands.source(key.target)
    assert source.rows is not None
    valued = any_of(*(not_null(c) for c in (source.number, source.text) if c is not None))
    mine = sql("{} = {}", source.rows["experiment_key"], KEY)
    there = Query((TRUE,), (source.rows,), (mine, source.joined, valued))
    found.append(Phase(EXPERIMENTS, KEY, sql("NOT EXISTS {}", there), ()))
    return found


def terms(key: SortKey, operands: Operands, anchor: Sql) -> list[Sql]:
    """The terms of ORDER BY for a key, whatever table is read."""
    if isinstance(key.target, Fact):
        values = [column_of(key.target, operands.now)]
    else:
        values = []
        for side in ("number", "text"):
            source = operands.source(key.target)
            column, rows = getattr(source, side), source.rows
            if column is not None and rows is not None:
                wanted: list[Sql] = [column]
                if side == "number" and source.rest is not None:  # texts have none either
                    wanted.append(sql("CASE WHEN {} IS NOT NULL THEN {} END", column, source.rest))
                mine = sql("{} = {}", rows["experiment_key"], anchor)
                values += [
                    sql("{}", Query((one,), (rows,), (mine, source.joined)), form=Form.VALUE)
                    for one in wanted
                ]
    out: list[Sql] = []
    for value in values:
        out += [is_null(value), directed(value, descending=key.descending)]
    return out
