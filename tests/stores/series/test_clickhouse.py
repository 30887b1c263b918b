"""Series in ClickHouse: every promise of the seam over the engine, and what goes wrong with it."""

from __future__ import annotations

import random
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from anew.clickhouse import ClickHouse, ClickHouseAddress, ClickHouseError, connections
from anew.errors import InvalidSetting, TookTooLong
from anew.journal.layout import ExperimentLayout, RootLayout
from anew.journal.storage import FolderStorage, Storage
from anew.record.ids import new_id
from anew.stores.series.clickhouse import ClickHouseSeries, Table, series
from anew.stores.series.clickhouse.table import Filling
from anew.stores.series.folder import FolderSeries
from anew.stores.series.points import decode_block
from anew.stores.series.protocol import ExperimentFolder, SeriesStore
from anew.testing.clickhouse import PASSWORD
from anew.testing.lines import PointFeed, point_line
from anew.testing.series import SeriesContract
from faults.site import Link, network


def folders(places: Sequence[ExperimentFolder]) -> list[Storage]:
    """The segments of experiments that lie in folders."""
    return [FolderStorage(place.folder) for place in places]


@pytest.fixture
def engine(make_clickhouse: Callable[[], str]) -> Iterator[ClickHouse]:
    found = ClickHouse(ClickHouseAddress.of(make_clickhouse()))
    yield found
    found.close()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line becomes rows at once."""
    monkeypatch.setattr(series, "FILLED_BYTES", 1)


@pytest.mark.usefixtures("eager")
class TestRows(SeriesContract):
    """Every flush makes rows of what is new."""

    @pytest.fixture
    def store(self, engine: ClickHouse) -> ClickHouseSeries:
        return ClickHouseSeries(engine, folders)

    def settle(self, feed: PointFeed) -> None:
        feed.store.flush(feed.place)
        assert isinstance(feed.store, ClickHouseSeries)
        assert not feed.store.health().failing


@pytest.mark.slow
class TestRowsAndLines(SeriesContract):
    """Writers still write: small segments are lines."""

    @pytest.fixture
    def store(self, engine: ClickHouse) -> ClickHouseSeries:
        return ClickHouseSeries(engine, folders)


@pytest.mark.slow
class TestFinished(SeriesContract):
    """The writers have ended."""

    @pytest.fixture
    def store(self, engine: ClickHouse) -> ClickHouseSeries:
        return ClickHouseSeries(engine, folders)

    def settle(self, feed: PointFeed) -> None:
        feed.store.flush(feed.place, ["0001-main", "0002-rank1"])
        if any(Path(feed.place.folder, "metrics").iterdir()):
            assert feed.store.derived()[feed.place.experiment_id] > 0


class World:
    """Servers that fill one database, and the folders of experiments whose segments are the truth."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.address = ClickHouseAddress.of(url)
        self._opened: list[ClickHouseSeries] = []

    def server(self, port: int = 0) -> ClickHouseSeries:
        """A server of its own, which reaches ClickHouse at a port."""
        address = self.address._replace(port=port or self.address.port)
        store = ClickHouseSeries(ClickHouse(address), folders)
        self._opened.append(store)
        return store

    def place(self, name: str) -> ExperimentFolder:
        return ExperimentFolder(f"bcdf2345{name:0>4}", str(self.folder / "team" / "project" / name))

    def feed(self, store: SeriesStore, name: str) -> PointFeed:
        return PointFeed(store, self.place(name))

    def all(self, store: SeriesStore, *names: str) -> dict[str, list[Any]]:
        """All points of some experiments, by experiment."""
        found: dict[str, list[Any]] = {}
        for name in names:
            columns = store.read(self.place(name), rows=True, metadata=True)
            assert not columns.problems
            assert columns.row is not None
            assert columns.part is not None
            where = [columns.parts[part] for part in columns.part.tolist()]
            said = [None] * len(columns) if columns.metadata is None else columns.metadata.tolist()
            of = np.repeat(columns.names, np.diff(columns.starts)).tolist()
            found[name] = [
                *zip(of, where, columns.row.tolist(), columns.step.tolist(), columns.time.tolist(), map(repr, columns.value.tolist()), said, strict=True)
            ]  # fmt: skip
        return found

    def truth(self, *names: str) -> dict[str, list[Any]]:
        return self.all(FolderSeries(RootLayout(str(self.folder))), *names)

    def close(self) -> None:
        for store in self._opened:
            store.close()


@pytest.fixture
def world(tmp_path: Path, make_clickhouse: Callable[[], str]) -> Iterator[World]:
    made = World(tmp_path, make_clickhouse())
    yield made
    made.close()


