import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.errors import InvalidValue
from anew.query.smoothing import smoothed

values = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=300)


@given(values, st.sampled_from([0.1, 0.5, 0.9, 0.99, 0.999]))
def test_it_is_pandas_exponential_mean(series, weight):
    array = np.array(series)
    expected = pd.Series(array).ewm(alpha=1 - weight, adjust=True, ignore_na=False).mean()
    got = smoothed(array, weight)
    finite = np.isfinite(array)
    # pandas carries the mean over a gap; here a gap stays one.
    np.testing.assert_allclose(got[finite], expected[finite], rtol=1e-7, atol=1e-6)
    assert np.isnan(got[~finite]).all()


def test_a_long_series_is_smoothed_over_many_blocks():
    array = np.random.default_rng(0).normal(size=50_000)
    expected = pd.Series(array).ewm(alpha=0.1, adjust=True).mean()
    np.testing.assert_allclose(smoothed(array, 0.9), expected, rtol=1e-9, atol=1e-12)


def test_infinity_stays_where_it_was():
    got = smoothed(np.array([1.0, np.inf, 1.0]), 0.5)
    assert np.isnan(got[1])
    assert got[2] == 1.0


def test_no_weight_changes_nothing():
    array = np.array([3.0, np.nan, np.inf])
    np.testing.assert_array_equal(smoothed(array, 0), array)


@pytest.mark.parametrize("weight", [1, -0.1, 2, float("nan")])
def test_a_weight_outside_its_range_is_refused(weight):
    with pytest.raises(InvalidValue):
        smoothed(np.array([1.0]), weight)
