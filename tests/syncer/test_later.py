"""What `anew sync` makes of what the server answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew import Store
from anew.server.intake import settling
from anew.syncer.later import sync, sync_root
from anew.syncer.standing import copies, standing, whereabouts
from anew.syncing.outbox import Outbox
from serving import over_a_socket
from sync.recorded import Root


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "flush", lambda folder: None)


def served(tmp_path: Path) -> str:
    folder = tmp_path / "there"
    folder.mkdir()
    return str(folder)


def recorded(root: Root, box: Outbox, prefix: str) -> str:
    id = root.made(prefix)
    box.register("opened", id, prefix, 0.0)
    box.register("ended", id, prefix, 0.0)
    return id


def test_what_was_deleted_on_the_server_is_told_once_and_kept_and_is_no_failure(tmp_path: Path):
    root = Root(tmp_path / "here")
    with over_a_socket(served(tmp_path)) as url:
        box = Outbox(root.layout, url)
        first = root.made("lab/x/a")
        box.register("opened", first, "lab/x/a", None)
        box.register("ended", first, "lab/x/a", None)
        assert sync(box).pending == ()
        with Store(url) as store:
            store.delete(first)
        root.edit(first, "later")  # something new here, which is not to bring it back
        second = recorded(root, box, "lab/x/b")

        told = sync(box)
        assert [one.id for one in told.deleted] == [first]
        assert told.pending == ()
        assert told.error == ""
        assert told.count == 1
        again = sync(box)
        assert again.deleted == ()
        assert again.pending == ()
        assert again.error == ""
        (state,) = standing(root.layout.root)
        assert (state.experiments, state.deleted, state.pending) == (2, 1, ())
        (where,) = whereabouts(root.layout.root, first)
        assert not where.complete
        assert where.why
        # Its copy is the only one now, so it stays, however short others are kept.
        assert (root.path / "lab/x/a/journal").is_dir()
        assert first not in {one.id for one in copies(box)}
        assert not (root.path / "lab/x/b/metrics").exists()  # the server has all of this one
        with Store(url) as store:
            assert [view.id for view in store.list()] == [second]
            store.restore(first)
        sync(box)
        (where,) = whereabouts(root.layout.root, first)
        assert where.complete


def test_of_a_root_that_was_recorded_without_a_server_it_is_told_once_too(tmp_path: Path):
    root = Root(tmp_path / "here")
    with over_a_socket(served(tmp_path)) as url:
        one = root.made("lab/x/a")
        ids = {one: "lab/x/a"}
        assert sync_root(root.layout, url, ids).pending == ()
        with Store(url) as store:
            store.delete(one)
        assert [found.id for found in sync_root(root.layout, url, ids).deleted] == [one]
        again = sync_root(root.layout, url, ids)
        assert (again.deleted, again.pending, again.error) == ((), (), "")
