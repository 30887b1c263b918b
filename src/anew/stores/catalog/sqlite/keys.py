"""Experiments by their keys in the catalog: fetched in one piece, and handed back as one parameter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from . import schema
from .operands import Clause

__all__ = ["Keys", "among", "fetch_keys", "fetch_text"]

Keys = list[int]


def fetch_text(connection: Connection, statement: Select[Any]) -> str:
    """The keys that a statement selects, in its order, joined by commas."""
    # One text instead of many rows; SQLite keeps the order of a subquery under this aggregate.
    keys = statement.subquery()
    return connection.scalar(select(func.group_concat(keys.c[0]))) or ""


def fetch_keys(connection: Connection, statement: Select[Any]) -> Keys:
    """The keys that a statement selects, in its order."""
    keys: Keys = json.loads(f"[{fetch_text(connection, statement)}]")
    return keys


def among(keys: Sequence[int]) -> Clause:
    """Whether an experiment's key is among these."""
    # One parameter however many keys there are; as many parameters would be parsed one by one.
    listed = func.json_each(json.dumps(keys)).table_valued("value")
    return schema.experiments.c.key.in_(select(listed.c.value))
