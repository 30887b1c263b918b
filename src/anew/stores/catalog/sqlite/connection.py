"""A connection to SQLite, as the catalog uses one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from ..relational import schema as s
from ..relational.metrics import HIDDEN, METRIC
from ..relational.sql import Table
from .dialect import SQLITE, SqliteDialect

__all__ = ["SqliteConnection"]

_KINDS = {
    s.params: "'param', 'config'",
    s.metrics: f"'{METRIC}', '{HIDDEN}'",
    s.tags: "'tag', 'bindr'",
}


class SqliteConnection(sqlite3.Connection):
    """`relational.engine.Connection` of SQLite."""

    dialect: SqliteDialect = SQLITE

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """See `Connection.insert`."""
        if rows:
            listed = ", ".join(f'"{name}"' for name in table.columns)
            given = ", ".join(f":{name}" for name in table.columns)
            self.executemany(f'INSERT INTO "{table.name}" ({listed}) VALUES ({given})', rows)

    def delete(self, table: Table, keys: Sequence[int]) -> None:
        """See `Connection.delete`. It goes by way of the primary keys: others may not be indexed yet."""
        column = "key" if table is s.experiments else "experiment_key"
        statement = f'DELETE FROM "{table.name}" WHERE {column} = ?'
        if table in _KINDS:
            statement += f" AND name_key IN (SELECT key FROM names WHERE kind IN ({_KINDS[table]}))"
        self.executemany(statement, [(key,) for key in keys])
