"""A connection to PostgreSQL, as the catalog uses one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from ....errors import TookTooLong
from ....postgres import marked
from ....query.regex import matcher
from ..relational import schema as s
from ..relational.engine import Cursor
from ..relational.scoped import OF_EXPERIMENTS, in_scope
from ..relational.sql import Sql, Table
from .dialect import POSTGRES, PostgresDialect

if TYPE_CHECKING:
    import psycopg

    from ....query.scope import Scope

__all__ = ["PostgresConnection"]

_COPIED = 40
"""Rows from which on they are copied in, instead of inserted one by one."""
_FETCHED = 5_000


class PostgresConnection:
    """`relational.engine.Connection` of PostgreSQL, for one transaction.

    Args:
        connection: The connection, in a transaction.
        schema: Where the tables are.
        scope: What may be seen of them; None for everything.
        until: When to give up, on the clock of `time.monotonic`; None for never.
    """

    dialect: PostgresDialect = POSTGRES

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        schema: str,
        scope: Scope | None = None,
        until: float | None = None,
    ) -> None:
        self._connection = connection
        self._until = until
        self._allowed = 0.0
        self._covers = {} if scope is None else _covers(schema, scope)
        self._matched: dict[tuple[str, Sql], tuple[list[str], list[str]]] = {}

    def execute(self, text: str, values: Sequence[Any] = (), /) -> Cursor:
        """See `Connection.execute`."""
        self._keep_time()
        covers = [
            self._covers[name] for name in _tables_in(text) if name in self._covers
        ]  # its scope
        if covers:
            made = ", ".join(cover.text for cover in covers)
            text = f"WITH {made} {text}"
            values = (*(v for cover in covers for v in cover.values), *values)
        found = self._connection.execute(marked(text), values, binary=True)
        return cast(Cursor, found)  # typed as rows of tuples

    def pairs(self, text: str, values: Sequence[Any], /, *, floats: bool) -> dict[int, Any]:
        """See `Connection.pairs`."""
        return dict(self.execute(text, values).fetchall())

    def executemany(self, text: str, rows: Iterable[Sequence[Any]], /) -> object:
        """See `Connection.executemany`; the statements are sent together."""
        with self._connection.cursor() as cursor:
            cursor.executemany(marked(text), rows)
        return None

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """See `Connection.insert`."""
        if not rows:
            return
        listed = ", ".join(f'"{name}"' for name in table.columns)
        given = [tuple(map(_plain, map(row.__getitem__, table.columns))) for row in rows]
        if len(rows) < _COPIED:
            marks = ", ".join("?" * len(table.columns))
            self.executemany(f'INSERT INTO "{table.name}" ({listed}) VALUES ({marks})', given)
            return
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({listed}) FROM STDIN') as copy,
        ):
            for row in given:
                copy.write_row(row)

    def delete(self, table: Table, keys: Sequence[int]) -> None:
        """See `Connection.delete`."""
        if keys:
            column = "key" if table is s.experiments else "experiment_key"
            self.execute(
                f'DELETE FROM "{table.name}" WHERE {column} = ANY(?::bigint[])', (list(keys),)
            )

    def matched(self, pattern: str, among: Sql) -> tuple[list[str], list[str]]:
        """The texts of a query in which a pattern is found, and those in which it is not; each text once."""
        known = self._matched.get((pattern, among))
        if known is None:
            finds = matcher(pattern)
            known = [], []
            # Ten kinds of optimizers are ten texts, however many experiments have them.
            rows = self.execute(among.text.replace("SELECT ", "SELECT DISTINCT ", 1), among.values)
            for number, (text,) in enumerate(rows):
                if number % _FETCHED == 0:
                    self._keep_time()
                known[not finds(text)].append(text)
            self._matched[pattern, among] = known
        return known

    def _keep_time(self) -> None:
        """Have the server end what takes longer than there is time left."""
        if self._until is None:
            return
        left = self._until - time.monotonic()
        if left <= 0:
            raise TookTooLong("The time for the question was over.")
        if not 0.8 * self._allowed < left <= self._allowed:
            self._allowed = left
            self._connection.execute(
                f"SET LOCAL statement_timeout = {max(1, min(round(left * 1000), 2**31 - 1))}"
            )


def _plain(value: Any) -> Any:
    """A value as SQLite keeps it too, which knows one zero."""
    return value + 0.0 if type(value) is float else value


_NAMES = re.compile("|".join(rf"\b{table.name}\b" for table in s.TABLES))


@lru_cache(maxsize=512)
def _tables_in(text: str) -> tuple[str, ...]:
    """The tables that a statement may be about. Naming one too many costs nothing."""
    found = dict.fromkeys(_NAMES.findall(text))
    return tuple(found) if text.startswith("SELECT") else ()


@lru_cache(maxsize=64)
def _covers(schema: str, scope: Scope) -> dict[str, Sql]:
    """What stands before a question instead of each table: the rows of it that are in a scope.

    A name that a statement defines means that before it means a table.
    """
    seen = in_scope(scope, Sql("one.area"), POSTGRES)
    mine = f'FROM "{schema}".experiments one WHERE ({seen.text})'
    changed = f'FROM "{schema}".changes one WHERE ({seen.text})'
    found = {
        "experiments": _cover("experiments", f"SELECT one.* {mine}", seen),
        "changes": _cover("changes", f"SELECT one.* {changed}", seen),
    }
    for table in OF_EXPERIMENTS:
        its = f'FROM "{schema}"."{table.name}" its WHERE its.experiment_key IN (SELECT one.key {mine})'
        found[table.name] = _cover(table.name, f"SELECT its.* {its}", seen)
    return found


def _cover(name: str, query: str, seen: Sql) -> Sql:
    return Sql(f'"{name}" AS NOT MATERIALIZED ({query})', seen.values)
