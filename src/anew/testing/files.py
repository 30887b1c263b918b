"""What every file store must do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ..stores.files.protocol import FileStore

__all__ = ["FilesContract"]


class FilesContract:
    """Subclass it and give the fixtures `store` and `put`, which puts bytes where the store finds them."""

    @pytest.fixture
    def store(self) -> FileStore:
        """An empty store."""
        raise NotImplementedError

    def put(self, store: FileStore, key: str, data: bytes) -> None:
        """Make a file of that key."""
        raise NotImplementedError

    @pytest.mark.parametrize("size", [0, 1, 4096, 3 << 20])
    def test_bytes_come_back_whole(self, store: FileStore, size: int, tmp_path: Path) -> None:
        data = os.urandom(size)
        self.put(store, "run/files/model.bin", data)
        assert store.size("run/files/model.bin") == size
        assert store.read("run/files/model.bin") == data
        with store.open("run/files/model.bin") as file:
            assert file.read() == data
        target = tmp_path / "copy.bin"
        assert store.save("run/files/model.bin", str(target)) == size
        assert target.read_bytes() == data

    def test_a_part_of_a_file_is_read(self, store: FileStore) -> None:
        self.put(store, "a", b"0123456789")
        assert store.read("a", 3, 4) == b"3456"
        assert store.read("a", 8, 100) == b"89"
        assert store.read("a", 10) == b""
        assert store.read("a", 3, 0) == b""

    def test_an_open_file_seeks(self, store: FileStore) -> None:
        self.put(store, "a", b"line one\nline two\n")
        with store.open("a") as file:
            assert file.readline() == b"line one\n"
            file.seek(5)
            assert file.read(3) == b"one"
            assert file.tell() == 8
            assert file.seek(-4, os.SEEK_END) == 14
            assert file.read() == b"two\n"

    @pytest.mark.parametrize(
        "key", ["ü/日本 語.txt", "50% #1 [x]~.bin", "a%20b", "deep/er/than/that"]
    )
    def test_keys_are_names_as_they_are(self, store: FileStore, key: str) -> None:
        self.put(store, key, key.encode())
        assert store.read(key) == key.encode()

    def test_a_missing_file_is_not_found(self, store: FileStore, tmp_path: Path) -> None:
        for ask in (store.size, store.read, store.open):
            with pytest.raises(FileNotFoundError):
                ask("no/such")
        with pytest.raises(FileNotFoundError):
            store.save("no/such", str(tmp_path / "copy"))
        assert list(tmp_path.glob("copy*")) == []

    @pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "a/../../b", "", "a//b", "./a"])
    def test_a_key_that_leads_elsewhere_is_refused(self, store: FileStore, key: str) -> None:
        with pytest.raises(ValueError, match="not a path below"):
            store.read(key)
