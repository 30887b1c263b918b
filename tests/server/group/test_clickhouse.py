"""A group whose points are in ClickHouse: with it, without it, and when it comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from anew import Store
from anew.clickhouse import ClickHouse, ClickHouseAddress
from anew.errors import InvalidSetting
from anew.query.panel import PanelQuestion
from anew.reading.local.backend import LocalBackend
from anew.reading.local.seen import Seen
from anew.server.group.address import GroupAddress
from anew.server.group.opened import GroupStores
from anew.server.group.opening import open_group
from anew.server.group.rebuilding import rebuild_group
from anew.server.group.upkeep import GroupUpkeep
from anew.stores.series.clickhouse import Table, series
from anew.sync.push import push
from anew.testing.clickhouse import PASSWORD, ClickHouseServer
from anew.testing.postgres import PostgresServer
from server.group.grouped import Group
from sync.recorded import Root

from .test_faults import shown
from .test_opening import asked, metric, started
from .test_worker import HERE


@pytest.fixture
def group(
    tmp_path: Path, make_database: Callable[[], str], make_clickhouse: Callable[[], str]
) -> Group:
    return Group(tmp_path / "group", make_database(), series=make_clickhouse())


@pytest.fixture
def stores(group: Group) -> Iterator[GroupStores]:
    with closing(group.stores()) as made:
        yield made


@pytest.fixture
def table(group: Group) -> Iterator[Table]:
    made = Table(ClickHouse(ClickHouseAddress.of(group.address.series)))
    yield made
    made.engine.close()


def points(url: str) -> int:
    """How many rows the table has of a group, each once."""
    engine = ClickHouse(ClickHouseAddress.of(url))
    count = engine.ask("SELECT uniqExact(experiment, metric, segment, row) FROM anew_points_v1 WHERE given < 2")  # fmt: skip
    engine.close()
    return int(count)


def test_points_are_rows_until_their_experiment_is_deleted_or_everything_is_made_again(
    group: Group, stores: GroupStores, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(series, "FILLED_BYTES", 1)
    root = Root(tmp_path / "here")
    ids = [root.made(f"lab/x/{n}", points=40) for n in range(3)]
    with group.server(stores) as transport:
        assert push(root.path, HERE, transport=transport).complete
    stores.refresh()
    assert set(table.rows()) == set(ids)
    assert points(group.address.series) == 120
    backend = LocalBackend(Seen(stores), user="tester")
    with Store(root.path) as local:
        question = PanelQuestion(ids=tuple(ids), metrics=("loss",), buckets=7)
        ours, theirs = backend.panel(question), local.backend.panel(question)
        assert [one.id for one in ours.series] == [one.id for one in theirs.series]
        for column in ("low", "high", "mean", "last", "count"):
            assert getattr(ours.buckets, column).tobytes() == getattr(theirs.buckets, column).tobytes()  # fmt: skip
    upkeep = GroupUpkeep(stores, Seen(stores), user="tester")
    upkeep.purge([ids[0]])
    assert set(table.rows()) == set(ids[1:])
    upkeep.gc()
    table.remove()
    done = rebuild_group(group.address)[1]
    assert (done.experiments, done.points) == (2, 80)
    assert set(table.rows()) == set(ids[1:])


def test_what_is_secret_is_shown_nowhere_and_what_is_wrong_is_refused(group: Group):
    address = group.address
    assert PASSWORD not in f"{address} {address!r} {address.shown}"
    assert "clickhouse://127.0.0.1" in address.shown
    for wrong in (
        address.series.replace(PASSWORD, "notToBeTold"),
        "https://u:notToBeTold@host:8123/x",
    ):
        with pytest.raises(InvalidSetting) as raised:
            open_group(address._replace(series=wrong), works=False)
        assert raised.value.setting == "series"
        assert "notToBeTold" not in str(raised.value)


@pytest.mark.slow
def test_clickhouse_that_is_killed_or_away_loses_and_doubles_nothing(
    tmp_path: Path, own_postgres: PostgresServer, own_clickhouse: ClickHouseServer
):
    address = GroupAddress(
        own_postgres.make_database(), str(tmp_path / "bucket"), str(tmp_path / "cache"), own_clickhouse.make_database()
    )  # fmt: skip
    root = Root(tmp_path / "here")
    with started(address, "--series", address.series) as (url, process):
        writers = [root.open(f"lab/x/e{n}") for n in range(3)]

        def more(count: int) -> None:
            for id, writer in writers:
                root.points(id, writer, count)
            push(root.path, url)

        more(3_000)
        shown(root.path, url)
        assert asked(f"{url}/readyz") == "ok"
        assert metric(url, "anew_series_up") == 1
        for turn in range(3):
            stopper = threading.Timer(0.1 * turn, own_clickhouse.kill)
            stopper.start()
            more(3_000)
            stopper.join()
            shown(root.path, url)  # without it, from the records
            assert asked(f"{url}/readyz").startswith("ok, ")
            assert metric(url, "anew_series_up") == 0
            assert metric(url, "anew_series_failures_total") > 0
            own_clickhouse.start()
            until = time.monotonic() + 300
            while metric(url, "anew_series_up") == 0:
                assert time.monotonic() < until
                time.sleep(0.2)
        for id, writer in writers:
            root.close(id, writer)
        push(root.path, url)
        shown(root.path, url)
        until = time.monotonic() + 300
        while points(address.series) < 3 * 4 * 3_000:
            shown(root.path, url)  # whoever reads what is missing brings it in
            assert time.monotonic() < until, points(address.series)
        assert points(address.series) == 3 * 4 * 3_000
        process.terminate()
        assert process.stderr is not None
        said = process.stderr.read()
        assert "ClickHouse" in said
        assert PASSWORD not in said
