"""Moving an experiment: the same experiment at another prefix, and nothing else is moved along."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from anew.errors import InvalidName, InvalidValue, NotFound, StillRunning
from anew.index import Index
from anew.index.doctor import examine
from anew.index.moving import move_experiment
from anew.index.trash import Trash
from anew.journal.identify import identify
from anew.query.question import ask
from anew.stores.open import open_stores
from tests.stores.journals import Journal, finished, running


@pytest.fixture
def index(root: Path):
    root.mkdir()
    stores = open_stores(root)
    yield Index(stores)
    stores.close()


def prefixes(index: Index) -> dict[str, str]:
    found = index.stores.catalog.select(ask(columns=["prefix"], now=0.0))
    return dict(zip(found.columns[0].values, found.ids, strict=True))


def test_an_experiment_is_the_same_at_its_new_prefix_and_the_root_s_journal_says_so(root, index):
    journal = finished(root, "p/run")
    inside = finished(root, "p/run/inside")
    index.refresh()
    move_experiment(index, journal.id, "paper/figures/best")
    assert prefixes(index) == {"paper/figures/best": journal.id, "p/run/inside": inside.id}
    assert index.journal.state().placed() == {journal.id: "paper/figures/best"}
    assert examine(index) == []
    move_experiment(index, journal.id, "p/run")
    assert index.journal.state().placed() == {journal.id: "p/run"}
    move_experiment(index, inside.id, "p/other")
    assert prefixes(index) == {"p/run": journal.id, "p/other": inside.id}
    assert not (root / "paper").exists()
    index.rebuild()
    assert prefixes(index) == {"p/run": journal.id, "p/other": inside.id}


def test_an_experiment_may_move_to_a_place_below_itself(root, index):
    journal = finished(root, "p/run")
    index.refresh()
    move_experiment(index, journal.id, "p/run/first")
    assert prefixes(index) == {"p/run/first": journal.id}
    assert examine(index) == []


def test_a_move_that_cannot_be_is_refused_and_changes_nothing(root, index):
    one, two = finished(root, "p/one"), finished(root, "p/two")
    live = running(root, "p/live")
    index.refresh()
    for prefix in ("p/two", "p/one", "p/two/journal/x", "../out", "/abs", "", "p/x~2"):
        with pytest.raises((InvalidName, InvalidValue)):
            move_experiment(index, one.id, prefix)
    with pytest.raises(NotFound):
        move_experiment(index, "nobody", "p/x")
    with pytest.raises(StillRunning):
        move_experiment(index, live.id, "p/x")
    assert prefixes(index) == {"p/one": one.id, "p/two": two.id, "p/live": live.id}
    assert index.journal.state().placed() == {}


def test_nothing_behind_a_link_is_moved_or_deleted(root, index, tmp_path):
    other = finished(tmp_path / "disk", "p/run")
    (root / "big").symlink_to(tmp_path / "disk")
    index.refresh()
    assert prefixes(index) == {"big/p/run": other.id}
    with pytest.raises(InvalidValue):
        move_experiment(index, other.id, "p/here")
    with pytest.raises(InvalidValue):
        Trash(index).delete([other.id])
    assert prefixes(index) == {"big/p/run": other.id}
    assert other.folder.is_dir()


def test_one_of_two_experiments_in_a_folder_moves_alone(root, index):
    one = finished(root, "p/run")
    two = Journal(root, "p/run", t=one.t + 100).opened("0001-main-zzzz")
    two.points([(0, {"loss": 7.0})], "0001-main-zzzz").closed("failed", "0001-main-zzzz")
    two.announce()
    index.refresh()
    move_experiment(index, two.id, "p/apart")
    assert prefixes(index) == {"p/run": one.id, "p/apart": two.id}
    assert examine(index) == []


def test_of_copies_that_are_equal_the_one_that_was_moved_there_is_shown(root, index):
    journal = finished(root, "p/run")
    index.refresh()
    move_experiment(index, journal.id, "q/moved")
    shutil.copytree(root / "q" / "moved", root / "a" / "copy")
    for look in (index.refresh, index.rebuild):
        look()
        assert prefixes(index) == {"q/moved": journal.id}


def test_a_root_has_an_id_from_its_first_announcement_on(root, index, tmp_path):
    journal = finished(root, "p/run")
    index.refresh()
    named = index.journal.state().root_id()
    assert named
    finished(root, "p/more")
    index.rebuild()
    assert index.journal.state().root_id() == named
    lines = [
        json.loads(line)
        for file in (root / ".anew" / "root").glob("*.jsonl")
        for line in file.read_text().splitlines()
    ]
    assert [line["k"] for line in lines].count("root") == 1
    assert identify(index.journals.of("p/run")) == journal.id


def test_a_root_whose_journal_names_none_is_named_by_whoever_indexes_it(root, index):
    finished(root, "p/run")
    for file in (root / ".anew" / "root").glob("*.jsonl"):
        file.unlink()
    assert index.journal.state().root_id() is None
    index.refresh()
    named = index.journal.state().root_id()
    assert named
    index.rebuild()
    assert index.journal.state().root_id() == named
