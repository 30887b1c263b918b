"""The backend of a folder, asked directly and by way of bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.reading.local.opening import open_folder
from anew.testing.backend import BackendContract
from anew.testing.encoded import Encoded


class TestLocal(BackendContract):
    @pytest.fixture
    def root(self, tmp_path: Path):
        folder = tmp_path / "store"
        folder.mkdir()
        return str(folder)

    @pytest.fixture
    def backend(self, root: str):
        opened = open_folder(root)
        yield opened.backend
        opened.close()


@pytest.mark.slow  # a server's answers in this process are encoded too (`../remote/test_backend.py`)
class TestEncoded(TestLocal):
    @pytest.fixture
    def backend(self, root: str):
        opened = open_folder(root)
        yield Encoded(opened.backend)
        opened.close()
