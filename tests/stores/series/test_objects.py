"""Series among objects: every promise of the seam over a bucket, and what goes wrong with one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from anew.blobs.blob import Blob, Data
from anew.blobs.bucket import BucketBlobs
from anew.blobs.cached import CachedBlobs
from anew.blobs.protocol import Blobs
from anew.errors import CorruptData
from anew.journal.layout import RootLayout
from anew.journal.storage import FolderStorage, Storage
from anew.stores.series import many, objects
from anew.stores.series.folder import FolderSeries
from anew.stores.series.objects import ObjectSeries
from anew.stores.series.protocol import ExperimentFolder, SeriesStore
from anew.testing.lines import PointFeed, point_line
from anew.testing.series import SeriesContract


def folders(places: Sequence[ExperimentFolder]) -> list[Storage]:
    """The segments of experiments that lie in folders."""
    return [FolderStorage(place.folder) for place in places]


def opened(tmp_path: Path, parts: Blobs, packs: Blobs) -> ObjectSeries:
    """A store as another process would open it, with an empty cache."""
    cached = [CachedBlobs(one, str(tmp_path / "cache")) for one in (parts, packs)]
    return ObjectSeries(*cached, folders, lock=str(tmp_path / "packs.lock"))


def in_memory(tmp_path: Path) -> ObjectSeries:
    return opened(tmp_path, BucketBlobs("memory:"), BucketBlobs("memory:"))


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are derived from every line, and packs made of whatever is read, at once."""
    monkeypatch.setattr(objects, "DERIVE_BYTES", 1)
    monkeypatch.setattr(objects, "FINISHED_BYTES", 1)
    monkeypatch.setattr(objects, "MANY", 1)
    monkeypatch.setattr(many, "IDLE_SECONDS", 0.0)


