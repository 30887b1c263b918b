import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.errors import InvalidValue
from anew.weights.structure import flatten, from_plain, to_plain

keys = st.one_of(st.text(max_size=4), st.integers(), st.tuples(st.integers(), st.text(max_size=2)))
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=5)
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(st.sampled_from(["$tensor", "$map", "a"]), inner, max_size=2),
    ),
    max_leaves=12,
)


def equal(left, right) -> bool:
    if isinstance(left, float) and math.isnan(left):
        return isinstance(right, float) and math.isnan(right)
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    return left == right and str(left) == str(right)


@given(values)
def test_plain_values_come_back_from_json_as_they_were(value):
    text = json.dumps(to_plain(value, "value"), allow_nan=False)
    assert equal(from_plain(json.loads(text)), value)


def test_tensors_are_taken_out_under_names_from_their_place():
    state = {
        "state": {0: {"step": np.float32(3), "avg": np.zeros(2)}},
        "groups": [{"lr": 0.1, "betas": (0.9, 0.99)}],
    }
    tensors = {}
    plain = flatten(state, "optimizer", tensors)
    assert set(tensors) == {"optimizer/state/0/step", "optimizer/state/0/avg"}
    back = from_plain(json.loads(json.dumps(plain)), tensors.__getitem__)
    assert back["state"][0]["avg"] is tensors["optimizer/state/0/avg"]
    assert back["groups"] == state["groups"]


def test_two_places_that_spell_one_name_stay_two_tensors():
    tensors = {}
    plain = flatten({"a/b": np.zeros(1), "a": {"b": np.ones(1)}}, "", tensors)
    back = from_plain(plain, tensors.__getitem__)
    assert back["a/b"][0] == 0
    assert back["a"]["b"][0] == 1


def test_an_object_is_refused_by_its_place():
    with pytest.raises(InvalidValue):
        to_plain({"groups": [{"hook": object()}]}, "")
