"""Plain JSON of whatever is handed over."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import enum
import json
import math
import pathlib
import types
from typing import Any

import attrs
import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from anew.errors import InvalidValue
from anew.record.plain import find, flatten, from_plain, merge, nest, parse_json, to_plain
from later import later

torch = later("torch")

KEYS = st.text("abc$.é", max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=15,
)
NAMES = st.text("abcé", min_size=1, max_size=3)
NESTED = st.recursive(
    st.dictionaries(
        NAMES, st.integers() | st.floats() | st.lists(st.integers(), max_size=2), max_size=3
    ),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=8,
)


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Data:
    lr: float = 0.5
    inner: Any = None


@attrs.define
class Attrs:
    lr: float = 0.5


class Model(pydantic.BaseModel):
    lr: float = 0.5


Pair = collections.namedtuple("Pair", "x y")


class Stranger:
    pass


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")


@given(JSON)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    plain = to_plain(value)
    text = json.dumps(plain, allow_nan=False)
    assert repr(from_plain(json.loads(text))) == repr(value)  # repr: NaN is NaN, 1 is not 1.0
    assert to_plain(plain) == plain


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ((1, (2,)), [1, [2]]),
        ({3, 1, 20}, [1, 3, 20]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (Colour.RED, "red"),
        ({Colour.RED: 1, 2: 3, None: 4}, {"red": 1, "2": 3, "None": 4}),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([1.0, math.nan]), [1.0, {"$float": "NaN"}]),
        (np.datetime64("2024-01-02T00:00:00.000000000"), "2024-01-02T00:00:00.000000000"),
        (np.dtype("float32"), "float32"),
        (Data(inner=Attrs()), {"lr": 0.5, "inner": {"lr": 0.5}}),
        (Model(), {"lr": 0.5}),
        (Pair(1, (2,)), {"x": 1, "y": [2]}),
        (argparse.Namespace(a=types.SimpleNamespace(b=1)), {"a": {"b": 1}}),
        (OmegaConf.create({"a": 1, "b": ["${a}"]}), {"a": 1, "b": [1]}),
        (collections.deque([1, 2]), [1, 2]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        (max, "builtins.max"),
        (Data, f"{__name__}.Data"),
        (range(10**12), "range(0, 1000000000000)"),
        ("a\ud800b", "a\\ud800b"),
        ({"\ud800": 1}, {"\\ud800": 1}),
        (2**5000, hex(2**5000)),
        (Stranger(), f"{__name__}.Stranger"),
        (Hostile(), f"{__name__}.Hostile"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_known_objects_become_what_they_hold_and_strangers_their_name(
    value: Any, plain: Any
) -> None:
    assert to_plain(value) == plain
    json.dumps(to_plain({"k": [value]}), allow_nan=False)


def test_tensors_become_what_they_hold_too() -> None:
    for value, plain in (
        (torch.tensor([1.5, 2.5], requires_grad=True), [1.5, 2.5]),
        (torch.tensor(2.5, dtype=torch.bfloat16), 2.5),
        (torch.float32, "torch.float32"),
    ):
        assert to_plain(value) == plain
        json.dumps(to_plain({"k": [value]}), allow_nan=False)


def test_what_contains_itself_ends() -> None:
    loop: dict[str, Any] = {"a": 1}
    loop["self"] = loop
    assert to_plain(loop) == {"a": 1, "self": "<contains itself>"}
    both: list[Any] = []
    both += [both, both]
    assert to_plain(both) == ["<contains itself>", "<contains itself>"]
    shared = [1]
    assert to_plain([shared, shared]) == [[1], [1]]
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    json.dumps(to_plain(deep))


def test_a_mapping_that_looks_like_a_tagged_float_but_is_none_stays() -> None:
    for value in ({"$float": "abc"}, {"$float": 1}, {"$float": "NaN", "x": 1}, {"$float": ["NaN"]}):
        assert from_plain(to_plain(value)) == value


@given(NESTED)
def test_nesting_undoes_flattening(nested: dict[str, Any]) -> None:
    plain = to_plain(nested)
    assert nest(flatten(plain)) == plain


def test_dotted_keys_nest_beside_a_value_of_their_own() -> None:
    assert nest({"a.b": 1, "a.c": 2, "d": {"e.f": 3}}) == {
        "a": {"b": 1, "c": 2},
        "d": {"e": {"f": 3}},
    }
    assert nest({"a": 1, "a.b": 2}) == {"a": 1, "a.b": 2}
    assert nest({"a.b": 2, "a.c": {"d": 3}, "a": 1}) == {"a": 1, "a.b": 2, "a.c.d": 3}
    assert nest({"a": {"$float": "NaN"}, "a.b": 1}) == {"a": {"$float": "NaN"}, "a.b": 1}
    assert nest({"x": {"a": 1, "a.b": 2}}) == {"x": {"a": 1, "a.b": 2}}
    assert nest({"a..b": 1, ".": 2, "": 3, "a.": 4}) == {"a..b": 1, ".": 2, "": 3, "a.": 4}


DOTTED = st.dictionaries(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(".".join),
    st.integers() | st.just([1]) | st.just({"$float": "NaN"}),
    max_size=6,
)


@given(st.lists(DOTTED, max_size=4))
def test_merging_sets_each_dotted_key_and_loses_none(several: list[dict[str, Any]]) -> None:
    into: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    for one in several:
        merge(into, nest(one))
        expected |= one
        assert flatten(nest(one)) == one
        assert flatten(into) == expected
        assert all(find(into, key) == value for key, value in expected.items())


def test_a_dotted_key_given_twice_with_different_values_is_refused() -> None:
    with pytest.raises(InvalidValue) as caught:
        nest({"a": {"b": 1}, "a.b": 2})
    assert caught.value.key == "a.b"
    assert nest({"a": {"b": 1}, "a.b": 1}) == {"a": {"b": 1}}


def test_what_is_at_a_dotted_key_is_found_and_nothing_else() -> None:
    nested = {"a": {"b": {"c": 1}, "b.d": 2}, "a.x": 3, "n": {"$float": "NaN"}}
    assert [find(nested, key) for key in ("a.b.c", "a.b.d", "a.x")] == [1, 2, 3]
    for key in ("a.c", "b", "a.x.y", "n.$float", ""):
        with pytest.raises(KeyError):
            find(nested, key)


def test_keys_of_one_text_stay_apart() -> None:
    given = {1: "int", "1": "text", 1.5: "x", "1.5": "y", None: 0, "None": 1}
    plain = to_plain(given)
    assert sorted(map(str, plain.values())) == sorted(map(str, given.values()))
    assert plain["1"] == "int"


def test_flattening_keeps_floats_lists_and_empty_groups() -> None:
    nested = {"a": {"b": {"$float": "NaN"}, "c": {}, "d": [{"e": 1}]}}
    assert flatten(nested) == {"a.b": {"$float": "NaN"}, "a.c": {}, "a.d": [{"e": 1}]}


def test_merging_goes_key_by_key_and_leaves_the_new_one_alone() -> None:
    into: dict[str, Any] = {"a": {"b": 1}, "x": {"$float": "NaN"}, "s": 1}
    new = {"a": {"c": {"d": 1}}, "x": {"y": 1}, "s": {"t": 1}}
    merge(into, new)
    nan = {"$float": "NaN"}
    assert into == {"a": {"b": 1, "c": {"d": 1}}, "x": nan, "x.y": 1, "s": 1, "s.t": 1}
    merge(into, {"a": {"c": {"d": 2}}, "x": {"$float": "Infinity"}})
    assert into["a"]["c"]["d"] == 2
    assert into["x"] == {"$float": "Infinity"}
    assert new["a"]["c"]["d"] == 1


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "", "{", b"\xff", "9" * 5000])
def test_what_cannot_be_read_as_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)
