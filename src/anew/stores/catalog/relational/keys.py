"""Experiments by their keys in the catalog: fetched in one piece, and handed back as one parameter."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from .engine import Connection
from .operands import KEY
from .sql import Query, Sql, sql

__all__ = [
    "FEW",
    "Keys",
    "among",
    "are_most",
    "fetch_keys",
    "fetch_text",
    "rows_by_key",
    "values_by_key",
]

Keys = list[int]

FEW = 2000
"""Experiments up to which their rows are looked up; beyond, whole columns are read."""
_AT_ONCE = 100_000
"""Keys whose rows are read together, at most."""


def fetch_text(connection: Connection, query: Query) -> str:
    """The keys that a query selects, in its order, joined by commas."""
    asked = connection.dialect.in_one_piece(query)  # instead of many rows
    return connection.execute(asked.text, asked.values).fetchone()[0] or ""


def fetch_keys(connection: Connection, query: Query) -> Keys:
    """The keys that a query selects, in its order."""
    keys: Keys = json.loads(f"[{fetch_text(connection, query)}]")
    return keys


def among(connection: Connection, keys: Sequence[int]) -> Sql:
    """Whether an experiment's key is among these."""
    # One parameter however many keys there are; as many parameters would be parsed one by one.
    dialect = connection.dialect
    return sql("{} IN {}", KEY, Sql(f"({dialect.keys})", (dialect.listed(keys),)))


def are_most(keys: Sequence[int]) -> bool:
    """Whether experiments, given in ascending order, are many, and most of those with a key between the first and the last."""
    return len(keys) > FEW and 2 * len(keys) > keys[-1] - keys[0]


def rows_by_key(connection: Connection, query: str, name: int, keys: Sequence[int]) -> list[Any]:
    """The rows of a name that experiments have, which are given in ascending order; where they are many, those of others too.

    Args:
        query: Selects rows where the key of their name is what it binds.
    """
    rows: list[Any] = []
    for among, bound in _parts(connection, keys):
        rows += connection.execute(query + among, (name, *bound)).fetchall()
    return rows


def values_by_key(
    connection: Connection, query: str, name: int, keys: Sequence[int], *, floats: bool
) -> dict[int, Any]:
    """The values of a name by experiment, of those that `rows_by_key` has.

    Args:
        query: Selects `experiment_key` and a value where the key of its name is what it binds.
        floats: Whether values may be floats; others are read in one piece, in a third of the time.
    """
    first, *others = (
        connection.pairs(query + among, (name, *bound), floats=floats)
        for among, bound in _parts(connection, keys)
    )
    for other in others:
        first |= other
    return first


def _parts(connection: Connection, keys: Sequence[int]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What is added to a statement that it reads the rows of experiments, and what that binds; of many, one statement after the other."""
    dialect = connection.dialect
    if len(keys) <= FEW:
        yield f" AND experiment_key IN ({dialect.keys})", (dialect.listed(keys),)
        return
    # All of the range, which costs less than to look for each. Its ends also tell SQLite to read the rows where they lie, side by side: by
    # the name alone, it goes through an index of something else, and from there to each row.
    for first in range(keys[0], keys[-1] + 1, _AT_ONCE):
        last = min(first + _AT_ONCE - 1, keys[-1])
        yield " AND experiment_key BETWEEN ? AND ?", (first, last)
