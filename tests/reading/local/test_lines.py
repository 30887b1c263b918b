"""Lines from either end of logs, held against reading the whole of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.errors import InvalidValue, QueryError
from anew.journal.layout import ExperimentLayout
from anew.journal.storage import FolderStorage
from anew.query.lines import Lines, LinesQuestion
from anew.reading.local import line_file, line_search
from anew.reading.local import lines as module
from anew.reading.local.lines import read_lines


def folder(path: Path, **logs: bytes) -> str:
    """An experiment's folder with a file of messages, or a console, per writer."""
    for inside in ("journal", "logs"):
        os.makedirs(path / inside, exist_ok=True)
    for writer in ("0001-main", "0002-rank1"):
        (path / "journal" / f"{writer}.jsonl").touch()
    for name, data in logs.items():
        file(path, *name.split("_")).write_bytes(data)
    return str(path)


def file(path: Path, stream: str, number: str = "1") -> Path:
    """A writer's file of messages ("logs") or its console ("train")."""
    layout = ExperimentLayout(str(path))
    writer = "0001-main" if number == "1" else "0002-rank1"
    return Path(layout.logs(writer) if stream == "logs" else layout.console(writer))


def message(t: float, text: str, level: str = "info", **fields: object) -> bytes:
    return json.dumps({"t": t, "level": level, "message": text, "fields": fields}).encode() + b"\n"


def everything(where: str, **asked: object) -> list[str]:
    """All messages, a page at a time in the direction asked for."""
    found: list[str] = []
    cursor = None
    while True:
        answer = read_lines(FolderStorage(where), LinesQuestion(id="x", cursor=cursor, **asked))  # type: ignore[arg-type]
        backward = bool(asked.get("backward"))
        found = [*answer.messages, *found] if backward else [*found, *answer.messages]
        cursor = answer.before if backward else answer.after
        if not answer.more:
            return found


TEXTS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30), max_size=12
)


@given(TEXTS, st.integers(1, 5), st.booleans(), st.sampled_from([1, 7, 64]))
def test_pages_in_either_direction_add_up_to_what_was_printed(
    tmp_path_factory, texts, limit, backward, block
):
    where = folder(tmp_path_factory.mktemp("x"), train_1="".join(f"{t}\n" for t in texts).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_file, "BLOCK", block)
        assert everything(where, stream="console", limit=limit, backward=backward) == texts


TIMES = st.lists(st.integers(0, 6), max_size=10)


@given(TIMES, TIMES, st.integers(1, 4), st.sampled_from([5, 100]))
def test_messages_of_several_writers_are_merged_by_time_and_none_is_lost(
    tmp_path_factory, first, second, limit, block
):
    first, second = sorted(first), sorted(second)
    where = folder(
        tmp_path_factory.mktemp("x"),
        logs_1=b"".join(message(t, f"a{n}") for n, t in enumerate(first)),
        logs_2=b"".join(message(t, f"b{n}") for n, t in enumerate(second)),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_file, "BLOCK", block)
        for backward in (False, True):
            found = everything(where, limit=limit, backward=backward)
            times = [first[int(m[1:])] if m[0] == "a" else second[int(m[1:])] for m in found]
            assert times == sorted(times)
            assert [m for m in found if m[0] == "a"] == [f"a{n}" for n in range(len(first))]
            assert [m for m in found if m[0] == "b"] == [f"b{n}" for n in range(len(second))]


@given(st.lists(st.integers(0, 20), max_size=30), st.integers(-1, 22), st.sampled_from([9, 40]))
def test_a_time_is_where_the_answer_begins(tmp_path_factory, times, at, block):
    times = sorted(times)
    where = folder(
        tmp_path_factory.mktemp("x"), logs_1=b"".join(message(t, f"at {t}") for t in times)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_file, "BLOCK", block)
        after = read_lines(FolderStorage(where), LinesQuestion(id="x", time=at))
        before = read_lines(FolderStorage(where), LinesQuestion(id="x", time=at, backward=True))
    assert after.times.tolist() == [t for t in times if t >= at]
    assert before.times.tolist() == [t for t in times if t < at]


def test_the_last_lines_of_a_long_log_are_read_from_its_end(tmp_path, monkeypatch):
    where = folder(tmp_path, logs_1=b"".join(message(n, f"line {n}") for n in range(50_000)))
    read: list[int] = []
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, n, at: read.append(n) or real(fd, n, at))
    answer = read_lines(FolderStorage(where), LinesQuestion(id="x", backward=True, limit=5))
    assert answer.messages == tuple(f"line {n}" for n in range(49_995, 50_000))
    assert sum(read) < 300_000 < os.path.getsize(file(tmp_path, "logs"))


