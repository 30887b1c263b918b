"""A root here, a folder for one there, and nothing that waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.server.intake import settling
from sync.recorded import Root


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anew.reading.remote.calls._WAITS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(settling, "flush", lambda folder: None)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "there"
