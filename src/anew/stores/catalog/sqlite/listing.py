"""Names there are, and the values that a field has."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from ....query.question import Name, NamesQuestion, Question
from . import schema as s
from .groups import grouped
from .names import TABLES, CatalogNames, is_used
from .selection import Selection

__all__ = ["named"]


def named(connection: Connection, question: NamesQuestion) -> list[Name]:
    """See `Catalog.names`."""
    if question.kind == "value":
        found = _values(connection, question)
    else:
        found = _names(connection, question)
    if question.contains:
        part = question.contains.casefold()
        found = [one for one in found if part in one.name.casefold()]
    return found[: question.limit]


def _names(connection: Connection, question: NamesQuestion) -> list[Name]:
    names, table = s.names.c, TABLES[question.kind]
    query: Any = select(names.name).where(names.kind == question.kind).order_by(names.name)
    if question.counts:
        count = (
            select(func.count())
            .where(table.c.name_key == names.key)
            .correlate(s.names)
            .scalar_subquery()
        )
        rows = connection.execute(query.add_columns(count))
        return [Name(name, count) for name, count in rows if count]
    return [Name(name) for name in connection.scalars(query.where(is_used(question.kind)))]


def _values(connection: Connection, question: NamesQuestion) -> list[Name]:
    if question.field is None:
        raise ValueError("Give the field whose values are wanted.")
    names = CatalogNames(connection)
    asked = Question(group=(question.field,), now=question.now)
    values, counts = grouped(connection, asked, Selection(asked, names), names).columns
    pairs = [(v, n) for v, n in zip(values.values, counts.values, strict=True) if v is not None]
    pairs.sort(key=lambda pair: -pair[1])  # stable: equally frequent ones keep the order of values
    return [Name(str(value), count, value) for value, count in pairs]
