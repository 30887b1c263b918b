"""Deleting, the way back, and what it gives back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from anew.errors import InvalidName, NotFound, StillRunning
from anew.index import Index, moving
from anew.index import trash as trashing
from anew.index.footprint import Weighing
from anew.index.trash import Trash
from anew.journal.root import append
from anew.query.question import ask
from anew.stores.open import open_stores
from tests.stores.journals import finished, running


@pytest.fixture
def index(root: Path):
    root.mkdir()
    stores = open_stores(root)
    yield Index(stores)
    stores.close()


@pytest.fixture
def trash(index: Index) -> Trash:
    return Trash(index)


def prefixes(index: Index) -> list[str]:
    return sorted(index.stores.catalog.select(ask(columns=["prefix"], now=0.0)).columns[0].values)


def tree(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def on_disk(folder: Path) -> int:
    weighing = Weighing()
    return weighing.add([str(folder)]).on_disk


def test_what_was_deleted_comes_back_as_it_was(root, index, trash):
    journal, other = finished(root, "al/vision/run"), finished(root, "al/vision/other")
    (journal.folder / "files").mkdir()
    (journal.folder / "files" / "model.bin").write_bytes(b"x" * 10_000)
    index.refresh()
    before, weight = tree(journal.folder), on_disk(journal.folder)
    freed = trash.delete([journal.id])
    assert (freed.count, freed.bytes) == (1, weight)
    assert not journal.folder.exists()
    assert prefixes(index) == ["al/vision/other"]
    (item,) = trash.items()
    assert (item.experiment_id, item.prefix, item.name) == (journal.id, "al/vision/run", "run")
    assert item.bytes == weight
    assert trash.restore(journal.id) == "al/vision/run"
    assert tree(journal.folder) == before
    assert prefixes(index) == ["al/vision/other", "al/vision/run"]
    assert trash.items() == []
    assert other.folder.exists()


def test_another_index_sees_what_was_deleted_and_restored(root, index, trash):
    journal = finished(root, "p/run")
    elsewhere = open_stores(root)
    other = Index(elsewhere)
    other.refresh()
    trash.delete([journal.id])
    other.refresh()
    assert prefixes(other) == []
    trash.restore(journal.id)
    other.refresh()
    assert prefixes(other) == ["p/run"]
    index.rebuild()
    assert prefixes(index) == ["p/run"]
    elsewhere.close()


def test_empty_folders_above_go_and_others_stay(root, index, trash):
    journal = finished(root, "al/vision/deep/run")
    finished(root, "al/other")
    index.refresh()
    trash.delete([journal.id])
    assert not (root / "al" / "vision").exists()
    assert (root / "al" / "other").exists()


def test_an_experiment_inside_the_deleted_one_stays(root, index, trash):
    parent, child = finished(root, "p/parent"), finished(root, "p/parent/deeper/child")
    (parent.folder / "notes").mkdir()
    (parent.folder / "notes" / "a.txt").write_text("mine")
    index.refresh()
    before, inside = tree(parent.folder), tree(child.folder)
    trash.delete([parent.id])
    assert prefixes(index) == ["p/parent/deeper/child"]
    assert [p.name for p in parent.folder.iterdir()] == ["deeper"]
    assert tree(child.folder) == inside
    trash.restore(parent.id)
    assert tree(parent.folder) == before
    assert prefixes(index) == ["p/parent", "p/parent/deeper/child"]


def test_a_running_experiment_is_not_deleted_unless_forced(root, index, trash):
    live, done = running(root, "p/live"), finished(root, "p/done")
    index.refresh()
    with pytest.raises(StillRunning, match="p/live"):
        trash.delete([done.id, live.id])
    assert prefixes(index) == ["p/done", "p/live"]
    trash.delete([live.id], force=True)
    assert prefixes(index) == ["p/done"]


def test_an_experiment_that_was_continued_since_the_last_look_is_running(root, index, trash):
    journal = finished(root, "p/run")
    index.refresh()
    journal.opened("0002-main", here=True)
    with pytest.raises(StillRunning):
        trash.delete([journal.id])
    assert journal.folder.exists()


def test_an_unknown_id_deletes_nothing(root, index, trash):
    journal = finished(root, "p/run")
    index.refresh()
    with pytest.raises(NotFound):
        trash.delete([journal.id, "nope"])
    assert prefixes(index) == ["p/run"]
    with pytest.raises(NotFound):
        trash.restore("nope")


def test_a_prefix_that_was_taken_meanwhile_is_not_overwritten(root, index, trash):
    first = finished(root, "p/run")
    index.refresh()
    trash.delete([first.id])
    second = finished(root, "p/run")
    index.refresh()
    before = tree(second.folder)
    with pytest.raises(InvalidName):
        trash.restore(first.id)
    assert tree(second.folder) == before
    assert trash.restore(first.id, "p/first") == "p/first"
    assert prefixes(index) == ["p/first", "p/run"]


def test_events_from_elsewhere_move_nothing_into_or_out_of_the_root(root, index, trash, tmp_path):
    """What came with somebody else's folder: lines and files that name what they like."""
    precious = tmp_path / "home" / "precious"
    precious.mkdir(parents=True)
    (precious / "thesis.tex").write_text("years of work")
    kept, other = finished(root, "p/kept"), finished(root, "p/other")
    index.refresh()
    before = tree(kept.folder)
    for experiment_id in ("z", "../../home/precious", kept.id):
        for prefix in ("../home/precious", str(precious), "p/kept"):
            fields = {"experiment_id": experiment_id, "prefix": prefix, "name": "x"}
            append(index.root, "deleted", fields)
    lying = root / ".anew" / "trash" / "z"
    lying.mkdir(parents=True)
    (lying / "content").symlink_to(precious)
    (lying / "deleted.json").write_text('{"experiment_id": "z", "prefix": "../home/precious"}')
    index.refresh()
    assert prefixes(index) == ["p/other"]  # hidden, and not moved
    trash.delete([other.id])
    trash.gc()
    assert tree(kept.folder) == before
    assert (precious / "thesis.tex").read_text() == "years of work"
    with pytest.raises((InvalidName, NotFound)):
        trash.restore("z", "p/z")
    assert trash.restore(kept.id, "p/kept") == "p/kept"
    assert prefixes(index) == ["p/kept"]


