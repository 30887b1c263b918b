"""ClickHouse for the tests: one server for all processes of a suite, or one for a file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from anew.testing.clickhouse import ClickHouseServer


@contextlib.contextmanager
def started_clickhouse() -> Iterator[ClickHouseServer]:
    """A server of one's own."""
    with tempfile.TemporaryDirectory(prefix="anew-clickhouse-") as folder:
        server = ClickHouseServer(Path(folder, "server"))
        server.start()
        try:
            yield server
        finally:
            server.remove()


@contextlib.contextmanager
def shared_clickhouse(places: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """The server of this suite: the first process that asks starts it, and the last one to leave ends it.

    Each process that uses it holds a lock, which ends with the process however that ends.
    """
    place = places.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    server = ClickHouseServer(place / "clickhouse")
    with open(place / "clickhouse-users", "ab") as users:
        with _locked(place / "clickhouse-change"):
            if (server.folder / "address").exists():
                server.attach()
            else:
                server.start()
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server
        finally:
            with _locked(place / "clickhouse-change"):
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass  # another process uses it
                else:
                    server.remove()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