class TestLines(SeriesContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectSeries:
        return in_memory(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
class TestDerived(SeriesContract):
    """Every flush makes a file of what is new."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectSeries:
        return in_memory(tmp_path)

    def settle(self, feed: PointFeed) -> None:
        feed.store.flush(feed.place)
        if any(Path(feed.place.folder, "metrics").iterdir()):
            assert feed.store.derived()[feed.place.experiment_id] > 0


@pytest.mark.usefixtures("eager")
class TestPacked(SeriesContract):
    """The writers have ended, their files are merged, and every question makes packs and the next one reads them."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectSeries:
        return in_memory(tmp_path)

    def settle(self, feed: PointFeed) -> None:
        feed.store.flush(feed.place, ["0001-main", "0002-rank1"])
        feed.store.read_many([feed.place], ["a"])


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
class TestOnAServer(SeriesContract):
    @pytest.fixture
    def store(self, tmp_path: Path, make_real_bucket: Callable[[], str]) -> ObjectSeries:
        url = make_real_bucket()
        return opened(tmp_path, BucketBlobs(f"{url}/parts"), BucketBlobs(f"{url}/packs"))

    def settle(self, feed: PointFeed) -> None:
        feed.store.flush(feed.place)
        feed.store.read_many([feed.place], ["a"])


class Bucket(BucketBlobs):
    """Blobs in memory that can be away, and tell how many bytes were read and which keys there are."""

    def __init__(self) -> None:
        super().__init__("memory:")
        self.away = False
        self.bytes = 0

    def _there(self) -> None:
        if self.away:
            raise OSError("The bucket reported an error: 503 Slow Down")

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        self._there()
        data = super().read(key, start, length)
        self.bytes += len(data)
        return data

    def tail(self, key: str, length: int) -> tuple[bytes, int]:
        self._there()
        data, size = super().tail(key, length)
        self.bytes += len(data)
        return data, size

    def list(self, folder: str = "") -> list[Blob]:
        self._there()
        return super().list(folder)

    def create(self, key: str, data: Data) -> bool:
        self._there()
        return super().create(key, data)

    def delete(self, key: str) -> None:
        self._there()
        super().delete(key)

    def damage(self, at: int = 100) -> None:
        """Change a byte of every blob."""
        for key in self.keys():
            data = bytearray(super().read(key))
            if not data:  # the mark of a pack that nothing is left of
                continue
            data[at % len(data)] ^= 0x55
            self.replace(key, bytes(data))


class World:
    """A bucket, and the folders of experiments whose segments are the truth."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts, self.packs = Bucket(), Bucket()

    def server(self) -> ObjectSeries:
        """A server that has nothing but the bucket."""
        return opened(self.folder, self.parts, self.packs)

    def feed(self, store: ObjectSeries, name: str) -> PointFeed:
        place = ExperimentFolder(
            f"bcdf2345{name:0>4}", str(self.folder / "team" / "project" / name)
        )
        return PointFeed(store, place)

    def all(self, store: SeriesStore, places: Sequence[ExperimentFolder], *names: str) -> list:
        found = store.read_many(places, names)
        assert not found.problems
        return [
            (int(found.experiment[at]), found.names[found.metric[at]], one.step.tolist(), one.value.tolist(), one.time.tolist())
            for at in range(len(found.experiment))
            for one in [found.alone(at)]
        ]  # fmt: skip

    def truth(self, places: Sequence[ExperimentFolder], *names: str) -> list:
        return self.all(FolderSeries(RootLayout(str(self.folder))), places, *names)


def lines(start: int, count: int, *names: str) -> list[bytes]:
    names = names or ("a", "b")
    return [point_line({n: i + k / 7 for k, n in enumerate(names)}, i, t=1.76e9 + i) for i in range(start, start + count)]  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.usefixtures("eager")
def test_two_servers_that_take_in_the_same_points_double_nothing(world):
    one, other = world.server(), world.server()
    feeds = [world.feed(one, "run"), world.feed(other, "run")]
    for turn in range(6):
        feeds[0].write(lines(turn * 10, 10))
        for feed in (feeds[turn % 2], *feeds):  # a lease that ran out in the middle: both go on
            feed.offer()
            feed.store.flush(feed.place)
    one.flush(feeds[0].place, ["0001-main"])
    other.flush(feeds[1].place, ["0001-main"])
    places = [feeds[0].place]
    for store in (one, other, world.server()):
        for _ in range(2):  # from the parts, and from the packs that this makes
            assert world.all(store, places, "a", "b") == world.truth(places, "a", "b")


@pytest.mark.usefixtures("eager")
def test_packs_that_many_servers_write_and_merge_at_once_answer_as_one_would(world):
    servers = [world.server() for _ in range(3)]
    feeds = [world.feed(servers[n % 3], f"run{n}") for n in range(12)]
    for n, feed in enumerate(feeds):
        feed.write(lines(n, 5))
    places = [feed.place for feed in feeds]
    truth = world.truth(places, "a", "b")
    with ThreadPoolExecutor(3) as pool:
        for turn in range(4):
            feeds[turn].write(lines(100, 2))
            truth = world.truth(places, "a", "b")
            found = list(pool.map(lambda server: world.all(server, places, "a", "b"), servers))
            assert found == [truth] * 3
    for place in places[:3]:
        servers[0].drop(place.experiment_id)
    for server in servers:
        server.tidy()
    assert not {place.experiment_id for place in places[:3]} & world.server().derived().keys()
    assert world.all(world.server(), places, "a", "b") == truth


def test_a_pack_that_another_server_merged_meanwhile_is_found_again(world, monkeypatch):
    monkeypatch.setattr(many, "IDLE_SECONDS", 0.0)
    server = world.server()
    feeds = [world.feed(server, f"run{n}") for n in range(objects.MANY)]
    for n, feed in enumerate(feeds):
        feed.write(lines(n, 5))
    places = [feed.place for feed in feeds]
    world.all(server, places, "a")
    (key,) = world.packs.keys()
    data = world.packs.read(key)
    listed = Bucket.list

    def stale(self: Bucket, folder: str = "") -> list[Blob]:
        found = listed(self, folder)
        if key in self.keys_there():
            world.packs.create(key.replace("0001.", "0002."), data)
            world.packs.delete(key)
        return found

    monkeypatch.setattr(Bucket, "keys_there", lambda self: [b.key for b in listed(self)], raising=False)  # fmt: skip
    monkeypatch.setattr(Bucket, "list", stale)
    reading = world.server()
    monkeypatch.setattr(reading, "_runs", lambda *_, **__: pytest.fail("segments were read"))
    assert world.all(reading, places, "a") == world.truth(places, "a")


def test_of_a_large_pack_only_the_metric_that_is_asked_for_comes_here(world, monkeypatch):
    monkeypatch.setattr(many, "IDLE_SECONDS", 0.0)
    rng, server = np.random.default_rng(1), world.server()
    feeds = [world.feed(server, f"run{n}") for n in range(objects.MANY)]
    names = [f"m{n:02}" for n in range(16)]
    for feed in feeds:
        feed.write(
            point_line(dict(zip(names, rng.random(16).tolist(), strict=True)), step, t=1.76e9 + rng.random())
            for step in range(2_000)
        )  # fmt: skip
    places = [feed.place for feed in feeds]
    server.read_many(places, ["m03"])
    whole = sum(blob.size for blob in world.packs.list())
    world.packs.bytes = 0
    cold = world.server()
    monkeypatch.setattr(cold, "_runs", lambda *_, **__: pytest.fail("segments were read"))
    assert world.all(cold, places, "m03") == world.truth(places, "m03")
    once = world.packs.bytes
    assert once < 0.75 * whole
    world.all(cold, places, "m03")  # warm: nothing is asked for again
    assert world.packs.bytes == once


@pytest.mark.usefixtures("eager")
def test_with_the_derived_objects_damaged_or_gone_the_segments_answer(world):
    server = world.server()
    feeds = [world.feed(server, f"run{n}") for n in range(3)]
    for n, feed in enumerate(feeds):
        feed.log(lines(n, 20))
    places = [feed.place for feed in feeds]
    truth = world.truth(places, "a", "b")
    assert world.all(server, places, "a", "b") == truth
    for at in (10, 300, -10, -100):
        world.parts.damage(at)
        world.packs.damage(at)
        damaged = world.server()
        assert world.all(damaged, places, "a", "b") == truth
        assert [damaged.read(place).value.tolist() for place in places] == [
            FolderSeries(RootLayout(str(world.folder))).read(place).value.tolist()
            for place in places
        ]
        for place in places:  # what was damaged is made again
            damaged.flush(place)
        damaged.tidy()
        assert world.all(world.server(), places, "a", "b") == truth
    for bucket in (world.parts, world.packs):
        for key in list(bucket.keys()):
            bucket.delete(key)
    assert world.all(world.server(), places, "a", "b") == truth


@pytest.mark.usefixtures("eager")
def test_while_the_bucket_is_away_segments_answer_and_nothing_that_is_taken_in_is_lost(world):
    server = world.server()
    feeds = [world.feed(server, f"run{n}") for n in range(2)]
    for feed in feeds:
        feed.log(lines(0, 10))
    places = [feed.place for feed in feeds]
    world.parts.away = world.packs.away = True
    for feed in feeds:
        feed.log(lines(10, 10))
    cold = world.server()
    assert world.all(cold, places, "a", "b") == world.truth(places, "a", "b")
    world.parts.away = world.packs.away = False
    for feed in feeds:
        feed.log(lines(20, 10))
    assert world.all(cold, places, "a", "b") == world.truth(places, "a", "b")
    assert set(cold.derived()) == {place.experiment_id for place in places}


def test_segments_that_cannot_be_read_are_problems_and_the_others_are_there(world, monkeypatch):
    server = world.server()
    feeds = [world.feed(server, f"run{n}") for n in range(2)]
    for feed in feeds:
        feed.write(lines(0, 10))
    read = FolderStorage.read

    def away(self: FolderStorage, path: str, start: int, length: int) -> bytes:
        if self.folder.endswith("run0"):
            raise OSError("an object of the segment is missing")
        return read(self, path, start, length)

    monkeypatch.setattr(FolderStorage, "read", away)
    found = server.read_many([feed.place for feed in feeds], ["a"])
    assert found.experiment.tolist() == [1]
    (problem,) = found.problems
    assert problem.path == f"{feeds[0].place.folder}/metrics/0001-main.jsonl"
    (problem,) = server.read(feeds[0].place).problems
    assert isinstance(problem, CorruptData)


def test_small_files_of_a_long_part_are_merged_and_what_is_dropped_leaves_nothing(
    world, monkeypatch
):
    monkeypatch.setattr(objects, "DERIVE_BYTES", 1)
    feed = world.feed(world.server(), "run")
    for turn in range(20):
        feed.log(lines(turn, 3))
        assert len(world.parts.keys()) <= objects.MERGED
    for store in (feed.store, world.server()):
        columns = store.read(feed.place, ["a"], rows=True)
        assert columns.row.tolist() == list(range(1, 61))
    assert feed.store.drop(feed.place.experiment_id) > 0
    assert world.parts.keys() == []
    assert feed.store.read(feed.place, ["a"]).step.tolist() == columns.step.tolist()


NAMES = st.sampled_from(["run0", "run1", "run2"])


class Group(RuleBasedStateMachine):
    """Two servers over one bucket, in any order, against what the segments say."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(objects, "DERIVE_BYTES", 200)
        self.patches.setattr(objects, "FINISHED_BYTES", 1)
        self.patches.setattr(objects, "MERGED", 3)
        self.patches.setattr(objects, "MANY", 2)
        self.patches.setattr(many, "IDLE_SECONDS", 0.0)
        self.folder = Path(tempfile.mkdtemp(prefix="anew-test-"))
        self.world = World(self.folder)
        self.servers = [self.world.server(), self.world.server()]
        self.feeds = {
            (name, n): self.world.feed(server, name)
            for n, server in enumerate(self.servers)
            for name in ("run0", "run1", "run2")
        }
        self.written = 0

    def teardown(self) -> None:
        self.patches.undo()
        shutil.rmtree(self.folder)

    @rule(name=NAMES, count=st.integers(1, 6), part=st.integers(1, 2))
    def write(self, name: str, count: int, part: int) -> None:
        self.feeds[name, 0].write(lines(self.written, count), part=part)
        self.written += count

    @rule(name=NAMES, server=st.integers(0, 1), done=st.booleans())
    def take_in(self, name: str, server: int, done: bool) -> None:
        feed = self.feeds[name, server]
        feed.offer()
        feed.store.flush(feed.place, ["0001-main"] if done else [])

    @rule(server=st.integers(0, 1))
    def restart(self, server: int) -> None:
        self.servers[server] = self.world.server()
        for name in ("run0", "run1", "run2"):
            self.feeds[name, server] = self.world.feed(self.servers[server], name)

    @rule(name=NAMES, server=st.integers(0, 1))
    def drop(self, name: str, server: int) -> None:
        self.servers[server].drop(self.feeds[name, server].place.experiment_id)

    @rule(server=st.integers(0, 1))
    def tidy(self, server: int) -> None:
        self.servers[server].tidy()

    @rule(at=st.integers(0, 3000), parts=st.booleans())
    def damage(self, at: int, parts: bool) -> None:
        (self.world.parts if parts else self.world.packs).damage(at)

    @rule(server=st.integers(0, 1))
    def ask(self, server: int) -> None:
        places = [self.feeds[name, 0].place for name in ("run0", "run1", "run2")]
        truth = self.world.truth(places, "b", "a")
        assert self.world.all(self.servers[server], places, "b", "a") == truth
        for place in places:
            alone = self.servers[server].read(place, ["a"], rows=True)
            assert not alone.problems
            expected = FolderSeries(RootLayout(str(self.folder))).read(place, ["a"], rows=True)
            assert alone.row.tolist() == expected.row.tolist()


TestGroup = Group.TestCase
TestGroup.settings = settings(max_examples=6, stateful_step_count=20, deadline=None)
