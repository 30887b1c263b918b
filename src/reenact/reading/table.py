"""Many experiments as one table, column by column.

A hundred thousand experiments of thirty values each are three million values: rows are read as plain tuples,
and of the documents only what a column needs is decoded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import Connection, bindparam, select

from ..record.plain import flatten
from ..stores.catalog import schema
from .frames import column

__all__ = ["FACTS", "experiments_table"]

FACTS = (
    "experiment_id", "prefix", "name", "status", "owner", "project", "user", "host", "created_at",
    "started_at", "ended_at", "updated_at", "git_commit", "git_branch", "git_dirty", "parent",
    "relation", "description", "notes", "reason", "metric_count", "point_count", "file_count",
    "file_bytes", "lost",
)  # fmt: skip
"""The columns of `experiments` that a table begins with."""

_CHUNK = 5000
_TEXTS = frozenset(
    {"experiment_id", "prefix", "name", "status", "owner", "project", "user", "host", "git_commit"}
    | {"git_branch", "parent", "relation", "description", "notes", "reason"}
)
_TIMES = frozenset({"created_at", "started_at", "ended_at", "updated_at"})


class _Params(msgspec.Struct):
    """The part of an ExperimentState that columns are made of."""

    params: dict[str, Any] = {}
    tags: dict[str, str | None] = {}


class _Last(msgspec.Struct, array_like=True):
    """The beginning of a `summary.Tally`."""

    count: int
    nonfinite: int
    first: float
    last: float


_params = msgspec.msgpack.Decoder(_Params)
_lasts = msgspec.msgpack.Decoder(dict[str, dict[str, _Last]])


def experiments_table(connection: Connection, keys: Sequence[int]) -> pa.Table:
    """A row per experiment in the order of the keys; those that are gone are left out."""
    facts: list[list[Any]] = [[] for _ in FACTS]
    tags: list[str | None] = []
    params = _Columns()
    metrics = _Columns()
    count = 0
    for begin in range(0, len(keys), _CHUNK):
        page = list(keys[begin : begin + _CHUNK])
        by_key = {row[0]: row for row in connection.execute(_statement(), {"keys": page})}
        rows = [by_key[key] for key in page if key in by_key]
        for at, gathered in enumerate(facts, 1):
            gathered.extend([row[at] for row in rows])
        for row in rows:
            state = _params.decode(row[-2])
            tags.append(json.dumps(state.tags, ensure_ascii=False) if state.tags else None)
            for name, value in _flat(state.params).items():
                params.put(name, count, value)
            for name, writers in _lasts.decode(row[-1]).items():
                metrics.put(name, count, writers[max(writers)].last)
            count += 1
    table: dict[str, pa.Array] = {
        name: pa.array(values, _type(name)) for name, values in zip(FACTS, facts, strict=True)
    }
    table["tags"] = pa.array(tags, pa.string())
    for name, values in params.filled(count):
        table[f"params.{name}"] = column(values)
    for name, values in metrics.filled(count):
        table[f"metrics.{name}"] = pa.array(values, pa.float64())
    return pa.table(table)


def _flat(params: dict[str, Any]) -> dict[str, Any]:
    for value in params.values():
        if isinstance(value, dict):
            return {
                name: float(value["$float"])
                if isinstance(value, dict) and "$float" in value
                else value
                for name, value in flatten(params).items()
            }
    return params


def _type(name: str) -> pa.DataType:
    if name in _TEXTS:
        return pa.string()
    if name in _TIMES:
        return pa.float64()
    return pa.bool_() if name == "git_dirty" else pa.int64()


def _statement() -> Any:
    e, d, p = schema.experiments, schema.documents, schema.progress
    return (
        select(e.c.key, *(e.c[name] for name in FACTS), d.c.state, p.c.metrics)
        .join(d, d.c.experiment_key == e.c.key)
        .join(p, p.c.experiment_key == e.c.key)
        .where(e.c.key.in_(bindparam("keys", expanding=True)))
    )


class _Columns:
    """Columns of which not every row has a value, named as they come up."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}

    def put(self, name: str, row: int, value: Any) -> None:
        values = self._columns.get(name)
        if values is None:
            values = self._columns[name] = []
        if len(values) < row:
            values.extend([None] * (row - len(values)))
        values.append(value)

    def filled(self, rows: int) -> list[tuple[str, list[Any]]]:
        """The columns by name, each as long as there are rows."""
        for values in self._columns.values():
            values.extend([None] * (rows - len(values)))
        return sorted(self._columns.items())