@pytest.fixture
def table(world: World) -> Iterator[Table]:
    """The table that the servers of the world fill."""
    made = Table(ClickHouse(world.address))
    yield made
    made.engine.close()


def lines(start: int, count: int, *names: str) -> list[bytes]:
    return [point_line({n: i + k / 7 for k, n in enumerate(names or ("a", "b"))}, i, t=1.76e9 + i) for i in range(start, start + count)]  # fmt: skip


@pytest.mark.usefixtures("eager")
def test_two_servers_that_take_in_the_same_points_double_nothing(world: World):
    one, other = world.server(), world.server()
    feeds = [world.feed(one, "run"), world.feed(other, "run")]
    for turn in range(4):
        feeds[0].write(lines(turn * 10, 10))
        for feed in (feeds[turn % 2], *feeds):  # a lease that ran out in the middle: both go on
            feed.offer(again=turn == 2)
            feed.store.flush(feed.place)
    for store in (one, other, world.server()):
        assert world.all(store, "run") == world.truth("run")
    assert not one.health().failing


@pytest.mark.usefixtures("eager")
def test_rows_that_were_written_twice_are_one_point(world: World, table: Table):
    store = world.server()
    feed = world.feed(store, "run")
    feed.log(lines(0, 50))
    block, _ = decode_block(Path(ExperimentLayout(feed.place.folder).points("0001-main", 1)).read_bytes())  # fmt: skip
    for part in (("0001-main", 1), ("0001-main", 1)):
        table.insert(feed.place.experiment_id, part, Filling(0, 0, 1, 1), block)
    assert table.rows()[feed.place.experiment_id] > 200
    assert world.all(store, "run") == world.truth("run")
    many = store.read_many([feed.place], ["a"])
    assert many.value.tolist() == [float(i) for i in range(50)]


@pytest.mark.usefixtures("eager")
@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=5, unique=True))  # fmt: skip
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_metrics_of_any_name_come_back_by_their_name(world: World, names: list[str]):
    store = world.server()
    feed = world.feed(store, f"{len(list(world.folder.glob('team/project/*')))}")
    feed.log([point_line({name: float(i) for i, name in enumerate(names)}, 1)])
    for i, name in enumerate(names):
        assert store.read(feed.place, [name]).value.tolist() == [float(i)]
    assert set(store.read(feed.place).names) == set(names)
    assert not store.health().failing


@pytest.mark.usefixtures("eager")
def test_an_experiment_that_is_dropped_leaves_no_bytes(world: World):
    store = world.server()
    for name in ("run1", "run2"):
        world.feed(store, name).log(lines(0, 5_000))
    dropped, kept = world.place("run1").experiment_id, world.place("run2").experiment_id
    sizes = store.derived()
    assert set(sizes) == {dropped, kept}
    assert store.drop(dropped) > 0
    assert set(store.derived()) == {kept}
    assert store.tidy() > 0
    assert sum(store.derived().values()) < 0.8 * sum(sizes.values())
    # Taken back out of the trash, it is there again, row for row.
    store.flush(world.place("run1"), ["0001-main"])
    assert set(store.derived()) == {dropped, kept}
    assert world.all(store, "run1", "run2") == world.truth("run1", "run2")


def test_a_table_that_was_removed_is_made_and_filled_again(world: World, table: Table):
    store = world.server()
    feed = world.feed(store, "run")
    feed.log(lines(0, 4_000))
    assert store.derived()
    table.remove()
    assert store.derived() == {}
    assert world.all(store, "run") == world.truth("run")  # who reads many lines sees to it
    assert store.derived()
    assert world.all(world.server(), "run") == world.truth("run")


def test_sealed_parts_are_rows_without_being_written_twice(world: World, table: Table):
    store = world.server()
    feed = world.feed(store, "run")
    feed.log(lines(0, 3_000))
    feed.log(lines(0, 10), part=2)
    rows = table.rows()
    folder = FolderSeries(RootLayout(str(world.folder)))
    folder.flush(feed.place, ["0001-main"], small=True)
    assert [p.suffix for p in Path(feed.place.folder, "metrics").iterdir()] == [".parquet"] * 2
    store.flush(feed.place, ["0001-main"])
    now = table.rows()
    one = feed.place.experiment_id
    assert rows[one] < now[one] <= rows[one] + 25  # that the first is sealed, and all of the second
    assert world.all(store, "run") == world.truth("run")


