"""An integer as a float64 and a text: nothing is lost, and pairs sort as the integers do."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from anew.query.integers import EXACT_BELOW, REST_OF_NONE, joined, split

EDGES = [53, 63, 64, 128, 1023, 1024, 1100]
WIDE = st.one_of(
    st.integers(),
    st.builds(
        lambda bits, sign, more: sign * (2**bits + more),
        st.sampled_from(EDGES),
        st.sampled_from([1, -1]),
        st.integers(-3, 3),
    ),
)


@given(WIDE)
def test_an_integer_is_put_together_again(value):
    assert joined(*split(value)) == value


@given(st.lists(WIDE, min_size=2, max_size=30))
def test_pairs_sort_as_the_integers_do(values):
    assert sorted(values, key=split) == sorted(values)


@given(WIDE)
def test_every_integer_lies_between_the_infinities(value):
    assert split(-math.inf) < split(value) < split(math.inf)


@given(st.one_of(st.floats(allow_nan=False), st.integers(-(2**53), 2**53), st.booleans()))
def test_what_a_float64_holds_leaves_nothing(value):
    assert split(value) == (float(value), REST_OF_NONE)


@given(WIDE)
def test_below_the_bound_the_float_alone_decides(value):
    near, rest = split(value)
    assert abs(near) >= EXACT_BELOW or rest == REST_OF_NONE
