"""Structs with integers of any size come back from msgpack as they were."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.record.events import Opened
from anew.record.facts import ValueFact
from anew.record.fold import ExperimentState, WriterState
from anew.record.packed import Unpacker, pack

PLAIN = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(2**130), 2**130),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), PLAIN, max_size=4), PLAIN)
def test_what_is_packed_is_unpacked(params, data):
    writers = {"w": WriterState(Opened(t=1.0, version=1, experiment_id="a", name="n"))}
    state = ExperimentState(experiment_id="a", params=params, writers=writers)
    assert Unpacker(ExperimentState).decode(pack(state)) == state
    value = ValueFact("v", "text", 3, 1.0, None, data, params)
    assert Unpacker(ValueFact).decode(pack(value)) == value


@given(st.dictionaries(st.text(max_size=3), st.integers(-(2**63), 2**64 - 1), max_size=4))
def test_what_msgpack_holds_is_plain_msgpack(params):
    state = ExperimentState(params=params)
    assert pack(state) == msgspec.msgpack.encode(state)


def test_a_wide_integer_may_stand_where_the_type_says_integer():
    state = ExperimentState(file_bytes=2**70, lost=-(2**70))
    assert Unpacker(ExperimentState).decode(pack(state)) == state


@pytest.mark.parametrize("data", [b"", b"{", b"{}x", b"\x81", b"\x92\x01\x02", b"7"])
def test_other_bytes_are_refused(data):
    with pytest.raises(msgspec.MsgspecError):
        Unpacker(ValueFact).decode(data)
