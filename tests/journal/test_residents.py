"""Which experiments lie in a folder, and where each is shown."""

from __future__ import annotations

import shutil
from pathlib import Path

from anew.journal.identify import identify, tenants
from anew.journal.residents import FolderJournals
from anew.journal.storage import FolderStorage, Lies
from tests.stores.journals import Journal, finished


def mixed(root: Path, *, gap: float = 100.0) -> tuple[Journal, Journal]:
    """Two experiments in one folder, as syncing two roots makes them."""
    one = Journal(root, "p/run").opened("0001-main-aaaa", prefix="p/run")
    one.points([(0, {"loss": 1.0})], "0001-main-aaaa").closed(writer="0001-main-aaaa")
    two = Journal(root, "p/run", t=one.t + gap).opened("0001-main-bbbb", prefix="p/run")
    two.points([(0, {"loss": 2.0}), (1, {"loss": 3.0})], "0001-main-bbbb")
    two.closed("failed", "0001-main-bbbb")
    return one, two


def test_an_experiment_alone_has_the_whole_folder(tmp_path):
    journal = finished(tmp_path, "p/run")
    journals = FolderJournals(journal.root)
    assert journals.lies("p/run") == Lies("p/run")
    assert journals.shown("p/run") == ["p/run"]
    assert identify(journals.of("p/run")) == journal.id
    assert journals.shown("p/none") == ["p/none"]
    assert identify(journals.of("p/none")) is None


def test_the_later_of_two_is_shown_with_a_number_and_each_has_its_own_files(tmp_path):
    one, two = mixed(tmp_path)
    journals = FolderJournals(one.root)
    assert journals.shown("p/run") == ["p/run", "p/run~2"]
    assert sorted(journals.shown("p/run~2")) == ["p/run", "p/run~2"]
    first, second = journals.of("p/run"), journals.of("p/run~2")
    assert (identify(first), identify(second)) == (one.id, two.id)
    for folder in ("journal", "metrics"):
        assert [b.name for b in first.list(folder)] == ["0001-main-aaaa.jsonl"]
        assert [b.name for b in second.list(folder)] == ["0001-main-bbbb.jsonl"]


def test_a_second_experiment_shows_as_soon_as_it_is_there(tmp_path):
    one = finished(tmp_path, "p/run")
    journals = FolderJournals(one.root)
    assert journals.shown("p/run") == ["p/run"]
    mixed(tmp_path)
    assert journals.shown("p/run")[0] == "p/run"
    assert len(journals.shown("p/run")) > 1
    assert journals.shown("p/run~9") == ["p/run~9"]
    assert journals.lies("p/run~9") == Lies("p/run~9")


def test_a_number_that_a_folder_has_already_is_passed_over(tmp_path):
    one, _ = mixed(tmp_path)
    finished(tmp_path, "p/run~2")
    journals = FolderJournals(one.root)
    assert journals.shown("p/run") == ["p/run", "p/run~3"]
    assert journals.shown("p/run~2") == ["p/run~2"]


def test_who_was_opened_in_the_folder_comes_before_who_was_copied_there(tmp_path):
    stranger = Journal(tmp_path, "q/old").opened("0001-main-aaaa", prefix="q/old")
    stranger.closed(writer="0001-main-aaaa")
    shutil.copytree(stranger.folder, tmp_path / "p" / "run")
    native = Journal(tmp_path, "p/run", t=stranger.t + 50)
    native.opened("0001-main-bbbb", prefix="p/run").closed(writer="0001-main-bbbb")
    journals = FolderJournals(native.root)
    assert identify(journals.of("p/run")) == native.id
    assert identify(journals.of("p/run~2")) == stranger.id


def test_who_goes_on_from_a_copy_has_the_records_it_had_seen(tmp_path):
    base = finished(tmp_path, "p/base")
    shutil.copytree(base.folder, tmp_path / "p" / "fork")
    fork = Journal(tmp_path, "p/fork", t=base.t + 50)
    seen = {"0001-main": 1}
    fork.opened("0002-main-bbbb", prefix="p/fork", fork_of=base.id, after=seen)
    journals = FolderJournals(fork.root)
    assert journals.shown("p/fork") == ["p/fork"]
    storage = journals.of("p/fork")
    assert identify(storage) == fork.id
    assert [b.name for b in storage.list("journal")] == [
        "0001-main.jsonl",
        "0002-main-bbbb.jsonl",
    ]
    # What is copied there later was not seen, and is the other experiment's still.
    later = Journal(tmp_path, "p/fork", base.id, t=base.t + 80)
    later.opened("0003-main-cccc", prefix="p/base")
    found = tenants(FolderStorage(str(fork.folder)), "p/fork")
    assert [(t.experiment_id, sorted(t.writers)) for t in found] == [
        (fork.id, ["0001-main", "0002-main-bbbb"]),
        (base.id, ["0003-main-cccc"]),
    ]
