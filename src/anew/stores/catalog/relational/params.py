"""Parameters and tags of very many experiments, read by their names: a range of rows for each, and no document but for what is long."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ....query.fields import Param, Tag
from ....query.integers import EXACT_BELOW, joined
from .documents import Document, decoded, value_of
from .engine import Connection
from .keys import rows_by_key, values_by_key
from .names import CatalogNames

__all__ = ["setting_values"]

_ALONE = {
    "str": "text",
    "float": "number",
    "bool": "CAST(number AS BIGINT)",
    "int": f"CASE WHEN abs(number) < {EXACT_BELOW:.0f} THEN CAST(number AS BIGINT) END",
}
"""Where the whole value stands, by its type; NULL where it does not."""
_ELSEWHERE = object()
"""Stands for a value of which the table has only the beginning."""


def setting_values(
    connection: Connection, names: CatalogNames, target: Param | Tag, keys: Sequence[int]
) -> list[Any]:
    """The values of a parameter, a configuration key or a tag of experiments, given in ascending order; None where there is none."""
    if isinstance(target, Tag):
        tag = names.key("tag", target.name)
        if tag is None:
            return [None] * len(keys)
        query = "SELECT experiment_key, value FROM tags WHERE name_key = ?"
        return list(map(values_by_key(connection, query, tag, keys, floats=False).get, keys))
    found: dict[int, Any] = {}
    for kind in ("config", "param") if target.kind == "either" else (target.kind,):
        key = names.key(kind, target.name)
        if key is not None:
            column = _column(connection, key, keys)
            found = {**found, **column} if found else column
    values = list(map(found.get, keys))
    if _ELSEWHERE in values:
        long = [at for at, value in enumerate(values) if value is _ELSEWHERE]
        told = _documents(connection, [keys[at] for at in long])
        for at in long:
            values[at] = value_of(told[keys[at]], target.kind, target.name)
    return values


def _column(connection: Connection, name: int, keys: Sequence[int]) -> dict[int, Any]:
    of = "FROM params WHERE name_key = ?"
    first = connection.execute(f"SELECT type {of} LIMIT 1", (name,)).fetchone()
    if first is not None and first[0] in _ALONE:
        # Where all are of the type of the first one, the engine hands them over as they are, and no row is looked at.
        told = f"CASE WHEN type = '{first[0]}' THEN {_ALONE[first[0]]} END"
        query = f"SELECT experiment_key, {told} {of}"
        alone = values_by_key(connection, query, name, keys, floats=first[0] == "float")
        if None not in alone.values():
            return {k: bool(v) for k, v in alone.items()} if first[0] == "bool" else alone
    rows = rows_by_key(
        connection, f"SELECT experiment_key, type, number, rest, text {of}", name, keys
    )
    return {key: _value(kind, number, rest, text) for key, kind, number, rest, text in rows}


def _value(kind: str, number: float | None, rest: str, text: str | None) -> Any:
    if kind == "str":
        return text
    if kind == "null":
        return None
    if number is None:
        return math.nan if kind == "float" else _ELSEWHERE
    if kind == "int":
        return joined(number, rest)
    return bool(number) if kind == "bool" else number


def _documents(connection: Connection, keys: Sequence[int]) -> dict[int, Document]:
    dialect = connection.dialect
    text = f"SELECT experiment_key, state FROM documents WHERE experiment_key IN ({dialect.keys})"
    rows = connection.execute(text, (dialect.listed(keys),))
    return {key: decoded(state) for key, state in rows}