def test_what_was_deleted_elsewhere_is_hidden_and_named_until_it_is_restored(root, index, trash):
    journal = finished(root, "p/run")
    index.refresh()
    append(index.root, "deleted", {"experiment_id": journal.id, "prefix": "p/run", "name": "run"})
    index.refresh()
    assert prefixes(index) == []
    assert journal.folder.exists()
    [item] = trash.items()
    assert (item.experiment_id, item.complete) == (journal.id, False)
    assert trash.gc().count == 0
    index.rebuild()
    assert prefixes(index) == []
    assert trash.restore(journal.id) == "p/run"
    assert prefixes(index) == ["p/run"]


def test_what_was_purged_and_is_copied_back_in_is_shown_when_it_is_restored(
    root, index, trash, tmp_path
):
    journal = finished(root, "p/run")
    index.refresh()
    shutil.copytree(journal.folder, tmp_path / "backup")
    trash.delete([journal.id], permanently=True)
    shutil.copytree(tmp_path / "backup", root / "p" / "run")
    assert index.adopt("p/run") is None
    assert trash.restore(journal.id) == "p/run"
    assert prefixes(index) == ["p/run"]


def test_purging_gives_back_the_bytes(root, index, trash):
    one, two = finished(root, "p/one"), finished(root, "p/two")
    index.refresh()
    weight = on_disk(one.folder)
    trash.delete([one.id, two.id])
    lying = on_disk(root / ".anew" / "trash" / one.id)
    assert lying >= weight
    assert trash.purge([one.id], dry_run=True).bytes == lying
    freed = trash.purge([one.id])
    assert (freed.count, freed.bytes) == (1, lying)
    assert [item.experiment_id for item in trash.items()] == [two.id]
    assert trash.purge(older_than=3600).count == 0
    assert trash.purge().count == 1
    assert trash.items() == []
    assert list((root / ".anew" / "trash").iterdir()) == []


def test_deleting_permanently_leaves_nothing(root, index, trash):
    journal = finished(root, "p/run")
    index.refresh()
    freed = trash.delete([journal.id], permanently=True)
    assert freed.count == 1
    assert freed.bytes > 0
    assert trash.items() == []
    assert not journal.folder.exists()


