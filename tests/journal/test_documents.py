"""Documents, versions and aliases of a root."""

from __future__ import annotations

import math
import shutil
import threading
from pathlib import Path

import pytest

from anew.errors import InvalidName, InvalidValue
from anew.journal.documents import RootJournal
from anew.journal.layout import RootLayout
from anew.journal.root import announce


@pytest.fixture
def layout(tmp_path: Path) -> RootLayout:
    return RootLayout(str(tmp_path / "root"))


@pytest.fixture
def journal(layout: RootLayout) -> RootJournal:
    return RootJournal(layout, user="ge")


def test_a_document_is_read_back_as_written_and_by_everybody(layout, journal):
    body = {"name": "é", "limits": [1, 2.5, math.inf], "nested": {"a": None}}
    written = journal.set_document("view", "losses", body)
    assert written is not None
    assert (written.kind, written.name, written.body, written.user) == (
        "view",
        "losses",
        body,
        "ge",
    )
    assert RootJournal(layout).documents("view", name="losses") == [written]
    announce(layout, "opened", "abc", "a/b")
    assert journal.documents("view") == [written]


def test_writing_again_replaces_and_without_a_body_removes(layout, journal):
    journal.set_document("view", "a", {"n": 1})
    RootJournal(layout).set_document("view", "a", {"n": 2})
    [found] = journal.documents("view", name="a")
    assert (found.body, found.others) == ({"n": 2}, ())
    assert journal.set_document("view", "a", None) is None
    assert journal.documents() == []


def test_who_saw_an_older_document_leaves_both(layout, journal):
    seen = journal.set_document("view", "a", {"n": 1})
    journal.set_document("view", "a", {"n": 2})
    found = RootJournal(layout).set_document("view", "a", {"n": 3}, after=seen)
    assert found is not None
    assert [d.body for d in (found, *found.others)] == [{"n": 3}, {"n": 2}]
    journal.set_document("view", "a", {"n": 4})
    assert [d.others for d in journal.documents("view", name="a")] == [()]


@pytest.mark.parametrize("scope", ["", "team", "project/", "user/", "../x", None, "project/a\n"])
def test_a_scope_that_is_none_is_refused(journal, scope):
    with pytest.raises(InvalidName):
        journal.set_document("view", "a", {}, scope=scope)
    assert journal.documents() == []


def test_a_body_that_is_no_mapping_is_refused(journal):
    with pytest.raises(InvalidValue):
        journal.set_document("view", "a", [1])  # type: ignore[arg-type]


def test_versions_are_numbered_and_aliases_point_to_them(layout, journal):
    numbers = []
    for target in ("first", "second"):
        number = journal.claim_version("artifact", "data", scope="project/p", first=0)
        journal.set_version(
            "artifact", "data", number, target, scope="project/p", body={"size": 3}, why="new rows"
        )
        numbers.append(number)
    assert numbers == [0, 1]
    journal.set_alias("artifact", "data", "best", 0, scope="project/p")
    alias = RootJournal(layout).set_alias(
        "artifact", "data", "best", 1, scope="project/p", why="it is"
    )
    assert alias is not None
    assert (alias.number, alias.why) == (1, "it is")
    found = journal.versions("artifact", "data")
    assert [(v.number, v.target, v.body, v.why) for v in found] == [
        (0, "first", {"size": 3}, "new rows"),
        (1, "second", {"size": 3}, "new rows"),
    ]
    assert journal.set_version("artifact", "data", 1, None, scope="project/p") is None
    assert journal.set_alias("artifact", "data", "best", None, scope="project/p") is None
    assert journal.aliases() == []
    assert [v.number for v in journal.versions()] == [0]


def test_a_number_is_not_given_again_where_only_the_events_are_left(layout, journal):
    journal.set_version("model", "m", journal.claim_version("model", "m"), "x")
    shutil.rmtree(Path(layout.journal) / "claims")
    assert journal.claim_version("model", "m") == 2


def test_files_of_another_root_put_beside_ours_are_read_and_replaced_ones_too(
    layout, journal, tmp_path
):
    other = RootLayout(str(tmp_path / "other"))
    theirs = RootJournal(other)
    theirs.set_document("view", "theirs", {"n": 1})
    journal.set_document("view", "ours", {"n": 1})
    shutil.copytree(other.journal, layout.journal, dirs_exist_ok=True)
    assert [d.name for d in journal.documents()] == ["ours", "theirs"]
    theirs.set_document("view", "theirs", {"n": 2})
    shutil.copytree(other.journal, layout.journal, dirs_exist_ok=True)
    assert [d.body for d in journal.documents(name="theirs")] == [{"n": 2}]
    for file in Path(other.journal).glob("*.jsonl"):
        (Path(layout.journal) / file.name).unlink()
    assert [d.name for d in journal.documents()] == ["ours"]


def test_a_broken_line_is_told_and_the_rest_is_read(layout, journal):
    journal.set_document("view", "a", {"n": 1})
    [file] = Path(layout.journal).glob("*.jsonl")
    with open(file, "ab") as out:
        out.write(b"nonsense\n")
    journal.set_document("view", "b", {"n": 2})
    assert [d.name for d in journal.documents()] == ["a", "b"]
    [(name, broken)] = journal.broken().items()
    assert (name, [b.line for b in broken]) == (file.name, [3])


def test_many_threads_may_ask_and_write(layout, journal):
    def work(i: int) -> None:
        for n in range(10):
            journal.set_document("view", f"v{i}", {"n": n})
            journal.documents("view")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [d.body for d in RootJournal(layout).documents()] == [{"n": 9}] * 4
