"""Nested settings as columns: what flattening each row by itself would give."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anew.record.plain import flatten, from_plain
from anew.stores.catalog.relational.spread import Spread

NAMES = st.sampled_from(["a", "b", "c d", "$float"])
LEAVES = st.none() | st.integers() | st.text(max_size=2) | st.lists(st.integers(), max_size=2)
SETTINGS = st.dictionaries(
    NAMES,
    st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=2), max_leaves=4),
    max_size=3,
)


def rows_of(pages: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    spread, count = Spread(), 0
    for page in pages:
        spread.add(count, page)
        count += len(page)
    columns = spread.filled(count)
    assert columns == sorted(columns, key=lambda column: column[0])
    return [{name: values[at] for name, values in columns} for at in range(count)]


@given(st.lists(st.lists(SETTINGS, max_size=4), max_size=3))
def test_each_row_has_its_own_values_and_none_of_the_others(pages):
    settings = [one for page in pages for one in page]
    names = {name for one in settings for name in flatten(one)}
    expected = [{name: flatten(one).get(name) for name in names} for one in settings]
    assert rows_of(pages) == expected


def test_numbers_that_json_does_not_have_are_floats_again():
    (row,) = rows_of([[{"a": {"$float": "NaN"}, "b": {"c": {"$float": "-Infinity"}}}]])
    assert math.isnan(row["a"])
    assert row["b.c"] == from_plain({"$float": "-Infinity"}) == -math.inf


def test_a_dotted_name_and_a_nested_one_are_one_column():
    rows = rows_of([[{"a.b": 1}, {"a": {"b": 2}}, {"a": "x", "a.b": 3}]])
    assert rows == [{"a": None, "a.b": 1}, {"a": None, "a.b": 2}, {"a": "x", "a.b": 3}]
