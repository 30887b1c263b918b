"""Records written as lines and read again."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.record import encode as encoding
from anew.record.decode import decode_events, decode_logs, decode_points
from anew.record.encode import encode_line, load_fast_encoder, number_or_name
from anew.record.events import EVENT_TYPES, PointLine
from anew.record.plain import from_plain, to_plain

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
POINTS = st.lists(
    st.tuples(
        st.dictionaries(NAMES, st.floats() | st.integers(-(2**53), 2**53), min_size=1, max_size=4),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.dictionaries(NAMES, st.integers() | st.text(max_size=4), max_size=2),
    ),
    max_size=5,
)


@pytest.fixture(params=["standard", "fast"], autouse=True)
def encoder(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both encoders, one after the other."""
    before = encoding.encode
    encoding.encode = encoding._encode_standard
    if request.param == "fast":
        load_fast_encoder()
    yield request.param
    encoding.encode = before


def line_of(metrics: dict[str, float], step: int | None, extra: dict[str, Any] | None) -> bytes:
    record: dict[str, Any] = {"t": 1.5, "m": {k: number_or_name(v) for k, v in metrics.items()}}
    if step is not None:
        record["s"] = step
    if extra is not None:
        record["x"] = extra
    return encode_line(record)


@given(POINTS)
def test_points_come_back_bit_for_bit(points: list[Any]) -> None:
    data = b"".join(line_of(*point) for point in points)
    assert data.count(b"\n") == len(points)
    records, broken = decode_points(data, 7)
    assert broken == []
    assert [number for number, _ in records] == list(range(7, 7 + len(points)))
    for (_, record), (metrics, step, extra) in zip(records, points, strict=True):
        assert record.s == step
        assert record.x == extra
        assert list(record.m) == list(metrics)
        for name, value in metrics.items():
            read = float(record.m[name])
            assert read == value or (math.isnan(read) and math.isnan(value))
            assert math.copysign(1, read) == math.copysign(1, value) or math.isnan(value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=3))
def test_params_come_back_as_they_were(params: dict[str, Any]) -> None:
    line = encode_line({"k": "params", "t": 1.0, "params": to_plain(params)})
    ((_, event),), broken = decode_events(line)
    assert broken == []
    assert repr(from_plain(event.params)) == repr(from_plain(to_plain(params)))  # type: ignore[union-attr]


@given(st.text(), st.sampled_from(["info", "error"]))
def test_messages_come_back_whatever_they_hold(message: str, level: str) -> None:
    ((_, log),), broken = decode_logs(encode_line({"t": 1.0, "level": level, "message": message}))
    assert broken == []
    assert (log.level, log.message) == (level, message)


def test_lone_surrogates_are_replaced_and_the_line_stays_utf8() -> None:
    line = encode_line({"t": 1.0, "level": "info", "message": "a\ud800b"})
    line.decode("utf-8")
    ((_, log),), _ = decode_logs(line)
    assert log.message == "a?b"


def test_what_is_not_plain_is_refused_instead_of_written_wrong() -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_line({"x": object()})


def test_both_encoders_write_the_same_records() -> None:
    record = {"t": 1e16, "m": {"é": 0.1, "b": -0.0, "c": 5}, "x": {"a": [None, True, "\x00\u2028"]}}
    assert json.loads(encoding._encode_standard(record)) == json.loads(encoding.encode(record))
    assert json.loads(encoding.encode(record)) == record


@pytest.mark.parametrize(
    ("value", "name"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")]
)
def test_numbers_that_json_lacks_go_by_their_names(value: float, name: str) -> None:
    assert number_or_name(value) == name
    assert number_or_name(1.5) == 1.5
    assert number_or_name(3) == 3


GOOD = b'{"t":1.0,"m":{"a":1.0}}\n'


@pytest.mark.parametrize(
    ("data", "numbers", "broken"),
    [
        (GOOD * 3, [1, 2, 3], []),
        (b"", [], []),
        (GOOD + b"{broken}\n" + GOOD, [1, 3], [2]),
        (GOOD + b"\n" + GOOD, [1, 3], [2]),
        (GOOD + b"\0\0\0\0\n" + GOOD, [1, 3], [2]),
        (GOOD + b'{"t":2.0,"m"' + b"\n" + GOOD, [1, 3], [2]),
        (b'{"t":1.0,\n"m":{"a":1.0}}\n' + GOOD, [3], [1, 2]),
        (b'{"t":1.0,"m":{"a":[1]}}\n' + GOOD, [2], [1]),
        (b'{"t":1.0}\n' + GOOD, [2], [1]),
        (b'{"t":1.0,"m":{"a":1e999}}\n' + GOOD, [2], [1]),
        (b"\xff\xfe\n" + GOOD, [2], [1]),
        (GOOD[:-1] + GOOD, [], [1]),
        (b"null\n" + GOOD, [2], [1]),
    ],
)
def test_a_broken_line_is_told_by_its_number_and_the_others_are_read(
    data: bytes, numbers: list[int], broken: list[int]
) -> None:
    records, found = decode_points(data)
    assert [number for number, _ in records] == numbers
    assert [line.line for line in found] == broken
    assert all(line.reason for line in found)


def test_a_write_cut_short_and_repeated_is_no_damage() -> None:
    records, broken = decode_points(GOOD[:9] + b"\n" + GOOD + GOOD)
    assert [number for number, _ in records] == [2, 3]
    assert broken == []


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(data: bytes) -> None:
    for decode in (decode_points, decode_logs, decode_events):
        records, broken = decode(data)
        numbers = [number for number, _ in records] + [line.line for line in broken]
        assert len(numbers) == len(set(numbers))


def test_every_event_can_be_told_by_its_mark() -> None:
    marks = [kind.__struct_config__.tag for kind in EVENT_TYPES]
    assert len(set(marks)) == len(marks) == 14
    records, broken = decode_events(b'{"k":"from a later version","t":1.0}\n')
    assert records == []
    assert len(broken) == 1


def test_a_point_with_an_unknown_key_is_still_read() -> None:
    ((_, point),), broken = decode_points(b'{"t":1.0,"m":{"a":1},"later":true}\n')
    assert broken == []
    assert point == PointLine(t=1.0, m={"a": 1.0})
    assert msgspec.json.decode(msgspec.json.encode(point), type=PointLine) == point


def test_the_writing_side_does_not_import_the_fast_encoder() -> None:
    code = (
        "import sys; from anew.record.encode import encode_line, is_fast, load_fast_encoder; "
        "encode_line({'t': 1.0}); assert not is_fast(); print('msgspec' in sys.modules); "
        "load_fast_encoder(); assert is_fast(); print('msgspec' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stdout.split() == ["False", "True"]
