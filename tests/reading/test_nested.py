from __future__ import annotations

import math

import pytest

from anew.errors import NotFound
from anew.reading.nested import Nested

PARAMS = Nested(
    {
        "lr": 0.1,
        "model": {"depth": 4, "a.b": {"c": 1}},
        "nan": {"$float": "NaN"},
        "list": [1, {"$float": "Infinity"}],
    }
)


def test_values_are_reached_by_key_dotted_key_and_attribute():
    assert PARAMS["lr"] == PARAMS.lr == 0.1
    assert PARAMS["model"]["depth"] == PARAMS["model.depth"] == PARAMS.model.depth == 4
    assert PARAMS["model.a.b.c"] == PARAMS.model["a.b"].c == 1
    assert math.isnan(PARAMS.nan)
    assert PARAMS.list == [1, math.inf]


def test_it_is_a_mapping_that_equals_the_plain_one():
    assert Nested({"a": {"b": 1}}) == {"a": {"b": 1}}
    assert Nested({"a": {"b": 1}}).to_dict() == {"a": {"b": 1}}
    assert PARAMS.flat()["model.depth"] == 4
    assert list(PARAMS) == ["lr", "model", "nan", "list"]
    assert "model.depth" in PARAMS
    assert "model.width" not in PARAMS
    assert PARAMS.get("nope", 3) == 3
    assert "depth" in dir(PARAMS.model)


def test_an_unknown_name_says_what_may_have_been_meant():
    with pytest.raises(NotFound):
        PARAMS["model.dept"]
    with pytest.raises(AttributeError):
        _ = PARAMS.nope
    with pytest.raises(TypeError):
        PARAMS["lr"] = 1  # type: ignore[index]
