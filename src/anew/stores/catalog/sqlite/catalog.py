"""The catalog in a SQLite file (or in memory), and what is special about that."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from ....errors import TookTooLong
from ....query.changes import Changes
from ....query.question import FactsQuestion, Name, NamesQuestion, Question, Selected
from ....query.scope import Scope
from ....record.facts import ExperimentFacts
from ..protocol import (
    Batch,
    CatalogDamaged,
    CatalogFull,
    CatalogState,
    Known,
    Outstanding,
)
from ..relational import schema as s
from ..relational.answering import RelationalAnswers
from ..relational.changes import begin_changes, set_note
from ..relational.facts import Following, known
from ..relational.saving import Saving
from .connection import SqliteConnection
from .dialect import INDEXES, definition
from .files import Connections, remove
from .scoped import narrow

__all__ = ["SqliteCatalog"]

_STEPS = 4_000
"""Steps of SQLite's machine between two looks at the clock: about a millisecond."""
_MOST_SCOPES = 32
"""Scopes whose connections are kept."""

_COUNTED_FROM = 1_000
"""Experiments from which on SQLite is told how many rows there are: for fewer, its own guesses are better than figures soon too small."""
_GROWN = 4
"""How many times as many experiments make it count again."""
_COUNTED = (
    "SELECT (SELECT max(key) FROM experiments), (SELECT value FROM meta WHERE key = 'counted')"
)
_STATE = "SELECT key, value FROM meta WHERE key IN ('schema', 'complete')"


