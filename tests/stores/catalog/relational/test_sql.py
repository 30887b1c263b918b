"""Pieces of SQL: values are always bound, and brackets keep the meaning of what was put together."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.stores.catalog.relational.sql import (
    FALSE,
    TRUE,
    Query,
    Sql,
    Table,
    all_of,
    any_of,
    is_null,
    not_null,
    sql,
)
from anew.stores.catalog.sqlite.connection import SqliteConnection
from anew.stores.catalog.sqlite.dialect import definition

ROWS = [(1, "a", None), (2, "b'; --", 2.5), (3, None, -1.0)]
TABLE = Table("things", {"key": "INTEGER PRIMARY KEY", "text": "TEXT", "number": "REAL"})
THINGS = TABLE.rows()


@pytest.fixture(scope="module")
def connection():
    connection = sqlite3.connect(":memory:", factory=SqliteConnection)
    connection.execute(definition(TABLE))
    connection.insert(TABLE, [dict(zip(TABLE.columns, row, strict=True)) for row in ROWS])
    yield connection
    connection.close()


def keys(connection: sqlite3.Connection, *conditions: Sql, **more: Any) -> list[int]:
    asked = Query((THINGS["key"],), (THINGS,), conditions, **more).sql()
    return [row[0] for row in connection.execute(asked.text, asked.values)]


def test_values_are_bound_in_the_order_of_their_marks(connection):
    either = any_of(sql("{} = {}", THINGS["text"], "b'; --"), sql("{} < {}", THINGS["number"], 0))
    assert either.values == ("b'; --", 0)
    assert keys(connection, either) == [2, 3]


def test_a_query_is_put_in_with_its_values(connection):
    negative = Query((THINGS["key"],), (THINGS,), (sql("{} < {}", THINGS["number"], 0),))
    assert keys(connection, sql("{} IN {}", THINGS["key"], negative)) == [3]


def test_rows_may_be_read_twice_under_two_names(connection):
    other = TABLE.rows("other")
    later = Query((TRUE,), (other,), (sql("{} > {}", other["key"], THINGS["key"]),))
    assert keys(connection, sql("NOT EXISTS {}", later)) == [3]


def test_an_order_and_a_limit(connection):
    order = (is_null(THINGS["number"]), THINGS["number"])
    assert keys(connection, order=order) == [3, 2, 1]
    assert keys(connection, order=order, limit=2) == [3, 2]
    assert keys(connection, not_null(THINGS["number"])) == [2, 3]


def test_a_row_that_is_there_can_be_replaced():
    table = Table("pairs", {"a": "TEXT", "b": "TEXT"}, key=("a",), unique=("b", "a"))
    with sqlite3.connect(":memory:", factory=SqliteConnection) as connection:
        connection.execute(definition(table))
        connection.insert(table, [{"a": "x", "b": "y"}])
        with pytest.raises(sqlite3.IntegrityError):
            connection.insert(table, [{"a": "x", "b": "z"}])
        connection.execute(table.replace(), ("x", "z"))
        assert connection.execute("SELECT * FROM pairs").fetchall() == [("x", "z")]
    connection.close()


LOGIC = st.recursive(
    st.booleans(),
    lambda inner: (
        st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, max_size=3))
        | st.tuples(st.just("not"), inner)
        | st.tuples(st.just("same"), inner, inner)
    ),
    max_leaves=8,
)


def meaning(tree: Any) -> bool:
    match tree:
        case bool():
            return tree
        case ("all", items):
            return all(meaning(one) for one in items)
        case ("any", items):
            return any(meaning(one) for one in items)
        case ("not", item):
            return not meaning(item)
        case (_, first, second):
            return meaning(first) == meaning(second)
    raise AssertionError(tree)


def piece(tree: Any) -> Sql:
    match tree:
        case bool():
            return sql("{} = {}", 1, 1) if tree else FALSE
        case ("all", items):
            return all_of(*map(piece, items))
        case ("any", items):
            return any_of(*map(piece, items))
        case ("not", item):
            return sql("NOT {}", piece(item))
        case (_, first, second):
            return sql("{} = {}", piece(first), piece(second))
    raise AssertionError(tree)


@given(LOGIC)
def test_brackets_keep_the_meaning(connection, tree):
    asked = sql("SELECT {}", piece(tree))
    assert connection.execute(asked.text, asked.values).fetchone()[0] == meaning(tree)
