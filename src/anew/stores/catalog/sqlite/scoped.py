"""A catalog as somebody may see it: the scope is a part of the connection, so every question has it in its SQL.

Each table of the catalog is covered by a view of the same name that has only the rows of experiments in the scope. Names in SQL mean such a view
before they mean a table, so no question has to think of it, and none that is added later can forget it: what one may not see
is not there, for counts, sorts, names, values, suggestions and changes alike. `permitted` holds the keys of the experiments in scope, brought up to
date at the beginning of each question by what was saved since.
"""

from __future__ import annotations

import sqlite3

from ....query.scope import EVERYTHING, Scope
from . import schema as s
from .changes import REVISION, TOKEN
from .sql import TRUE, Sql, Table, all_of, any_of, sql

__all__ = ["in_scope", "narrow"]

_OF_EXPERIMENTS = (
    s.documents,
    s.progress,
    s.live,
    s.params,
    s.metrics,
    s.tags,
    s.files,
    s.values,
    s.problems,
)


def in_scope(scope: Scope, column: Sql) -> Sql:
    """Whether the project in a column is one that the scope has; `query.scope.matches` says the same of a text."""
    return all_of(
        _matches(scope.within, column), any_of(*(_matches(p, column) for p in scope.patterns))
    )


def _matches(pattern: str, column: Sql) -> Sql:
    if pattern == EVERYTHING:
        return TRUE
    inside = sql("instr({}, '/')", column)
    # A GLOB takes "*" for any characters; a project has one "/" at most, so none can be among them where there is one in the pattern.
    found = sql("{} GLOB {}", column, _glob(pattern))
    if "/" not in pattern:
        found = all_of(found, sql("{} = 0", inside))
    elif pattern.endswith("/*"):
        alone = sql("{} GLOB {}", column, _glob(pattern[:-2]))
        found = any_of(found, all_of(alone, sql("{} = 0", inside)))
    if pattern[0] != "~":
        found = all_of(found, sql("substr({}, 1, 1) <> '~'", column))
    return found


def _glob(pattern: str) -> str:
    return "".join(f"[{c}]" if c in "[?" else c for c in pattern)


def narrow(connection: sqlite3.Connection, scope: Scope) -> None:
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
    _permit(connection, in_scope(scope, Sql('"area"')), since)
    connection.execute("DELETE FROM temp.seen")
    connection.execute("INSERT INTO temp.seen VALUES (?, ?)", now)


def _permit(connection: sqlite3.Connection, fits: Sql, since: int | None) -> None:
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


def _run(connection: sqlite3.Connection, statement: Sql) -> None:
    connection.execute(statement.text, statement.values)


def _cover(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TEMP TABLE permitted (key INTEGER PRIMARY KEY)")
    connection.execute("CREATE TEMP TABLE areas (area TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("CREATE TEMP TABLE seen (token TEXT, revision TEXT)")
    _view(connection, s.experiments, "key IN (SELECT key FROM temp.permitted)")
    for table in _OF_EXPERIMENTS:
        _view(connection, table, "experiment_key IN (SELECT key FROM temp.permitted)")
    _view(connection, s.changes, "area IN (SELECT area FROM temp.areas)")


def _view(connection: sqlite3.Connection, table: Table, condition: str) -> None:
    connection.execute(
        f'CREATE TEMP VIEW "{table.name}" AS SELECT * FROM main."{table.name}" WHERE {condition}'
    )
