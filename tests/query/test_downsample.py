from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anew.query.downsample import kept, step_order

NAN, INF = math.nan, math.inf
series = arrays(
    np.float64,
    st.integers(0, 400),
    elements=st.sampled_from([0.0, 1.0, -1.0, NAN, INF, -INF]) | st.floats(-10, 10),
)


@given(series, st.integers(1, 60))
def test_first_last_and_extremes_are_kept_and_never_more_points_than_asked_for(values, points):
    positions = kept(values, points)
    if positions is None:
        assert len(values) <= max(points, 4)
        return
    assert len(positions) <= max(points, 4)
    assert np.all(np.diff(positions) > 0)
    assert positions[0] == 0
    assert positions[-1] == len(values) - 1
    numbers = values[~np.isnan(values)]
    shown = values[positions]
    if len(numbers):
        assert np.nanmin(shown) == numbers.min()
        assert np.nanmax(shown) == numbers.max()


@given(series, st.integers(4, 60), st.data())
def test_each_stretch_keeps_its_own_extremes(values, points, data):
    positions = kept(values, points)
    if positions is None:
        return
    width = -(-len(values) // max(1, (points - 2) // 2))
    bucket = data.draw(st.integers(0, (len(values) - 1) // width))
    inside = values[bucket * width : (bucket + 1) * width]
    mine = positions[(positions >= bucket * width) & (positions < (bucket + 1) * width)]
    numbers = inside[~np.isnan(inside)]
    if len(numbers):
        assert numbers.min() in values[mine]
        assert numbers.max() in values[mine]
    else:
        assert np.isnan(values[mine]).any()


@given(series, st.integers(1, 60), st.lists(st.integers(0, 400), max_size=4))
def test_pieces_are_downsampled_as_the_whole(values, points, cuts):
    pieces = np.split(values, sorted(cuts))
    whole, piecewise = kept(values, points), kept(pieces, points)
    assert (whole is None) == (piecewise is None)
    if whole is not None:
        np.testing.assert_array_equal(whole, piecewise)


@pytest.mark.parametrize("spike", [1e300, -1e300, INF, -INF])
def test_one_spike_among_a_million_points_is_kept(spike):
    values = np.zeros(1_000_000)
    values[123_457] = spike
    assert 123_457 in kept(values, 100)


def test_a_nan_beside_a_spike_does_not_hide_it_nor_infinities_beside_nans():
    values = np.zeros(1000)
    values[500:503] = [NAN, 7.0, NAN]
    assert 501 in kept(values, 20)
    only = np.full(1000, NAN)
    only[400] = INF
    assert 400 in kept(only, 20)
    only[400] = -INF
    assert 400 in kept(only, 20)


def test_a_series_that_fits_is_kept_whole():
    assert kept(np.zeros(100), 100) is None
    assert kept(np.zeros(101), 100) is not None


def test_steps_out_of_order_are_sorted_and_repeated_ones_keep_their_order():
    assert step_order(np.array([1, 1, 2, 5])) is None
    assert step_order(np.array([], dtype=np.int64)) is None
    np.testing.assert_array_equal(step_order(np.array([3, 1, 3, 1])), [1, 3, 0, 2])
