"""SQL and the values that it binds.

A piece of SQL is a text with `?` where a value goes, and those values. `sql` puts pieces together:

    sql("{} > {}", rows["number"], 3)   # m1."number" > ?, with 3

What is a piece or a query goes in as text, anything else is bound. So nothing becomes SQL but the texts in this
room, and the names of its tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

import msgspec

__all__ = [
    "FALSE",
    "TRUE",
    "Form",
    "Query",
    "Rows",
    "Sql",
    "Table",
    "all_of",
    "any_of",
    "is_null",
    "not_null",
    "sql",
]


_MOST_ROWS = 2**63 - 1


class Form(IntEnum):
    """What a piece is to its neighbours: whether it needs brackets among them."""

    VALUE = 0  # a column, a call, a query in brackets: never
    OPERATION = 1  # between other operators
    LOGIC = 2  # also between AND and OR


class Sql(msgspec.Struct, frozen=True):
    """A piece of SQL, and the values that it binds in the order of their `?`."""

    text: str
    values: tuple[Any, ...] = ()
    form: Form = Form.VALUE


TRUE, FALSE = Sql("TRUE"), Sql("FALSE")


class Rows(msgspec.Struct, frozen=True):
    """The rows of a table, under the name that they have in one query."""

    table: str
    name: str

    def __getitem__(self, column: str) -> Sql:
        return Sql(f'{self.name}."{column}"')


class Query(msgspec.Struct, frozen=True):
    """A SELECT.

    `beside` are rows of which one at most stands beside each of the others, and the condition on which it does.
    """

    columns: tuple[Sql, ...]
    source: tuple[Rows, ...]
    conditions: tuple[Sql, ...] = ()
    order: tuple[Sql, ...] = ()
    limit: int | None = None
    beside: tuple[tuple[Rows, Sql], ...] = ()

    def selecting(self, *columns: Sql) -> Query:
        """The same rows with other columns."""
        return msgspec.structs.replace(self, columns=columns)

    def ordered(self, order: Iterable[Sql]) -> Query:
        """The rows in this order."""
        return msgspec.structs.replace(self, order=tuple(order))

    def first(self, limit: int | None) -> Query:
        """At most `limit` of the rows; all, if that is None or more than engines can count."""
        if limit is not None and limit > _MOST_ROWS:
            limit = None
        return msgspec.structs.replace(self, limit=limit)

    def sql(self) -> Sql:
        """The statement, without brackets."""
        parts = [sql("SELECT " + ", ".join(["{}"] * len(self.columns)), *self.columns, bare=True)]
        parts.append(Sql(" FROM " + ", ".join(f'"{one.table}" {one.name}' for one in self.source)))
        parts += [
            sql(f' LEFT JOIN "{rows.table}" {rows.name} ON {{}}', condition, bare=True)
            for rows, condition in self.beside
        ]
        if self.conditions:
            parts.append(sql(" WHERE {}", all_of(*self.conditions), bare=True))
        if self.order:
            parts.append(
                sql(" ORDER BY " + ", ".join(["{}"] * len(self.order)), *self.order, bare=True)
            )
        if self.limit is not None:
            parts.append(sql(" LIMIT {}", self.limit))
        return Sql("".join(p.text for p in parts), tuple(v for p in parts for v in p.values))


def sql(template: str, *parts: Any, form: Form = Form.OPERATION, bare: bool = False) -> Sql:
    """A piece made of others, each put where the template has `{}`; with `bare`, without brackets around them."""
    texts: list[str] = []
    values: list[Any] = []
    for part in parts:
        if isinstance(part, Query):
            piece = part.sql()
            texts.append(f"({piece.text})")
            values += piece.values
        elif isinstance(part, Sql):
            texts.append(part.text if bare or part.form is Form.VALUE else f"({part.text})")
            values += part.values
        else:
            texts.append("?")
            values.append(part)
    return Sql(template.format(*texts), tuple(values), form)


def all_of(*conditions: Sql) -> Sql:
    """Whether all conditions are true."""
    return _chain(" AND ", [one for one in conditions if one is not TRUE], TRUE)


def any_of(*conditions: Sql) -> Sql:
    """Whether a condition is true."""
    return _chain(" OR ", [one for one in conditions if one is not FALSE], FALSE)


def _chain(word: str, parts: list[Sql], none: Sql) -> Sql:
    if len(parts) < 2:
        return parts[0] if parts else none
    texts = [f"({p.text})" if p.form is Form.LOGIC else p.text for p in parts]
    return Sql(word.join(texts), tuple(v for p in parts for v in p.values), Form.LOGIC)


def is_null(piece: Sql) -> Sql:
    """Whether a value is not there."""
    return sql("{} IS NULL", piece)


def not_null(piece: Sql) -> Sql:
    """Whether a value is there."""
    return sql("{} IS NOT NULL", piece)


class Table:
    """A table of the catalog.

    Args:
        name: Its name, which is also that of its rows where a query reads them once.
        columns: What SQL says of each column, by name; the types are those that SQLite has.
        key: The columns of its primary key, by which the table is clustered, unless one is an `INTEGER PRIMARY KEY`.
        unique: Columns that are different together in every row.
    """

    def __init__(
        self,
        name: str,
        columns: Mapping[str, str],
        *,
        key: tuple[str, ...] = (),
        unique: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.kinds = dict(columns)
        self.columns = tuple(columns)
        self.key = key
        self.unique = unique

    def rows(self, name: str | None = None) -> Rows:
        """The rows under a name of their own, or under the table's."""
        return Rows(self.name, name or self.name)

    def replace(self) -> str:
        """The statement that adds a row of all columns, in place of one with the same key."""
        listed = ", ".join(f'"{name}"' for name in self.columns)
        given = ", ".join("?" * len(self.columns))
        new = ", ".join(f'"{name}" = excluded."{name}"' for name in self.columns)
        key = ", ".join(f'"{name}"' for name in self.key)
        return f'INSERT INTO "{self.name}" ({listed}) VALUES ({given}) ON CONFLICT ({key}) DO UPDATE SET {new}'
