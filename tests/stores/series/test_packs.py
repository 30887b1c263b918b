"""Packs: what they answer is what the experiments' own files say, whatever happened to either."""

from __future__ import annotations

import math
import os
import shutil
import struct
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from anew.blobs.bucket import BucketBlobs
from anew.journal.layout import RootLayout
from anew.stores.series import folder, many, packs
from anew.stores.series.columns import ManyColumns
from anew.stores.series.folder import FolderSeries
from anew.stores.series.packs import Packs
from anew.stores.series.protocol import ExperimentFolder
from anew.testing.lines import PointFeed, point_line

IDS = [f"bcdf2345678{n}" for n in range(6)]
VALUES = [0.0, -0.0, 1.5, math.nan, math.inf, -math.inf, 5e-324, 0.1]


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs are made of whatever is read, at once."""
    monkeypatch.setattr(folder, "MANY", 1)
    monkeypatch.setattr(many, "IDLE_SECONDS", 0.0)


def made(
    root: Path, count: int, points: int = 20, names: tuple[str, ...] = ("loss",)
) -> list[ExperimentFolder]:
    """Experiments with some points each, as a training writes them."""
    store = FolderSeries(RootLayout(str(root)))
    places = []
    for number in range(count):
        place = ExperimentFolder(f"x{number:011}", str(root / "team" / "project" / f"run{number}"))
        feed = PointFeed(store, place)
        feed.write(
            point_line(dict.fromkeys(names, number + step / 7), step, t=1.76e9 + step)
            for step in range(points)
        )
        places.append(place)
    return places


def packed(root: Path) -> list[Path]:
    return sorted(root.glob(".anew/packs/*/*.parquet"))


def words(columns: ManyColumns) -> list[tuple[int, str, bytes, bytes, bytes]]:
    """Columns as plain values; a NaN is a NaN."""
    found = []
    for at in range(len(columns.experiment)):
        rows = slice(int(columns.starts[at]), int(columns.starts[at + 1]))
        value = np.where(np.isnan(columns.value[rows]), np.nan, columns.value[rows])
        assert columns.time is not None
        found.append(
            (
                int(columns.experiment[at]),
                columns.names[columns.metric[at]],
                columns.step[rows].tobytes(),
                columns.time[rows].tobytes(),
                value.tobytes(),
            )
        )
    return found


@pytest.mark.usefixtures("eager")
def test_the_second_question_opens_no_file_of_an_experiment(tmp_path, monkeypatch):
    places = made(tmp_path, 12, names=("loss", "acc"))
    first = FolderSeries(RootLayout(str(tmp_path))).read_many(places, ["acc", "loss"])
    store = FolderSeries(RootLayout(str(tmp_path)))
    monkeypatch.setattr(store, "read", lambda *_, **__: pytest.fail("a file was read"))
    again = store.read_many(places, ["acc", "loss"])
    assert words(again) == words(first)
    assert len(packed(tmp_path)) == 1


@pytest.mark.usefixtures("eager")
def test_experiments_come_in_the_order_asked_for_and_twice_when_asked_twice(tmp_path):
    places = made(tmp_path, 5)
    store = FolderSeries(RootLayout(str(tmp_path)))
    store.read_many(places, ["loss"])
    asked = [places[3], places[0], places[3]]
    columns = store.read_many(asked, ["loss"])
    assert columns.experiment.tolist() == [0, 1, 2]
    assert columns.value[columns.starts[:-1]].tolist() == [3.0, 0.0, 3.0]


@pytest.mark.usefixtures("eager")
def test_other_programs_read_a_pack(tmp_path):
    store = FolderSeries(RootLayout(str(tmp_path)))
    store.read_many(made(tmp_path, 3), ["loss"])
    (pack,) = packed(tmp_path)
    query = "SELECT experiment_id, name, count(*), max(value) FROM read_parquet(?) GROUP BY ALL ORDER BY 1"
    rows = duckdb.execute(query, [str(pack)]).fetchall()
    assert [row[:3] for row in rows] == [(f"x{n:011}", "loss", 20) for n in range(3)]


def test_an_experiment_that_was_written_to_a_moment_ago_is_not_packed(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "MANY", 1)
    store = FolderSeries(RootLayout(str(tmp_path)))
    store.read_many(made(tmp_path, 10), ["loss"])
    assert packed(tmp_path) == []


def test_a_few_experiments_are_read_without_packs(tmp_path, monkeypatch):
    monkeypatch.setattr(many, "IDLE_SECONDS", 0.0)
    store = FolderSeries(RootLayout(str(tmp_path)))
    store.read_many(made(tmp_path, folder.MANY - 1), ["loss"])
    assert packed(tmp_path) == []


@pytest.mark.usefixtures("eager")
def test_packs_of_a_size_are_merged_and_answer_the_same(tmp_path):
    places = made(tmp_path, packs.MERGED * 2 + 1)
    store = FolderSeries(RootLayout(str(tmp_path)))
    for place in places:
        store.read_many([place], ["loss"])
    assert len(packed(tmp_path)) < packs.MERGED
    plain = [store.read(place).value.tolist() for place in places]
    columns = store.read_many(places, ["loss"])
    assert columns.value.tolist() == [value for one in plain for value in one]


@pytest.mark.usefixtures("eager")
def test_no_pack_holds_more_points_than_it_may(tmp_path, monkeypatch):
    for module in (packs, many):
        monkeypatch.setattr(module, "MAX_POINTS", 100)
    store = FolderSeries(RootLayout(str(tmp_path)))
    store.read_many(made(tmp_path, 23, points=20), ["loss"])
    counts = [len(duckdb.sql(f"FROM '{path}'")) for path in packed(tmp_path)]
    assert sum(counts) == 23 * 20
    assert max(counts) <= 100


@pytest.mark.usefixtures("eager")
def test_points_of_a_dropped_experiment_leave_the_packs(tmp_path):
    places = made(tmp_path, 6)
    store = FolderSeries(RootLayout(str(tmp_path)))
    store.read_many(places, ["loss"])
    shutil.rmtree(places[2].folder)
    store.drop(places[2].experiment_id)
    assert places[2].experiment_id not in store.derived()
    assert store.tidy() > 0
    (pack,) = packed(tmp_path)
    left = duckdb.sql(f"SELECT DISTINCT experiment_id FROM '{pack}'").fetchall()
    assert {row[0] for row in left} == {p.experiment_id for p in places} - {places[2].experiment_id}


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("damage", ["cut", "flipped", "rubbish"])
def test_a_damaged_pack_is_passed_over_and_replaced(tmp_path, damage):
    places = made(tmp_path, 6, points=200)
    store = FolderSeries(RootLayout(str(tmp_path)))
    whole = words(store.read_many(places, ["loss"]))
    (pack,) = packed(tmp_path)
    data = bytearray(pack.read_bytes())
    if damage == "flipped":
        data[len(data) // 4] ^= 1
    pack.write_bytes({"cut": data[:-20], "flipped": data, "rubbish": b"rubbish"}[damage])
    fresh = FolderSeries(RootLayout(str(tmp_path)))
    assert words(fresh.read_many(places, ["loss"])) == whole
    assert words(fresh.read_many(places, ["loss"])) == whole


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("step", ["replace", "unlink"])
def test_whoever_is_killed_while_merging_loses_nothing(tmp_path, monkeypatch, step):
    places = made(tmp_path, packs.MERGED)
    store = FolderSeries(RootLayout(str(tmp_path)))
    for place in places[:-1]:
        store.read_many([place], ["loss"])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(os, step, killed)
        store.read_many(places[-1:], ["loss"])
    plain = [value for place in places for value in store.read(place).value.tolist()]
    for _ in range(2):
        assert store.read_many(places, ["loss"]).value.tolist() == plain


@pytest.mark.usefixtures("eager")
def test_where_nothing_can_be_written_questions_are_answered_all_the_same(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packs, "write_pack", full)
    store = FolderSeries(RootLayout(str(tmp_path)))
    assert len(store.read_many(made(tmp_path, 9), ["loss"])) == 9 * 20


class PacksAreReadings(RuleBasedStateMachine):
    """Whatever is logged, deleted, sealed, cut short or thrown away: packs say what was logged, in its order."""

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.root = Path(tempfile.mkdtemp())
        self.model: dict[str, dict[str, list[tuple[int, float]]]] = {}
        self.patch = pytest.MonkeyPatch()
        for module, name, value in (
            (folder, "MANY", 1), (many, "IDLE_SECONDS", 0.0), (packs, "MERGED", 3), (packs, "MAX_POINTS", 60),
            (many, "MAX_POINTS", 60), (packs, "_SMALLEST", 4),
        ):  # fmt: skip
            self.patch.setattr(module, name, value)
        self.store = FolderSeries(RootLayout(str(self.root)))

    def teardown(self) -> None:
        if hasattr(self, "root"):
            self.patch.undo()
            shutil.rmtree(self.root)

    def place(self, one: str) -> ExperimentFolder:
        return ExperimentFolder(one, str(self.root / "team" / "project" / one))

    @rule(
        one=st.sampled_from(IDS),
        name=st.sampled_from(["a", "b"]),
        points=st.lists(
            st.tuples(st.integers(-2, 3), st.sampled_from(VALUES)), min_size=1, max_size=9
        ),
        writer=st.sampled_from(["0001-main-aaaa", "0001-main-bbbb"]),
    )
    def log(self, one: str, name: str, points: list[tuple[int, float]], writer: str) -> None:
        metrics = Path(self.place(one).folder, "metrics")
        if (metrics / f"{writer}.parquet").exists():
            return  # it has ended
        lines = [point_line({name: value}, step) for step, value in points]
        PointFeed(self.store, self.place(one)).write(lines, writer)
        self.model.setdefault(one, {}).setdefault(f"{name} {writer}", []).extend(points)

    @rule(one=st.sampled_from(IDS))
    def delete(self, one: str) -> None:
        shutil.rmtree(self.place(one).folder, ignore_errors=True)
        self.store.drop(one)
        self.model.pop(one, None)

    @rule(one=st.sampled_from(IDS))
    def seal(self, one: str) -> None:
        self.store.flush(self.place(one), ["0001-main-aaaa", "0001-main-bbbb"], small=True)

    @rule(
        some=st.lists(st.sampled_from(IDS), unique=True),
        names=st.lists(st.sampled_from("ab"), unique=True),
    )
    def ask(self, some: list[str], names: list[str]) -> None:
        columns = self.store.read_many([self.place(one) for one in some], names)
        expected = []
        for number, one in enumerate(some):
            for name in names:
                series = self.model.get(one, {})
                points = [
                    p for key in sorted(series) if key.startswith(f"{name} ") for p in series[key]
                ]
                if points:
                    expected.append(
                        (number, name, [s for s, _ in points], [bits(v) for _, v in points])
                    )
        found = [
            (
                int(columns.experiment[at]),
                columns.names[columns.metric[at]],
                columns.step[columns.starts[at] : columns.starts[at + 1]].tolist(),
                [
                    bits(v)
                    for v in columns.value[columns.starts[at] : columns.starts[at + 1]].tolist()
                ],
            )
            for at in range(len(columns.experiment))
        ]
        assert found == expected

    @rule(
        step=st.sampled_from(["replace", "unlink"]),
        some=st.lists(st.sampled_from(IDS), unique=True),
    )
    def is_killed(self, step: str, some: list[str]) -> None:
        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(packs.os, step, killed)
            try:
                self.store.read_many([self.place(one) for one in some], ["a"])
            except KeyboardInterrupt:
                pass

    @rule()
    def tidy(self) -> None:
        self.store.tidy()
        gone = set(IDS) - set(self.model)
        assert not gone & set(self.store.derived())

    @rule()
    def throw_away(self) -> None:
        shutil.rmtree(self.root / ".anew", ignore_errors=True)

    @rule()
    def begin_another_process(self) -> None:
        self.store = FolderSeries(RootLayout(str(self.root)))

    @invariant()
    def nothing_is_left_of_who_was_not_killed(self) -> None:
        if hasattr(self, "root"):
            assert len(packed(self.root)) < 40


def bits(value: float) -> bytes:
    return b"nan" if value != value else struct.pack("<d", value)


TestPacksAreReadings = PacksAreReadings.TestCase
TestPacksAreReadings.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.usefixtures("eager")
def test_packs_may_be_kept_in_any_blobs(tmp_path):
    places = made(tmp_path, 6, points=50)
    plain = FolderSeries(RootLayout(str(tmp_path)))
    kept = BucketBlobs("memory://")
    store = FolderSeries(RootLayout(str(tmp_path)), packs=Packs(kept, str(tmp_path / "packs.lock")))
    first = store.read_many(places, ["loss"])
    assert len(kept.keys()) == 1
    assert not packed(tmp_path)
    assert words(store.read_many(places, ["loss"])) == words(first)
    store.drop(places[0].experiment_id)
    assert places[0].experiment_id not in store.derived()
    assert store.tidy() > 0
    assert len(kept.keys()) == 1
    assert words(store.read_many(places[1:], ["loss"])) == words(
        plain.read_many(places[1:], ["loss"])
    )
