"""PostgreSQL for the tests: one server for all processes of a suite, or one for a file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from anew.testing.postgres import PostgresServer


@contextlib.contextmanager
def started_postgres() -> Iterator[PostgresServer]:
    """A server of one's own."""
    server = PostgresServer(_folder())
    server.start()
    try:
        yield server
    finally:
        _remove(server)


@contextlib.contextmanager
def shared_postgres(places: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The server of this suite: the first process that asks starts it, and the last one to leave ends it.

    Each process that uses it holds a lock, which ends with the process however that ends.
    """
    place = places.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    note = place / "postgres"
    with open(place / "postgres-users", "ab") as users:
        with _locked(place / "postgres-change"):
            if note.exists():
                server = PostgresServer(Path(note.read_text()))
                server.attach()
            else:
                server = PostgresServer(_folder())
                server.start()
                note.write_text(str(server.folder))
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server
        finally:
            with _locked(place / "postgres-change"):
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass  # another process uses it
                else:
                    note.unlink()
                    _remove(server)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove(server: PostgresServer) -> None:
    server.remove()
    server.folder.parent.rmdir()


def _folder() -> Path:
    """A folder that the user `nobody` can reach: those that pytest makes are for their owner alone."""
    folder = Path(tempfile.mkdtemp(prefix="anew-postgres-", dir="/tmp"))
    folder.chmod(0o711)
    return folder / "server"
