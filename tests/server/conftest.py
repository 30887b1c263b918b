"""Where accounts lie: the contract of accounts is the same over a folder's file and a group's database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINES = ["sqlite", "postgresql"]


@pytest.fixture(params=ENGINES)
def accounts_at(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of accounts that are not there yet."""
    if request.param == "sqlite":
        return str(tmp_path)
    return str(request.getfixturevalue("make_database")())


@pytest.fixture(params=ENGINES, scope="module")
def accounts_of_file(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same, for all tests of a file."""
    if request.param == "sqlite":
        yield str(tmp_path_factory.mktemp("accounts"))
        return
    server = request.getfixturevalue("postgres_server")
    url = server.make_database()
    yield url
    server.drop_database(url)
