"""The order of an answer: sort keys as written → SQL.

Values that are missing (or are NaN) come last in both directions, numbers come before texts. What is equal in
all keys keeps the order in which it was indexed, turned around when the first key is sorted downwards; the index
of the first key then serves the whole order, and the first fifty of a hundred thousand are found by
reading fifty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import FromClause, and_, case, exists, literal_column, or_, select

from ....query.fields import Fact, Labels, Metric, Param, Tag, resolve
from ....query.question import SortKey as Asked
from ....query.tokens import mistake
from . import schema
from .names import CatalogNames
from .operands import Clause, Operands, column_of

__all__ = ["Phase", "SortKey", "is_streamed", "phases", "resolved", "terms", "tie"]

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

    `table` is the table that is read in order (None: `experiments`), `anchor` the column with the
    experiment's key, `order` the values to sort by within the phase.
    """

    table: FromClause | None
    anchor: Clause
    condition: Clause | None
    order: tuple[Clause, ...]


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


def tie(key: SortKey, anchor: Clause) -> Clause:
    """The last term of an order: what is equal keeps the order of indexing."""
    return anchor.desc() if key.descending else anchor.asc()


def phases(key: SortKey, operands: Operands) -> list[Phase]:
    """The parts of an answer sorted by a first key, one after the other."""
    own = schema.experiments.c.key
    if isinstance(key.target, Fact):
        value = column_of(key.target, operands.now)
        if key.target.column in _REQUIRED:
            return [Phase(None, own, None, (value,))]
        return [
            Phase(None, own, value.is_not(None), (value,)),
            Phase(None, own, value.is_(None), ()),
        ]
    found: list[Phase] = []
    for side in ("number", "text"):
        source = operands.source(key.target)
        column = getattr(source, side)
        if column is not None:
            table: Any = source.table
            met = and_(source.joined, column.is_not(None))  # type: ignore[arg-type]
            order = [column]
            if side == "number" and source.rest is not None:
                order.append(source.rest)
            found.append(Phase(table, table.c.experiment_key, met, tuple(order)))
    source = operands.source(key.target)
    rest: Any = source.table
    valued = or_(*(c.is_not(None) for c in (source.number, source.text) if c is not None))
    there: Any = select(literal_column("1")).where(
        rest.c.experiment_key == own,
        source.joined,  # type: ignore[arg-type]
        valued,
    )
    found.append(Phase(None, own, ~exists(there.correlate(schema.experiments)), ()))
    return found


def terms(key: SortKey, operands: Operands, anchor: Clause) -> list[Clause]:
    """The terms of ORDER BY for a key, whatever table is read."""
    if isinstance(key.target, Fact):
        values = [column_of(key.target, operands.now)]
    else:
        values = []
        for side in ("number", "text"):
            source = operands.source(key.target)
            column, table = getattr(source, side), source.table
            if column is not None and table is not None:
                rest: list[Any] = []
                if side == "number" and source.rest is not None:
                    rest = [case((column.is_not(None), source.rest))]  # texts have none either
                for one in (column, *rest):
                    inner: Any = select(one).where(
                        table.c.experiment_key == anchor,
                        source.joined,  # type: ignore[arg-type]
                    )
                    values.append(inner.correlate_except(table).scalar_subquery())
    out: list[Clause] = []
    for value in values:
        out += [value.is_(None), value.desc() if key.descending else value.asc()]
    return out
