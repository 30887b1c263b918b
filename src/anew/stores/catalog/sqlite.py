"""The catalog in a SQLite file (or in memory), and what is special about that."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from .sql import SqlCatalog

__all__ = ["SqliteCatalog"]

BUSY_SECONDS = 30.0
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


class SqliteCatalog(SqlCatalog):
    """A `Catalog` in one file. `path` None keeps it in memory, for as long as the object lives.

    Readers and a writer do not wait for each other (write-ahead log), except on network file systems, where
    that is not safe and the rollback journal is used.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        super().__init__(_engine(path))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See `Catalog.reading`."""
        self._follow_file()
        with super().reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """See `Catalog.writing`."""
        self._follow_file()
        with super().writing() as connection:
            yield connection

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
            self._engine.dispose()
            self._names.clear()
        self._file = now

    def create(self) -> None:
        """See `Catalog.create`: a damaged file cannot be emptied, so it goes."""
        if self._path is not None:
            self._engine.dispose()
            _remove(self._path)
            self._file = None
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
        super().create()

    def is_damage(self, error: BaseException) -> bool:
        """See `Catalog.is_damage`."""
        if isinstance(error, DBAPIError):
            error = error.orig or error
        if not isinstance(error, sqlite3.DatabaseError):
            return False
        text = str(error)
        return (
            getattr(error, "sqlite_errorname", "").startswith(
                ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ")
            )
            or "no such table" in text
            or "no such column" in text
            or "malformed" in text
            or "not a database" in text
        )


def _engine(path: str | None) -> Engine:
    if path is None:
        engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        engine = create_engine(
            "sqlite:///" + path,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        )
    remote = path is not None and _file_system(os.path.dirname(path)) in _REMOTE

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        if path is not None:
            cursor.execute(f"PRAGMA journal_mode={'DELETE' if remote else 'WAL'}")
        # A crash of the system may lose the last transactions but never the file; and it is derived.
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A writer says so at once: one that starts as a reader can be refused half-way.
        writes = connection.get_execution_options().get("anew_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _remove(path: str) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        try:
            os.remove(path + suffix)
        except FileNotFoundError:
            continue


def _file_system(folder: str) -> str:
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
