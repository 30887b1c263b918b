"""The series of a root folder: sealing, deriving, and reading on when something is broken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anew.journal.layout import RootLayout
from anew.stores.series import folder
from anew.stores.series.folder import FolderSeries
from anew.stores.series.parquet import PartFile
from anew.stores.series.points import decode_block
from anew.stores.series.protocol import ExperimentFolder, Sealed
from anew.testing.lines import PointFeed, point_line


@pytest.fixture
def store(tmp_path: Path) -> FolderSeries:
    return FolderSeries(RootLayout(str(tmp_path)))


@pytest.fixture
def feed(store: FolderSeries, tmp_path: Path) -> PointFeed:
    return PointFeed(store, ExperimentFolder("bcdf23456789", str(tmp_path / "run")))


def lines(start: int, stop: int, name: str = "a") -> list[bytes]:
    return [point_line({name: float(i)}, i, 1.76e9 + i) for i in range(start, stop)]


def steps(feed: PointFeed, name: str = "a") -> list[int]:
    return feed.store.read(feed.place, [name]).step.tolist()


def files(feed: PointFeed) -> list[str]:
    return sorted(os.listdir(Path(feed.place.folder, "metrics")))


def derived(feed: PointFeed, tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / ".anew" / "series" / feed.place.experiment_id).glob("*"))


def test_small_finished_parts_stay_lines_and_large_ones_become_columns(feed: PointFeed):
    feed.write(lines(0, 100))
    feed.write(lines(0, 10_000), "0002-rank1")
    feed.offer()
    sealed = feed.store.flush(feed.place, ["0001-main", "0002-rank1"])
    assert files(feed) == ["0001-main.jsonl", "0002-rank1.parquet"]
    assert sealed.files == 1
    assert sealed.after < sealed.before / 5


def test_parts_of_a_writer_that_has_not_ended_are_never_sealed(feed: PointFeed):
    feed.log(lines(0, 10_000))
    feed.store.flush(feed.place, ["0002-rank1"], small=True)
    assert files(feed) == ["0001-main.jsonl"]


def test_a_part_that_was_rotated_away_is_sealed_once_no_thread_can_be_writing_to_it(
    feed: PointFeed,
):
    feed.write(lines(0, 10_000), part=1)
    feed.write(lines(10_000, 10_010), part=2)
    feed.store.flush(feed.place)
    assert files(feed) == ["0001-main.2.jsonl", "0001-main.jsonl"]
    path = Path(feed.place.folder, "metrics", "0001-main.jsonl")
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 60))
    feed.store.flush(feed.place)
    assert files(feed) == ["0001-main.2.jsonl", "0001-main.parquet"]
    assert steps(feed) == list(range(10_010))


def test_sealing_without_having_been_offered_the_points_reads_them_itself(feed: PointFeed):
    feed.write(lines(0, 50))
    feed.store.flush(feed.place, ["0001-main"], small=True)
    assert files(feed) == ["0001-main.parquet"]
    assert steps(feed) == list(range(50))


def test_lines_that_were_not_offered_yet_are_not_sealed_away(feed: PointFeed):
    # A look at a part of more than 64 MiB ends before the part does, and what is left may be a few lines.
    feed.write(lines(0, 10_000))
    feed.offer()
    feed.write(lines(10_000, 10_005))
    feed.store.flush(feed.place, ["0001-main"])
    assert steps(feed) == list(range(10_005))
    feed.offer()
    feed.store.flush(feed.place, ["0001-main"])
    assert (files(feed), steps(feed)) == (["0001-main.parquet"], list(range(10_005)))


def test_a_part_with_a_broken_line_keeps_its_lines_and_says_which_it_is(feed: PointFeed):
    feed.write([*lines(0, 5), b"{oops\n", *lines(5, 10)])
    feed.offer()
    assert feed.store.flush(feed.place, ["0001-main"], small=True) == Sealed(0, 0, 0)
    columns = feed.store.read(feed.place)
    assert columns.step.tolist() == list(range(10))
    assert [(p.path, p.line) for p in columns.problems] == [
        (os.path.join(feed.place.folder, "metrics", "0001-main.jsonl"), 6)
    ]


def test_a_broken_line_stays_known_after_its_stretch_was_derived(feed, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "DERIVE_BYTES", 1)
    feed.log([*lines(0, 5), b"{oops\n", *lines(5, 10)])
    assert len(derived(feed, tmp_path)) == 1
    assert [p.line for p in feed.store.read(feed.place).problems] == [6]
    feed.log(lines(10, 12))
    assert steps(feed) == list(range(12))
    assert [p.line for p in feed.store.read(feed.place).problems] == [6]


def test_a_torn_tail_waits_and_survives_sealing(feed: PointFeed):
    feed.write([*lines(0, 5), b'{"s":5,"t":1,"m":{"a"'])
    assert steps(feed) == [0, 1, 2, 3, 4]
    assert feed.store.read(feed.place).problems == ()
    feed.store.flush(feed.place, ["0001-main"], small=True)
    assert steps(feed) == [0, 1, 2, 3, 4]
    with PartFile(str(Path(feed.place.folder, "metrics", "0001-main.parquet"))) as file:
        assert file.info.tail is not None


def test_a_torn_tail_that_is_completed_later_is_read_then(feed: PointFeed):
    whole = point_line({"a": 5.0}, 5)
    feed.log([*lines(0, 5), whole[:9]])
    assert steps(feed) == [0, 1, 2, 3, 4]
    feed.log([whole[9:]])
    assert steps(feed) == [0, 1, 2, 3, 4, 5]


def test_a_tail_of_zeros_is_no_record_and_no_trouble(feed: PointFeed):
    feed.write([*lines(0, 5), b"\0" * 4096])
    assert steps(feed) == [0, 1, 2, 3, 4]
    feed.store.flush(feed.place, ["0001-main"], small=True)
    assert files(feed) == ["0001-main.parquet"]
    assert steps(feed) == [0, 1, 2, 3, 4]


def test_a_truncated_sealed_part_is_named_and_everything_else_is_read(feed: PointFeed):
    feed.write(lines(0, 50), part=1)
    feed.write(lines(50, 60), part=2)
    feed.store.flush(feed.place, ["0001-main"], small=True)
    path = Path(feed.place.folder, "metrics", "0001-main.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    columns = feed.store.read(feed.place)
    assert columns.step.tolist() == list(range(50, 60))
    assert [p.path for p in columns.problems] == [str(path)]


def test_the_lines_are_believed_when_the_sealed_part_beside_them_is_broken(feed: PointFeed):
    feed.write(lines(0, 50))
    broken = Path(feed.place.folder, "metrics", "0001-main.parquet")
    broken.write_bytes(b"PAR1 not really")
    columns = feed.store.read(feed.place)
    assert columns.step.tolist() == list(range(50))
    assert columns.problems == ()
    feed.store.flush(feed.place, ["0001-main"], small=True)
    assert files(feed) == ["0001-main.parquet"]
    assert steps(feed) == list(range(50))


def test_a_crash_between_sealing_and_removing_the_lines_is_finished_later(feed: PointFeed):
    feed.write(lines(0, 50))
    lines_path = Path(feed.place.folder, "metrics", "0001-main.jsonl")
    data = lines_path.read_bytes()
    feed.store.flush(feed.place, ["0001-main"], small=True)
    lines_path.write_bytes(data)
    assert steps(feed) == list(range(50))
    feed.store.flush(feed.place, ["0001-main"], small=True)
    assert files(feed) == ["0001-main.parquet"]
    assert steps(feed) == list(range(50))


def test_lines_that_came_after_the_sealing_are_not_thrown_away(feed: PointFeed):
    feed.write(lines(0, 50))
    path = Path(feed.place.folder, "metrics", "0001-main.jsonl")
    data = path.read_bytes()
    feed.store.flush(feed.place, ["0001-main"], small=True)
    path.write_bytes(data + b"".join(lines(50, 55)))
    feed.store.flush(feed.place, ["0001-main"], small=True)
    assert steps(feed) == list(range(55))


def test_a_line_written_while_the_part_was_being_sealed_stays(feed: PointFeed, monkeypatch):
    feed.write(lines(0, 50))
    write_part = folder.write_part

    def overtaken(*args):
        feed.write(lines(50, 51))
        return write_part(*args)

    monkeypatch.setattr(folder, "write_part", overtaken)
    assert feed.store.flush(feed.place, ["0001-main"], small=True) == Sealed(0, 0, 0)
    assert files(feed) == ["0001-main.jsonl"]
    assert steps(feed) == list(range(51))


def test_a_later_look_decodes_only_what_is_new(feed, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "DERIVE_BYTES", 10_000)
    feed.log(lines(0, 1000))
    again = FolderSeries(RootLayout(str(tmp_path)))  # another process
    decoded: list[int] = []
    decode = folder.decode_block
    monkeypatch.setattr(
        folder, "decode_block", lambda data, line: decoded.append(len(data)) or decode(data, line)
    )
    assert again.read(feed.place, ["a"]).step.tolist() == list(range(1000))
    assert decoded == []
    feed.write(lines(1000, 1003))
    assert again.read(feed.place, ["a"]).step.tolist() == list(range(1003))
    assert sum(decoded) == sum(map(len, lines(1000, 1003)))


@pytest.mark.parametrize("damage", ["truncate", "garbage", "delete"])
def test_derived_files_may_break_or_go_at_any_time(feed, tmp_path, monkeypatch, damage: str):
    monkeypatch.setattr(folder, "DERIVE_BYTES", 1)
    for start in range(0, 30, 10):
        feed.log(lines(start, start + 10))
    middle = derived(feed, tmp_path)[1]
    if damage == "truncate":
        middle.write_bytes(middle.read_bytes()[:50])
    elif damage == "garbage":
        middle.write_bytes(os.urandom(1000))
    else:
        middle.unlink()
    columns = feed.store.read(feed.place)
    assert columns.step.tolist() == list(range(30))
    assert columns.problems == ()
    feed.log(lines(30, 40))
    feed.store.flush(feed.place, ["0001-main"], small=True)
    assert steps(feed) == list(range(40))
    assert derived(feed, tmp_path) == []


def test_derived_files_of_a_segment_that_was_replaced_are_not_believed(feed, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "DERIVE_BYTES", 1)
    feed.log(lines(0, 10))
    path = Path(feed.place.folder, "metrics", "0001-main.jsonl")
    path.write_bytes(b"".join(lines(100, 120)))
    assert steps(feed) == list(range(100, 120))


def test_deriving_bounds_the_memory_of_a_long_first_look(feed, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "SPILL_BYTES", 20_000)
    monkeypatch.setattr(folder, "DERIVE_BYTES", 5_000)
    for start in range(0, 2000, 200):
        feed.write(lines(start, start + 200))
        feed.offer()
    assert len(derived(feed, tmp_path)) > 2
    feed.store.flush(feed.place)
    assert steps(feed) == list(range(2000))


def test_dropping_removes_what_was_derived_and_gives_its_bytes(feed, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "DERIVE_BYTES", 1)
    feed.log(lines(0, 10))
    size = feed.store.derived()[feed.place.experiment_id]
    assert size > 0
    assert feed.store.drop(feed.place.experiment_id) == size
    assert feed.store.derived() == {}
    assert steps(feed) == list(range(10))


def test_a_reader_survives_a_part_being_sealed_under_it(feed, monkeypatch):
    feed.write(lines(0, 20))
    read = folder._read
    once = [True]

    def sealed_meanwhile(path: str, start: int, size: int = -1) -> bytes:
        if once and path.endswith(".jsonl"):
            once.clear()
            monkeypatch.setattr(folder, "_read", read)
            feed.store.flush(feed.place, ["0001-main"], small=True)
        return read(path, start, size)

    monkeypatch.setattr(folder, "_read", sealed_meanwhile)
    assert steps(feed) == list(range(20))
    assert files(feed) == ["0001-main.parquet"]


def test_following_decodes_what_is_new_and_nothing_else(feed: PointFeed, monkeypatch):
    decoded: list[int] = []

    def counted(data: bytes, line: int):
        decoded.append(data.count(b"\n"))
        return decode_block(data, line)

    monkeypatch.setattr(folder, "decode_block", counted)
    feed.write(lines(0, 1000))
    feed.write(lines(0, 1000), "0002-rank1")
    _, since = feed.store.read_since(feed.place, ["a"], {})
    assert decoded == [1000, 1000]
    feed.write(lines(1000, 1003))
    columns, since = feed.store.read_since(feed.place, ["a"], since)
    assert columns.step.tolist() == [1000, 1001, 1002]
    assert decoded[2:] == [3]
    columns, _ = feed.store.read_since(feed.place, ["a"], since)
    assert (len(columns), decoded[3:]) == (0, [])


def test_following_is_exact_when_the_part_is_sealed_between_or_shorter_than_it_was(feed: PointFeed):
    feed.write(lines(0, 10))
    _, since = feed.store.read_since(feed.place, None, {})
    feed.write(lines(10, 15))
    feed.offer()
    feed.store.flush(feed.place, ["0001-main"], small=True)
    assert files(feed) == ["0001-main.parquet"]
    columns, since = feed.store.read_since(feed.place, None, since)
    assert columns.step.tolist() == [10, 11, 12, 13, 14]
    os.remove(Path(feed.place.folder, "metrics", "0001-main.parquet"))
    feed.write(lines(0, 3))
    columns, since = feed.store.read_since(feed.place, None, since)
    assert len(columns) == 0
    feed.write(lines(3, 17))
    columns, _ = feed.store.read_since(feed.place, None, since)
    assert columns.step.tolist() == [15, 16]
