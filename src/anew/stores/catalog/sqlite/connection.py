"""A connection to SQLite, as the catalog uses one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

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

    def pairs(self, text: str, values: Sequence[Any], /, *, floats: bool) -> dict[int, Any]:
        """See `Connection.pairs`. As JSON they are one row and not many; but not every float is in JSON of SQLite's what it was."""
        if floats:
            return dict(self.execute(text, values))
        whole = (
            f"WITH found(k, v) AS ({text}) SELECT group_concat(k), json_group_array(v) FROM found"
        )
        keys, told = self.execute(whole, values).fetchone()
        decode = msgspec.json.decode
        return dict(zip(decode(f"[{keys or ''}]"), decode(told), strict=True))

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