def test_an_answer_stops_where_finding_a_match_takes_long_and_the_cursor_goes_on(
    tmp_path, monkeypatch
):
    data = b"".join(message(n, "needle" if n == 4990 else "hay") for n in range(5000))
    monkeypatch.setattr(module, "_SCANNED", 10_000)
    monkeypatch.setattr(line_search, "STRETCH", 20_000)
    where = folder(tmp_path, logs_1=data)
    first = read_lines(FolderStorage(where), LinesQuestion(id="x", contains="NEEDLE"))
    assert (first.messages, first.more) == ((), True)
    assert everything(where, contains="NEEDLE") == ["needle"]


def test_lines_are_chosen_by_level_text_pattern_and_writer(tmp_path):
    where = folder(
        tmp_path,
        logs_1=message(1, "loss is NaN", "error", step=3) + message(2, "fine", "mine"),
        logs_2=message(3, "loss is 0.5"),
    )

    def messages(**asked: object) -> tuple[str, ...]:
        return read_lines(FolderStorage(where), LinesQuestion(id="x", **asked)).messages  # type: ignore[arg-type]

    assert messages(level="warning") == ("loss is NaN",)
    assert messages(level="Mine") == ("fine",)
    assert messages(contains="nan") == ("loss is NaN",)
    assert messages(pattern=r"is \d") == ("loss is 0.5",)
    assert messages(writers=("0002-rank1",)) == ("loss is 0.5",)
    answer = read_lines(FolderStorage(where), LinesQuestion(id="x", level="error"))
    assert (answer.fields, answer.writers) == (('{"step": 3}',), ("0001-main",))


def test_a_pattern_that_is_none_points_at_its_mistake(tmp_path):
    with pytest.raises(QueryError) as caught:
        read_lines(FolderStorage(folder(tmp_path)), LinesQuestion(id="x", pattern="a("))
    assert caught.value.text == "a("


@pytest.mark.parametrize("cursor", ["", "?", "gaFhAQ=", "AAAA", "é"])
def test_what_is_no_cursor_is_refused(tmp_path, cursor):
    with pytest.raises(InvalidValue) as caught:
        read_lines(FolderStorage(folder(tmp_path)), LinesQuestion(id="x", cursor=cursor))
    assert caught.value.key == "cursor"


def test_a_cursor_into_the_middle_of_a_line_or_beyond_the_end_gives_whole_lines(tmp_path):
    where = folder(tmp_path, logs_1=message(1, "one") + message(2, "two"))
    inside = module._cursor({"0001-main": 3})
    assert read_lines(FolderStorage(where), LinesQuestion(id="x", cursor=inside)).messages == (
        "two",
    )
    beyond = module._cursor({"0001-main": 10_000})
    assert read_lines(FolderStorage(where), LinesQuestion(id="x", cursor=beyond)).messages == (
        "one",
        "two",
    )


def test_a_last_line_without_its_end_is_given_when_asked_for_and_again_when_it_has_one(tmp_path):
    where = folder(tmp_path, train_1=b"done\n 50 %")

    def ask(**asked: object) -> Lines:
        return read_lines(FolderStorage(where), LinesQuestion(id="x", stream="console", **asked))  # type: ignore[arg-type]

    assert ask().messages == ("done",)
    for answer in (ask(unfinished=True), ask(unfinished=True, backward=True, limit=2)):
        assert (answer.messages, answer.unfinished) == (("done", " 50 %"), True)
    one = ask(unfinished=True, backward=True, limit=1)
    assert one.messages == (" 50 %",)
    assert ask(backward=True, cursor=one.before).messages == ("done",)
    file(tmp_path, "train").write_bytes(b"done\n 50 %\n")
    assert ask(cursor=one.after).messages == (" 50 %",)


def test_what_is_no_message_is_passed_over(tmp_path):
    where = folder(tmp_path, logs_1=b"{broken\n" + message(1, "whole") + b"\0\0\n")
    assert read_lines(FolderStorage(where), LinesQuestion(id="x")).messages == ("whole",)
    assert read_lines(FolderStorage(where), LinesQuestion(id="x", backward=True)).messages == (
        "whole",
    )


def test_a_link_in_place_of_a_log_is_not_followed(tmp_path):
    outside = tmp_path / "secret"
    outside.write_bytes(b"key\n")
    where = folder(tmp_path / "x")
    os.symlink(outside, file(tmp_path / "x", "train"))
    assert read_lines(FolderStorage(where), LinesQuestion(id="x", stream="console")).messages == ()
