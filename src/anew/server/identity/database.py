"""The file that accounts lie in: opened, guarded, and brought to the newest layout."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import CorruptData, UnknownFormat
from ...journal.layout import RootLayout
from .schema import STEPS

__all__ = ["Database"]

_BUSY = 10.0


class Database:
    """The SQLite file of a root's accounts; any thread may use it, and any number of processes.

    Its folder belongs to the user who runs the server, and nobody else can read it.

    Args:
        root: The folder of the experiments.

    Attributes:
        writes: How many transactions this process has written.

    Raises:
        CorruptData: The folder or the file belongs to somebody else, others may use it, or it is a link.
        UnknownFormat: A newer version wrote it.
    """

    def __init__(self, root: str) -> None:
        folder = RootLayout(root).server
        self.path = os.path.join(folder, "accounts.db")
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        with _missing_ok():
            os.mkdir(folder, 0o700)
        _check(folder, stat.S_IFDIR)
        with _missing_ok():
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        _check(self.path, stat.S_IFREG)
        self.writes = 0
        self._guard = threading.RLock()
        self._connection = sqlite3.connect(
            self.path, timeout=_BUSY, check_same_thread=False, isolation_level=None
        )
        try:
            self._connection.execute("PRAGMA foreign_keys=ON")
            self._connection.execute("PRAGMA secure_delete=ON")
            self._migrate()
        except BaseException:
            self._connection.close()
            raise

    def _migrate(self) -> None:
        if self._version() > len(STEPS):
            raise UnknownFormat(
                f"The accounts in {self.path} were written by a newer version of Anew. Install that version, or "
                "restore a backup."
            )
        if self._version() == len(STEPS):
            return
        with self.writing() as connection:
            for number in range(self._version(), len(STEPS)):
                for statement in STEPS[number].split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={number + 1}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for questions."""
        with self._guard:
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction that is committed at the end of the block, and that no other one overlaps."""
        with self._guard:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
                self.writes += 1
            except BaseException:
                self._connection.rollback()
                raise

    def note(self, statement: str, values: tuple[object, ...]) -> None:
        """Write something that may be left out, such as when a token was used: nobody waits for it."""
        with self._guard:
            try:
                self._connection.execute("PRAGMA busy_timeout=0")
                self._connection.execute(statement, values)
            except sqlite3.OperationalError:
                pass  # somebody else writes, or the disk is full
            finally:
                self._connection.execute(f"PRAGMA busy_timeout={int(_BUSY * 1000)}")

    def close(self) -> None:
        """Release the file."""
        with self._guard:
            self._connection.close()


@contextmanager
def _missing_ok() -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        pass


def _check(path: str, kind: int) -> None:
    """What came with somebody else's folder must not decide who may log in here."""
    found = os.lstat(path)
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    private = os.name != "posix" or not found.st_mode & 0o077
    if stat.S_IFMT(found.st_mode) == kind and mine and private:
        return
    raise CorruptData(
        f"{path} holds the accounts of the server, and must belong to the user who runs it and be closed to all others. "
        "If these are your accounts, make it so (chown, and chmod go-rwx); if they came with a copy of somebody else's folder, remove them.",
        path=path,
    )
