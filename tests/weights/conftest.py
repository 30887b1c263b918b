"""A repository on a folder, without waiting for the disk: what the tests of this room start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.weights import Repository


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "weights", init=True, durable=False)
