"""Answers as raw columns, and as JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.query.buckets import Buckets
from anew.query.grid import Grid
from anew.query.panel import Panel, PanelSeries, PanelTotals
from anew.query.points import SeriesPoints
from anew.reading.columns import decode_columns, encode_columns
from anew.reading.plain_answers import as_json
from anew.record.fold import ExperimentState

VALUES = st.lists(st.floats(width=64), max_size=30)


def points(values: list[float], steps: list[int]) -> SeriesPoints:
    return SeriesPoints("id", "loss", np.array(steps, np.int64), np.zeros(0), np.array(values), 0)


@given(VALUES, st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_exact_columns_come_back_to_the_last_bit(values, steps):
    back = decode_columns(encode_columns(points(values, steps), exact=True))
    np.testing.assert_array_equal(back["values"], np.array(values))
    assert np.asarray(back["steps"], object).tolist() == steps


@given(VALUES)
def test_short_columns_move_no_value_by_more_than_a_chart_shows(values):
    given_ = np.array(values)
    back = np.asarray(decode_columns(encode_columns(points(values, [])))["values"], np.float64)
    np.testing.assert_array_equal(np.isfinite(back), np.isfinite(given_))
    np.testing.assert_array_equal(np.isnan(back), np.isnan(given_))
    finite = given_[np.isfinite(given_)].astype(np.longdouble)
    if len(finite):
        span = finite.max() - finite.min()
        assert np.abs(back[np.isfinite(back)] - finite).max() <= span * 1e-4


def test_arrays_lie_at_multiples_of_eight_bytes_and_keep_their_shape():
    low = np.arange(6.0).reshape(2, 3)
    count = np.ones((2, 3), np.int64)
    buckets = Buckets(low, low, low, low + 0.1, count, count)
    series = (PanelSeries("a", "loss", 3), PanelSeries("b", "loss", 3))
    totals = PanelTotals(*([np.array([3, 3])] * 5))
    raw = encode_columns(Panel(Grid(0.0, 2.0, 3), series, buckets, totals))
    assert raw[:8] == b"ANEWCOL1"
    begin = int.from_bytes(raw[16:24], "little")
    directory = json.loads(raw[64:begin])
    assert begin % 8 == 0
    assert all(one["at"] % 8 == 0 for one in directory["arrays"])
    assert {one["type"] for one in directory["arrays"]} == {"float32", "int32"}
    assert decode_columns(raw)["buckets"]["low"].tolist() == low.tolist()


def test_a_few_numbers_stand_in_the_directory():
    raw = encode_columns(points([0.5, -0.0], [3, 2**53]))
    assert raw[64:].count(b'"few"') == 2  # a step that no number of a browser holds stands apart
    assert decode_columns(raw)["values"].tolist() == [0.5, -0.0]


@given(st.lists(st.integers(-(2**40), 2**40), max_size=20))
def test_whole_numbers_come_back_to_the_last_one(numbers):
    values = [float(number) for number in numbers]
    back = decode_columns(encode_columns(points(values, [])))["values"]
    if all(abs(number) < 2**31 for number in numbers):
        assert back.tolist() == values
    else:
        assert back.dtype.kind == "f"


@pytest.mark.parametrize("data", [b"", b"ANEWCOL1", bytes(64), b"x" * 200])
def test_what_are_no_columns_is_refused(data):
    with pytest.raises(ValueError):
        decode_columns(data)


def test_json_says_numbers_that_it_has_none_for_as_texts():
    told = json.loads(as_json(points([math.nan, math.inf, -math.inf, 0.5], [1])))
    assert told["values"] == ["NaN", "Infinity", "-Infinity", 0.5]
    state = ExperimentState(params={"lr": math.inf, "seed": 2**100, "list": [math.nan]})
    assert json.loads(as_json(state))["params"] == {
        "lr": "Infinity", "seed": 2**100, "list": ["NaN"],
    }  # fmt: skip
