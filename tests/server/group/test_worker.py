"""Any number of servers take in what arrived: once, whatever ends in the middle."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anew.query.question import FactsQuestion, Question
from anew.reading.local.opening import open_folder
from anew.record.facts import ExperimentFacts
from anew.server.group.opened import GroupStores
from anew.server.group.opening import open_truth
from anew.sync.push import push
from server.group.grouped import Group
from serving import InProcess
from sync.recorded import Root

HERE = "http://127.0.0.1:5700"


@pytest.fixture
def group(tmp_path: Path, make_group_database: Callable[[], str]) -> Group:
    return Group(tmp_path / "group", make_group_database())


@pytest.fixture
def stores(group: Group) -> Iterator[GroupStores]:
    made = group.stores()
    yield made
    made.close()


@pytest.fixture
def transport(group: Group, stores: GroupStores) -> Iterator[InProcess]:
    with group.server(stores) as made:
        yield made


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "here")


def shown(stores: Any) -> dict[str, tuple[Any, ...]]:
    """What is known of all experiments."""
    parts: Any = frozenset({"metrics", "state", "files"})

    def ask(catalog: Any) -> list[ExperimentFacts]:
        ids = catalog.select(Question(now=0.0)).ids
        return list(catalog.facts(FactsQuestion(ids=ids, parts=parts, now=0.0)))

    return {
        one.id: (
            one.prefix,
            one.status,
            one.point_count,
            {
                n: (m.count, m.nonfinite, m.min, m.max, m.last_step)
                for n, m in (one.metrics or {}).items()
            },
            (one.state.params, one.state.tags, one.state.captured),
            one.files,
        )
        for one in stores.ask(ask, fresh=True)
    }


def expected(root: Root) -> dict[str, tuple[Any, ...]]:
    opened = open_folder(str(root.path))
    try:
        return shown(opened.root)
    finally:
        opened.close()


def test_what_was_sent_is_known_as_in_the_folder_it_comes_from(
    root: Root, stores: GroupStores, transport: InProcess
):
    for name in "abc":
        root.made(f"lab/x/{name}", points=40)
    assert push(root.path, HERE, transport=transport).complete
    assert shown(stores) == expected(root)
    assert stores.worker.leases.waiting() == 0
    assert stores.worker.leases.lag() == 0
    root.edit(next(iter(root.folders)), "red")
    assert push(root.path, HERE, transport=transport).complete
    assert stores.worker.leases.waiting() == 1
    assert shown(stores) == expected(root)


def test_what_one_server_accepts_and_takes_in_is_heard_by_another(
    group: Group, root: Root, stores: GroupStores, transport: InProcess
):
    heard: queue.Queue[str] = queue.Queue()
    closed = threading.Event()
    other = open_truth(group.address).database
    thread = threading.Thread(target=other.listen, args=(heard.put, closed))
    thread.start()
    try:
        heard.get(timeout=60)  # it listens from now on
        root.made("lab/x/a", points=1)
        assert push(root.path, HERE, transport=transport).complete
        assert heard.get(timeout=60) == ""
        assert stores.worker.work() is not None
        while heard.get(timeout=60) != "done":
            pass
    finally:
        closed.set()
        thread.join()
        other.close()


@pytest.mark.parametrize("when", ["known", "save"])
def test_a_lease_that_ends_in_the_middle_of_the_work_doubles_and_loses_nothing(
    group: Group, root: Root, stores: GroupStores, transport: InProcess, when: str, monkeypatch: Any
):
    id, writer = root.open("lab/x/a")
    root.points(id, writer, 30)
    assert push(root.path, HERE, transport=transport).complete
    slow = group.stores(seconds=0.0)  # whose leases have ended when it has them
    done: list[Any] = []

    def meanwhile(*_: Any, **__: Any) -> None:
        if done:
            return
        done.append(stores.worker.work())  # another server goes on
        root.points(id, writer, 20)
        assert push(root.path, HERE, transport=transport).complete
        done.append(stores.worker.work())

    original = getattr(slow.catalog, when)

    def late(*args: Any, **given: Any) -> Any:
        if when == "known":
            answer = original(*args, **given)
            meanwhile()
            return answer
        meanwhile()
        return original(*args, **given)

    if when == "known":
        monkeypatch.setattr(slow.catalog, "known", late)
    else:  # it is asked whether the lease is still there right before
        hold = slow.worker.leases.hold

        def holding(connection: Any, leases: Any) -> None:
            meanwhile()
            hold(connection, leases)

        monkeypatch.setattr(slow.worker.leases, "hold", holding)
    taken = slow.worker.work()
    assert taken is not None
    assert taken.points == 0
    assert [one.points for one in done] == [30, 20]
    assert shown(stores) == expected(root)
    assert shown(slow) == expected(root)
    slow.close()


def test_a_server_that_ended_after_saving_and_before_saying_so_doubles_nothing(
    group: Group, root: Root, stores: GroupStores, transport: InProcess, monkeypatch: Any
):
    id, writer = root.open("lab/x/a")
    root.points(id, writer, 30)
    assert push(root.path, HERE, transport=transport).complete
    killed = group.stores(seconds=0.0)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(killed.worker.leases, "end", die)
    monkeypatch.setattr(killed.worker.leases, "give_back", lambda leases: None)
    with pytest.raises(KeyboardInterrupt):
        killed.worker.work()
    killed.close()
    assert stores.worker.leases.waiting() == 1
    assert shown(stores) == expected(root)
    assert stores.worker.leases.waiting() == 0


def test_deleting_moving_and_restoring_at_one_server_is_seen_at_the_other(
    group: Group, root: Root, stores: GroupStores, transport: InProcess
):
    other = group.stores()
    first, second = root.made("lab/x/a"), root.made("lab/x/b")
    assert push(root.path, HERE, transport=transport).complete

    def find(id: str) -> ExperimentFacts:
        (found,) = stores.ask(lambda c: c.facts(FactsQuestion(ids=(id,), now=0.0)), fresh=True)
        return found

    stores.bin.delete([first], find, "bob")
    assert set(shown(other)) == {second}
    assert [one.experiment_id for one in other.trash()] == [first]
    assert push(root.path, HERE, transport=transport).deleted == (first,)
    assert set(shown(other)) == {second}
    other.bin.move(second, "lab/x/a", find, "bob")
    assert shown(stores)[second][0] == "lab/x/a"
    stores.bin.restore(first, "lab/x/c", "bob")
    assert {one[0] for one in shown(other).values()} == {"lab/x/a", "lab/x/c"}
    stores.bin.delete([first], find, "bob")
    assert other.bin.purge([first]).count == 1
    assert not other.trash()
    assert not stores.truth.blobs.keys(f"experiments/{first}/segments")
    other.close()


def test_a_segment_that_cannot_be_read_is_told_of_and_the_others_are_taken_in(
    group: Group, root: Root, stores: GroupStores, transport: InProcess
):
    bad, good = root.made("lab/x/bad"), root.made("lab/x/good")
    assert push(root.path, HERE, transport=transport).complete
    while stores.truth.segments.flush(least=0, older=0):
        pass
    for key in stores.truth.blobs.keys(f"experiments/{bad}/segments/metrics"):
        stores.truth.blobs.delete(key)
    assert set(shown(stores)) >= {good}
    assert bad not in {i for i, row in shown(stores).items() if row[2]}
    assert stores.worker.leases.lag() > 0
    marks = stores.catalog.outstanding().marks
    assert [key for key in marks if key.startswith("unread/")] == ["unread/lab/x/bad"]
