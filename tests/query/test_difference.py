from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.query.difference import Part, first_part

NAN, INF = math.nan, math.inf


def part(a, b, **tolerance):
    """The first difference of two lists of values, or of `(step, value)`."""
    arrays = []
    for values in (a, b):
        pairs = [v if isinstance(v, tuple) else (at, v) for at, v in enumerate(values)]
        arrays.append(np.array([step for step, _ in pairs], np.int64))
        arrays.append(np.array([value for _, value in pairs], np.float64))
    return first_part(*arrays, **tolerance)


points = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([0.0, -0.0, 1.0, NAN, INF])), max_size=6
).map(lambda p: sorted(p, key=lambda q: q[0]))


def plain(a, b):
    """What the function should say, point by point."""

    def same(x, y):
        return (x != x and y != y) or (x == y and math.copysign(1, x) == math.copysign(1, y))

    for row, ((step_a, x), (step_b, y)) in enumerate(zip(a, b, strict=False)):
        if step_a != step_b:
            return "step", min(step_a, step_b), row
        if not same(x, y):
            return "value", step_a, row
    if len(a) != len(b):
        row = min(len(a), len(b))
        return "length", (a if len(a) > len(b) else b)[row][0], row
    return None


@given(points, points)
def test_it_finds_the_first_point_that_a_plain_comparison_finds(a, b):
    found = part(a, b)
    assert (None if found is None else (found.kind, found.step, found.row)) == plain(a, b)


@given(points)
def test_a_series_never_differs_from_itself(a):
    assert part(a, a) is None
    assert part(a, a, rtol=0.1, atol=0.1) is None


def test_values_are_compared_to_the_last_bit():
    assert part([0.1 + 0.2], [0.3]) == Part("value", 0, 0, 0.1 + 0.2, 0.3)
    assert part([0.0], [-0.0]) is not None
    assert part([NAN, INF], [NAN, INF]) is None


def test_a_tolerance_is_numpy_s():
    assert part([100.0], [101.0], rtol=0.01) is None
    assert part([100.0], [101.1], rtol=0.01) is not None
    assert part([0.0], [0.05], atol=0.1) is None
    assert part([0.0], [-0.0], rtol=1e-9) is None
    assert part([NAN], [NAN], rtol=0.1) is None


@pytest.mark.parametrize(("x", "y"), [(INF, 1.0), (INF, -INF), (NAN, 1.0), (1.0, INF), (1.0, NAN)])
def test_no_tolerance_makes_an_infinity_or_nan_near_a_number(x, y):
    assert part([x], [y], rtol=1.0, atol=1e300) is not None


def test_a_step_that_one_lacks_is_told_with_the_value_of_the_other():
    assert part([(0, 1.0), (2, 3.0)], [(0, 1.0), (1, 2.0)]) == Part("step", 1, 1, None, 2.0)


def test_a_series_that_ends_before_the_other():
    assert part([1.0], [1.0, 2.0]) == Part("length", 1, 1, None, 2.0)
    assert part([1.0, 2.0], []) == Part("length", 0, 0, 1.0, None)
