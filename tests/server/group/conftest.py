"""A group's stores: a database of their own, and a folder of blobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anew.blobs.folder import FolderBlobs
from anew.server.group.database import Database
from anew.server.group.truth import Truth


@pytest.fixture
def url(make_group_database: Callable[[], str]) -> str:
    return make_group_database()


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(str(tmp_path / "bucket"), durable=False)


@pytest.fixture
def truth(url: str, blobs: FolderBlobs) -> Iterator[Truth]:
    database = Database(url, most=6)
    yield Truth(database, blobs)
    database.close()
