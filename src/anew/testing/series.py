"""What every series store must do."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest

from ..stores.series.columns import Columns, PartName
from ..stores.series.protocol import ExperimentFolder, Reached, SeriesStore
from .lines import PointFeed, point_line

__all__ = ["SeriesContract"]

_ODD = [0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, -1.7976931348623157e308, 0.1, 1 / 3]


class SeriesContract:
    """Subclass it and give the fixture `store`; `settle` may do what turns lines into columns."""

    @pytest.fixture
    def store(self) -> SeriesStore:
        """An empty store."""
        raise NotImplementedError

    def settle(self, feed: PointFeed) -> None:
        """Called between writing and reading: a backend may seal here, and must read the same."""

    @pytest.fixture
    def feed(self, store: SeriesStore, tmp_path: Path) -> PointFeed:
        """An experiment whose points the store is given."""
        return PointFeed(store, ExperimentFolder("bcdf23456789", str(tmp_path / "experiment")))

    def read(self, feed: PointFeed, *names: str, **how: object) -> Columns:
        """All points of some series (of all, without names), as the store gives them."""
        self.settle(feed)
        return feed.store.read(feed.place, list(names) or None, **how)  # type: ignore[arg-type]

    def test_nothing_was_logged_reads_as_no_series(self, feed: PointFeed) -> None:
        columns = self.read(feed)
        assert columns.names == ()
        assert len(columns) == 0
        assert feed.store.read(ExperimentFolder("nowhere", feed.place.folder + "/no")).names == ()

    def test_every_float_comes_back_bit_for_bit(self, feed: PointFeed) -> None:
        feed.log(point_line({"a": value}, step) for step, value in enumerate(_ODD))
        values = self.read(feed, "a").value.tolist()
        assert [_bits(v) for v in values] == [_bits(v) for v in _ODD]

    def test_times_come_back_exactly(self, feed: PointFeed) -> None:
        times = [0.0, 1.5, 1_760_000_000.123456, 1_760_000_000.1234567, 4e9 + 1 / 3, -2.5, 1e300]
        feed.log(point_line({"a": 1.0}, 0, t) for t in times)
        assert self.read(feed, "a").time.tolist() == times

    @pytest.mark.parametrize("names", [None, ["a", "b"]])
    def test_what_is_read_since_is_every_point_once(
        self, feed: PointFeed, names: list[str] | None
    ) -> None:
        seen: dict[str, list[tuple[int, float]]] = {"a": [], "b": []}
        since: dict[PartName, Reached] = {}

        def look() -> int:
            nonlocal since
            columns, since = feed.store.read_since(feed.place, names, since)
            for name in columns.names:
                rows = columns.of(name)
                steps, values = columns.step[rows].tolist(), columns.value[rows].tolist()
                seen[name] += zip(steps, values, strict=True)
            return len(columns)

        for part in range(1, 4):
            for half in range(2):
                at = 10 * part + half
                feed.log([point_line({"a": at}, 9 - at), point_line({"b": at})], part=part)
                feed.log([point_line({}, 1)] * half, part=part)
                if part != 2:
                    look()
            if part > 1:  # a writer that comes late, before and after another
                feed.log([point_line({"a": part + 0.5}, part)], "0002-rank1", part)
            self.settle(feed)
            look()
        assert look() == 0
        columns = feed.store.read(feed.place, ["a", "b"])
        whole = {
            name: list(zip(columns.step[columns.of(name)].tolist(), columns.value[columns.of(name)].tolist(), strict=True))
            for name in columns.names
        }  # fmt: skip
        assert {name: sorted(points) for name, points in seen.items()} == {
            name: sorted(points) for name, points in whole.items()
        }

    def test_what_is_said_wrongly_of_the_past_only_changes_which_points_come(
        self, feed: PointFeed
    ) -> None:
        feed.log(point_line({"a": n}, n) for n in range(5))
        self.settle(feed)
        for line in (0, 1, 5, 99, 1 << 61):
            for end in (0, 1, 30, 1 << 61):
                since = {("0001-main", 1): Reached(line, end), ("nobody", 7): Reached(line, end)}
                columns, _ = feed.store.read_since(feed.place, None, since, start=1, stop=4)
                assert set(columns.value.tolist()) <= {1.0, 2.0, 3.0}

    def test_repeated_and_descending_steps_keep_their_order(self, feed: PointFeed) -> None:
        steps = [5, 5, 3, 9, -4, (1 << 63) - 1, -(1 << 63), 3]
        feed.log(point_line({"a": float(i)}, step) for i, step in enumerate(steps))
        columns = self.read(feed, "a")
        assert columns.step.tolist() == steps
        assert columns.value.tolist() == [float(i) for i in range(len(steps))]
        assert columns.given is None

    def test_a_point_without_a_step_has_its_position_in_the_series(self, feed: PointFeed) -> None:
        feed.log([point_line({"a": 1.0}), point_line({"b": 2.0}), point_line({"a": 3.0}, 70)])
        feed.log([point_line({"a": 4.0, "b": 5.0})])
        columns = self.read(feed)
        assert columns.step[columns.of("a")].tolist() == [0, 70, 2]
        assert columns.step[columns.of("b")].tolist() == [0, 1]
        assert columns.given is not None
        assert columns.given[columns.of("a")].tolist() == [False, True, False]

    def test_positions_run_on_over_parts_and_writers(self, feed: PointFeed) -> None:
        feed.log([point_line({"a": 10.0})], "0001-main", 1)
        feed.log([point_line({"a": 30.0})], "0002-rank1", 1)
        feed.log([point_line({"a": 20.0})], "0001-main", 2)
        columns = self.read(feed, "a", rows=True)
        assert columns.value.tolist() == [10.0, 20.0, 30.0]
        assert columns.step.tolist() == [0, 1, 2]
        assert columns.part is not None
        assert [columns.parts[p] for p in columns.part] == [
            ("0001-main", 1),
            ("0001-main", 2),
            ("0002-rank1", 1),
        ]

    def test_part_ten_comes_after_part_nine(self, feed: PointFeed) -> None:
        for part in (10, 9, 1):
            feed.log([point_line({"a": float(part)}, part)], part=part)
        assert self.read(feed, "a").step.tolist() == [1, 9, 10]

    def test_rows_are_line_numbers(self, feed: PointFeed) -> None:
        feed.log([point_line({"a": 1.0, "b": 1.0}, 0), point_line({"b": 2.0}, 1)])
        feed.log([point_line({"a": 3.0}, 2)])
        assert self.read(feed).row is None
        columns = self.read(feed, rows=True)
        assert columns.row is not None
        assert columns.row[columns.of("a")].tolist() == [1, 3]
        assert columns.row[columns.of("b")].tolist() == [1, 2]

    def test_a_range_of_steps_leaves_the_positions_as_they_are(self, feed: PointFeed) -> None:
        feed.log(point_line({"a": float(i), "b": -float(i)}) for i in range(10))
        columns = self.read(feed, start=3, stop=6)
        assert columns.step[columns.of("a")].tolist() == [3, 4, 5]
        assert columns.value[columns.of("b")].tolist() == [-3.0, -4.0, -5.0]
        assert len(self.read(feed, start=100)) == 0

    def test_series_come_in_the_order_asked_and_unknown_ones_not_at_all(
        self, feed: PointFeed
    ) -> None:
        feed.log([point_line({"a": 1.0, "b": 2.0, "c": 3.0}, 0)])
        columns = self.read(feed, "c", "nope", "a", "c")
        assert columns.names == ("c", "a")
        assert columns.value.tolist() == [3.0, 1.0]
        assert self.read(feed).names == ("a", "b", "c")
        assert self.read(feed).of("nope") == slice(0, 0)

    def test_metadata_comes_only_when_asked_for(self, feed: PointFeed) -> None:
        feed.log(
            [point_line({"a": 1.0}, 0, x={"lang": "fr", "n": [1, 2]}), point_line({"a": 2.0}, 1)]
        )
        columns = self.read(feed, "a", metadata=True)
        assert columns.metadata is not None
        assert json.loads(columns.metadata[0]) == {"lang": "fr", "n": [1, 2]}
        assert columns.metadata[1] is None
        assert self.read(feed, "a").metadata is None
        without = [*(point_line({"a": 3.0}, n) for n in range(2, 5)), point_line({"b": 1.0}, 5)]
        feed.log(without, part=2)
        columns = self.read(feed, metadata=True)
        assert columns.metadata is not None
        assert columns.metadata[1:].tolist() == [None] * 5

    def test_names_of_every_script_come_back(self, feed: PointFeed) -> None:
        names = [
            "train/loss",
            "Genauigkeit ä",
            "精度",
            "with 'quotes' and \"more\"",
            "a" * 500,
            "🎯",
        ]
        feed.log([point_line({name: float(i)}, 0) for i, name in enumerate(names)])
        assert set(self.read(feed).names) == set(names)
        assert self.read(feed, "精度").value.tolist() == [2.0]

    def test_what_is_offered_again_is_kept_once(self, feed: PointFeed) -> None:
        feed.log(point_line({"a": float(i)}, i) for i in range(5))
        feed.offer(again=True)
        feed.store.flush(feed.place)
        assert self.read(feed, "a").step.tolist() == [0, 1, 2, 3, 4]

    def test_ten_thousand_metrics_are_read_one_or_all(self, feed: PointFeed) -> None:
        names = [f"layer{i}/norm" for i in range(10_000)]
        feed.log(point_line({n: float(i + s) for i, n in enumerate(names)}, s) for s in range(2))
        assert self.read(feed, "layer77/norm").value.tolist() == [77.0, 78.0]
        everything = self.read(feed)
        assert len(everything.names) == 10_000
        assert len(everything) == 20_000

    def test_experiments_do_not_mix(self, feed: PointFeed, tmp_path: Path) -> None:
        other = PointFeed(feed.store, ExperimentFolder("other2345678", str(tmp_path / "other")))
        feed.log([point_line({"a": 1.0}, 0)])
        other.log([point_line({"a": 2.0}, 0)])
        assert self.read(feed, "a").value.tolist() == [1.0]
        assert self.read(other, "a").value.tolist() == [2.0]

    def test_outlines_are_some_or_all_of_the_points_of_each_stretch(self, feed: PointFeed) -> None:
        feed.log(point_line({"a": float(i % 7), "b": 1.0}, i) for i in range(20_000))
        feed.log(point_line({"a": float(i)}, i) for i in range(20_000, 20_100))
        columns = self.read(feed, "a", "b")
        for whole in (True, False):
            for name in "ab":
                of = columns.of(name)
                runs = [
                    run
                    for run in feed.store.outlines(feed.place, ["a", "b"], whole=whole)
                    if run.points.name == name
                ]
                first = 0
                for points, at, total in runs:
                    assert not whole or at is None
                    rows = of.start + first + (np.arange(total) if at is None else at)
                    np.testing.assert_array_equal(points.step, columns.step[rows])
                    np.testing.assert_array_equal(points.value, columns.value[rows])
                    np.testing.assert_array_equal(points.time, columns.time[rows])
                    first += total
                assert first == of.stop - of.start

    def test_outlines_without_times_have_the_same_steps_and_values(self, feed: PointFeed) -> None:
        feed.log(point_line({"a": float(i % 7), "b": 1.0}, i) for i in range(20_000))
        feed.log(point_line({"a": float(i)}, i) for i in range(20_000, 20_100))
        for within in (None, (100, 200)):
            runs, others = (
                feed.store.outlines(feed.place, ["a"], whole=True, within=within, times=times)
                for times in (True, False)
            )
            for run, other in zip(runs, others, strict=True):
                assert run.total == other.total
                np.testing.assert_array_equal(run.points.step, other.points.step)
                np.testing.assert_array_equal(run.points.value, other.points.value)

    def test_what_is_outside_of_a_range_may_be_left_out_of_outlines(self, feed: PointFeed) -> None:
        feed.log(point_line({"a": float(i)}, i) for i in range(20_000))
        feed.log(point_line({"a": float(i)}, i) for i in range(20_000, 40_000))
        for within in ((100, 200), (19_999, 20_000), (39_999, 50_000), (50_000, 60_000)):
            runs = feed.store.outlines(feed.place, ["a"], whole=True, within=within)
            assert sum(run.total for run in runs) == 40_000
            steps = [step for run in runs if run.at is None for step in run.points.step.tolist()]
            wanted = range(within[0], min(within[1] + 1, 40_000))
            assert set(wanted) <= set(steps)

    def test_many_experiments_are_read_at_once_as_each_would_be_alone(
        self, store: SeriesStore, tmp_path: Path
    ) -> None:
        feeds = [
            PointFeed(store, ExperimentFolder(f"bcdf2345678{n}", str(tmp_path / str(n))))
            for n in range(4)
        ]
        for n, feed in enumerate(feeds[:3]):
            lines = [
                point_line({"a": float(v), "b": -1.0}, v % 3, t=n + v / 7) for v in range(n * 4)
            ]
            feed.log([*lines, point_line({"a": math.nan}), point_line({"c": 1.0}, 5)])
            self.settle(feed)
        folders = [feed.place for feed in reversed(feeds)]
        many = store.read_many(folders, ["b", "nope", "a"])
        assert many.time is not None
        expected = [
            (number, name)
            for number, folder in enumerate(folders)
            for name in ("b", "a")
            if name in store.read(folder).names
        ]
        assert [
            (int(e), many.names[m]) for e, m in zip(many.experiment, many.metric, strict=True)
        ] == expected
        for at, (number, name) in enumerate(expected):
            alone = store.read(folders[number], [name])
            rows = slice(int(many.starts[at]), int(many.starts[at + 1]))
            assert many.step[rows].tolist() == alone.step.tolist()
            assert many.time[rows].tolist() == alone.time.tolist()
            assert many.value[rows].tobytes() == alone.value.tobytes()
        assert store.read_many(folders, ["a"], times=False).time is None
        assert len(store.read_many([], ["a"])) == 0
        assert len(store.read_many(folders, [])) == 0


def _bits(value: float) -> bytes:
    # A NaN is a NaN: JSON has no payloads.
    return b"nan" if value != value else struct.pack("<d", value)
