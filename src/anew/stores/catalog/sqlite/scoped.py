"""Temporary views over the tables of a catalog: what a connection in a scope sees instead of them.

`permitted` holds the keys of the experiments in scope, brought up to date at the beginning of each question by what was saved since.
"""

from __future__ import annotations

from ....query.scope import Scope
from ..relational import schema as s
from ..relational.changes import REVISION, TOKEN
from ..relational.scoped import OF_EXPERIMENTS, in_scope
from ..relational.sql import Sql, Table, all_of, sql
from .connection import SqliteConnection

__all__ = ["narrow"]


def narrow(connection: SqliteConnection, scope: Scope) -> None:
    """Let a connection see a scope alone, as of the transaction it is in. It must be committed, not ended, to be remembered."""
    made = "SELECT 1 FROM sqlite_temp_master WHERE name = 'permitted'"
    if connection.execute(made).fetchone() is None:
        _cover(connection)
    query = "SELECT (SELECT value FROM main.meta WHERE key = ?), (SELECT value FROM main.meta WHERE key = ?)"
    now = connection.execute(query, (TOKEN, REVISION)).fetchone()
    seen = connection.execute("SELECT token, revision FROM temp.seen").fetchone()
    if seen == now and now[0] is not None:
        return
    since = None if seen is None or now[0] is None or seen[0] != now[0] else int(seen[1])
    _permit(connection, in_scope(scope, Sql('"area"'), connection.dialect), since)
    connection.execute("DELETE FROM temp.seen")
    connection.execute("INSERT INTO temp.seen VALUES (?, ?)", now)


def _permit(connection: SqliteConnection, fits: Sql, since: int | None) -> None:
    """Note which experiments and projects are in scope; only what was saved after a revision, if one is given."""
    changed = sql("TRUE")
    if since is None:
        connection.execute("DELETE FROM temp.permitted")
        connection.execute("DELETE FROM temp.areas")
    else:
        later = sql("SELECT experiment_id FROM main.changes WHERE revision > {}", since)
        changed = sql("experiment_id IN ({})", later, bare=True)
        _run(
            connection,
            sql(
                "DELETE FROM temp.permitted WHERE key IN (SELECT key FROM main.experiments WHERE {})",
                changed,
            ),
        )
    found = sql("SELECT key FROM main.experiments WHERE {}", all_of(fits, changed))
    _run(connection, sql("INSERT OR IGNORE INTO temp.permitted {}", found, bare=True))
    for table in ("experiments", "changes"):
        areas = sql(f"SELECT DISTINCT area FROM main.{table} WHERE {{}}", all_of(fits, changed))
        _run(connection, sql("INSERT OR IGNORE INTO temp.areas {}", areas, bare=True))


def _run(connection: SqliteConnection, statement: Sql) -> None:
    connection.execute(statement.text, statement.values)


def _cover(connection: SqliteConnection) -> None:
    connection.execute("CREATE TEMP TABLE permitted (key INTEGER PRIMARY KEY)")
    connection.execute("CREATE TEMP TABLE areas (area TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("CREATE TEMP TABLE seen (token TEXT, revision TEXT)")
    _view(connection, s.experiments, "key IN (SELECT key FROM temp.permitted)")
    for table in OF_EXPERIMENTS:
        _view(connection, table, "experiment_key IN (SELECT key FROM temp.permitted)")
    _view(connection, s.changes, "area IN (SELECT area FROM temp.areas)")


def _view(connection: SqliteConnection, table: Table, condition: str) -> None:
    connection.execute(
        f'CREATE TEMP VIEW "{table.name}" AS SELECT * FROM main."{table.name}" WHERE {condition}'
    )
