"""The outbox: what is registered is read back, whoever wrote what else there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from anew.journal.layout import RootLayout
from anew.syncing.outbox import Behind, Outbox, State, outboxes

SERVER = "https://lab.example.org"


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(RootLayout(str(tmp_path / "runs")), SERVER)


def test_what_was_registered_is_read_on_from_where_one_stopped(outbox: Outbox) -> None:
    first = outbox.register("opened", "id1", "a/b", 5.0)
    found, offset = outbox.registered()
    assert offset == first == outbox.size()
    assert [(one.kind, one.experiment_id, one.prefix, one.keep) for one in found] == [
        ("opened", "id1", "a/b", 5.0)
    ]
    assert (found[0].pid, found[0].to) == (os.getpid(), SERVER)
    outbox.register("ended", "id1", "a/b")
    found, _ = outbox.registered(offset)
    assert [(one.kind, one.keep) for one in found] == [("ended", None)]


def test_lines_that_are_broken_or_not_whole_yet_are_passed_over(outbox: Outbox) -> None:
    outbox.register("opened", "id1", "a/b")
    (path,) = Path(outbox.folder).glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'nonsense\n[1]\n{"k":"opened"}\n{"k":"opened","t":1')
    found, offset = outbox.registered()
    assert [one.experiment_id for one in found] == ["id1"]
    assert offset < path.stat().st_size


def test_the_newest_word_about_an_experiment_counts_whoever_pushed_it(outbox: Outbox) -> None:
    outbox.register("opened", "id1", "a/b")
    outbox.note_done("id1", "a/b~2")
    other = next(Path(outbox.folder).glob("*.done.jsonl"))
    other.rename(other.with_name("elsewhere-00.done.jsonl"))
    outbox.note_done("id1", "a/b~2", freed=True)
    assert outbox.done()["id1"].freed
    assert outbox.done()["id1"].filed == "a/b~2"


def test_a_state_comes_back_as_it_was_saved(outbox: Outbox) -> None:
    outbox.register("opened", "id1", "a/b")
    assert outbox.state() is None
    behind = {"id1": Behind(7, "why")}
    outbox.save(
        State(t=3.0, pid=9, through=5, contact=2.0, error="e", waits=True, behind=behind, count=4)
    )
    found = outbox.state()
    assert found is not None
    assert (found.t, found.pid, found.through, found.contact) == (3.0, 9, 5, 2.0)
    assert (found.error, found.waits, found.count) == ("e", True, 4)
    assert (found.behind["id1"].bytes, found.behind["id1"].why) == (7, "why")
    for path in Path(outbox.folder).glob("*.state.json"):
        path.write_text('{"t": []}')
    assert outbox.state() is None


def test_the_outboxes_of_a_root_are_found_and_nothing_else_is_taken_for_one(outbox: Outbox) -> None:
    root = outbox.root
    assert list(outboxes(root)) == []
    outbox.register("opened", "id1", "a/b")
    Outbox(root, "http://127.0.0.1:5700/lab").register("opened", "id2", "a/c")
    Outbox(root, "http://127.0.0.1:9").register("opened", "id3", "a/d")
    # A folder that is called otherwise than what it says, as after somebody edited it, is not followed.
    strange = Path(Outbox(root, "http://127.0.0.1:9").folder)
    for path in strange.glob("*.jsonl"):
        path.write_text(path.read_text().replace("127.0.0.1:9", "evil.example.org"))
    assert sorted(one.server for one in outboxes(root)) == ["http://127.0.0.1:5700/lab", SERVER]
    assert [one.experiment_id for one in outbox.everything()] == ["id1"]
    assert [one.experiment_id for one in outbox.of_this_machine()] == ["id1"]


def test_a_root_that_a_group_shares_has_an_outbox_that_the_group_may_write_to(
    outbox: Outbox,
) -> None:
    os.makedirs(outbox.root.root)
    os.chmod(outbox.root.root, 0o2775)
    outbox.register("opened", "id1", "a/b")
    assert stat.S_IMODE(os.stat(outbox.folder).st_mode) & 0o020
