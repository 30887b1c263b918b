"""The root's own journal: who writes to which file, what is read back, and what survives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from anew.journal.author import Identity
from anew.journal.edits import append_event, edit_writer
from anew.journal.layout import RootLayout
from anew.journal.root import (
    RootPosition,
    announce,
    announce_all,
    append,
    append_block,
    author_name,
    claim_number,
    follow_root,
    make_root,
    unreadable_files,
)
from anew.record.decode import decode_events
from anew.record.events import TagsChanged
from anew.record.root import Hint, RootNamed, decode_root


@pytest.fixture
def layout(tmp_path: Path) -> RootLayout:
    return RootLayout(str(tmp_path / "root"))


def kinds(data: bytes) -> list[str]:
    events = (line.event for line in decode_root(data)[0])
    told = [e.kind if isinstance(e, Hint) else str(e.__struct_config__.tag) for e in events]
    return [kind for kind in told if kind != "root"]


def news(layout: RootLayout, positions: dict[str, RootPosition]) -> list[str]:
    """The kinds of what is new, and the positions after it."""
    found = []
    for chunk in follow_root(layout, positions):
        positions[chunk.name] = chunk.end
        found += kinds(chunk.data)
    return found


def test_what_was_appended_comes_once_from_a_saved_position(layout):
    announce(layout, "opened", "abc", "a/b")
    append(layout, "imported", {"source": "elsewhere"})
    [chunk] = follow_root(layout, {})
    assert kinds(chunk.data) == ["opened", "imported"]
    positions = {chunk.name: RootPosition.from_text(chunk.end.to_text())}
    assert list(follow_root(layout, positions)) == []
    announce(layout, "ended", "abc", "a/b")
    assert news(layout, positions) == ["ended"]
    assert news(layout, positions) == []


def test_a_hint_says_where_to_look(layout):
    announce(layout, "opened", "abc", "a/b")
    [chunk] = follow_root(layout, {})
    [named, line] = decode_root(chunk.data)[0]
    assert isinstance(named.event, RootNamed)
    assert isinstance(line.event, Hint)
    assert (line.event.experiment_id, line.event.prefix) == ("abc", "a/b")
    assert decode_root(chunk.data, hints=False) == ([named], [])


def test_a_torn_line_waits_and_does_not_swallow_the_next_one(layout):
    announce(layout, "opened", "abc", "a/b")
    [file] = Path(layout.journal).glob("*.jsonl")
    with open(file, "ab") as out:
        out.write(b'{"k":"document","t":1,"id":"x"')
    positions: dict[str, RootPosition] = {}
    assert news(layout, positions) == ["opened"]
    assert news(layout, positions) == []
    announce(layout, "ended", "abc", "a/b")
    [chunk] = follow_root(layout, positions)
    lines, broken = decode_root(chunk.data, chunk.lines + 1)
    assert [line.number for line in lines] == [4]
    assert [b.line for b in broken] == [3]


@pytest.mark.parametrize("same_inode", [True, False])
def test_a_file_that_was_replaced_is_read_from_its_start_whatever_its_size(layout, same_inode):
    announce(layout, "opened", "abc", "a/b")
    positions: dict[str, RootPosition] = {}
    news(layout, positions)
    [file] = Path(layout.journal).glob("*.jsonl")
    other = file.read_bytes().replace(b"abc", b"xyz") * 2
    if same_inode:
        file.write_bytes(other)
    else:
        (file.parent / "new").write_bytes(other)
        os.replace(file.parent / "new", file)
    [chunk] = follow_root(layout, positions)
    assert chunk.replaced
    assert chunk.data == other


def test_a_file_that_was_synced_by_renaming_goes_on_where_it_was(layout):
    announce(layout, "opened", "abc", "a/b")
    positions: dict[str, RootPosition] = {}
    news(layout, positions)
    [file] = Path(layout.journal).glob("*.jsonl")
    shutil.copy(file, file.parent / "new")
    os.replace(file.parent / "new", file)
    announce(layout, "ended", "abc", "a/b")
    assert news(layout, positions) == ["ended"]


def test_a_link_to_a_file_elsewhere_is_not_followed(layout, tmp_path):
    announce(layout, "opened", "abc", "a/b")
    [file] = Path(layout.journal).glob("*.jsonl")
    os.rename(file, tmp_path / "outside.jsonl")
    os.symlink(tmp_path / "outside.jsonl", file)
    assert list(follow_root(layout, {})) == []


def test_a_root_without_a_journal_has_no_news(layout):
    assert list(follow_root(layout, {})) == []


HERE = {"host": "node", "machine": "m", "boot": "b", "space": "s", "user": "1000"}


@pytest.mark.parametrize(
    "other",
    [{"host": "node2"}, {"machine": "m2"}, {"boot": "b2"}, {"space": "s2"}, {"user": "1001"}],
    ids=lambda other: next(iter(other)),
)
def test_two_who_differ_in_one_thing_never_share_a_file(layout, other):
    first, second = Identity(**HERE), Identity(**{**HERE, **other})
    assert author_name(layout, first) == author_name(layout, Identity(**HERE))
    assert author_name(layout, first) != author_name(layout, second)


def test_a_copy_of_a_root_goes_on_in_files_of_its_own_and_both_can_be_put_together(
    layout, tmp_path
):
    append(layout, "document", {"kind": "view", "name": "before", "body": {}})
    copy = RootLayout(str(tmp_path / "copy"))
    shutil.copytree(layout.root, copy.root)
    append(layout, "document", {"kind": "view", "name": "here", "body": {}})
    append(copy, "document", {"kind": "view", "name": "there", "body": {}})
    shutil.copytree(copy.journal, layout.journal, dirs_exist_ok=True)
    data = b"".join(chunk.data for chunk in follow_root(layout, {}))
    assert b'"there"' in data


def test_a_name_of_a_host_that_is_no_file_name_becomes_one(layout):
    name = Identity("../über host.example/").name()
    assert "/" not in name
    assert not name.startswith(".")


def test_hints_about_several_experiments_are_a_line_each_and_none_about_none_write_nothing(layout):
    announce_all(layout, "changed", [])
    assert not os.path.exists(layout.journal)
    announce_all(layout, "changed", [("abc", "a/b"), ("def", "a/c")])
    (chunk,) = follow_root(layout, {})
    hints = [line.event for line in decode_root(chunk.data)[0] if isinstance(line.event, Hint)]
    assert [(h.kind, h.experiment_id, h.prefix) for h in hints] == [
        ("changed", "abc", "a/b"),
        ("changed", "def", "a/c"),
    ]


def test_an_edit_is_an_event_and_is_announced(layout):
    experiment = layout.experiment("a/b")
    Path(experiment.path("journal")).mkdir(parents=True)
    append_event(layout, experiment, "abc", "tags", add={"good": None})
    data = Path(experiment.events(edit_writer(experiment, "abc"))).read_bytes()
    [(_, event)], broken = decode_events(data)
    assert isinstance(event, TagsChanged)
    assert event.add == {"good": None}
    assert broken == []
    assert news(layout, {}) == ["changed"]


def test_a_folder_that_its_group_may_write_to_lets_the_group_write_to_the_journal(layout):
    os.makedirs(layout.root)
    os.chmod(layout.root, 0o2775)
    before = os.umask(0o022)
    try:
        announce(layout, "opened", "abc", "a/b")
    finally:
        os.umask(before)
    assert os.stat(layout.journal).st_mode & 0o2070 == 0o2070


def test_numbers_are_claimed_once_and_never_below_what_is_asked_for(layout):
    assert [claim_number(layout, "x", 1) for _ in range(3)] == [1, 2, 3]
    assert claim_number(layout, "x", 10) == 10
    assert claim_number(layout, "x", 0) == 11
    assert claim_number(layout, "y", 0) == 0


WRITER = """
import sys
from anew.journal.layout import RootLayout
from anew.journal.root import append, claim_number
root = RootLayout(sys.argv[1])
for i in range(int(sys.argv[3])):
    number = claim_number(root, "model", 1)
    append(root, "version", {"kind": "model", "name": "m", "number": number, "target": sys.argv[2], "body": {"x": "y" * 5000}})
    print(number, flush=True)
