"""Where journals are stored: what is fetched of an experiment, and never of anything else."""

from __future__ import annotations

import errno
import os

import pytest

from anew.journal.storage import (
    Fetched,
    FolderStorage,
    MemoryStorage,
    Share,
    SharedStorage,
    Storage,
)


@pytest.fixture(params=["folder", "shared", "memory"])
def storage(request, tmp_path) -> Storage:
    """An experiment with one logged file."""
    if request.param == "memory":
        memory = MemoryStorage()
        memory.append("files/a.txt", b"0123456789")
        return memory
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_bytes(b"0123456789")
    folder = FolderStorage(str(tmp_path))
    return folder if request.param == "folder" else SharedStorage(folder, Share(frozenset()))


def test_a_range_comes_with_the_size_of_the_whole(storage):
    assert storage.fetch("files/a.txt", 0, 3) == Fetched(b"012", 10)
    assert storage.fetch("files/a.txt", 7, 99) == Fetched(b"789", 10)
    assert storage.fetch("files/a.txt", 99, 1) == Fetched(b"", 10)
    with pytest.raises(FileNotFoundError):
        storage.fetch("files/b.txt", 0, 1)
    with pytest.raises(FileNotFoundError):
        storage.fetch("files/a.txt/b", 0, 1)


def test_a_link_is_followed_to_what_the_experiment_keeps_and_nowhere_else(tmp_path):
    run, other = tmp_path / "run", tmp_path / "other"
    run.mkdir(), other.mkdir()
    (run / "a").write_bytes(b"mine")
    (other / "b").write_bytes(b"another's")
    os.symlink("a", run / "link")
    os.symlink(other / "b", run / "out")
    os.symlink(other, run / "files")
    os.symlink("loop", run / "loop")
    os.mkfifo(run / "pipe")
    storage = FolderStorage(str(run))
    assert storage.fetch("link", 0, 9).data == b"mine"
    for name, code in {
        "out": errno.ELOOP, "files/b": errno.ELOOP, "../other/b": errno.ELOOP, "loop": errno.ELOOP,
        "pipe": errno.EINVAL,
    }.items():  # fmt: skip
        with pytest.raises(OSError) as refused:
            storage.fetch(name, 0, 9)
        assert refused.value.errno == code, name
