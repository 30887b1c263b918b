"""SQLite's own side: connections, the file a catalog lies in, and the file system that it lies on."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from ....query.regex import matcher
from .connection import SqliteConnection

__all__ = ["Connections", "file_system", "remove"]

BUSY_SECONDS = 30.0
KEPT = 4  # idle connections
_AGAIN = (0.02, 0.05, 0.1, 0.2)  # seconds
# Where the write-ahead log's shared memory would not be shared between the machines that have it mounted.
_REMOTE = frozenset(
    [
        "9p",
        "afpfs",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "orangefs",
        "panfs",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
    ]
)


class Connections:
    """Connections to a catalog, kept between questions and lent to one asker at a time.

    A catalog in memory (`path` None) lies in one connection, which threads take in turns.

    Args:
        kept: How many to keep while nobody uses them.
    """

    def __init__(self, path: str | None, *, kept: int = KEPT) -> None:
        self._path = path
        self._kept = kept
        self._idle: list[SqliteConnection] = []
        self._closed = False
        self._turn: AbstractContextManager[Any] = nullcontext() if path else threading.RLock()
        remote = path is not None and file_system(os.path.dirname(path)) in _REMOTE
        self._mode = "" if path is None else "DELETE" if remote else "WAL"

    @contextmanager
    def lent(self, *, writes: bool = False, keeps: bool = False) -> Iterator[SqliteConnection]:
        """A connection in a transaction, which is committed at the end of a block that `writes`, else ended.

        A reader that `keeps` has its temporary tables kept with the connection.
        """
        with self._turn:
            connection = self._take()
            try:
                # A writer says so at once: one that starts as a reader can be refused half-way.
                connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
                yield connection
                connection.execute("COMMIT" if writes or keeps else "ROLLBACK")
            except BaseException as error:
                if self._path is not None and isinstance(error, sqlite3.Error):
                    connection.close()  # its file may be damaged, full or gone
                else:
                    connection.rollback()
                    self._give(connection)
                raise
            self._give(connection)

    def close(self) -> None:
        """Close those that nobody uses now, and the others when they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> SqliteConnection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._made()

    def _give(self, connection: SqliteConnection) -> None:
        if self._closed or len(self._idle) >= self._kept:
            connection.close()
        else:
            self._idle.append(connection)

    def _made(self) -> SqliteConnection:
        """A new connection. Whoever makes the catalog removes the file that is there: who opens it right then tries again."""
        for wait in _AGAIN:
            try:
                return self._opened()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_IOERR:
                    raise
            time.sleep(wait)
        return self._opened()

    def _opened(self) -> SqliteConnection:
        connection = sqlite3.connect(
            self._path or ":memory:",
            timeout=BUSY_SECONDS,
            check_same_thread=False,
            factory=SqliteConnection,
            isolation_level=None,  # the driver must not begin transactions of its own
        )
        try:
            connection.create_function("regexp", 2, _regexp, deterministic=True)
            if self._mode:
                connection.execute(f"PRAGMA journal_mode={self._mode}")
            # A crash of the system may lose the last transactions but never the file; and it is derived.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA cache_size=-65536")
            connection.execute("PRAGMA temp_store=MEMORY")
        except BaseException:
            connection.close()
            raise
        return connection


def _regexp(pattern: str, text: Any) -> bool | None:
    """SQLite's REGEXP, which `text REGEXP pattern` calls."""
    return None if text is None else matcher(pattern)(str(text))


def remove(path: str) -> None:
    """Remove a catalog's file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        try:
            os.remove(path + suffix)
        except FileNotFoundError:
            continue


def file_system(folder: str) -> str:
    """The kind of file system a folder is on, as Linux names it; "" elsewhere."""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
            table = [line.split(" ")[1:3] for line in mounts]
    except OSError:
        return ""
    folder = os.path.realpath(folder)
    best = ("", "")
    for raw, kind in table:
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), raw)
        if (folder + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]
