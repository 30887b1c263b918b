"""A bounded copy of blobs on this machine: the contract, ranges, what is dropped, and what other processes left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anew.blobs.bucket import BucketBlobs
from anew.blobs.cached import CachedBlobs
from anew.blobs.protocol import Blobs
from anew.testing.blobs import BlobsContract

MIB = 1 << 20


class TestCachedBlobs(BlobsContract):
    @pytest.fixture
    def blobs(self) -> CachedBlobs:
        return CachedBlobs(BucketBlobs("memory:"))

    def again(self, blobs: Blobs) -> Blobs:
        return blobs


class Counted(BucketBlobs):
    """Blobs in memory that tell what was asked for."""

    def __init__(self) -> None:
        super().__init__("memory:")
        self.asked: list[tuple[int, int]] = []

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        data = super().read(key, start, length)
        self.asked.append((start, start + len(data)))
        return data


def test_only_what_is_needed_comes_here_and_only_once(tmp_path):
    blobs, data = Counted(), os.urandom(8 * MIB)
    blobs.replace("a.bin", data)
    cached = CachedBlobs(blobs, str(tmp_path))
    with cached.ranged("a.bin") as file:
        assert file.size == len(data)
        file.need([(0, 10), (100, 200), (3 * MIB, 4 * MIB)])
        file.need([(50, 150), (3 * MIB, 3 * MIB + 5), (7 * MIB, 9 * MIB)])
        there = Path(file.path).read_bytes()
        assert len(there) == len(data)
        for start, stop in ((0, 200), (3 * MIB, 4 * MIB), (7 * MIB, 8 * MIB)):
            assert there[start:stop] == data[start:stop]
        assert blobs.asked == [(0, 200), (3 * MIB, 4 * MIB), (7 * MIB, 8 * MIB - (256 << 10))]
    with cached.local("a.bin") as path:
        assert Path(path).read_bytes() == data
    assert sum(b - a for a, b in blobs.asked) == len(data) - (256 << 10)
    asked = len(blobs.asked)
    assert cached.read("a.bin", 5, 10) == data[5:15]
    assert cached.read("a.bin") == data
    assert len(blobs.asked) == asked


def test_it_takes_no_more_than_it_may_and_drops_what_was_not_read_for_longest(tmp_path):
    blobs = Counted()
    for name in "abcd":
        blobs.replace(name, name.encode() * MIB)
    cached = CachedBlobs(blobs, str(tmp_path), most=2 * MIB)
    for name in "abac":
        with cached.local(name):
            pass
    assert cached.kept() <= 2 * MIB
    before = len(blobs.asked)
    with cached.local("a"), cached.local("c"):  # those read last are there
        assert len(blobs.asked) == before
        with cached.local("b") as path:  # what is held stays, however much that is
            assert Path(path).read_bytes() == b"b" * MIB
    assert cached.kept() <= 2 * MIB
    assert sum(one.stat().st_blocks * 512 for one in tmp_path.rglob("*")) < 3 * MIB


def test_a_blob_that_changed_in_size_is_an_error_and_one_that_is_gone_is_missing(tmp_path):
    blobs = Counted()
    blobs.replace("a", b"0" * MIB)
    cached = CachedBlobs(blobs, str(tmp_path))
    with cached.ranged("a") as file:
        blobs.replace("a", b"0" * 100)
        with pytest.raises(OSError, match="shorter"):
            file.need([(0, 1000)])
        blobs.delete("a")
        with pytest.raises(FileNotFoundError):
            file.need([(0, 1000)])
    cached.forget("a")
    with pytest.raises(FileNotFoundError), cached.local("a"):
        pass
    assert cached.kept() == 0


def test_what_a_process_left_that_was_killed_is_removed_by_the_next_and_nothing_of_one_that_lives(
    tmp_path,
):
    blobs = Counted()
    blobs.replace("a", b"0123456789")
    child = os.fork()
    if not child:
        cached = CachedBlobs(blobs, str(tmp_path))
        with cached.local("a"):
            os._exit(0)
    os.waitpid(child, 0)
    (left,) = tmp_path.glob("anew-blobs-*")
    mine, other = (CachedBlobs(blobs, str(tmp_path)) for _ in range(2))
    with mine.local("a") as path, other.local("a"):
        assert not left.exists()
        assert Path(path).read_bytes() == b"0123456789"
        assert len(list(tmp_path.glob("anew-blobs-*"))) == 2
    del mine, other
    assert not list(tmp_path.glob("anew-blobs-*"))
