"""The names in a catalog, looked up as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, literal_column, select

from . import schema

__all__ = ["TABLES", "CatalogNames", "is_used"]


TABLES = {
    "param": schema.params,
    "config": schema.params,
    "metric": schema.metrics,
    "tag": schema.tags,
    "bindr": schema.tags,
}
"""Where the values of names lie, by the kind of name."""


def is_used(kind: str) -> ColumnElement[bool]:
    """Whether any experiment has a name: it stays in `names` when the last one that had it is gone."""
    table = TABLES[kind]
    rows: Select[Any] = select(literal_column("1")).select_from(table)
    return exists(rows.where(table.c.name_key == schema.names.c.key).correlate(schema.names))


class CatalogNames:
    """`query.fields.KnownNames` over a connection; remembers what it looked up, so it lives for one question."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys: dict[tuple[str, str], int | None] = {}
        self._holds: dict[int, tuple[bool, bool]] = {}
        self._empty: bool | None = None

    @property
    def empty(self) -> bool:
        """Whether there are no experiments."""
        if self._empty is None:
            first = select(schema.experiments.c.key).limit(1)
            self._empty = self._connection.scalar(first) is None
        return self._empty

    def key(self, kind: str, name: str) -> int | None:
        """The key of a name of that kind that some experiment has, or None."""
        if (kind, name) not in self._keys:
            columns = schema.names.c
            query = select(columns.key).where(columns.kind == kind, columns.name == name)
            self._keys[kind, name] = self._connection.scalar(query.where(is_used(kind)))
        return self._keys[kind, name]

    def has(self, kind: str, name: str) -> bool:
        """See `KnownNames.has`."""
        return self.key(kind, name) is not None

    def all(self, kind: str) -> Sequence[str]:
        """All names of that kind that some experiment has, sorted."""
        columns = schema.names.c
        query = select(columns.name).where(columns.kind == kind, is_used(kind))
        query = query.order_by(columns.name)
        return list(self._connection.scalars(query))

    def holds(self, kind: str, name: str) -> tuple[bool, bool]:
        """See `KnownNames.holds`."""
        key = self.key(kind, name)
        if key is None:
            return False, False
        if key not in self._holds:
            params = schema.params.c
            # The largest is the last entry of an index; "is not null" would read all that are.
            number, text = (
                self._connection.scalar(select(func.max(column)).where(params.name_key == key))
                is not None
                for column in (params.number, params.text)
            )
            self._holds[key] = (number, text)
        return self._holds[key]
