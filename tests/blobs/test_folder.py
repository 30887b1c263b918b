"""Blobs in a folder: the contract, links, file systems without hard links, and what the disk is asked for."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import settings

from anew.blobs.folder import FolderBlobs
from anew.blobs.protocol import Blobs
from anew.errors import InvalidName
from anew.testing.blobs import BlobsContract, BlobsModel


class TestFolderBlobs(BlobsContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> FolderBlobs:
        return FolderBlobs(tmp_path / "blobs", durable=False)

    def again(self, blobs: Blobs) -> FolderBlobs:
        return FolderBlobs(blobs.url, durable=blobs.durable)


class TestFolderBlobsWithoutHardLinks(TestFolderBlobs):
    @pytest.fixture(autouse=True)
    def no_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def link(source: str, target: str) -> None:
            raise OSError(errno.EPERM, "no hard links here", target)

        monkeypatch.setattr(os, "link", link)


class FolderModel(BlobsModel):
    def empty(self) -> FolderBlobs:
        self.folder = tempfile.mkdtemp(prefix="anew-test-")
        return FolderBlobs(self.folder, durable=False)

    def again(self, blobs: Blobs) -> FolderBlobs:
        return FolderBlobs(blobs.url, durable=False)

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


TestFolderModel = FolderModel.TestCase
TestFolderModel.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_links_are_followed_neither_out_of_the_folder_nor_to_a_file(tmp_path: Path):
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x").write_bytes(b"secret")
    root = tmp_path / "blobs"
    root.mkdir()
    (root / "file").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path / "outside")
    blobs = FolderBlobs(root, durable=False)
    assert blobs.list() == []
    with pytest.raises(FileNotFoundError):
        blobs.read("file")
    for call in (
        lambda: blobs.read("folder/x"),
        lambda: blobs.list("folder"),
        lambda: blobs.create("folder/y", b"y"),
        lambda: blobs.replace("folder/x", b"y"),
        lambda: blobs.delete("folder/x"),
    ):
        with pytest.raises(PermissionError):
            call()
    assert not blobs.create("file", b"y")
    blobs.replace("file", b"mine")
    assert blobs.read("file") == b"mine"
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["x"]


def test_the_folder_itself_may_be_a_link(tmp_path: Path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "blobs").symlink_to(tmp_path / "disk")
    blobs = FolderBlobs(tmp_path / "blobs", durable=False)
    assert blobs.create("a/b", b"x")
    assert (tmp_path / "disk" / "a" / "b").read_bytes() == b"x"


def test_what_is_no_file_is_no_blob_and_nobody_waits_for_it(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "line\nbreak").write_bytes(b"x")
    blobs = FolderBlobs(tmp_path, durable=False)
    assert blobs.list() == []
    assert not blobs.is_empty()
    with pytest.raises(FileNotFoundError):
        blobs.read("pipe")


def test_no_key_lies_in_the_scratch_folder_and_no_listing_shows_it(tmp_path: Path):
    blobs = FolderBlobs(tmp_path, durable=False, scratch=".new")
    (Path(blobs.scratch()) / "x.part").write_bytes(b"x")
    assert blobs.is_empty()
    assert blobs.list() == []
    assert blobs.list(".new") == []
    with pytest.raises(InvalidName):
        blobs.read(".new/x.part")
    assert blobs.create("tmp/a", b"x")
    assert [blob.key for blob in blobs.list()] == ["tmp/a"]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    blobs = FolderBlobs(tmp_path, durable=True)

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    for call in (lambda: blobs.create("a", b"x"), lambda: blobs.replace("b", b"x")):
        with pytest.raises(OSError, match="no space"):
            call()
    assert os.listdir(blobs.scratch()) == []
    assert blobs.list() == []
    monkeypatch.undo()
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        blobs.replace("folder", b"x")
    assert os.listdir(blobs.scratch()) == []


def test_every_folder_that_is_made_is_made_to_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced: list[str] = []
    sync = os.fsync

    def record(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        sync(fd)

    monkeypatch.setattr(os, "fsync", record)
    root = tmp_path / "new"
    blobs = FolderBlobs(root, durable=True)
    blobs.create("a/b/c", b"x")
    assert {str(root), str(root / "a"), str(root / "a" / "b")} <= set(synced)
    assert any(name.endswith(".part") for name in synced)
    synced.clear()
    blobs.replace("a/b/d", b"x", lasting=False)
    FolderBlobs(root, durable=False).create("e/f", b"x")
    assert synced == []


def test_processes_that_compete_for_a_key_make_it_once(tmp_path: Path):
    program = (
        "import sys; from anew.blobs.folder import FolderBlobs\n"
        "blobs = FolderBlobs(sys.argv[1], durable=False)\n"
        "print(sum(blobs.create(f'refs/{n}', f'{sys.argv[2]} {n}'.encode()) for n in range(200)))"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    assert sum(int(process.communicate()[0]) for process in running) == 200
    assert len(FolderBlobs(tmp_path).list("refs")) == 200


def test_a_listing_survives_deletions_beside_it(tmp_path: Path):
    blobs = FolderBlobs(tmp_path, durable=False)
    for number in range(300):
        blobs.replace(f"{number % 7}/{number}", b"x", lasting=False)
    kept = {f"{number % 7}/{number}" for number in range(300) if number % 2}

    def delete() -> None:
        for number in range(0, 300, 2):
            blobs.delete(f"{number % 7}/{number}")

    thread = threading.Thread(target=delete)
    thread.start()
    while thread.is_alive():
        assert kept <= {blob.key for blob in blobs.list()}
    assert set(blobs.keys()) == kept


def test_the_folder_side_loads_nothing_heavy():
    program = "import sys, anew.blobs.folder; print(*sys.modules)"
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert not loaded & {
        "typing",
        "pathlib",
        "dataclasses",
        "tempfile",
        "numpy",
        "obstore",
        "msgspec",
    }
