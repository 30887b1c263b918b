"""What every implementation of `Blobs` must do, as single promises and as random operations beside a dictionary."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ..blobs.blob import Blob
from ..blobs.protocol import Blobs
from ..errors import InvalidName, InvalidValue

__all__ = ["REFUSED_KEYS", "BlobsContract", "BlobsModel"]

REFUSED_KEYS = [
    "",
    "/etc/passwd",
    "a/",
    "a//b",
    "..",
    "a/../../b",
    "./a",
    "a/.",
    "a\\b",
    "a\0b",
    "a\nb",
    "a\x7f",
    "\ud800",
    "x" * 256,
    "/".join(["x" * 200] * 6),
]
"""Keys that break a rule each."""

_ODD_KEYS = [
    "ü/日本 語.txt",
    "50% #1 [x]~?&+.bin",
    "a%20b/c%2Fd",
    "deep/er/than/that",
    ".hidden/.x",
    " ",
]


class BlobsContract:
    """Subclass it and give the fixture `blobs`; `again` must give another object for the same bytes."""

    @pytest.fixture
    def blobs(self) -> Blobs:
        """Empty blobs."""
        raise NotImplementedError

    def again(self, blobs: Blobs) -> Blobs:
        """What another process would open; the same object where nobody else can open it."""
        raise NotImplementedError

    # -- reading ----------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [0, 1, 4096, 3 << 20])
    def test_bytes_come_back_whole(self, blobs: Blobs, size: int) -> None:
        data = os.urandom(size)
        blobs.replace("packs/0001.pack", data)
        other = self.again(blobs)
        assert other.read("packs/0001.pack") == data
        assert other.size("packs/0001.pack") == size
        assert [blob[:2] for blob in other.list()] == [("packs/0001.pack", size)]

    def test_a_range_gives_what_is_there_of_it(self, blobs: Blobs) -> None:
        blobs.replace("a", b"0123456789")
        blobs.replace("empty", b"")
        for start, length, expected in [
            (3, 4, b"3456"),
            (8, 100, b"89"),
            (0, None, b"0123456789"),
            (7, None, b"789"),
            (10, None, b""),
            (10, 5, b""),
            (99, 5, b""),
            (99, None, b""),
            (3, 0, b""),
        ]:
            assert blobs.read("a", start, length) == expected, (start, length)
        assert blobs.read("empty", 0, 5) == b""
        assert blobs.read("empty") == b""

    def test_a_tail_comes_with_the_size(self, blobs: Blobs) -> None:
        blobs.replace("a", b"0123456789")
        blobs.replace("empty", b"")
        assert blobs.tail("a", 3) == (b"789", 10)
        assert blobs.tail("a", 99) == (b"0123456789", 10)
        assert blobs.tail("a", 0) == (b"", 10)
        assert blobs.tail("empty", 3) == (b"", 0)

    def test_a_negative_range_is_refused(self, blobs: Blobs) -> None:
        blobs.replace("a", b"0123456789")
        for start, length in [(-1, None), (0, -1), (-3, 2)]:
            with pytest.raises(InvalidValue):
                blobs.read("a", start, length)
        with pytest.raises(InvalidValue):
            blobs.tail("a", -1)

    def test_what_is_absent_is_file_not_found(self, blobs: Blobs) -> None:
        blobs.replace("folder/blob", b"x")
        for key in ("a", "folder", "folder/other", "no/such/key"):
            calls: list[Callable[[str], object]] = [
                blobs.read,
                blobs.size,
                lambda key: blobs.read(key, 1, 2),
                lambda key: blobs.read(key, 0, 0),
                lambda key: blobs.tail(key, 4),
                lambda key: blobs.tail(key, 0),
            ]
            for call in calls:
                with pytest.raises(FileNotFoundError):
                    call(key)

    # -- keys -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("key", REFUSED_KEYS, ids=ascii)
    def test_a_key_that_breaks_a_rule_is_refused_by_every_method(
        self, blobs: Blobs, key: str, tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"x")
        calls: list[Callable[[], object]] = [
            lambda: blobs.read(key),
            lambda: blobs.tail(key, 1),
            lambda: blobs.size(key),
            lambda: blobs.create(key, b""),
            lambda: blobs.replace(key, b""),
            lambda: blobs.upload(key, source),
            lambda: blobs.delete(key),
        ]
        if key:
            calls += [lambda: blobs.list(key), lambda: blobs.keys(key)]
        for call in calls:
            with pytest.raises(InvalidName) as caught:
                call()
            assert caught.value.name == key
        assert blobs.is_empty()
        assert source.exists()

    @pytest.mark.parametrize("key", _ODD_KEYS)
    def test_a_key_is_kept_as_it_is(self, blobs: Blobs, key: str) -> None:
        assert blobs.create(key, key.encode())
        other = self.again(blobs)
        assert other.read(key) == key.encode()
        assert list(other.keys()) == [key]

    def test_a_listing_holds_what_is_below_a_folder_and_no_more(self, blobs: Blobs) -> None:
        keys = ["a", "b/1", "b/2", "b/c/3", "bc/4", "b.d"]
        for key in keys:
            blobs.replace(key, key.encode())
        assert sorted(blobs.keys()) == sorted(keys)
        assert sorted(blobs.keys("b")) == ["b/1", "b/2", "b/c/3"]
        assert sorted(blobs.list("b/c"))[0][:2] == ("b/c/3", 5)
        assert blobs.list("none") == []
        assert list(blobs.keys("b/1/x")) == []
        assert all(isinstance(blob, Blob) and blob.modified > 1e9 for blob in blobs.list())

    # -- writing ----------------------------------------------------------------------------------

    def test_a_key_is_created_once(self, blobs: Blobs) -> None:
        assert blobs.is_empty()
        assert blobs.create("refs/main/01", b"first")
        assert not blobs.is_empty()
        assert not blobs.create("refs/main/01", b"second")
        assert not self.again(blobs).create("refs/main/01", b"third")
        assert blobs.read("refs/main/01") == b"first"

    def test_of_many_creators_exactly_one_wins_and_its_bytes_are_there(self, blobs: Blobs) -> None:
        others = [self.again(blobs) for _ in range(6)]
        won: list[bytes] = []
        start = threading.Barrier(len(others))

        def take(number: int) -> None:
            data = f"writer {number}".encode() * 1000
            start.wait()
            if others[number].create("refs/main/01", data):
                won.append(data)

        threads = [threading.Thread(target=take, args=(n,)) for n in range(len(others))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [blobs.read("refs/main/01")]

    def test_replacing_shows_the_old_bytes_or_the_new_ones_and_nothing_else(
        self, blobs: Blobs
    ) -> None:
        versions = [bytes([n]) * 40_000 for n in range(12)]
        blobs.replace("a", versions[0])
        seen: set[bytes] = set()
        done = threading.Event()

        def look() -> None:
            other = self.again(blobs)
            while not done.is_set():
                seen.add(other.read("a"))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            for version in versions[1:]:
                blobs.replace("a", version, lasting=False)
        finally:
            done.set()
            thread.join()
        assert seen <= set(versions)
        assert blobs.read("a") == versions[-1]

    def test_an_uploaded_file_never_replaces_what_was_there(self, blobs: Blobs) -> None:
        blobs.replace("packs/1", b"old")
        source = Path(blobs.scratch()) / "new"
        for data in (b"new", b"newer" * 1000, b""):
            source.write_bytes(data)
            with pytest.raises(FileExistsError):
                blobs.upload("packs/1", source)
            assert source.read_bytes() == data
            assert self.again(blobs).read("packs/1") == b"old"

    def test_an_uploaded_file_is_there_whole_and_gone_from_here(self, blobs: Blobs) -> None:
        source = Path(blobs.scratch()) / "new"
        source.write_bytes(b"new" * 1000)
        assert list(blobs.keys()) == []
        blobs.upload("packs/1", source)
        assert not source.exists()
        assert self.again(blobs).read("packs/1") == b"new" * 1000

    def test_a_blob_can_be_read_by_its_path_while_the_block_runs(self, blobs: Blobs) -> None:
        data = os.urandom(70_000)
        blobs.replace("packs/1", data)
        with blobs.local("packs/1") as path:
            assert Path(path).read_bytes() == data
        assert list(blobs.keys()) == ["packs/1"]
        assert blobs.read("packs/1") == data

    def test_there_is_no_path_for_what_is_absent(self, blobs: Blobs) -> None:
        blobs.replace("a/1", b"x")
        for key in ("none", "a", "a/1/2"):
            with pytest.raises(FileNotFoundError), blobs.local(key):
                pass
        with pytest.raises(InvalidName), blobs.local("../a"):
            pass

    def test_deleting_removes_one_blob_and_may_be_repeated(self, blobs: Blobs) -> None:
        for key in ("a/1", "a/2"):
            blobs.replace(key, b"x")
        blobs.delete("a/1")
        blobs.delete("a/1")
        blobs.delete("a")
        blobs.delete("none/such")
        assert list(self.again(blobs).keys()) == ["a/2"]
        assert blobs.create("a/1", b"again")

    def test_threads_may_share_one_object(self, blobs: Blobs) -> None:
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for turn in range(5):
                    key = f"t/{number}/{turn}"
                    assert blobs.create(key, key.encode())
                    assert blobs.read(key) == key.encode()
                    assert key in blobs.keys(f"t/{number}")
            except Exception as error:  # noqa: BLE001  (told below, in the test's own thread)
                failures.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert len(blobs.list("t")) == 20


_KEYS = [f"{folder}{name}" for folder in ("", "x/", "x/y/", "ü z/") for name in "ab"]
_DATA = st.binary(max_size=40)


class BlobsModel(RuleBasedStateMachine):
    """Random operations on `Blobs` and on a dictionary, which must agree; subclass it and give `empty` and `again`."""

    blobs: Blobs

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, bytes] = {}

    def empty(self) -> Blobs:
        """Empty blobs."""
        raise NotImplementedError

    def again(self, blobs: Blobs) -> Blobs:
        """What another process would open."""
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        """Open."""
        self.blobs = self.empty()

    @rule()
    def reopen(self) -> None:
        """Go on with another object."""
        self.blobs = self.again(self.blobs)

    @rule(key=st.sampled_from(_KEYS), data=_DATA, token=st.uuids())
    def create(self, key: str, data: bytes, token: object) -> None:
        """Put if absent."""
        data += str(token).encode()
        assert self.blobs.create(key, data) == (key not in self.model)
        self.model.setdefault(key, data)

    @rule(key=st.sampled_from(_KEYS), data=_DATA, lasting=st.booleans())
    def replace(self, key: str, data: bytes, lasting: bool) -> None:
        """Put whatever was there."""
        self.blobs.replace(key, data, lasting=lasting)
        self.model[key] = data

    @rule(key=st.sampled_from(_KEYS), data=_DATA)
    def upload(self, key: str, data: bytes) -> None:
        """Move a file in."""
        source = Path(self.blobs.scratch()) / os.urandom(8).hex()
        source.write_bytes(data)
        try:
            self.blobs.upload(key, source)
        except FileExistsError:
            assert key in self.model
            return
        assert self.model.setdefault(key, data) == data

    @rule(key=st.sampled_from(_KEYS))
    def delete(self, key: str) -> None:
        """Remove."""
        self.blobs.delete(key)
        self.model.pop(key, None)

    @rule(
        key=st.sampled_from(_KEYS), start=st.integers(0, 50), length=st.none() | st.integers(0, 50)
    )
    def read(self, key: str, start: int, length: int | None) -> None:
        """Read a range and a tail."""
        expected = self.model.get(key)
        if expected is None:
            with pytest.raises(FileNotFoundError):
                self.blobs.read(key, start, length)
            with pytest.raises(FileNotFoundError):
                self.blobs.tail(key, start)
            return
        stop = None if length is None else start + length
        assert self.blobs.read(key, start, length) == expected[start:stop]
        assert self.blobs.tail(key, start) == (
            expected[max(0, len(expected) - start) :],
            len(expected),
        )
        assert self.blobs.size(key) == len(expected)

    @rule(folder=st.sampled_from(["", "x", "x/y", "ü z", "a", "none"]))
    def look(self, folder: str) -> None:
        """List a folder."""
        below = {
            key: len(data)
            for key, data in self.model.items()
            if not folder or key.startswith(f"{folder}/")
        }
        assert {blob.key: blob.size for blob in self.blobs.list(folder)} == below
        assert sorted(self.blobs.keys(folder)) == sorted(below)

    @invariant()
    def is_empty_when_the_model_is(self) -> None:
        """`is_empty` says no while there is a blob."""
        if self.model:
            assert not self.blobs.is_empty()
