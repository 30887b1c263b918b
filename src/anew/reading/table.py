"""Many experiments as one table, column by column."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from ..errors import MissingDependency
from ..query.question import Column, Question, Wanted, parse_field
from .backend import Backend
from .frames import column

try:
    import pyarrow as pa
except ModuleNotFoundError as error:
    raise MissingDependency.of("A table of Arrow, pandas or Polars", "pyarrow", "arrow") from error

__all__ = ["FACTS", "experiments_table"]

FACTS = (
    "prefix", "name", "status", "owner", "project", "user", "host", "created_at",
    "started_at", "ended_at", "updated_at", "git.commit", "git.branch", "git.dirty", "parent",
    "relation", "description", "notes", "reason", "metric_count", "point_count", "file_count",
    "file_bytes", "lost",
)  # fmt: skip
"""The fields that a table begins with, after the id."""

_RENAMED = {f"git.{name}": f"git_{name}" for name in ("commit", "branch", "dirty")}
_SECTIONS = ("tags", "params", "metrics")
_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "bool": pa.bool_(),
}  # fmt: skip


def experiments_table(backend: Backend, ids: Sequence[str]) -> pa.Table:
    """A row per experiment in the order of the ids: its facts, `tags` as JSON, `params.<name>` and
    `metrics.<name>` (last values). Those that are gone are left out."""
    fields = (*FACTS, *_SECTIONS)
    question = Question(
        ids=tuple(ids), columns=tuple(Wanted(parse_field(one)) for one in fields), now=time.time()
    )
    answer = backend.select(question)
    table: dict[str, pa.Array] = {"experiment_id": pa.array(answer.ids, pa.string())}
    for one in answer.columns:
        if one.name == "tags":
            table["tags"] = pa.array(_json(one), pa.string())
        else:
            table[_RENAMED.get(one.name, one.name)] = _array(one)
    return pa.table(table)


def _array(given: Column) -> pa.Array:
    if given.kind == "any":
        return column(given.values)
    return pa.array(given.values, _TYPES[given.kind])


def _json(given: Column) -> list[Any]:
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return [encode(tags) if tags else None for tags in given.values]
