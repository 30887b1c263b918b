"""Files that share their content by hard links."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from blake3 import blake3

from anew.blobs.linked import LinkedFiles


def made(path: Path, data: bytes, mode: int = 0o444) -> tuple[str, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    return str(path), blake3(data).hexdigest()


def stored(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()] if folder.exists() else []


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_files_of_one_content_are_one_file_on_the_disk(tmp_path: Path, store: Path) -> None:
    files = LinkedFiles(str(store))
    for name in "abc":
        assert files.share(*made(tmp_path / name, b"weights"))
    inodes = {(tmp_path / name).stat().st_ino for name in "abc"}
    assert len(inodes) == len(stored(store)) == 1
    assert (tmp_path / "c").read_bytes() == b"weights"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "c", "store"]


def test_a_content_goes_with_the_last_file_that_has_it(tmp_path: Path, store: Path) -> None:
    files = LinkedFiles(str(store))
    given = [made(tmp_path / name, b"x" * 10_000) for name in "ab"]
    for one in given:
        files.share(*one)
    assert files.release(*given[0]) == 0
    assert (tmp_path / "b").read_bytes() == b"x" * 10_000
    assert files.release(*given[1]) >= 10_000
    assert stored(store) == []
    with pytest.raises(FileNotFoundError):
        files.release(*given[1])


@pytest.mark.parametrize("damage", [b"", b"wrong!!"])
def test_a_damaged_content_is_replaced_and_spreads_no_further(
    tmp_path: Path, store: Path, damage: bytes
) -> None:
    files = LinkedFiles(str(store))
    files.share(*made(tmp_path / "a", b"weights"))
    (path,) = stored(store)
    path.chmod(0o644)
    path.write_bytes(damage)
    path.chmod(0o444)
    for name in "bc":
        assert files.share(*made(tmp_path / name, b"weights"))
        assert (tmp_path / name).read_bytes() == b"weights"
    assert (tmp_path / "b").stat().st_ino == (tmp_path / "c").stat().st_ino


def test_a_private_file_stays_private(tmp_path: Path, store: Path) -> None:
    files = LinkedFiles(str(store))
    files.share(*made(tmp_path / "open", b"weights", 0o444))
    files.share(*made(tmp_path / "private", b"weights", 0o400))
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o400
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("code", [1, 18, 31, 95])  # EPERM, EXDEV, EMLINK, ENOTSUP
def test_without_hard_links_a_file_keeps_its_bytes(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    path, digest = made(tmp_path / "a", b"weights")
    assert not LinkedFiles(str(store)).share(path, digest)
    assert Path(path).read_bytes() == b"weights"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["a"]


def test_a_hash_from_a_record_never_leads_elsewhere(tmp_path: Path, store: Path) -> None:
    path, _ = made(tmp_path / "a", b"x")
    os.link(path, tmp_path / "other")
    files = LinkedFiles(str(store))
    for digest in ("../../other", "", "0" * 63 + "/", "Z" * 64):
        assert not files.share(path, digest)
    assert files.release(path, "../../other") == 0
    assert (tmp_path / "other").read_bytes() == b"x"


def test_side_by_side_nothing_is_lost(tmp_path: Path, store: Path) -> None:
    contents = [bytes([n]) * 500 for n in range(3)]
    failures: list[object] = []

    def work(worker: int) -> None:
        files = LinkedFiles(str(store))
        for turn in range(40):
            data = contents[(worker + turn) % 3]
            path, digest = made(tmp_path / f"w{worker}" / str(turn), data)
            files.share(path, digest)
            if Path(path).read_bytes() != data:
                failures.append(path)
            if turn % 2:
                files.release(path, digest)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    kept = [p for p in tmp_path.rglob("w*/*") if p.is_file()]
    assert len(kept) == 80
    assert {p.read_bytes() for p in kept} <= set(contents)
    for path in kept:
        LinkedFiles(str(store)).release(str(path), blake3(path.read_bytes()).hexdigest())
    assert stored(store) == []