def shared_capture(root: Path, *folders: Path) -> Path:
    shared = root / ".anew" / "shared" / "ab" / "abcdef"
    shared.parent.mkdir(parents=True, exist_ok=True)
    shared.write_bytes(b"p" * 100_000)
    for folder in folders:
        (folder / "environment").mkdir()
        os.link(shared, folder / "environment" / "requirements.txt")
    return shared


def test_shared_captures_are_given_back_once_with_the_last_experiment(root, index, trash):
    one, two = finished(root, "p/one"), finished(root, "p/two")
    shared = shared_capture(root, one.folder, two.folder)
    index.refresh()
    assert trash.delete([one.id], permanently=True).bytes < 100_000
    assert trash.gc(grace=0).bytes == 0
    assert shared.exists()
    trash.delete([two.id])
    would = trash.gc(dry_run=True, grace=0)
    assert would.bytes > 100_000
    assert shared.exists()
    assert trash.gc(grace=0) == would
    assert not shared.exists()


def test_a_capture_that_nothing_links_to_yet_has_an_hour(root, index, trash):
    shared = shared_capture(root)
    assert trash.gc().count == 0
    assert shared.exists()
    assert trash.gc(grace=0).count == 1


def test_series_derived_for_experiments_that_are_no_more_are_collected(root, index, trash):
    kept, gone = finished(root, "p/kept"), "bcdf2345gone"
    index.refresh()
    for experiment_id in (kept.id, gone):
        folder = root / ".anew" / "series" / experiment_id
        folder.mkdir(parents=True)
        (folder / "0001-main.0-9.parquet").write_bytes(b"x" * 9)
    assert trash.gc(dry_run=True).count == 1
    assert trash.gc().count == 1
    assert [p.name for p in (root / ".anew" / "series").iterdir()] == [kept.id]


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_deletion_that_was_cut_short_hides_the_experiment_and_loses_nothing(
    root, index, trash, monkeypatch, moves: int, nested: bool
):
    journal = finished(root, "p/run")
    if nested:
        finished(root, "p/run/child")
    (journal.folder / "files").mkdir()
    (journal.folder / "files" / "a").write_bytes(b"a")
    index.refresh()
    before = {k: v for k, v in tree(journal.folder).items() if not k.startswith("child")}
    move, left = moving.move, [moves]

    def dying(source: str, target: str) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        move(source, target)

    cut = False
    with monkeypatch.context() as patch:
        patch.setattr(trashing, "move", dying)
        patch.setattr(moving, "move", dying)
        try:
            trash.delete([journal.id])
        except KeyboardInterrupt:
            cut = True
    index.refresh()
    assert [(i.experiment_id, i.complete) for i in trash.items()] == [(journal.id, not cut)]
    assert prefixes(index) == (["p/run/child"] if nested else [])
    if cut:
        trash.gc()
    left = [moves]
    with monkeypatch.context() as patch:
        patch.setattr(trashing, "move", dying)
        patch.setattr(moving, "move", dying)
        try:
            trash.restore(journal.id)
        except KeyboardInterrupt:
            index.refresh()
            assert "p/run" not in prefixes(index)
            trash.restore(journal.id)
    after = {k: v for k, v in tree(journal.folder).items() if not k.startswith("child")}
    assert after == before
    assert trash.items() == []
    assert "p/run" in prefixes(index)


def test_an_id_deleted_twice_has_two_places(root, index, trash, tmp_path):
    journal = finished(root, "p/run")
    index.refresh()
    shutil.copytree(journal.folder, tmp_path / "copy")
    trash.delete([journal.id])
    shutil.copytree(tmp_path / "copy", journal.folder)
    journal.points([(9, {"loss": 0.5})])  # continued since
    before = tree(journal.folder)
    assert before != tree(tmp_path / "copy")
    trash.restore(journal.id, "p/run")
    assert tree(journal.folder) == before
    trash.delete([journal.id])
    assert len(trash.items()) == 1
    trash.purge()
    assert trash.items() == []
    assert list((root / ".anew" / "trash").iterdir()) == []


def test_files_with_two_names_are_weighed_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"x" * 8192)
    os.link(tmp_path / "a" / "x", tmp_path / "b" / "x")
    weighing = Weighing()
    assert weighing.add([str(tmp_path / "a")]).logical == 8192
    assert weighing.freed == 0
    assert weighing.add([str(tmp_path / "b")]).logical == 0
    assert weighing.freed == 8192
