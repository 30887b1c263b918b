"""The file that the accounts of a folder lie in: opened, guarded, and brought to the newest version."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import CorruptData
from ...journal.layout import RootLayout
from ..migrations.sqlite import migrate
from .database import Connection
from .versions import HISTORY

__all__ = ["FolderDatabase"]

_BUSY = 10.0


class FolderDatabase:
    """A `Database` in an SQLite file of a root.

    Its folder belongs to the user who runs the server, and nobody else can read it.

    Args:
        root: The folder of the experiments.

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
            migrate(self._connection, HISTORY, self.path)
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See `Database.reading`."""
        with self._guard:
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """See `Database.writing`."""
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
        """See `Database.note`."""
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