"""


def test_many_processes_write_to_one_file_and_get_numbers_of_their_own(layout):
    command = [sys.executable, "-c", WRITER, layout.root]
    started = [
        subprocess.Popen([*command, f"p{i}", "40"], stdout=subprocess.PIPE, text=True)
        for i in range(3)
    ]
    numbers = [int(n) for process in started for n in process.communicate()[0].split()]
    assert sorted(numbers) == list(range(1, 121))
    [chunk] = follow_root(layout, {})
    lines, broken = decode_root(chunk.data)
    assert broken == []
    assert sorted(line.event.number for line in lines) == sorted(numbers)  # type: ignore[union-attr]


def test_what_was_acknowledged_before_a_kill_is_there_and_the_next_writer_is_not_harmed(layout):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, layout.root, "p", "1000000"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(25)]
    process.kill()
    acknowledged += [int(n) for n in process.communicate()[0].split()]
    append(layout, "imported", {"source": "afterwards"})
    [chunk] = follow_root(layout, {})
    lines, _ = decode_root(chunk.data)
    assert {line.event.number for line in lines[:-1]} >= set(acknowledged)  # type: ignore[union-attr]
    assert kinds(lines[-1].raw) == ["imported"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_is_not_ours_to_read_hides_no_other(layout):
    announce(layout, "opened", "abc", "a/b")
    closed = Path(layout.journal) / "another-0000000000000000.jsonl"
    closed.write_bytes(b"{}\n")
    closed.chmod(0)
    assert news(layout, {}) == ["opened"]
    assert list(unreadable_files(layout)) == [closed.name]


def test_a_file_that_cannot_be_read_hides_no_other(layout, monkeypatch):
    announce(layout, "opened", "abc", "a/b")
    closed = Path(layout.journal) / "another-0000000000000000.jsonl"
    closed.write_bytes(b"{}\n")
    opens = os.open

    def guarded(path: str, *more: int) -> int:
        if str(path) == str(closed):
            raise PermissionError(13, "not yours", path)
        return opens(path, *more)

    monkeypatch.setattr(os, "open", guarded)
    assert news(layout, {}) == ["opened"]


def test_a_new_root_has_a_gitignore_that_leaves_out_all_of_it(layout):
    subprocess.run(["git", "init", "-q", os.path.dirname(layout.root)], check=True)
    announce(layout, "opened", "abc", "a/b")
    Path(layout.root, "a").mkdir()
    Path(layout.root, "a", "points").write_text("1\n")
    told = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"],
        cwd=os.path.dirname(layout.root), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == ""


def test_a_gitignore_that_is_there_is_left_alone(layout):
    Path(layout.root).mkdir()
    Path(layout.root, ".gitignore").write_text("mine\n")
    make_root(layout)
    assert Path(layout.root, ".gitignore").read_text() == "mine\n"


def test_a_gitignore_that_was_removed_does_not_come_back(layout):
    make_root(layout)
    Path(layout.root, "alice").mkdir()
    Path(layout.root, ".gitignore").unlink()
    make_root(layout)
    assert not Path(layout.root, ".gitignore").exists()


def test_a_project_that_is_used_as_a_root_gets_no_gitignore(layout):
    Path(layout.root).mkdir()
    Path(layout.root, "train.py").write_text("")
    make_root(layout)
    assert not Path(layout.root, ".gitignore").exists()


def test_a_block_of_lines_is_appended_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "lines.jsonl"
    append_block(str(path), b"1\n2\n")
    write = os.write

    def full(fd: int, data: bytes) -> int:
        if len(data) < 4:
            raise OSError(28, "No space left on device")
        return write(fd, data[:3])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError):
        append_block(str(path), b"3\n4\n5\n")
    monkeypatch.undo()
    assert path.read_bytes() == b"1\n2\n"
    append_block(str(path), b"6\n")
    assert path.read_bytes() == b"1\n2\n6\n"
