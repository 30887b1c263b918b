"""A long series says where it goes without its points being read."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anew.journal.layout import RootLayout
from anew.query.downsample import BLOCK, kept_of_outline, outlined
from anew.query.points import PointsQuestion, SeriesPoints
from anew.reading.local.points import read_points
from anew.stores.series import sorted_file
from anew.stores.series.columns import Points
from anew.stores.series.folder import FolderSeries
from anew.stores.series.outlines import LONG, pack_outline, unpack_outline
from anew.stores.series.protocol import ExperimentFolder
from anew.testing.lines import PointFeed, point_line

LENGTH = 40_000


def points_of(values: np.ndarray, steps: np.ndarray | None = None) -> Points:
    count = len(values)
    return Points(np.arange(count) if steps is None else steps, None, np.arange(count) / 4, values)


def noise(count: int, seed: int) -> np.ndarray:
    """A series with spikes, gaps and infinities in it."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, count)
    for odd in (math.nan, math.inf, -math.inf, 1e6, -1e6):
        values[random.integers(0, count, random.integers(0, 4))] = odd
    gap = random.integers(0, count)
    values[gap : gap + random.integers(0, 3 * BLOCK)] = math.nan
    return values


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(LONG, 4 * LONG), st.integers(4, 30))
def test_what_is_kept_of_an_outline_has_the_extremes_of_every_stretch(seed, count, points):
    values = noise(count, seed)
    at = outlined(values)
    keep = kept_of_outline(at // BLOCK * BLOCK, values[at], count, points)
    width = -(-count // max(1, (points - 2) // 2))
    assert (keep is None) == (width < 4 * BLOCK)
    if keep is None:
        return
    positions = at[keep]
    assert len(positions) <= points
    assert positions[0] == 0
    assert positions[-1] == count - 1
    stretch = np.arange(count) // BLOCK * BLOCK // width
    for number in range(int(stretch[-1]) + 1):
        inside = values[stretch == number]
        shown = values[positions[stretch[positions] == number]]
        numbers = inside[~np.isnan(inside)]
        if len(numbers):
            assert numbers.min() in shown
            assert numbers.max() in shown
        elif len(inside):
            assert np.isnan(shown).any()


def test_an_outline_comes_back_as_it_was():
    points = points_of(noise(LENGTH, 1))
    text = pack_outline(points)
    assert text is not None
    outline = unpack_outline(text, "loss", 3, LENGTH)
    assert outline is not None
    at = outlined(points.value)
    assert outline.total == LENGTH
    assert outline.points.part == 3
    np.testing.assert_array_equal(outline.at, at)
    np.testing.assert_array_equal(outline.points.step, points.step[at])
    np.testing.assert_array_equal(outline.points.time, points.time[at])
    np.testing.assert_array_equal(outline.points.value, points.value[at])


def test_a_short_series_one_without_steps_and_one_out_of_order_have_none():
    values = noise(LENGTH, 2)
    steps = np.arange(LENGTH)
    assert pack_outline(points_of(values[: LONG - 1])) is None
    assert pack_outline(points_of(values, steps[::-1])) is None
    given = np.ones(LENGTH, np.bool_)
    given[7] = False
    assert pack_outline(points_of(values)._replace(given=given)) is None


@pytest.mark.parametrize("text", ["", "x", "!!!!", "AAAA"])
def test_a_damaged_outline_is_none(text: str):
    assert unpack_outline(text, "loss", 0, LENGTH) is None


def test_an_outline_with_a_changed_bit_or_of_another_length_is_none():
    text = pack_outline(points_of(noise(LENGTH, 3)))
    assert text is not None
    assert unpack_outline(text, "loss", 0, LENGTH + 1) is None
    for at in range(5, len(text), len(text) // 20):
        changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        outline = unpack_outline(changed, "loss", 0, LENGTH)
        whole = unpack_outline(text, "loss", 0, LENGTH)
        assert outline is None or (whole and np.array_equal(outline.at, whole.at))


@pytest.fixture
def feed(tmp_path: Path) -> PointFeed:
    """Two sealed parts of one series, and a third that is still written."""
    store = FolderSeries(RootLayout(str(tmp_path)))
    feed = PointFeed(store, ExperimentFolder("bcdf23456789", str(tmp_path / "run")))
    values = np.random.default_rng(0).normal(0, 1, 3 * LENGTH).tolist()
    values[LENGTH // 3], values[-5] = 1e9, -1e9
    for part in (1, 2, 3):
        begin = (part - 1) * LENGTH
        feed.write(
            [point_line({"loss": values[i]}, i, 1e9 + i) for i in range(begin, begin + LENGTH)],
            "0001-main" if part < 3 else "0002-main",
            part if part < 3 else 1,
        )
    store.flush(feed.place, ["0001-main"])
    return feed


def thinned(feed: PointFeed, points: int) -> SeriesPoints:
    question = PointsQuestion(ids=(feed.place.experiment_id,), metrics=("loss",), points=points)
    (series,) = read_points(feed.store, [feed.place], question).series
    return series


def test_a_chart_of_a_long_series_reads_no_points_of_sealed_parts(feed, monkeypatch):
    read: list[str] = []
    ask = sorted_file.Engine.batches
    monkeypatch.setattr(
        sorted_file.Engine, "batches", lambda *how: (read.append(how[1]), ask(*how))[1]
    )
    series = thinned(feed, 20)
    assert not [query for query in read if "read_parquet" in query]
    assert series.total == 3 * LENGTH
    assert len(series.steps) <= 20
    assert (series.values.max(), series.values.min()) == (1e9, -1e9)
    assert series.steps[[0, -1]].tolist() == [0, 3 * LENGTH - 1]
    assert series.times.tolist() == (1e9 + series.steps).tolist()


def test_a_closer_look_reads_all_points_and_keeps_what_it_always_kept(feed):
    series = thinned(feed, 2000)
    columns = feed.store.read(feed.place, ["loss"])
    assert 1000 < len(series.steps) <= 2000
    assert np.isin(series.values, columns.value).all()
    width = -(-3 * LENGTH // 999)
    lows = np.minimum.reduceat(columns.value, np.arange(0, 3 * LENGTH, width))
    assert np.isin(lows, series.values).all()