class SqliteCatalog:
    """A `Catalog` in one file. `path` None keeps it in memory, for as long as the object lives.

    Readers and a writer do not wait for each other (write-ahead log), except on network file systems, where
    that is not safe and the rollback journal is used.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        self._connections = Connections(path)
        self._scoped: OrderedDict[Scope, Connections] = OrderedDict()
        self._guard = threading.Lock()
        self._saving = Saving()
        self._following = Following()

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

    def changed(self, since: str | None) -> Changes:
        """See `Answers.changed`."""
        return self.within(None).changed(since)

    def within(self, scope: Scope | None, *, seconds: float | None = None) -> RelationalAnswers:
        """See `Catalog.within`."""
        return RelationalAnswers(lambda: self._reading_within(scope, seconds))

    # -- filling -----------------------------------------------------------------------------------

    def save(self, batch: Batch) -> None:
        """See `Catalog.save`."""
        with self._writing() as connection:
            self._saving.save(connection, batch)
        if any(entry.key is None for entry in batch.entries):
            self._count_rows()

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
        """See `Catalog.create`. A damaged file cannot be emptied, so it is removed."""
        self._saving.forget()
        if self._path is not None:
            self._reopen()
            remove(self._path)
            self._file = None
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
        with self._writing() as connection:
            for table in reversed(s.TABLES):
                connection.execute(f'DROP TABLE IF EXISTS "{table.name}"')
            for table in s.TABLES:
                connection.execute(definition(table))
            set_note(connection, "schema", str(s.SCHEMA_VERSION))

    def finish(self) -> None:
        """See `Catalog.finish`: it makes the secondary indexes, which a bulk load is faster without."""
        with self._writing() as connection:
            for index in INDEXES:
                connection.execute(index)
            set_note(connection, "complete", "1")
            begin_changes(connection)
        self._count_rows()

    def _count_rows(self) -> None:
        """Have SQLite count its rows where they are many more than when it did: it chooses among its indexes by that."""
        with self.reading() as connection:
            last, counted = connection.execute(_COUNTED).fetchone()
        if (last or 0) < max(_COUNTED_FROM, _GROWN * int(counted or 0)):
            return
        with self._writing() as connection:
            connection.execute("ANALYZE")
            set_note(connection, "counted", str(last))

    def close(self) -> None:
        """See `Catalog.close`."""
        self._reopen()

    # -- connections -------------------------------------------------------------------------------

    @contextmanager
    def reading(self, scope: Scope | None = None) -> Iterator[SqliteConnection]:
        """A connection that sees one state of the catalog, and of it what is in a scope."""
        self._follow_file()
        with _told(self._path):
            if scope is None:
                with self._connections.lent() as connection:
                    yield connection
                return
            # In memory there is one connection for all, which must be as it was afterwards.
            keeps = self._path is not None
            with self._seeing(scope).lent(keeps=keeps) as connection:
                narrow(connection, scope)
                yield connection

    @contextmanager
    def _reading_within(
        self, scope: Scope | None, seconds: float | None
    ) -> Iterator[SqliteConnection]:
        """A connection as of `reading`, whose questions are ended after a time."""
        with self.reading(scope) as connection:
            if seconds is None:
                yield connection
                return
            until = time.monotonic() + seconds
            connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
            try:
                yield connection
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorname", "") != "SQLITE_INTERRUPT":
                    raise
                raise TookTooLong(
                    f"The question took longer than {seconds:g} seconds, and was ended. Ask for fewer experiments or fields, or "
                    "filter by fewer conditions."
                ) from None
            finally:
                connection.set_progress_handler(None, 0)

    def _seeing(self, scope: Scope) -> Connections:
        """Connections that may see a scope alone: those of the scopes asked for last are kept."""
        if self._path is None:
            return self._connections
        with self._guard:
            found = self._scoped.pop(scope, None) or Connections(self._path, kept=2)
            self._scoped[scope] = found
            if len(self._scoped) > _MOST_SCOPES:
                self._scoped.popitem(last=False)[1].close()
            return found

    @contextmanager
    def _writing(self) -> Iterator[SqliteConnection]:
        """A connection inside a transaction that is committed at the end of the block."""
        self._follow_file()
        try:
            with _told(self._path), self._connections.lent(writes=True) as connection:
                yield connection
        except BaseException:
            self._saving.forget()  # some names may have been rolled back
            raise

    def _follow_file(self) -> None:
        """Let go of a file that was deleted or replaced since it was opened."""
        if self._path is None:
            return
        try:
            stat = os.stat(self._path)
            now = (stat.st_dev, stat.st_ino)
        except FileNotFoundError:
            now = None
        if self._file is not None and now != self._file:
            self._reopen()
            self._saving.forget()
        self._file = now

    def _reopen(self) -> None:
        """Let go of the connections there are; the next question opens one."""
        self._connections.close()
        self._connections = Connections(self._path)
        with self._guard:
            while self._scoped:
                self._scoped.popitem()[1].close()


# A reader too has to make the memory that the users of a catalog share, which is a file beside it.
_FULL = (
    "SQLITE_FULL",
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
    "SQLITE_IOERR_WRITE",
    "SQLITE_IOERR_SHM",
    "SQLITE_IOERR_TRUNCATE",
    "SQLITE_IOERR_FSYNC",
)


@contextmanager
def _told(path: str | None) -> Iterator[None]:
    """Say what went wrong in the terms of the seam."""
    try:
        yield
    except sqlite3.Error as error:
        if _is_damage(error):
            raise CatalogDamaged(
                f"The catalog {path or 'in memory'} is damaged: {error}.", path=path
            ) from error
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(_FULL) and name != "SQLITE_READONLY_DBMOVED":
            raise CatalogFull(f"The catalog {path} cannot be written: {error}.") from error
        if isinstance(error, sqlite3.OperationalError):
            raise OSError(f"The catalog {path or 'in memory'} cannot be used: {error}.") from error
        raise


def _is_damage(error: BaseException) -> bool:
    """Whether an error means that the file's bytes are broken, or are another layout's."""
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    text = str(error)
    return getattr(error, "sqlite_errorname", "").startswith(
        ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ")
    ) or any(
        sign in text for sign in ("no such table", "no such column", "malformed", "not a database")
    )
