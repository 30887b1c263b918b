"""Buckets and groups against the plainest way to work them out, point by point."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.query.buckets import Filling, grouped
from anew.query.grid import Grid

VALUES = st.floats(width=64, min_value=-1e6, max_value=1e6) | st.sampled_from(
    [math.nan, math.inf, -math.inf]
)
POINTS = st.lists(st.tuples(st.integers(0, 2), st.integers(-5, 30), VALUES), max_size=60)


def bucket_of(x: float, grid: Grid) -> int | None:
    if not grid.start <= x <= grid.stop:
        return None
    if grid.start == grid.stop:
        return 0
    return min(int((x - grid.start) * (grid.buckets / (grid.stop - grid.start))), grid.buckets - 1)


@given(POINTS, st.integers(1, 9), st.integers(-5, 10), st.integers(0, 25))
def test_a_bucket_holds_what_all_of_its_points_add_up_to(points, buckets, start, width):
    grid = Grid(start, start + width, buckets)
    filling = Filling(3, grid)
    for series in range(3):  # a series at a time, as written and in two pieces, as the readers do
        mine = [(x, v) for s, x, v in points if s == series]
        xs, values = np.array([x for x, _ in mine], float), np.array([v for _, v in mine], float)
        half = len(mine) // 2
        filling.add(series, xs[:half], values[:half])
        filling.add(np.full(len(mine) - half, series), xs[half:], values[half:])
    into = filling.buckets()
    for series in range(3):
        for bucket in range(buckets):
            here = [
                (x, at, v)
                for at, (s, x, v) in enumerate(points)
                if s == series and bucket_of(x, grid) == bucket
            ]
            cell = (series, bucket)
            assert into.count[cell] == len(here)
            if not here:
                assert math.isnan(into.last[cell])
                continue
            numbers = [v for _, _, v in here if not math.isnan(v)]
            finite = [v for v in numbers if math.isfinite(v)]
            assert same(into.low[cell], min(numbers, default=math.nan))
            assert same(into.high[cell], max(numbers, default=math.nan))
            assert same(into.last[cell], max(here, key=lambda p: p[:2])[2])
            assert into.nonfinite[cell] == len(here) - len(finite)
            mean = sum(finite) / len(finite) if finite else math.nan
            assert same(into.mean[cell], mean) or into.mean[cell] == pytest.approx(mean, abs=1e-6)


@given(POINTS)
def test_all_series_at_once_are_what_each_is_by_itself(points):
    grid = Grid(0, 20, 7)
    points = sorted(points, key=lambda p: p[0])  # by series, as written
    series, xs, values = (np.array([p[i] for p in points], float) for i in range(3))
    together, apart = Filling(3, grid), Filling(3, grid)
    together.add(series.astype(np.int64), xs, values)
    for one in range(3):
        mine = series == one
        apart.add(series[mine].astype(np.int64), xs[mine], values[mine])
    once, each = together.buckets(), apart.buckets()
    for name in once.__struct_fields__:
        np.testing.assert_allclose(getattr(once, name), getattr(each, name), rtol=1e-12, atol=1e-6)


MEANS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(st.just(math.nan) | st.floats(-1e3, 1e3), min_size=4, max_size=4),
    ),
    min_size=1,
    max_size=12,
)


@given(MEANS)
def test_groups_are_what_numpy_says_of_their_members(series):
    mean = np.array([row for _, row in series])
    group = [number for number, _ in series]
    found = grouped(mean, group, 3, (0.0, 0.25, 0.5, 1.0))
    for number in range(3):
        mine = mean[np.array(group) == number]
        for bucket in range(4):
            here = mine[:, bucket][~np.isnan(mine[:, bucket])]
            assert found.members[number, bucket] == len(here)
            if not len(here):
                assert np.isnan(found.mean[number, bucket])
                assert np.isnan(found.quantiles[number, :, bucket]).all()
                continue
            np.testing.assert_allclose(found.mean[number, bucket], here.mean(), atol=1e-9)
            if len(here) > 1:
                deviation = found.deviation[number, bucket]
                np.testing.assert_allclose(deviation, here.std(ddof=1), atol=1e-9)
            else:
                assert np.isnan(found.deviation[number, bucket])
            np.testing.assert_allclose(
                found.quantiles[number, :, bucket],
                np.quantile(here, (0.0, 0.25, 0.5, 1.0)),
                atol=1e-9,
            )


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


@given(st.integers(1, 9), st.integers(-500, 5000), st.integers(0, 9000), st.integers(0, 2**32 - 1))
def test_a_long_ascending_series_is_put_where_its_points_one_by_one_are(
    buckets, start, width, seed
):
    random = np.random.default_rng(seed)
    x = np.sort(random.integers(0, 6000, 5000)).astype(float)
    value = random.choice([1.5, -2.0, 3.0, math.nan, math.inf], 5000)
    grid = Grid(start, start + width, buckets)
    whole, apart = Filling(2, grid), Filling(2, grid)
    whole.add(1, x, value)
    apart.add(np.ones(5000, np.int64), x, value)
    for one, other in zip(
        msgspec.structs.astuple(whole.buckets()),
        msgspec.structs.astuple(apart.buckets()),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12)
