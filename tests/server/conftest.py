"""Where accounts lie: the contract of accounts is the same over a folder's file and a group's database."""

from __future__ import annotations

from pathlib import Path

import pytest

ENGINES = ["sqlite", "postgresql"]


@pytest.fixture(params=ENGINES)
def accounts_at(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of accounts that are not there yet."""
    return _place(request, tmp_path)


@pytest.fixture(params=ENGINES, scope="module")
def accounts_of_file(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The same, for all tests of a file."""
    return _place(request, tmp_path_factory.mktemp("accounts"))


def _place(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "sqlite":
        return str(folder)
    return str(request.getfixturevalue("postgres_server").make_database())
