"""Where the points of a chart are put."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anew.query.grid import Grid, Places, Span, edges_of


def test_the_ends_of_a_grid_belong_to_it_and_nothing_beyond_does():
    grid = Grid(0.0, 0.3, 3)
    x = np.array([-1e-300, 0.0, 0.1, 0.3, np.nextafter(0.3, 1), math.nan, math.inf])
    assert grid.at(x).tolist() == [-1, 0, 1, 2, -1, -1, -1]


@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=30), st.integers(1, 9))
def test_a_logarithmic_grid_holds_every_place_above_zero(places, buckets):
    x = np.array(places)
    grid = Grid(x.min(), x.max(), buckets, "log")
    found = grid.at(x)
    assert found.min() >= 0
    assert found.max() < buckets
    assert (np.diff(found[np.argsort(x)]) >= 0).all()
    assert grid.at(np.array([0.0, -1.0, x.max() * 2, math.nan])).tolist() == [-1] * 4


def test_places_are_buckets_of_their_own():
    places = Places(np.array([1.0, 2.5, 7.0]))
    assert places.at(np.array([2.5, 1.0, 7.0, 7.5, 0.0, math.nan])).tolist() == [
        1,
        0,
        2,
        -1,
        -1,
        -1,
    ]


def test_a_grid_of_one_place_has_it_in_its_first_bucket():
    assert Grid(3.0, 3.0, 5).at(np.array([2.0, 3.0, 4.0])).tolist() == [-1, 0, -1]


def test_the_span_passes_over_what_is_no_number():
    found = Span.of(np.array([math.nan, 2.0, math.inf, -1.0]))
    assert found == Span(-1.0, 2.0)
    assert Span.of(np.array([5.0]), found) == Span(-1.0, 5.0)
    assert Span.of(np.array([math.nan]), found) == found
    assert Span.of(np.array([math.nan])) is None


@given(
    st.lists(st.floats(-1e6, 1e6) | st.integers(-20, 20).map(float), min_size=1, max_size=60).map(sorted),
    st.floats(-1e3, 1e3) | st.integers(-20, 20).map(float),
    st.floats(0, 1e3) | st.integers(0, 20).map(float),
    st.integers(1, 9),
)  # fmt: skip
def test_the_edges_of_buckets_are_those_of_each_place(places, start, width, buckets):
    grid, x = Grid(start, start + width, buckets), np.array(places)
    found = edges_of(grid, x)
    assert found is not None
    first, edges = found
    told = np.full(len(x), -1)
    for number, (begin, end) in enumerate(itertools.pairwise(edges.tolist())):
        told[begin:end] = first + number
    assert told.tolist() == grid.at(x).tolist()


def test_places_that_do_not_ascend_have_no_edges():
    assert edges_of(Grid(0, 9, 3), np.array([2.0, 1.0])) is None
    assert edges_of(Grid(0, 9, 3), np.array([1.0, np.nan, 2.0])) is None
