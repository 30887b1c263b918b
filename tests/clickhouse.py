"""ClickHouse for the tests: one server for all processes of a suite, or one for a file."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from anew.testing.clickhouse import ClickHouseServer
from sharing import shared_by_all


@contextlib.contextmanager
def started_clickhouse() -> Iterator[ClickHouseServer]:
    """A server of one's own."""
    server = _start()
    try:
        yield server
    finally:
        _remove(server)


def shared_clickhouse(
    places: pytest.TempPathFactory,
) -> contextlib.AbstractContextManager[ClickHouseServer]:
    """The server of this suite."""
    return shared_by_all(
        places,
        "clickhouse",
        _start,
        _attach,
        _remove,
        lambda one: one.folder,
        ClickHouseServer.leave,
    )


def _start() -> ClickHouseServer:
    server = ClickHouseServer(Path(tempfile.mkdtemp(prefix="anew-clickhouse-"), "server"))
    server.start()
    return server


def _attach(folder: str) -> ClickHouseServer:
    server = ClickHouseServer(Path(folder))
    server.attach()
    return server


def _remove(server: ClickHouseServer) -> None:
    server.remove()
    server.folder.parent.rmdir()
