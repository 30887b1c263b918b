"""Experiments by their keys in the catalog: fetched in one piece, and handed back as one parameter."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .engine import Connection
from .operands import KEY
from .sql import Query, Sql, sql

__all__ = ["Keys", "among", "fetch_keys", "fetch_text"]

Keys = list[int]


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
