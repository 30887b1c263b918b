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


def put(files: LinkedFiles, path: Path, data: bytes, mode: int = 0o444) -> bool:
    draft, digest = made(path.with_name(f"{path.name}.draft"), data, mode)
    return files.put(draft, str(path), digest)


def stored(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()] if folder.exists() else []


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_files_of_one_content_are_one_file_on_the_disk(tmp_path: Path, store: Path) -> None:
    files = LinkedFiles(str(store))
    for name in "abc":
        assert put(files, tmp_path / name, b"weights")
    inodes = {(tmp_path / name).stat().st_ino for name in "abc"}
    assert len(inodes) == len(stored(store)) == 1
    assert (tmp_path / "c").read_bytes() == b"weights"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "c", "store"]


def test_a_content_goes_with_the_last_file_that_has_it(tmp_path: Path, store: Path) -> None:
    files = LinkedFiles(str(store))
    digest = blake3(b"x" * 10_000).hexdigest()
    given = [(str(tmp_path / name), digest) for name in "ab"]
    for path, _ in given:
        put(files, Path(path), b"x" * 10_000)
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
    put(files, tmp_path / "a", b"weights")
    (path,) = stored(store)
    path.chmod(0o644)
    path.write_bytes(damage)
    path.chmod(0o444)
    for name in "bc":
        assert put(files, tmp_path / name, b"weights")
        assert (tmp_path / name).read_bytes() == b"weights"
    assert (tmp_path / "b").stat().st_ino == (tmp_path / "c").stat().st_ino


def test_a_private_file_stays_private(tmp_path: Path, store: Path) -> None:
    files = LinkedFiles(str(store))
    put(files, tmp_path / "open", b"weights", 0o444)
    put(files, tmp_path / "private", b"weights", 0o400)
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o400
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("code", [1, 18, 31, 95])  # EPERM, EXDEV, EMLINK, ENOTSUP
def test_without_hard_links_a_file_keeps_its_bytes(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    assert not put(LinkedFiles(str(store)), tmp_path / "a", b"weights")
    assert (tmp_path / "a").read_bytes() == b"weights"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["a"]


def test_a_hash_from_a_record_never_leads_elsewhere(tmp_path: Path, store: Path) -> None:
    path = str(tmp_path / "a")
    files = LinkedFiles(str(store))
    for digest in ("../../other", "", "0" * 63 + "/", "Z" * 64):
        draft, _ = made(tmp_path / "draft", b"x")
        assert not files.put(draft, path, digest)
    os.link(path, tmp_path / "other")
    assert files.release(path, "../../other") == 0
    assert (tmp_path / "other").read_bytes() == b"x"


def test_side_by_side_nothing_is_lost(tmp_path: Path, store: Path) -> None:
    contents = [bytes([n]) * 500 for n in range(3)]
    failures: list[object] = []

    def work(worker: int) -> None:
        files = LinkedFiles(str(store))
        for turn in range(40):
            data = contents[(worker + turn) % 3]
            path = tmp_path / f"w{worker}" / str(turn)
            put(files, path, data)
            if path.read_bytes() != data:
                failures.append(path)
            source, digest = made(tmp_path / f"s{worker}", data)
            second = path.with_name(f"{turn}.second")
            if files.link(source, str(second), 0o444):
                if second.read_bytes() != data:
                    failures.append(second)
                files.release(str(second), digest)
            if turn % 2:
                files.release(str(path), digest)

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


def test_a_stored_content_is_linked_without_a_copy_and_read_once(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = LinkedFiles(str(store))
    data = os.urandom(200_000)
    put(files, tmp_path / "a", data)
    source, digest = made(tmp_path / "source", data, 0o644)
    monkeypatch.setattr("anew.blobs.linked.hash_file", None)  # it was written here
    for name in "bc":
        assert LinkedFiles(str(store)).link(source, str(tmp_path / name), 0o444) == (
            len(data),
            digest,
        )
        assert (tmp_path / name).samefile(tmp_path / "a")
    assert files.link(source, str(tmp_path / "d"), 0o400) is None
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("other", [b"B", b""])
def test_a_source_with_another_content_is_not_linked(
    tmp_path: Path, store: Path, other: bytes
) -> None:
    files = LinkedFiles(str(store))
    data = bytearray(2_000_000)
    put(files, tmp_path / "a", bytes(data))
    data[100_000:100_001] = other  # between the samples
    source, _ = made(tmp_path / "source", bytes(data))
    assert files.link(source, str(tmp_path / "b"), 0o444) is None
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("damage", [b"", b"wrong!!"])
def test_a_content_that_was_damaged_after_it_was_stored_is_not_linked(
    tmp_path: Path, store: Path, damage: bytes
) -> None:
    files = LinkedFiles(str(store))
    put(files, tmp_path / "a", b"weights")
    source, _ = made(tmp_path / "source", b"weights")
    (path,) = stored(store)
    path.chmod(0o644)
    path.write_bytes(damage)
    path.chmod(0o444)
    assert files.link(source, str(tmp_path / "b"), 0o444) is None
    assert not (tmp_path / "b").exists()


def test_a_source_that_changes_while_it_is_hashed_is_left_to_a_copy(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anew.blobs import linked

    files = LinkedFiles(str(store))
    put(files, tmp_path / "a", b"weights")
    source, _ = made(tmp_path / "source", b"weights", 0o644)
    real = linked._hash

    def changing(fd: int) -> str:
        found = real(fd)
        Path(source).write_bytes(b"newer weights")
        return found

    monkeypatch.setattr(linked, "_hash", changing)
    assert files.link(source, str(tmp_path / "b"), 0o444) is None


def test_what_another_process_stored_is_read_once_and_linked(tmp_path: Path, store: Path) -> None:
    from anew.blobs import linked

    data = os.urandom(1_100_000)
    put(LinkedFiles(str(store)), tmp_path / "a", data)
    for known in (linked._verified, linked._stored_here, linked._tried):
        known.clear()  # as in another process
    source, _ = made(tmp_path / "source", data)
    assert LinkedFiles(str(store)).link(source, str(tmp_path / "b"), 0o444)
    assert (tmp_path / "b").samefile(tmp_path / "a")


def test_a_draft_is_copied_to_another_mount_of_the_same_disk(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.replace
    files = LinkedFiles(str(store))
    target = tmp_path / "mounted" / "a"
    target.parent.mkdir()

    def between_mounts(source: str, to: str) -> None:
        if os.path.dirname(source) != os.path.dirname(to):
            raise OSError(18, os.strerror(18))
        real(source, to)

    monkeypatch.setattr(os, "replace", between_mounts)
    with files.draft(str(target)) as (file, draft):
        file.write(b"weights")
        os.chmod(draft, 0o440)
        assert not files.put(draft, str(target), blake3(b"weights").hexdigest())
    assert target.read_bytes() == b"weights"
    assert target.stat().st_mode & 0o777 == 0o440
    assert os.listdir(target.parent) == ["a"]
    assert os.listdir(files.drafts) == []
