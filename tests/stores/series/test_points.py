"""Lines of points become columns exactly, and what is not a line of points is named."""

from __future__ import annotations

import json
import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from anew.record.decode import decode_points
from anew.stores.series import points
from anew.stores.series.points import decode_block
from anew.testing.lines import point_line

floats = st.floats(allow_nan=True, width=64)
names = st.sampled_from(["a", "b", "train/loss", "ü"])
lines = st.lists(
    st.tuples(
        st.dictionaries(names, floats, max_size=4),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    ),
    max_size=12,
)


def as_rows(data: bytes, first: int = 1) -> list[tuple[Any, ...]]:
    """The points of lines, one by one: (name, step, time, value, row, metadata)."""
    rows = []
    for line, point in decode_points(data, first)[0]:
        for name, value in point.m.items():
            x = None if point.x is None else point.x
            rows.append((name, point.s, point.t, repr(float(value)), line, x))
    return rows


def as_rows_of_block(data: bytes, first: int = 1) -> list[tuple[Any, ...]]:
    block, _ = decode_block(data, first)
    rows = []
    for i in range(len(block)):
        has_step = block.given is None or bool(block.given[i])
        x = None if block.metadata is None else block.metadata[i]
        rows.append(
            (
                block.names[block.series[i]],
                int(block.step[i]) if has_step else None,
                float(block.time[i]),
                repr(float(block.value[i])),
                int(block.row[i]),
                None if x is None else json.loads(x),
            )
        )
    return rows


@settings(max_examples=150, deadline=None)
@given(lines, st.sampled_from([1, 40, 64 << 10]))
def test_columns_hold_what_the_lines_hold(given_lines: list[Any], slice_bytes: int):
    data = b"".join(point_line(m, step, 1.5, x) for m, step, x in given_lines)
    before, points.SLICE_BYTES = points.SLICE_BYTES, slice_bytes
    try:
        assert as_rows_of_block(data, 7) == as_rows(data, 7)
    finally:
        points.SLICE_BYTES = before


def test_a_broken_line_in_the_middle_is_named_and_the_rest_is_read():
    good = point_line({"a": 1.0}, 0)
    data = good + b'{"s":1,"t":2,"m":{"a"\n' + b"\n" + b"\0\0\0\0\n" + good
    block, broken = decode_block(data, 11)
    assert block.row.tolist() == [11, 15]
    assert [b.line for b in broken] == [12, 13, 14]
    assert "zeros" in broken[2].reason


def test_a_line_cut_short_and_repeated_whole_is_not_broken_wherever_the_slice_ends(monkeypatch):
    good = point_line({"a": 1.0}, 0)
    for cut in range(1, len(good) - 1):
        data = good + good[:cut] + b"\n" + good + good
        for slice_bytes in (1, len(good), len(good) + cut, 1 << 16):
            monkeypatch.setattr(points, "SLICE_BYTES", slice_bytes)
            block, broken = decode_block(data)
            assert broken == []
            assert block.row.tolist() == [1, 3, 4]


def test_a_text_that_is_no_number_is_a_broken_line():
    data = (
        point_line({"a": 1.0}, 0) + b'{"s":1,"t":2,"m":{"a":"fast"}}\n' + point_line({"a": 2.0}, 2)
    )
    block, broken = decode_block(data)
    assert block.value.tolist() == [1.0, 2.0]
    assert [(b.line, b.reason) for b in broken] == [(2, "'fast' is not a number")]


def test_a_number_written_as_text_is_a_broken_line_and_not_a_number():
    block, broken = decode_block(b'{"s":1,"t":2,"m":{"a":"1.5"}}\n')
    assert len(block) == 0
    assert [b.line for b in broken] == [1]


def test_a_step_beyond_64_bits_is_a_broken_line():
    data = b'{"s":18446744073709551615,"t":2,"m":{"a":1}}\n' + point_line({"a": 2.0}, 3)
    block, broken = decode_block(data)
    assert block.step.tolist() == [3]
    assert [b.line for b in broken] == [1]


def test_non_finite_values_among_finite_ones_in_one_slice():
    values = [1.0, math.nan, math.inf, -math.inf, -0.0]
    block, broken = decode_block(b"".join(point_line({"a": v}, 0) for v in values))
    assert broken == []
    np.testing.assert_array_equal(block.value, values)
    assert math.copysign(1, block.value[4]) == -1


def test_lines_without_metrics_take_no_rows():
    data = b'{"t":1,"m":{}}\n' + point_line({"a": 1.0, "b": 2.0}) + b'{"t":1,"m":{}}\n'
    block, broken = decode_block(data)
    assert broken == []
    assert block.row.tolist() == [2, 2]
