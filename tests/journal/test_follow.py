"""Following: whole lines once, in order, from a saved place."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.journal.follow import CHUNK_BYTES, Cursor, Stream, follow
from anew.journal.layout import part_name, split_part
from anew.journal.storage import FolderStorage

POINTS = frozenset({Stream.POINTS})


def write(folder: Path, name: str, data: bytes, mode: str = "ab") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, mode) as file:
        file.write(data)
    return path


def read(
    folder: Path, cursor: Cursor, streams: frozenset[Stream] = POINTS, **options: int
) -> bytes:
    data = b""
    for chunk in follow(str(folder), cursor, streams, **options):
        cursor[chunk.path] = chunk.end
        data += chunk.data
    return data


def test_a_line_without_its_newline_waits(tmp_path: Path) -> None:
    cursor: Cursor = {}
    write(tmp_path, "metrics/0001-main.jsonl", b"one\ntw")
    assert read(tmp_path, cursor) == b"one\n"
    assert read(tmp_path, cursor) == b""
    write(tmp_path, "metrics/0001-main.jsonl", b"o\n")
    assert read(tmp_path, cursor) == b"two\n"
    assert [(p.offset, p.lines) for p in cursor.values()] == [(8, 2)]


def test_a_file_that_became_shorter_is_read_from_its_start(tmp_path: Path) -> None:
    cursor: Cursor = {}
    write(tmp_path, "metrics/0001-main.jsonl", b"one\ntwo\n")
    read(tmp_path, cursor)
    write(tmp_path, "metrics/0001-main.jsonl", b"new\n", "wb")
    assert read(tmp_path, cursor) == b"new\n"


LINES = [b"%04d\n" % number for number in range(300)]


@pytest.mark.parametrize("changed", [0, 299])
@pytest.mark.parametrize("more", [0, 3])
@pytest.mark.parametrize("by", ["rename", "writing over"])
def test_a_file_replaced_at_the_same_size_or_a_larger_one_is_read_from_its_start(
    tmp_path: Path, changed: int, more: int, by: str
) -> None:
    cursor: Cursor = {}
    path = write(tmp_path, "metrics/0001-main.jsonl", b"".join(LINES))
    read(tmp_path, cursor, chunk_bytes=64)
    new = b"".join([*LINES[:changed], b"new!\n", *LINES[changed + 1 :]]) + b"more\n" * more
    if by == "rename":
        write(tmp_path, "other", new).replace(path)
    else:
        path.write_bytes(new)
        os.utime(path, (1, 1))
    assert read(tmp_path, cursor) == new
    assert read(tmp_path, cursor) == b""


def test_a_file_that_was_touched_or_copied_is_not_read_again(tmp_path: Path) -> None:
    cursor: Cursor = {}
    path = write(tmp_path, "metrics/0001-main.jsonl", b"".join(LINES))
    read(tmp_path, cursor)
    os.utime(path, (1, 1))
    assert read(tmp_path, cursor) == b""
    shutil.copy(path, tmp_path / "copy")
    (tmp_path / "copy").replace(path)
    assert read(tmp_path, cursor) == b""
    write(tmp_path, "metrics/0001-main.jsonl", b"more\n")
    assert read(tmp_path, cursor) == b"more\n"


def test_a_file_that_is_gone_is_told_by_a_chunk_without_data(tmp_path: Path) -> None:
    cursor: Cursor = {}
    write(tmp_path, "metrics/0001-main.2.jsonl", b"one\n")
    path = write(tmp_path, "metrics/0001-main.jsonl", b"one\n")
    read(tmp_path, cursor)
    path.unlink()
    (chunk,) = follow(str(tmp_path), cursor, POINTS)
    assert (chunk.path, chunk.writer, chunk.part) == ("metrics/0001-main.jsonl", "0001-main", 1)
    assert (chunk.data, chunk.end.offset) == (b"", 0)
    assert not list(follow(str(tmp_path), cursor, frozenset({Stream.EVENTS})))
    write(tmp_path, "metrics/0001-main.parquet", b"sealed")  # then it is there in another form
    assert not list(follow(str(tmp_path), cursor, POINTS))


def test_a_line_longer_than_a_chunk_comes_whole(tmp_path: Path) -> None:
    data = b"x" * 5000 + b"\nshort\n"
    write(tmp_path, "metrics/0001-main.jsonl", data)
    assert read(tmp_path, {}, chunk_bytes=64) == data


def test_every_kind_of_file_names_its_stream_and_writer(tmp_path: Path) -> None:
    for name in (
        "journal/0001-main.jsonl",
        "journal/edit-host.jsonl",
        "metrics/0001-main.jsonl",
        "metrics/0001-main.2.jsonl",
        "metrics/0001-main.10.jsonl",
        "logs/logs-0001-main.jsonl",
        "logs/logs-0002-rank1.jsonl",
        "logs/train-0001-main.log",
        "logs/train-0002-rank1.log",
        "logs/logs.jsonl",
        "logs/train.log",
    ):
        write(tmp_path, name, b"x\n")
    seen = [
        (c.stream.value, c.writer, c.part) for c in follow(str(tmp_path), {}, frozenset(Stream))
    ]
    assert seen == [
        ("events", "0001-main", 1),
        ("events", "edit-host", 1),
        ("points", "0001-main", 1),
        ("points", "0001-main", 2),
        ("points", "0001-main", 10),
        ("logs", "0001-main", 1),
        ("logs", "0002-rank1", 1),
        ("console", "0001-main", 1),
        ("console", "0002-rank1", 1),
    ]


def test_an_empty_or_missing_folder_has_nothing_new(tmp_path: Path) -> None:
    assert list(follow(str(tmp_path / "none"), {})) == []


@given(
    lines=st.lists(
        st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"") + b"\n"), max_size=30
    ),
    cuts=st.lists(st.integers(0, 2000), max_size=6),
    chunk=st.integers(1, 100),
)
def test_however_it_is_cut_and_read_every_line_comes_once(
    tmp_path_factory: object, lines: list[bytes], cuts: list[int], chunk: int
) -> None:
    folder: Path = tmp_path_factory.mktemp("follow")  # type: ignore[attr-defined]
    data, cursor, got = b"".join(lines), {}, b""
    last = 0
    for cut in [*sorted(min(c, len(data)) for c in cuts), len(data)]:
        write(folder, "metrics/0001-main.jsonl", data[last:cut])
        last = cut
        got += read(folder, cursor, chunk_bytes=chunk)
    assert got == data
    if data:
        end = cursor["metrics/0001-main.jsonl"]
        assert (end.offset, end.lines) == (len(data), len(lines))


def test_part_names_and_their_inverse() -> None:
    for writer in ("0001-main", "0002-rank.3", "edit-a.b"):
        for part in (2, 3, 12):
            assert split_part(part_name(writer, part)) == (writer, part)
    assert split_part(part_name("0001-main", 1)) == ("0001-main", 1)


@given(
    st.one_of(st.text(max_size=12), st.from_regex(r"[0-9]{4}-main\.[0-9²٣]{1,30}", fullmatch=True))
)
def test_any_file_name_is_split_into_what_makes_it_again(stem: str) -> None:
    writer, part = split_part(stem)
    assert part_name(writer, part) == stem
    assert 0 < part < 10**12


def test_a_line_of_gigabytes_is_refused_without_being_read_into_memory(tmp_path):
    path = tmp_path / "journal" / "0001-main-abcd.jsonl"
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(4 << 30)

    class Counted(FolderStorage):
        longest = 0

        def read(self, path: str, start: int, length: int) -> bytes:
            Counted.longest = max(Counted.longest, length)
            return super().read(path, start, length)

    with pytest.raises(OSError) as caught:
        list(follow(Counted(str(tmp_path)), {}))
    assert caught.value.errno == errno.EFBIG
    assert Counted.longest <= CHUNK_BYTES


def test_a_line_longer_than_a_chunk_comes_whole_once_it_has_its_end(tmp_path):
    line = b"x" * (9 << 20)
    write(tmp_path, "journal/0001-main.jsonl", b"a\n" + line)
    cursor: Cursor = {}
    assert (
        b"".join(chunk.data for chunk in follow(str(tmp_path), cursor, chunk_bytes=100)) == b"a\n"
    )
    write(tmp_path, "journal/0001-main.jsonl", b"\nb\n")
    found = [chunk.data for chunk in follow(str(tmp_path), cursor, chunk_bytes=100)]
    assert b"".join(found) == b"a\n" + line + b"\nb\n"
