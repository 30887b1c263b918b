"""Another tracker's SQLite database, read without changing a byte of it or beside it.

A program that opens a database in WAL mode makes files beside it, even to read. Where nothing lies there, such a database is read as
one that nobody changes, and it is looked at in the end whether that was true. A log or a journal that a killed program left is read from a copy. Where the program
that writes it runs, its files are there already, and SQLite keeps both apart; so it does with locks where there is no log.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

from ..errors import CorruptData
from .foreign import copy_plain, is_plain, open_plain, resolved

__all__ = ["Database", "has_tables"]

_MAGIC = b"SQLite format 3\0"
_ROWS = 2_000
_MOST = 512 << 20
_BESIDE = ("-wal", "-shm", "-journal")
_COMPUTED = (
    "SELECT lower(m.name), lower(c.name) FROM sqlite_master m, pragma_table_xinfo(m.name) c "
    "WHERE m.type = 'table' AND c.hidden IN (2, 3)"
)
"""Columns that a database computes: they may be of any size, and are not read."""
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_OTHER_JOURNAL = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
_LOCK = "hhqqi4x"  # `struct flock` on Linux
_OF_WHOEVER_HAS_IT = 128


def has_tables(path: str, tables: frozenset[str]) -> bool:
    """Whether a file is a database with these tables."""
    try:
        with open_plain(path) as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return False
        database = Database(path)
    except (OSError, CorruptData):
        return False
    try:
        return database.tables() >= tables
    except CorruptData:
        return False
    finally:
        database.close()


class Database:
    """A database as it is now, opened for reading alone.

    Raises:
        CorruptData: It is none, or damaged.
        OSError: It cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._tables: frozenset[str] | None = None
        self._columns: dict[str, frozenset[str]] = {}
        self._is_guarded = False
        self._stamp: tuple[int, int] | None = None
        for end in _BESIDE:  # SQLite opens them as they are, and would wait for a pipe
            if os.path.lexists(f"{path}{end}") and not is_plain(f"{path}{end}"):
                raise CorruptData(f"{path}{end} is a link or no plain file.", path=path)
        log = os.path.exists(f"{path}-wal") and os.path.getsize(f"{path}-wal") > 0
        if not _is_logged(path) or _is_open(path):
            try:
                self._connection = self._connect(path, "mode=ro")
            except CorruptData:  # such as on a disk that cannot be written, or with a journal that a killed program left
                self._connection = self._of_copy(path)
        elif log:
            self._connection = self._of_copy(path)
        else:
            self._stamp = _stamp(path)
            self._connection = self._connect(path, "mode=ro&immutable=1")

    def _of_copy(self, path: str) -> sqlite3.Connection:
        self._copy = tempfile.TemporaryDirectory(prefix="anew-import-")
        copy = os.path.join(resolved(self._copy.name), "copy.db")
        try:
            copy_plain(path, copy)
            for end in ("-wal", "-journal"):
                if os.path.lexists(f"{path}{end}"):
                    copy_plain(f"{path}{end}", f"{copy}{end}")
            if _names_another(f"{copy}-journal"):
                raise CorruptData(f"{path}-journal names another file.", path=path)
            return self._connect(copy, "mode=rw")
        except BaseException:
            self._copy.cleanup()
            raise

    def _connect(self, path: str, how: str) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(
                f"file:{quote(os.path.abspath(path))}?{how}", uri=True, check_same_thread=False
            )
            connection.text_factory = _text
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise self._damaged(error) from error
        return connection

    def tables(self) -> frozenset[str]:
        """The names of its tables, as they were when it was first asked."""
        if self._tables is None:
            try:
                asked = self._connection.execute(_TABLES).fetchall()
            except (sqlite3.Error, MemoryError) as error:
                raise self._damaged(error) from error
            self._tables = frozenset(str(name) for (name,) in asked)
        return self._tables

    def columns(self, table: str) -> frozenset[str]:
        """The columns of a table; none where this version of the tracker has no such table."""
        if table not in self._columns:
            asked = self.ask(f"PRAGMA table_info({table})") if table in self.tables() else iter(())
            self._columns[table] = frozenset(str(row[1]) for row in asked)
        return self._columns[table]

    def ask(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of an answer; see `blocks`."""
        for rows in self.blocks(query, *values):
            yield from rows

    def blocks(self, query: str, *values: Any, rows: int = _ROWS) -> Iterator[list[tuple[Any, ...]]]:  # fmt: skip
        """The rows of an answer, so many at a time.

        Raises:
            CorruptData: The database is damaged; what was read before was given.
        """
        try:
            self._guard()
            cursor = self._connection.execute(query, values)
            while found := cursor.fetchmany(rows):
                yield found
        except (sqlite3.Error, MemoryError) as error:
            raise self._damaged(error) from error

    def _guard(self) -> None:
        """See to it that no computed column is read. Whoever only looks for tables needs not look through the columns of all of them."""
        if not self._is_guarded:
            computed = frozenset(self._connection.execute(_COMPUTED))
            if computed:
                self._connection.set_authorizer(partial(_may, computed))
            self._is_guarded = True

    def check(self) -> None:
        """Say whether it stayed as it was.

        Raises:
            CorruptData: A program changed it while it was read.
        """
        if self._stamp is not None and _stamp(self.path) != self._stamp:
            raise CorruptData(
                f"{self.path} was changed while it was read. Import again.", path=self.path
            )

    def close(self) -> None:
        """Close it."""
        self._connection.close()
        if self._copy is not None:
            self._copy.cleanup()

    def _damaged(self, error: Exception) -> CorruptData:
        return CorruptData(f"{self.path} cannot be read: {error}.", path=self.path)


def _may(
    computed: frozenset[tuple[str, str]],
    action: int,
    table: str | None,
    column: str | None,
    *_: Any,
) -> int:
    """What SQLite asks before it reads a column."""
    if action != sqlite3.SQLITE_READ or table is None or column is None:
        return sqlite3.SQLITE_OK
    is_computed = (table.lower(), column.lower()) in computed
    return sqlite3.SQLITE_DENY if is_computed else sqlite3.SQLITE_OK


def _names_another(journal: str) -> bool:
    """Whether a journal ends in the name of one that several databases share: SQLite would read that file, and delete it."""
    try:
        with open_plain(journal) as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - len(_OTHER_JOURNAL)))
            return file.read() == _OTHER_JOURNAL
    except FileNotFoundError:
        return False


def _is_logged(path: str) -> bool:
    """Whether it is in WAL mode, which its header says."""
    with open_plain(path) as file:
        return file.read(20)[18:20] == b"\x02\x02"


def _is_open(path: str) -> bool:
    """Whether a program may have a database in WAL mode open: it then holds a lock on one byte of the index beside it.

    Reading the database as it lies would write that index anew where nobody has it.
    """
    if sys.platform != "linux":
        return os.path.exists(f"{path}-shm")
    import fcntl

    try:
        with open_plain(f"{path}-shm") as file:
            asked = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, _OF_WHOEVER_HAS_IT, 1, 0)
            found = fcntl.fcntl(file, fcntl.F_GETLK, asked)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return bool(struct.unpack(_LOCK, found)[0] != fcntl.F_UNLCK)


def _stamp(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
