"""Questions and answers as bytes, and back."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.query.buckets import Buckets
from anew.query.lines import Lines
from anew.query.points import SeriesPoints
from anew.query.question import Column, Question, Selected, ask
from anew.reading.wire import decode, encode
from anew.record.fold import ExperimentState

FLOATS = st.lists(st.floats(width=64), max_size=20)


@given(FLOATS, st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_arrays_come_back_to_the_last_bit(values, steps):
    sent = SeriesPoints(
        "id", "loss", np.array(steps, np.int64), np.array(values), np.array(values), 7
    )
    arrived = decode(encode(sent), SeriesPoints)
    assert arrived.values.tobytes() == sent.values.tobytes()
    assert arrived.steps.tolist() == steps
    assert (arrived.steps.dtype, arrived.values.dtype) == (np.int64, np.float64)
    assert arrived.given is None


@pytest.mark.parametrize("bits", [7, 8, 15, 16, 31, 32, 62, 63])
def test_integers_take_no_more_bytes_than_the_largest_needs(bits):
    at = [-(2**bits), 2**bits - 1, 0]
    sent = np.array(at, np.int64)
    points = SeriesPoints("id", "loss", sent, np.zeros(0), np.zeros(0), 0)
    raw = encode(points)
    assert decode(raw, SeriesPoints).steps.tolist() == at
    width = next(size for size in (1, 2, 4, 8) if bits < 8 * size)
    assert len(msgspec.msgpack.decode(raw)["steps"][1]) == 3 * width


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_arrays_of_two_dimensions_come_back_however_they_lie(order, byteorder):
    table = np.arange(12.0).reshape(3, 4).astype(f"{byteorder}f8", order=order)
    count = np.zeros((3, 4), np.int64)
    arrived = decode(encode(Buckets(table, table, table, table, count, count)), Buckets)
    np.testing.assert_array_equal(arrived.low, table)
    assert arrived.count.shape == (3, 4)


def test_a_question_keeps_numbers_that_json_has_none_for():
    sent = ask(
        "metrics.loss < inf and params.x == -inf and params.big == 9007199254740993", now=1.0
    )
    assert decode(encode(sent), Question) == sent


@pytest.mark.parametrize(
    "value", [[[3], b"too short"], [[2, 2], bytes(8)], "text", [[1]], [[1], "text"]]
)
def test_what_is_no_array_is_refused(value):
    raw = msgspec.msgpack.decode(
        encode(Lines(np.zeros(1), ("a",), ("b",), (None,), ("w",), "", "", (), False))
    )
    raw["times"] = value
    with pytest.raises(msgspec.DecodeError):
        decode(msgspec.msgpack.encode(raw), Lines)


def test_integers_of_any_size_come_back():
    sent = ExperimentState(params={"seed": 2**127 + 1, "low": -(2**70), "data": {"x": [2**64]}})
    assert decode(encode(sent), ExperimentState) == sent
    column = Column("params.seed", "any", [2**100, None])
    assert decode(encode(Selected(["a", "b"], (column,))), Selected).columns[0].values == [
        2**100,
        None,
    ]


def test_what_has_no_form_as_bytes_is_refused():
    with pytest.raises(NotImplementedError):
        encode(object())
    assert math.isnan(decode(encode(math.nan), float))
