"""Histograms."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anew.errors import CorruptData, InvalidValue
from anew.record.encode import encode
from anew.values import Histogram
from anew.values.histogram import MAX_BINS
from anew.values.value import MAX_INLINE


@given(
    hnp.arrays(np.float64, st.integers(0, 50), elements=st.floats(width=64)), st.integers(1, 512)
)
@example(np.array([-np.finfo(float).max, np.finfo(float).max]), 3)  # whose steps are rounded up
@example(np.array([-np.finfo(float).max, 1e292]), 1)
def test_every_value_is_counted_once_whatever_it_is(
    values: npt.NDArray[np.float64], bins: int
) -> None:
    histogram = Histogram(values, bins)
    assert histogram.counts.sum() + histogram.nonfinite == values.size
    assert len(histogram.edges) == len(histogram.counts) + 1 == bins + 1
    assert np.isfinite(histogram.edges).all()
    saved = histogram.save("", "")
    json.dumps(saved.data, allow_nan=False)
    json.dumps(saved.metadata, allow_nan=False)
    assert Histogram.load(saved.data, None).counts.tolist() == histogram.counts.tolist()


@given(hnp.arrays(np.float64, 40, elements=st.floats(-1e6, 1e6).map(lambda x: round(x, 3))))
def test_counts_are_those_of_numpy(values: npt.NDArray[np.float64]) -> None:
    if values.min() == values.max():
        return
    counts, edges = np.histogram(values, 16)
    histogram = Histogram(values, 16)
    np.testing.assert_allclose(histogram.edges, edges)
    assert np.abs(np.cumsum(histogram.counts) - np.cumsum(counts)).max() <= 1  # a value on an edge


def test_non_finite_values_are_counted_apart() -> None:
    histogram = Histogram([1.0, 2.0, np.nan, np.inf, -np.inf], bins=2)
    assert histogram.counts.tolist() == [1, 1]
    assert histogram.nonfinite == 3
    assert histogram.metadata["count"] == 5
    assert Histogram([np.nan], bins=4).counts.tolist() == [0, 0, 0, 0]
    assert Histogram([], bins=2).nonfinite == 0


def test_equal_values_fall_into_one_bin() -> None:
    for value in (0.0, 3.0, 1e300, -1.7976931348623157e308):
        histogram = Histogram(np.full(10, value), bins=8)
        assert sorted(histogram.counts)[-2:] == [0, 10]


def test_a_range_puts_the_rest_outside() -> None:
    histogram = Histogram(np.arange(10), bins=2, range=(0, 4))
    assert histogram.counts.tolist() == [2, 3]
    assert histogram.outside == 5
    with pytest.raises(InvalidValue):
        Histogram([1, 2], range=(4, 0))


def test_counts_and_edges_are_taken_as_they_are() -> None:
    counts, edges = np.histogram(np.random.default_rng(0).normal(size=100), 10)
    histogram = Histogram((counts, edges))
    np.testing.assert_array_equal(histogram.counts, counts)
    np.testing.assert_array_equal(histogram.edges, edges)
    assert histogram.metadata["count"] == 100
    assert Histogram(([0.5, 0.25], [0, 1, 2])).save("", "").data["counts"] == [0.5, 0.25]


def test_tensors_booleans_and_the_reduced_floats_are_counted() -> None:
    import jax.numpy as jnp
    import torch

    for values in (
        torch.ones(3, 4, dtype=torch.bfloat16, requires_grad=True),
        jnp.ones((3, 4), jnp.bfloat16),
        np.ones(12, np.float16),
        np.ones(12, bool),
    ):
        assert Histogram(values).counts.sum() == 12


def test_the_largest_is_still_small_enough_for_the_record() -> None:
    values = np.random.default_rng(0).normal(size=200_000) * 1e-7
    data = Histogram(values, bins=MAX_BINS).save("", "").data
    assert len(encode(data)) <= MAX_INLINE


def test_it_comes_back_as_it_was_saved() -> None:
    histogram = Histogram([1.0, 2.0, 2.5, np.nan, 99], bins=3, range=(0, 3))
    saved = histogram.save("", "")
    again = Histogram.load(json.loads(encode(saved.data)), saved.path)
    np.testing.assert_array_equal(again.counts, histogram.counts)
    np.testing.assert_array_equal(again.edges, histogram.edges)
    assert (again.nonfinite, again.outside) == (1, 1)
    frame = again.to_pandas()
    assert list(frame.columns) == ["left", "right", "count"]
    assert frame["count"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("data", [None, {}, {"counts": [1]}, {"counts": [1], "edges": [2, 1]}, [1]])
def test_what_was_not_saved_by_a_histogram_is_corrupt(data: Any) -> None:
    with pytest.raises(CorruptData):
        Histogram.load(data, None)


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ("text", {}),
        (np.array(["a"]), {}),
        (np.array([1j]), {}),
        ([1, 2], {"bins": 0}),
        ([1, 2], {"bins": 513}),
        ([1, 2], {"bins": 2.5}),
        (([1, 2], [1, 2, 2]), {}),
        (([-1, 2], [1, 2, 3]), {}),
        (([[1], [2]], [1, 2, 3]), {}),
    ],
)
def test_what_is_no_distribution_is_refused(values: Any, options: Any) -> None:
    with pytest.raises(InvalidValue):
        Histogram(values, **options)