@pytest.mark.usefixtures("eager")
def test_while_clickhouse_is_away_points_come_from_the_records(world: World):
    told: list[str] = []
    with network(("127.0.0.1", world.address.port)) as between:
        address = world.address._replace(port=int(between.url.rpartition(":")[2]))
        store = ClickHouseSeries(ClickHouse(address), folders, told.append)
        feed = world.feed(store, "run")
        feed.log(lines(0, 100))
        assert not store.health().failing
    store.close()  # and the network is gone
    feed.log(lines(100, 100))
    assert world.all(store, "run") == world.truth("run")
    health = store.health()
    assert health.failing
    assert health.failures > 0
    assert len(told) == 1
    assert PASSWORD not in told[0]
    with pytest.raises(OSError):
        store.drop(feed.place.experiment_id)
    back = world.server()
    assert world.all(back, "run") == world.truth("run")


@pytest.mark.usefixtures("eager")
def test_an_engine_that_hangs_is_waited_for_once_and_points_come_from_the_records(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    for name, seconds in (("QUERY_SECONDS", 0.2), ("INSERT_SECONDS", 0.2), ("_GRACE", 0.1)):
        monkeypatch.setattr(connections, name, seconds)
    monkeypatch.setattr(series, "_SLOW_SECONDS", 1e6)
    hangs = [True]

    def fault(link: Link) -> None:
        link.silent = hangs[0]

    with network(("127.0.0.1", world.address.port), fault) as between:
        store = world.server(int(between.url.rpartition(":")[2]))
        feed = world.feed(store, "run")
        for turn in range(3):
            feed.log(lines(turn * 50, 50))
            assert world.all(store, "run") == world.truth("run")
        health = store.health()
        assert "did not answer" in health.failing
        assert health.failures == 1  # each other one would have been a wait
        hangs[0] = False
        monkeypatch.setattr(connections, "QUERY_SECONDS", 30.0)
        monkeypatch.setattr(connections, "INSERT_SECONDS", 30.0)
        store._quiet_until = 0.0  # some time later
        feed.log(lines(150, 50))
        assert world.all(store, "run") == world.truth("run")
        assert not store.health().failing
        assert store.derived()[feed.place.experiment_id] > 0


def test_a_question_that_takes_too_long_is_ended_in_the_engine(engine: ClickHouse):
    slow = "SELECT sleepEachRow(0.05) FROM numbers(400) SETTINGS max_block_size = 1"
    running = "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow(0.05)%' AND query NOT LIKE '%processes%'"
    with pytest.raises(TookTooLong):
        engine.ask(slow, seconds=0.3)
    assert engine.ask(running) == b"0\n"


def test_what_is_refused_says_so_without_what_is_secret(world: World):
    wrong = ClickHouse(world.address._replace(password="notToBeTold"))
    with pytest.raises(ClickHouseError) as raised:
        wrong.ping()
    assert raised.value.code == 516
    assert "notToBeTold" not in f"{raised.value} {wrong.address} {wrong.address!r}"
    wrong.close()
    with pytest.raises(InvalidSetting) as invalid:
        ClickHouseAddress.of("clickhouse://u:notToBeTold@host/a/b")
    assert "notToBeTold" not in str(invalid.value)
    shown = ClickHouseAddress.of("clickhouse://u:p%40x@[::1]/d?secure=1")
    assert (shown.port, shown.password, shown.secure) == (8443, "p@x", True)
    assert shown.shown == "clickhouse://[::1]:8443/d"


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_inserts_that_break_off_anywhere_lose_and_double_nothing(world: World):
    chance = random.Random(7)

    def fault(link: Link) -> None:
        if chance.random() < 0.4:
            link.cut_after = chance.randrange(20_000)
        elif chance.random() < 0.3:
            link.mute_after = chance.randrange(200)

    with network(("127.0.0.1", world.address.port), fault) as between:
        port = int(between.url.rpartition(":")[2])
        stores = [world.server(port), world.server(port)]
        for turn in range(40):
            store = chance.choice(stores)
            feed = world.feed(store, f"run{turn % 3}")
            feed.write(lines(turn * 30, chance.randrange(200)), part=chance.randint(1, 2))
            feed.offer(again=chance.random() < 0.3)
            store.flush(feed.place, ["0001-main"] if chance.random() < 0.3 else [])
            store.close()  # each request has a connection of its own, which may break
            if turn % 4 == 0:
                names = [f"run{n}" for n in range(min(3, turn + 1))]
                assert world.all(store, *names) == world.truth(*names)
    last = world.server()
    for n in range(3):
        last.flush(world.place(f"run{n}"), ["0001-main"])
    names = ["run0", "run1", "run2"]
    assert world.all(last, *names) == world.truth(*names)
    assert not last.health().failing


class Proxy(BaseHTTPRequestHandler):
    """Stands before ClickHouse, as a balancer does, and answers some requests by itself: before ClickHouse has them, or after."""

    protocol_version = "HTTP/1.1"
    to: ClickHouseAddress
    chance: random.Random

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, data = 503, b"no server is available"
        how = self.chance.random()
        if how > 0.25:
            behind = HTTPConnection(self.to.host, self.to.port, timeout=300)
            behind.request("POST", self.path, body, dict(self.headers))
            answer = behind.getresponse()
            status, data = answer.status, answer.read()
            behind.close()
            if how < 0.5:
                status, data = 500, b"the answer was lost"
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_answers_that_are_errors_before_or_after_the_insert_lose_and_double_nothing(world: World):
    handler = type("Handler", (Proxy,), {"to": world.address, "chance": random.Random(11)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        store = world.server(proxy.server_port)
        feed = world.feed(store, "run")
        for turn in range(10):
            feed.log(lines(turn * 20, 20))
            assert world.all(store, "run") == world.truth("run")
        store.close()
        proxy.shutdown()
    last = world.server()
    last.flush(feed.place, ["0001-main"])
    assert world.all(last, "run") == world.truth("run")
    assert not last.health().failing


@pytest.mark.slow
class TestWhateverIsDone:
    """Random operations of several servers, against a folder."""

    def test_reads_as_the_folder_does(self, make_clickhouse: Callable[[], str], monkeypatch: pytest.MonkeyPatch):  # fmt: skip
        monkeypatch.setattr(series, "FILLED_BYTES", 1)
        url = make_clickhouse()

        class Machine(RuleBasedStateMachine):
            def __init__(self) -> None:
                super().__init__()
                self.folder = tempfile.mkdtemp()
                self.world = World(Path(self.folder), url)
                # Runs of the machine share a database, so each has experiments of its own.
                self.tag = new_id()[:6]
                self.stores = [self.world.server() for _ in range(2)]
                self.step = 0

            def feed(self, n: int, store: int) -> PointFeed:
                return self.world.feed(self.stores[store], f"{self.tag}{n}")

            @rule(n=st.integers(0, 1), store=st.integers(0, 1), part=st.integers(1, 2), count=st.integers(1, 5),
                  value=st.floats(), step=st.none() | st.integers(-(1 << 63), (1 << 63) - 1), x=st.none() | st.just({"a": 1}),
                  again=st.booleans())  # fmt: skip
            def write(self, n: int, store: int, part: int, count: int, value: float, step: int | None, x: Any, again: bool) -> None:  # fmt: skip
                feed = self.feed(n, store)
                feed.write([point_line({"a": value, f"b{i}": i}, step, x=x) for i in range(count)], part=part)  # fmt: skip
                feed.offer(again=again)

            @rule(n=st.integers(0, 1), store=st.integers(0, 1), done=st.booleans())
            def flush(self, n: int, store: int, done: bool) -> None:
                feed = self.feed(n, store)
                feed.store.flush(feed.place, ["0001-main"] if done else [])

            @rule(n=st.integers(0, 1), store=st.integers(0, 1))
            def drop(self, n: int, store: int) -> None:
                self.stores[store].drop(self.feed(n, store).place.experiment_id)

            @rule(store=st.integers(0, 1))
            def read(self, store: int) -> None:
                names = [f"{self.tag}{n}" for n in range(2)]
                assert self.world.all(self.stores[store], *names) == self.world.truth(*names)

            @rule(n=st.integers(0, 1), store=st.integers(0, 1), start=st.integers(-3, 3), stop=st.integers(-3, 9))  # fmt: skip
            def window(self, n: int, store: int, start: int, stop: int) -> None:
                place = self.feed(n, store).place
                mine = self.stores[store].read(place, start=start, stop=stop)
                true = FolderSeries(RootLayout(self.folder)).read(place, start=start, stop=stop)
                assert (mine.names, mine.step.tolist()) == (true.names, true.step.tolist())
                assert mine.value.tobytes() == true.value.tobytes()

            @rule(store=st.integers(0, 1), times=st.booleans())
            def many(self, store: int, times: bool) -> None:
                places = [self.world.place(f"{self.tag}{n}") for n in (1, 0)]
                mine = self.stores[store].read_many(places, ["b0", "a", "x"], times=times)
                folder = FolderSeries(RootLayout(self.folder))
                true = folder.read_many(places, ["b0", "a", "x"], times=times)
                for column in ("experiment", "metric", "starts", "step", "time", "value"):
                    one, other = getattr(mine, column), getattr(true, column)
                    assert (one is None) == (other is None)
                    assert one is None or one.tobytes() == other.tobytes(), column

            def teardown(self) -> None:
                assert not self.stores[0].health().failing
                self.world.close()
                shutil.rmtree(self.folder)

        run_state_machine_as_test(Machine, settings=settings(max_examples=8, stateful_step_count=15, phases=[Phase.explicit, Phase.generate]))  # fmt: skip
