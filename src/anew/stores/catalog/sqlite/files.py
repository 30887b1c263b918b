"""SQLite's own side: engines, the file a catalog lies in, and the file system that it lies on."""

from __future__ import annotations

import os
import re
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import StaticPool

from ....query.regex import matcher

__all__ = ["engine_of", "file_system", "remove"]

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


def engine_of(path: str | None) -> Engine:
    """An engine for a file, or for a catalog in memory that lives as long as the engine."""
    if path is None:
        engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        engine = create_engine(
            "sqlite:///" + path,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        )
    remote = path is not None and file_system(os.path.dirname(path)) in _REMOTE

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        connection.create_function("regexp", 2, _regexp, deterministic=True)
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
