"""Trees that no parser makes are refused, wherever they come from."""

from __future__ import annotations

import math

import msgspec
import pytest

from anew.query.syntax import And, Compare, Expression, Field, Or, Part, Value

FIELD = Field((Part("name", False, 0),), "name", 0)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("number", "1"), ("number", True), ("text", 1), ("bool", 1), ("null", 0), ("duration", "1h"), ("time", "now"), ("nan", "x")],
)  # fmt: skip
def test_a_literal_holds_what_its_kind_says(kind, value):
    with pytest.raises(ValueError):
        Value(kind, value, "", 0)


def test_what_a_parser_makes_is_kept():
    for kind, value in (("number", math.inf), ("nan", math.nan), ("null", None), ("bool", False)):
        assert Compare(FIELD, "==", Value(kind, value, "", 0), 0)


def test_fields_lists_and_comparisons_are_never_empty():
    value = Value("text", "x", "", 0)
    for make in (
        lambda: Field((), "", 0), lambda: And(()), lambda: Or(()), lambda: Compare(value, "==", value, 0),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            make()


def test_a_tree_from_another_machine_is_held_to_the_same_rules():
    sent = msgspec.json.encode({"type": "And", "items": []})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(sent, type=Expression)
