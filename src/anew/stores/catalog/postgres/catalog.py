"""The catalog in a PostgreSQL database, for any number of servers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ....errors import TookTooLong
from ....postgres import PostgresConnections, unreachable
from ....query.changes import Changes
from ....query.question import FactsQuestion, Name, NamesQuestion, Question, Selected
from ....query.scope import Scope
from ....record.facts import ExperimentFacts
from ..protocol import Batch, CatalogDamaged, CatalogState, Known, Outstanding
from ..relational import schema as s
from ..relational.answering import RelationalAnswers
from ..relational.changes import begin_changes, set_note
from ..relational.facts import Following, known
from ..relational.saving import Saving
from .connection import PostgresConnection
from .dialect import INDEXES, NAMED, STATISTICS, definition

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgresCatalog"]

SCHEMA = "anew_catalog"
"""The schema of the tables, which nothing else is in: they are dropped and made again."""

_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# What a crash of the database loses is taken in again: it is derived, and says itself how far it has come.
_WRITING = "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '10min'"
# The many small questions of a filter are planned in less time than they would be compiled in. A catalog is in memory or on a disk
# without moving parts, where the next page costs as much as any other: by what PostgreSQL assumes of disks, it would go through an order
# to its end before it looked up the few that a condition leaves.
_SETTINGS = "SET jit = off; SET random_page_cost = 1.1"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))"
_MADE = "made"
_STATE = "SELECT key, value FROM meta WHERE key IN ('schema', 'complete')"


class PostgresCatalog:
    """A `Catalog` in the tables of one schema of a database.

    Args:
        url: `postgresql://user:password@host/database`. The database's encoding must be UTF8.
        schema: Another schema than `anew_catalog`.

    Raises:
        MissingDependency: psycopg is not installed.
    """

    def __init__(self, url: str, *, schema: str = SCHEMA) -> None:
        if not schema.isidentifier() or not schema.isascii():
            raise ValueError(f"{schema!r} is no name of a schema.")
        self._schema = schema
        self._url = url
        self._connections = PostgresConnections(url, self._prepare)
        self._saving = Saving()
        self._following = Following()
        self._made = ""  # which of the catalogs that were made here one after the other
        self._turn = threading.Lock()

    # -- asking ------------------------------------------------------------------------------------

    def select(self, question: Question) -> Selected:
        """See `Answers.select`."""
        return self.within(None).select(question)

    def count(self, question: Question) -> int:
        """See `Answers.count`."""
        return self.within(None).count(question)

    def facts(self, question: FactsQuestion) -> list[ExperimentFacts]:
        """See `Answers.facts`."""
        return self.within(None).facts(question)

    def names(self, question: NamesQuestion) -> list[Name]:
        """See `Answers.names`."""
        return self.within(None).names(question)

    def changed(self, since: str | None) -> Changes:
        """See `Answers.changed`."""
        return self.within(None).changed(since)

    def known(
        self, *, ids: Collection[str] = (), prefixes: Collection[str] = (), tallies: bool = False
    ) -> list[Known]:
        """See `Catalog.known`."""
        with self.reading() as connection:
            return known(connection, ids, prefixes, tallies)

    def outstanding(self) -> Outstanding:
        """See `Catalog.outstanding`."""
        with self.reading() as connection:
            return self._following.outstanding(connection)

    def within(self, scope: Scope | None, *, seconds: float | None = None) -> RelationalAnswers:
        """See `Catalog.within`."""
        return RelationalAnswers(lambda: self.reading(scope, seconds))

    # -- filling -----------------------------------------------------------------------------------

    def save(
        self, batch: Batch, *, guard: Callable[[psycopg.Connection[Any]], None] | None = None
    ) -> None:
        """See `Catalog.save`.

        Args:
            guard: Called at the beginning of the transaction that saves. What it locks or writes in this database ends with what is saved;
                by what it raises, nothing is saved.
        """
        with self._writing(guard) as connection:
            found = connection.execute("SELECT value FROM meta WHERE key = ?", (_MADE,)).fetchone()
            made = found[0] if found else ""
            if made != self._made:  # another process made it again
                self._saving.forget()
                self._made = made
            self._saving.save(connection, batch)

    def state(self) -> CatalogState:
        """See `Catalog.state`."""
        try:
            with self.reading() as connection:
                found = {row[0]: row[1] for row in connection.execute(_STATE)}
        except CatalogDamaged:
            return CatalogState.UNUSABLE
        if found.get("schema") != str(s.SCHEMA_VERSION):
            return CatalogState.UNUSABLE
        return CatalogState.COMPLETE if found.get("complete") == "1" else CatalogState.FILLING

    def create(self) -> None:
        """See `Catalog.create`. Whoever asks meanwhile waits, and is then told of the new one."""
        with self._writing() as connection:
            there = connection.execute("SELECT to_regnamespace(?)", (self._schema,)).fetchone()
            if there[0] is None:
                connection.execute(f'CREATE SCHEMA "{self._schema}"')
            for table in reversed(s.TABLES):
                connection.execute(f'DROP TABLE IF EXISTS "{self._schema}"."{table.name}"')
            for table in s.TABLES:
                connection.execute(definition(table))
            connection.execute(NAMED)
            set_note(connection, "schema", str(s.SCHEMA_VERSION))
            set_note(connection, _MADE, os.urandom(8).hex())

    def finish(self) -> None:
        """See `Catalog.finish`: it makes the secondary indexes, which a bulk load is faster without."""
        with self._writing() as connection:
            for one in (*INDEXES, *STATISTICS):
                connection.execute(one)
            set_note(connection, "complete", "1")
            begin_changes(connection)
        # What was loaded is all visible: an index is then enough for many a question. And the planner knows what there is.
        tables = ", ".join(f'"{table.name}"' for table in s.TABLES)
        with self._told(), self._connections.alone() as bare:
            bare.execute(f"VACUUM (ANALYZE) {tables}")

    def close(self) -> None:
        """See `Catalog.close`."""
        self._connections.close()

    def is_in(self, url: str) -> bool:
        """Whether it lies in the database at an address."""
        return url == self._url

    # -- connections -------------------------------------------------------------------------------

    @contextmanager
    def reading(
        self, scope: Scope | None = None, seconds: float | None = None
    ) -> Iterator[PostgresConnection]:
        """A connection that sees one state of the catalog, and of it what is in a scope."""
        until = None if seconds is None else time.monotonic() + seconds
        with self._told(until, seconds), self._connections.lent(_READING) as connection:
            yield PostgresConnection(connection, self._schema, scope, until)

    @contextmanager
    def _writing(
        self, guard: Callable[[psycopg.Connection[Any]], None] | None = None
    ) -> Iterator[PostgresConnection]:
        """A connection inside a transaction that is committed at the end of the block; one at a time, in all processes."""
        with self._turn:
            try:
                with self._told(), self._connections.lent(_WRITING) as connection:
                    if guard is not None:
                        guard(connection)
                    own = PostgresConnection(connection, self._schema)
                    own.execute(_LOCK, (self._schema,))
                    yield own
            except BaseException:
                self._saving.forget()  # some names may have been rolled back
                raise

    def _prepare(self, connection: psycopg.Connection[Any]) -> None:
        from ....postgres.texts import keep_texts

        keep_texts(connection)
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise OSError(
                f"The database {self._connections.name} has the encoding {encoding}, which cannot hold every text. Make one with "
                "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
            )
        connection.execute(f'SET search_path = "{self._schema}"; {_SETTINGS}; SET TimeZone = UTC')

    @contextmanager
    def _told(self, until: float | None = None, seconds: float | None = None) -> Iterator[None]:
        """Say what went wrong in the terms of the seam."""
        import psycopg
        from psycopg import errors

        name = self._connections.name
        try:
            yield
        except errors.QueryCanceled as error:
            if until is None:
                raise OSError(f"The database {name} ended a question: {error}") from error
            raise TookTooLong(
                f"The question took longer than {seconds:g} seconds, and was ended. Ask for fewer experiments or fields, or "
                "filter by fewer conditions."
            ) from None
        except (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName, errors.DataCorrupted, errors.IndexCorrupted) as error:  # fmt: skip
            raise CatalogDamaged(
                f"The catalog in the database {name} is damaged: {error}", path=name
            ) from error
        except psycopg.Error as error:
            if unreachable(error):
                raise OSError(f"The database {name} cannot be used: {error}") from error
            raise
