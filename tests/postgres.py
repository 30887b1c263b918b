"""PostgreSQL for the tests: one server for all processes of a suite, or one for a file."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from anew.testing.postgres import PostgresServer
from sharing import shared_by_all


@contextlib.contextmanager
def started_postgres() -> Iterator[PostgresServer]:
    """A server of one's own."""
    server = _start()
    try:
        yield server
    finally:
        _remove(server)


def shared_postgres(
    places: pytest.TempPathFactory,
) -> contextlib.AbstractContextManager[PostgresServer]:
    """The server of this suite."""
    return shared_by_all(places, "postgres", _start, _attach, _remove, lambda one: one.folder)


def _start() -> PostgresServer:
    # A folder that the user `nobody` can reach: those that pytest makes are for their owner alone.
    folder = Path(tempfile.mkdtemp(prefix="anew-postgres-", dir="/tmp"))
    folder.chmod(0o711)
    server = PostgresServer(folder / "server")
    server.start()
    return server


def _attach(folder: str) -> PostgresServer:
    server = PostgresServer(Path(folder))
    server.attach()
    return server


def _remove(server: PostgresServer) -> None:
    server.remove()
    server.folder.parent.rmdir()
