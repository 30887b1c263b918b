"""What has ended is copied to where questions over many find it, so that none of them decodes very many one by one."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from anew.index import Index
from anew.index import sink as filling
from anew.index.state import UNSETTLED
from anew.journal.layout import RootLayout
from anew.stores.open import Stores, open_stores
from anew.stores.series import folder as folder_series
from anew.stores.series import packs
from anew.stores.series.protocol import ExperimentFolder
from tests.stores.journals import Journal


@pytest.fixture
def stores(root: Path):
    root.mkdir()
    stores = open_stores(root)
    yield stores
    stores.close()


@pytest.fixture
def index(stores: Stores) -> Index:
    return Index(stores)


def rest(root: Path, seconds: float = 60.0) -> None:
    """Make all points as old as if nothing had been written for a while."""
    then = time.time() - seconds
    for path in [*root.glob("**/metrics/*"), *root.glob("**/metrics")]:
        os.utime(path, (then, then))


def of_a_project(root: Path, count: int, first: int = 0) -> list[ExperimentFolder]:
    """Experiments that have ended, with some points each."""
    places = []
    for number in range(first, first + count):
        journal = Journal(root, f"a/b/run{number}").opened()
        journal.points((step, {"loss": number + step / 8}) for step in range(4))
        journal.closed().announce()
        places.append(ExperimentFolder(journal.id, str(journal.folder)))
    return places


def values_from_packs(root: Path, places: list[ExperimentFolder], monkeypatch) -> list[float]:
    """What a question over experiments answers that may open none of their files."""
    store = folder_series.FolderSeries(RootLayout(str(root)))
    monkeypatch.setattr(store, "read", lambda *_, **__: pytest.fail("a file was read"))
    values: list[float] = store.read_many(places, ["loss"]).value.tolist()
    return values


def test_many_that_have_ended_are_packed_as_they_are_taken_in(root, index, monkeypatch):
    monkeypatch.setattr(filling, "UNSETTLED_EXPERIMENTS", 10)
    places = of_a_project(root, 12)
    rest(root)
    decoded = []
    read = folder_series.FolderSeries.read
    monkeypatch.setattr(
        folder_series.FolderSeries, "read", lambda *a, **k: decoded.append(a) or read(*a, **k)
    )
    index.refresh()
    assert not decoded, "what was taken in was decoded once"
    values = values_from_packs(root, places, monkeypatch)
    assert values == [number + step / 8 for number in range(12) for step in range(4)]


def test_what_ends_little_by_little_is_packed_once_it_is_much(root, stores, monkeypatch):
    monkeypatch.setattr(filling, "UNSETTLED_EXPERIMENTS", 10)
    places = []
    for first in (0, 5):  # each in a process of its own
        index = Index(stores)
        places += of_a_project(root, 5, first)
        rest(root)
        assert not list(root.glob(".anew/packs/*/*.parquet"))
        index.refresh()
    assert len(values_from_packs(root, places, monkeypatch)) == 40
    marks = stores.catalog.outstanding().marks
    assert not [one for one in marks if one.startswith(UNSETTLED)]


def test_what_was_written_to_a_moment_ago_waits_until_it_rests(root, index, monkeypatch):
    monkeypatch.setattr(filling, "UNSETTLED_EXPERIMENTS", 8)
    early = of_a_project(root, 8)
    index.refresh()
    assert not list(root.glob(".anew/packs/*/*.parquet"))
    rest(root)
    later = of_a_project(root, 8, 8)
    index.refresh()
    assert len(values_from_packs(root, early, monkeypatch)) == 32
    rest(root)
    index.rebuild()
    assert len(values_from_packs(root, [*early, *later], monkeypatch)) == 64


def test_an_experiment_that_is_deleted_is_waited_for_no_longer(root, index):
    (place,) = of_a_project(root, 1)
    index.refresh()
    assert UNSETTLED + place.experiment_id in index.stores.catalog.outstanding().marks
    shutil.rmtree(place.folder)
    (other,) = of_a_project(root, 1, 1)
    index.touch(["a/b/run0", "a/b/run1"])
    marks = index.stores.catalog.outstanding().marks
    assert [one for one in marks if one.startswith(UNSETTLED)] == [UNSETTLED + other.experiment_id]


def test_lines_that_came_after_the_look_are_packed_with_the_others(root, index, monkeypatch):
    """What was decoded when it was taken in is not all there is: the file is read again."""
    places = of_a_project(root, 8)
    rest(root)
    index.refresh()
    Journal(root, "a/b/run0", places[0].experiment_id).points([(9, {"loss": 0.5})])
    rest(root)
    assert index.stores.series.settle(places) == []
    assert 0.5 in values_from_packs(root, places, monkeypatch)


def test_a_copy_that_cannot_be_made_keeps_nothing_from_being_taken_in(root, index, monkeypatch):
    monkeypatch.setattr(filling, "UNSETTLED_EXPERIMENTS", 8)
    of_a_project(root, 8)
    rest(root)

    def broken(*_: object) -> None:
        raise RuntimeError("the engine has no memory left")

    monkeypatch.setattr(packs, "write_pack", broken)
    assert index.refresh().experiments == 8
    assert not [one for one in index.stores.catalog.outstanding().marks if "unread" in one]
