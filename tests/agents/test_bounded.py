from __future__ import annotations

import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from anew.agents.bounded import bounded

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=9), inner, max_size=30),
    max_leaves=120,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), values))
def test_an_answer_is_never_longer_and_says_so_where_something_is_missing(answer):
    text = bounded(answer, 1500)
    assert len(text) <= 1500
    found = json.loads(text)
    if "left_out" not in found:
        assert found.keys() == answer.keys()


def test_what_fits_is_whole():
    answer = {"a": [1, 2.5, "x", None, True], "b": {"n": math.nan}}
    assert json.loads(bounded(answer)) == {"a": [1, 2.5, "x", None, True], "b": {"n": "NaN"}}


def test_what_is_left_out_is_counted():
    found = json.loads(bounded({"total": 900, "rows": [{"n": n} for n in range(900)]}, 1000))
    assert found["total"] == 900
    assert found["rows"][0] == {"n": 0}
    assert found["left_out"]["rows"] + len(found["rows"]) == 900


def test_small_fields_stay_whole_beside_large_ones():
    found = json.loads(
        bounded({"id": "x" * 50, "text": '"' * 9000, "rows": list(range(5000))}, 2000)
    )
    assert found["id"] == "x" * 50
    assert len(found["text"]) + found["left_out"]["text"] == 9000
    assert len(found["rows"]) > 50
