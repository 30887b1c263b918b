"""The bucket alone has everything that was accepted, and what is derived is made again from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from anew import Experiment
from anew.query.points import PointsQuestion
from anew.query.question import FactsQuestion
from anew.server.group.address import GroupAddress
from anew.server.group.keeping import Keeper
from anew.server.group.opened import GroupStores
from anew.server.group.opening import open_group, open_truth
from anew.server.group.rebuilding import rebuild_group, recover
from anew.sync.push import push
from server.group.grouped import Group
from serving import InProcess
from tests.cli.conftest import call

from .test_worker import HERE, shown


@pytest.fixture
def group(tmp_path: Path, make_database: Callable[[], str]) -> Group:
    return Group(tmp_path / "group", make_database())


@pytest.fixture
def stores(group: Group) -> Iterator[GroupStores]:
    with closing(group.stores()) as made:
        yield made


@pytest.fixture
def transport(group: Group, stores: GroupStores) -> Iterator[InProcess]:
    with group.server(stores) as made:
        yield made


def hashes(stores: GroupStores) -> dict[tuple[str, str], str]:
    """The BLAKE3 of every segment and file."""
    found = {}
    ids = [row[0] for row in stores.truth.database.ask("SELECT id FROM experiment")]
    for id, listing in stores.truth.segments.listed(ids).items():
        for path, blob in listing:
            data = stores.truth.files.storage(id).read(path, 0, blob.size)
            found[id, path] = blake3(data).hexdigest()
    return found


def sent(group: Group, stores: GroupStores, transport: InProcess, tmp_path: Path) -> None:
    """Send experiments with points, files, edits, documents, one in the trash and one that was purged."""
    here = tmp_path / "here"
    for number in range(4):
        with Experiment(f"lab/x/{number}", root=str(here), quiet=True, system_metrics=0) as exp:
            for step in range(50):
                exp.log_metrics({"loss": step / (number + 1)}, step=step)
            exp.files().save_text(f"file {number}\n", "notes.txt")
            exp.files().save_text("x" * 100_000 + str(number), "large.txt")
            exp.log("a message")
    assert push(here, HERE, transport=transport).complete
    rows = stores.truth.database.ask("SELECT prefix, id FROM experiment ORDER BY prefix")
    ids: dict[str, str] = dict(rows)

    def find(id: str) -> Any:
        (found,) = stores.ask(lambda c: c.facts(FactsQuestion(ids=(id,), now=0.0)), fresh=True)
        return found

    stores.bin.delete([ids["lab/x/1"], ids["lab/x/2"]], find, "bob")
    stores.bin.purge([ids["lab/x/2"]])
    stores.bin.move(ids["lab/x/3"], "lab/y/moved", find, "bob")
    stores.journal.set_document("view", "mine", {"a": 1})


def test_a_lost_database_is_made_again_from_the_objects(
    group: Group,
    stores: GroupStores,
    transport: InProcess,
    tmp_path: Path,
    make_database: Callable[[], str],
):
    sent(group, stores, transport, tmp_path)
    Keeper(stores.truth).drain()
    assert stores.truth.tail().bytes == 0
    before, known = hashes(stores), shown(stores)
    lines = stores.truth.database.ask("SELECT event, line FROM root_line ORDER BY number")
    lost = group.address._replace(catalog=make_database())
    done = call("server", "rebuild", "--catalog", lost.catalog, "--blobs", lost.blobs, "--cache", lost.cache, "--json")  # fmt: skip
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["recovered"]["problems"] == []
    assert told["recovered"]["experiments"] == 4
    assert (told["experiments"], told["points"]) == (2, 100)
    group.address = lost
    with closing(group.stores()) as again:
        assert hashes(again) == before
        assert shown(again) == known
        assert [one.prefix for one in again.trash()] == ["lab/x/1"]
        assert (
            again.truth.database.ask("SELECT event, line FROM root_line ORDER BY number") == lines
        )
        # It goes on from there: what is there is not sent again, and new objects take nobody's place.
        with group.server(again) as transport:
            assert push(tmp_path / "here", HERE, transport=transport).complete
            with Experiment(
                "lab/x/new", root=str(tmp_path / "here"), quiet=True, system_metrics=0
            ) as exp:
                exp.log_metrics({"loss": 1.0}, step=0)
            assert push(tmp_path / "here", HERE, transport=transport).complete
            again.journal.set_document("view", "mine", {"a": 2})
        Keeper(again.truth).drain()
        assert before.items() <= hashes(again).items()
        assert len(shown(again)) == 3
        third = open_truth(lost._replace(catalog=make_database()))
        recover(third)
        recover(third)  # done again, it changes nothing
        count = "SELECT count(*) FROM root_line"
        assert third.database.ask(count) == again.truth.database.ask(count)
        assert third.database.ask("SELECT experiment, name, size FROM segment ORDER BY 1, 2") == again.truth.database.ask(
            "SELECT experiment, name, size FROM segment ORDER BY 1, 2"
        )  # fmt: skip
        third.database.close()


def test_what_is_derived_is_made_again_and_says_the_same(
    group: Group, stores: GroupStores, transport: InProcess, tmp_path: Path
):
    sent(group, stores, transport, tmp_path)
    known = shown(stores)
    ids = tuple(sorted(known))

    def values(address: GroupAddress) -> list[Any]:
        opened = open_group(address, works=False)
        try:
            found = opened.backend.points(PointsQuestion(ids=ids, metrics=("loss",)))
            return [(one.metric, one.values.tolist()) for one in found.series]
        finally:
            opened.close()

    before = values(group.address)
    assert [len(one[1]) for one in before] == [50, 50]
    damaged = stores.truth.blobs
    damaged.replace("series/packs/0/00000001.parquet", b"damaged")
    with stores.truth.database.transaction() as connection:
        connection.execute('DROP SCHEMA "anew_catalog" CASCADE')
    recovered, done = rebuild_group(group.address)
    assert recovered is None
    assert (done.experiments, done.points) == (2, 100)
    with closing(group.stores()) as again:
        assert shown(again) == known
    assert values(group.address) == before


def test_objects_that_say_nothing_are_told_of_and_the_others_are_taken(
    group: Group,
    stores: GroupStores,
    transport: InProcess,
    tmp_path: Path,
    make_database: Callable[[], str],
):
    sent(group, stores, transport, tmp_path)
    Keeper(stores.truth).drain()
    blobs, known = stores.truth.blobs, shown(stores)
    bad, good = sorted(known)
    for key in blobs.keys(f"experiments/{bad}/filing"):
        blobs.replace(key, b"{")
    blobs.create(f"experiments/{good}/other/{0:016x}", b"x")
    lost = open_truth(group.address._replace(catalog=make_database()))
    done = recover(lost)
    assert {key.split("/")[1] for key, _ in done.problems} == {bad, good}
    assert done.experiments == 3
    lost.database.close()


def test_a_database_that_was_restored_to_an_older_state_takes_no_objects_place(
    group: Group, stores: GroupStores, transport: InProcess, tmp_path: Path
):
    sent(group, stores, transport, tmp_path)
    blobs = stores.truth.blobs
    ((id, prefix, version),) = stores.truth.database.ask(
        "SELECT id, prefix, version FROM experiment WHERE state = 'here' ORDER BY prefix LIMIT 1"
    )
    other = f"experiments/{id}/filing/{version:016x}"
    if other not in blobs.keys(f"experiments/{id}/filing"):
        blobs.create(other, b'{"id":"%s","prefix":"lab/later"}' % id.encode())
    Keeper(stores.truth).drain()
    newest = max(blobs.keys(f"experiments/{id}/filing"))
    assert newest > other
    assert json.loads(blobs.read(newest))["prefix"] == prefix
