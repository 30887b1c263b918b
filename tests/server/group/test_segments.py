"""Segments of a group: what was accepted can be read, whatever of it is a row and whatever an object."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anew.blobs.folder import FolderBlobs
from anew.record.ids import new_id
from anew.server.group.pieces import Altered, key_of
from anew.server.group.segments import Append, Appended, Segments
from anew.server.group.truth import Truth
from anew.server.intake.segments import append_at

NAME = "metrics/0001-main-aaaa.jsonl"


def append(truth: Truth, *some: Append) -> list[Appended]:
    with truth.database.transaction() as connection:
        return truth.segments.append(connection, some, lambda _: None)


def whole(truth: Truth, id: str, name: str = NAME) -> bytes:
    return truth.segments.read(id, name, 0, 1 << 30)


bytes_ = st.binary(min_size=0, max_size=300)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 300), st.integers(0, 9), st.booleans()))
)
def test_it_is_appended_as_to_a_file(truth: Truth, tmp_path: Any, steps: list[Any]):
    id, text = new_id(), bytes(n % 251 for n in range(2000))
    path = tmp_path / id
    for offset, length, spoiled, flush in steps:
        data = text[offset : offset + length]
        if spoiled == 0 and data:
            data = b"\xff" + data[1:]
        before = text[max(0, offset - 7) : offset]
        (told,) = append(truth, Append(id, NAME, offset, data, before))
        assert tuple(told[:2]) == tuple(append_at(str(path), offset, data, before))
        if flush:
            truth.segments.flush(least=0, older=0)
    if path.exists():
        assert whole(truth, id) == path.read_bytes()
        for start in range(0, len(path.read_bytes()) + 9, 97):
            assert (
                truth.segments.read(id, NAME, start, 130) == path.read_bytes()[start : start + 130]
            )
    else:
        with pytest.raises(FileNotFoundError):
            whole(truth, id)


def test_several_frames_of_one_request_follow_each_other(truth: Truth):
    id = new_id()
    told = append(
        truth, Append(id, NAME, 0, b"ab"), Append(id, NAME, 2, b"cd", b"ab"), Append(id, NAME, 9, b"x"),
        Append(id, NAME, 1, b"bcde"), Append(id, NAME, 0, b"XX"),
    )  # fmt: skip
    assert [(one.status, one.size) for one in told] == [("ok", 2), ("ok", 4), ("gap", 4), ("ok", 5), ("diverged", 5)]  # fmt: skip
    assert whole(truth, id) == b"abcde"


def test_a_chunk_is_a_row_until_its_object_is_there(truth: Truth, blobs: FolderBlobs):
    id = new_id()
    append(truth, Append(id, NAME, 0, b"first\n"))
    assert truth.segments.flush(least=1 << 20, older=60) == 0
    assert truth.segments.unflushed().bytes == 6
    assert truth.segments.flush(least=6, older=60) == 1
    assert truth.segments.unflushed().bytes == 0
    assert blobs.read(key_of(id, NAME, 0)) == b"first\n"
    append(truth, Append(id, NAME, 6, b"second\n"))
    assert whole(truth, id) == b"first\nsecond\n"


@pytest.mark.parametrize("more", [b"", b"and more\n"])
def test_a_server_that_was_killed_between_object_and_row_loses_and_doubles_nothing(
    truth: Truth, blobs: FolderBlobs, more: bytes
):
    id = new_id()
    append(truth, Append(id, NAME, 0, b"first\n"))
    blobs.create(key_of(id, NAME, 0), b"first\n")  # and then it was killed
    if more:
        append(truth, Append(id, NAME, 6, more))
    while truth.segments.flush(least=0, older=0):
        pass
    assert whole(truth, id) == b"first\n" + more
    assert truth.segments.unflushed().bytes == 0


def test_a_database_that_was_restored_takes_back_what_is_an_object_already(
    truth: Truth, blobs: FolderBlobs
):
    id = new_id()
    append(truth, Append(id, NAME, 0, b"first\n"))
    blobs.create(key_of(id, NAME, 0), b"first\nsecond\n")
    truth.segments.flush(least=0, older=0)
    assert whole(truth, id) == b"first\nsecond\n"
    (told,) = append(truth, Append(id, NAME, 6, b"second\nthird\n", b"first\n"))
    assert (told.status, told.size) == ("ok", 19)


@pytest.mark.parametrize("harm", ["missing", "altered", "shorter"])
def test_an_object_that_is_not_what_was_written_is_an_error_and_no_end_of_the_segment(
    truth: Truth, blobs: FolderBlobs, harm: str
):
    id = new_id()
    append(truth, Append(id, NAME, 0, b"0123456789\n"))
    truth.segments.flush(least=0, older=0)
    if harm == "missing":
        blobs.delete(key_of(id, NAME, 0))
    else:
        blobs.replace(
            key_of(id, NAME, 0), b"0123456789\n"[:5] if harm == "shorter" else b"012345678x\n"
        )
    with pytest.raises(Altered):
        whole(truth, id)
    with pytest.raises(Altered):
        truth.segments.read(id, NAME, 8, 2)


def test_another_object_in_its_place_is_kept_and_so_are_the_rows(truth: Truth, blobs: FolderBlobs):
    id = new_id()
    blobs.create(key_of(id, NAME, 0), b"something else")
    append(truth, Append(id, NAME, 0, b"0123456789\n"))
    with pytest.raises(Altered):
        truth.segments.flush(least=0, older=0)
    assert whole(truth, id) == b"0123456789\n"
    assert blobs.read(key_of(id, NAME, 0)) == b"something else"


def test_many_servers_that_take_the_same_and_make_objects_at_once_double_nothing(
    truth: Truth, blobs: FolderBlobs
):
    ids = [new_id() for _ in range(4)]
    text = b"".join(b"line %d\n" % n for n in range(200))
    errors: list[BaseException] = []

    def send(size: int, others: Segments) -> None:
        try:
            for at in range(0, len(text), size):
                some = [
                    Append(i, NAME, at, text[at : at + size], text[max(0, at - 20) : at])
                    for i in ids
                ]
                while any(one.status != "ok" for one in append(truth, *some)):
                    pass
                others.flush(least=0, older=0)
        except Exception as error:  # noqa: BLE001  (shown by the thread that waits)
            errors.append(error)

    threads = [
        threading.Thread(target=send, args=(size, truth.segments)) for size in (97, 256, 301)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not errors
    while truth.segments.flush(least=0, older=0):
        pass
    for one_id in ids:
        assert whole(truth, one_id) == text
        stored = sorted(blobs.keys(f"experiments/{one_id}"))
        assert b"".join(blobs.read(key) for key in stored) == text
