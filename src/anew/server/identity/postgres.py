"""Accounts in the PostgreSQL database of a group, for any number of servers at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from ...postgres import PostgresConnections, marked, unreachable
from ..migrations.postgres import migrate
from .database import Connection, Cursor
from .versions import HISTORY

if TYPE_CHECKING:
    import psycopg

__all__ = ["SCHEMA", "GroupDatabase"]

SCHEMA = "anew_accounts"
"""The schema of the tables, in a group's database."""

_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITING = "BEGIN; SET LOCAL lock_timeout = '10s'"
_NOTING = "BEGIN; SET LOCAL lock_timeout = '1ms'; SET LOCAL synchronous_commit = off"
_LOCK = 5_001_520
"""The advisory lock of whoever writes: one at a time, as in SQLite's file."""


class GroupDatabase:
    """A `Database` in the tables of one schema.

    Args:
        url: A `postgresql://` address.

    Raises:
        MissingDependency: psycopg or Alembic is not installed.
        UnknownFormat: A newer version of Anew made the tables.
        OSError: It cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self.writes = 0
        self._connections = PostgresConnections(url, _prepare)
        migrate(url, HISTORY, SCHEMA)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See `Database.reading`; the block sees one state of the tables."""
        with self._told(), self._connections.lent(_READING) as connection:
            yield _Marking(connection)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """See `Database.writing`."""
        with self._told(), self._connections.lent(_WRITING) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            yield _Marking(connection)
        self.writes += 1

    def note(self, statement: str, values: tuple[object, ...]) -> None:
        """See `Database.note`."""
        with suppress(OSError), self._told(), self._connections.lent(_NOTING) as connection:
            _Marking(connection).execute(statement, values)

    def close(self) -> None:
        """Release the connections."""
        self._connections.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what went wrong in the terms of the seam."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            if unreachable(error):
                name = self._connections.name
                raise OSError(f"The database {name} cannot be used: {error}") from error
            raise


class _Marking:
    """A connection that takes statements with the marks of SQLite."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Cursor:
        return cast(Cursor, self._connection.execute(marked(statement), values, binary=True))


def _prepare(connection: psycopg.Connection[Any]) -> None:
    from ...postgres.texts import keep_texts

    keep_texts(connection)
    connection.execute(f'SET search_path = "{SCHEMA}"')
