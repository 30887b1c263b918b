"""Many series on one grid: every point counts in one bucket, and no spike is lost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.query.buckets import shared_buckets

POINTS = st.lists(
    st.tuples(st.integers(-5, 25), st.sampled_from([0.0, -1.5, 2.5, math.nan, math.inf, -math.inf]))
)


@given(st.lists(POINTS, max_size=4), st.integers(1, 12))
def test_each_bucket_holds_what_lies_in_it(series, buckets):
    first, stop = 0, 20
    starts = np.cumsum([0, *map(len, series)])
    flat = [point for one in series for point in one]
    found = shared_buckets(
        np.array([s for s, _ in flat], np.int64), np.array([v for _, v in flat], np.float64), starts,
        first=first, stop=stop, buckets=buckets,
    )  # fmt: skip
    assert found.count.shape == (len(series), buckets)
    for row, points in enumerate(series):
        for column in range(buckets):
            # By step, as written among equal steps.
            mine = sorted(
                (
                    p
                    for p in points
                    if first <= p[0] < stop and int(p[0] * (buckets / stop)) == column
                ),
                key=lambda p: p[0],
            )
            numbers = [v for _, v in mine if v == v]
            cell = (row, column)
            assert found.count[cell] == len(mine)
            np.testing.assert_equal(found.low[cell], min(numbers, default=math.nan))
            np.testing.assert_equal(found.high[cell], max(numbers, default=math.nan))
            np.testing.assert_equal(found.last[cell], mine[-1][1] if mine else math.nan)


def test_a_grid_without_steps_or_buckets_is_refused():
    nothing = np.zeros(0)
    for first, stop, buckets in ((0, 0, 5), (3, 1, 5), (0, 10, 0)):
        with pytest.raises(ValueError, match="buckets"):
            shared_buckets(
                nothing.astype(np.int64),
                nothing,
                np.zeros(1, np.int64),
                first=first,
                stop=stop,
                buckets=buckets,
            )
