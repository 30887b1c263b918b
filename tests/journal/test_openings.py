"""The root's own journal."""

from __future__ import annotations

from pathlib import Path

from anew.journal.edits import append_event, edit_writer
from anew.journal.layout import RootLayout
from anew.journal.openings import announce, follow_openings
from anew.record.decode import decode_events
from anew.record.events import TagsChanged


def test_announcements_come_once_from_a_saved_place(tmp_path: Path) -> None:
    root = RootLayout(str(tmp_path))
    announce(root, "opened", "abc", "a/b")
    [(name, openings, end)] = follow_openings(root, {})
    assert [(o.kind, o.experiment_id, o.prefix) for o in openings] == [("opened", "abc", "a/b")]
    announce(root, "ended", "abc", "a/b")
    [(_, later, _)] = follow_openings(root, {name: end})
    assert [o.kind for o in later] == ["ended"]


def test_a_broken_line_is_passed_over_and_a_torn_one_waits(tmp_path: Path) -> None:
    root = RootLayout(str(tmp_path))
    announce(root, "opened", "abc", "a/b")
    [file] = Path(root.openings).iterdir()
    with open(file, "ab") as out:
        out.write(b'nonsense\n{"t":1,"k":"ended","id":"abc","prefix":"a/b"}\n{"t":2,"k":"en')
    [(name, openings, end)] = follow_openings(root, {})
    assert [o.kind for o in openings] == ["opened", "ended"]
    assert list(follow_openings(root, {name: end})) == []


def test_a_root_without_openings_has_none(tmp_path: Path) -> None:
    assert list(follow_openings(RootLayout(str(tmp_path)), {})) == []


def test_an_edit_is_an_event_and_is_announced(tmp_path: Path) -> None:
    root = RootLayout(str(tmp_path))
    layout = root.experiment("a/b")
    Path(layout.path("journal")).mkdir(parents=True)
    append_event(root, layout, "abc", "tags", add={"good": None})
    data = Path(layout.events(edit_writer(layout))).read_bytes()
    [(_, event)], broken = decode_events(data)
    assert isinstance(event, TagsChanged)
    assert event.add == {"good": None}
    assert broken == []
    [(_, openings, _)] = follow_openings(root, {})
    assert [(o.kind, o.prefix) for o in openings] == [("changed", "a/b")]
