"""Experiments by their keys in the catalog: fetched in one piece, and handed back as one parameter."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from .operands import KEY
from .sql import Query, Sql, sql

__all__ = ["Keys", "among", "fetch_keys", "fetch_text"]

Keys = list[int]


def fetch_text(connection: sqlite3.Connection, query: Query) -> str:
    """The keys that a query selects, in its order, joined by commas."""
    # One text instead of many rows; SQLite keeps the order of a subquery under this aggregate.
    named = query.selecting(sql("{} AS k", query.columns[0]))
    asked = sql("SELECT group_concat(k) FROM {}", named)
    return connection.execute(asked.text, asked.values).fetchone()[0] or ""


def fetch_keys(connection: sqlite3.Connection, query: Query) -> Keys:
    """The keys that a query selects, in its order."""
    keys: Keys = json.loads(f"[{fetch_text(connection, query)}]")
    return keys


def among(keys: Sequence[int]) -> Sql:
    """Whether an experiment's key is among these."""
    # One parameter however many keys there are; as many parameters would be parsed one by one.
    return sql("{} IN (SELECT value FROM json_each({}))", KEY, json.dumps(keys))
