"""Logged files in a local folder, through the client that reaches object stores as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.stores.files.objects import ObjectFiles, local_files
from anew.stores.files.protocol import FileStore
from anew.testing.files import FilesContract


class TestLocalFolder(FilesContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectFiles:
        self.folder = tmp_path / "root"
        self.folder.mkdir()
        return local_files(str(self.folder))

    def put(self, store: FileStore, key: str, data: bytes) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
