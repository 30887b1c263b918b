"""One process's writer: its number, its heartbeat, its parts, its end."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from anew.journal import writer as writer_module
from anew.journal.edits import append_event, edit_writer
from anew.journal.follow import Stream, follow
from anew.journal.layout import ExperimentLayout, RootLayout
from anew.journal.vanished import gone_writers, settle
from anew.journal.writer import Writer
from anew.record.events import Opened
from anew.record.status import Status

from ..tracking.reading import events, plain_name, points, state

OPENED = {"experiment_id": "x", "name": "n", "role": "lead"}


@pytest.fixture
def layout(tmp_path: Path) -> ExperimentLayout:
    return ExperimentLayout(str(tmp_path / "exp"))


def make(layout: ExperimentLayout, label: str = "main", **more: object) -> Writer:
    os.makedirs(layout.folder, exist_ok=True)
    return Writer(layout, label, {**OPENED, **more}, lambda error: None)


def test_writers_take_the_next_free_number(layout: ExperimentLayout) -> None:
    names = [make(layout).name, make(layout, "rank1").name, make(layout).name]
    assert [plain_name(name) for name in names] == ["0001-main", "0002-rank1", "0003-main"]


def test_a_heartbeat_is_seen_without_anything_being_written(layout: ExperimentLayout) -> None:
    writer = make(layout)
    path = Path(layout.events(writer.name))
    os.utime(path, (1, 1))
    size, before = path.stat().st_size, time.time()
    writer.beat()
    assert path.stat().st_mtime > before - 5  # the clock of a file system may be a coarse one
    assert path.stat().st_size == size


def test_a_long_segment_goes_on_in_another_part(
    layout: ExperimentLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "ROTATE_BYTES", 100)
    writer = make(layout)
    for i in range(9):
        writer.points.append(b'{"s":%d,"t":1.0,"m":{"x":%d.0}}\n' % (i, i))
        writer.beat()
    writer.close("completed", None, None)
    assert sorted(p.name for p in Path(layout.path("metrics")).iterdir()) == [
        f"{writer.name}.2.jsonl",
        f"{writer.name}.3.jsonl",
        f"{writer.name}.jsonl",
    ]
    assert [s for _, s, *_ in points(layout.folder)] == list(range(9))


def test_the_status_is_the_worst_end_of_those_that_decide(layout: ExperimentLayout) -> None:
    lead, rank, child = (
        make(layout),
        make(layout, "rank1", role="rank"),
        make(layout, "child-1", role="child"),
    )
    child.close("failed", "a worker", None)
    lead.close("completed", None, None)
    assert state(layout.folder).outcome() == (Status.RUNNING, None)
    rank.close("failed", "out of memory", None)
    assert state(layout.folder).outcome() == (Status.FAILED, "out of memory")
    make(layout).close("completed", None, None)  # continued, and came through
    assert state(layout.folder).outcome() == (Status.COMPLETED, None)


def test_a_silent_writer_elsewhere_is_settled_for_this_look_only(layout: ExperimentLayout) -> None:
    writer = make(layout, heartbeat=1.0)
    path = Path(layout.events(writer.name))
    path.write_text(path.read_text().replace('"host":"', '"host":"elsewhere-'))
    assert gone_writers(layout.folder, state(layout.folder)) == []
    # Its opening, a moment ago, is a sign of life too.
    path.write_text(path.read_text().replace(f'"t":{writer.opened_at}', '"t":1000.0'))
    os.utime(path, (time.time() - 100,) * 2)
    got = state(layout.folder)
    [gone] = gone_writers(layout.folder, got)
    assert not gone.certain
    assert "elsewhere-" in gone.reason
    settle(got, [gone])
    assert got.outcome()[0] is Status.FAILED
    assert state(layout.folder).outcome()[0] is Status.RUNNING


def test_a_silent_writer_is_superseded_by_the_one_that_continued(layout: ExperimentLayout) -> None:
    silent = make(layout, heartbeat=1.0)
    path = Path(layout.events(silent.name))
    text = path.read_text().replace('"host":"', '"host":"elsewhere-')
    path.write_text(text.replace(f'"t":{silent.opened_at}', '"t":1000.0'))
    os.utime(path, (2000.0, 2000.0))
    make(layout).close("completed", None, None)
    got = state(layout.folder)
    settle(got, gone_writers(layout.folder, got))
    assert got.outcome()[0] is Status.COMPLETED


def test_the_end_says_how_many_records_were_lost(layout: ExperimentLayout) -> None:
    writer = make(layout)
    writer.points.append(b'{"t":1.0,"m":{"x":1.0}}\n')
    os.unlink(layout.points(writer.name))
    assert writer.close("completed", None, None) == 1
    assert state(layout.folder).lost == 1
    assert [type(e).__name__ for _, e in events(layout.folder)] == [
        "Opened",
        "RecordsLost",
        "Closed",
    ]


def test_copies_that_were_continued_apart_are_put_together_by_their_files(
    layout: ExperimentLayout, tmp_path: Path
) -> None:
    root = RootLayout(str(tmp_path))
    first = make(layout)
    first.event("params", params={"lr": 1})
    first.close("failed", None, None)
    copy = root.experiment("copy")
    shutil.copytree(layout.folder, copy.folder)
    for there, lr in ((layout, 2), (copy, 3)):
        writer = make(there)
        writer.event("params", params={"lr": lr, f"lr{lr}": True})
        writer.points.append(b'{"s":0,"t":1.0,"m":{"x":1.0}}\n')
        writer.close("completed", None, None)
        append_event(root, there, "x", "tags", add={f"tag{lr}": None})
    assert {plain_name(w) for w in (*layout.writers(), *copy.writers())} == {
        "0001-main",
        "0002-main",
        edit_writer(layout, "x"),
        edit_writer(copy, "x"),
    }
    together = [tmp_path / "one", tmp_path / "other"]
    for target, order in zip(together, ([layout, copy], [copy, layout]), strict=True):
        for source in order:
            shutil.copytree(source.folder, target, dirs_exist_ok=True, symlinks=True)
    one, other = (state(folder) for folder in together)
    assert one == other
    assert one.tags == {"tag2": None, "tag3": None}
    assert one.params == {"lr": 3, "lr2": True, "lr3": True}
    assert one.outcome() == (Status.COMPLETED, None)
    assert len(points(together[0])) == 2


def test_an_opening_names_the_writers_it_saw_and_how_far(layout: ExperimentLayout) -> None:
    first, rank = make(layout), make(layout, "rank1", role="rank")
    size = os.path.getsize(layout.events(first.name))
    first.event("tags", add={"late": None})
    make(layout, "child-7", role="child")
    make(layout)
    opened = [e for w, e in events(layout.folder) if isinstance(e, Opened)]
    by_role = {e.role: e.after for e in opened}
    assert opened[0].after == {}
    assert by_role["rank"] == {first.name: size}
    assert by_role["child"] == {first.name: os.path.getsize(layout.events(first.name))}
    assert by_role["lead"] is not None
    assert set(by_role["lead"]) > {first.name, rank.name}


def test_train_log_leads_to_the_newest_lead_writers_console(layout: ExperimentLayout) -> None:
    for text in ("one\n", "two\n"):
        writer = make(layout)
        Path(writer.console_path()).write_text(text)
        writer.logs.append(b"{}\n")
        make(layout, "rank1").logs.append(b'{"rank":1}\n')
        writer.close("completed", None, None)
    assert Path(layout.path("logs", "train.log")).read_text() == "two\n"
    assert Path(layout.path("logs", "logs.jsonl")).read_text() == "{}\n"
    assert len(list(follow(layout.folder, {}, frozenset({Stream.LOGS})))) == 4


def test_where_links_are_refused_the_end_leaves_a_copy(
    layout: ExperimentLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "symlink", refuse)
    writer = make(layout)
    Path(layout.path("logs")).mkdir(exist_ok=True)
    Path(writer.console_path()).write_text("printed\n")
    assert not Path(layout.path("logs", "train.log")).exists()
    writer.close("completed", None, None)
    train_log = Path(layout.path("logs", "train.log"))
    assert train_log.read_text() == "printed\n"
    assert not train_log.is_symlink()
