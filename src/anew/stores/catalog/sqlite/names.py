"""The names in a catalog, looked up as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, exists, literal_column, select

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


# Every field of a question is looked up: texts, as building a statement takes longer than answering it.
_KEY_OF = {
    kind: "SELECT key FROM names WHERE kind = ? AND name = ? "
    f"AND EXISTS (SELECT 1 FROM {table.name} WHERE name_key = names.key)"
    for kind, table in TABLES.items()
}


def is_used(kind: str) -> ColumnElement[bool]:
    """Whether any experiment has a name: it stays in `names` when the last one that had it is gone."""
    table = TABLES[kind]
    rows: Select[Any] = select(literal_column("1")).select_from(table)
    return exists(rows.where(table.c.name_key == schema.names.c.key).correlate(schema.names))


@lru_cache(maxsize=512)
def _alias(table: Table, number: int) -> Any:
    """An alias by its number: making one takes as long as asking for the rows that it stands for."""
    return table.alias(f"{table.name}_{number}")


class CatalogNames:
    """`query.fields.KnownNames` over a connection; remembers what it looked up, so it lives for one question."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys: dict[tuple[str, str], int | None] = {}
        self._holds: dict[int, tuple[bool, bool]] = {}
        self._empty: bool | None = None
        self._aliases = count()

    @property
    def empty(self) -> bool:
        """Whether there are no experiments."""
        if self._empty is None:
            self._empty = self._one("SELECT key FROM experiments LIMIT 1") is None
        return self._empty

    def alias(self, table: Table) -> Any:
        """An alias of a table that nothing else in this question uses."""
        return _alias(table, next(self._aliases))

    def key(self, kind: str, name: str) -> int | None:
        """The key of a name of that kind that some experiment has, or None."""
        if (kind, name) not in self._keys:
            self._keys[kind, name] = self._one(_KEY_OF[kind], kind, name)
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
            # The largest is the last entry of an index; "is not null" would read all that are.
            number, text = (
                self._one(f"SELECT max({column}) FROM params WHERE name_key = ?", key) is not None
                for column in ("number", "text")
            )
            self._holds[key] = (number, text)
        return self._holds[key]

    def _one(self, query: str, *parameters: Any) -> Any:
        """The first value of an answer, None for none."""
        return self._connection.exec_driver_sql(query, parameters).scalar()
