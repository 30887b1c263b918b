"""Many experiments as one table, column by column.

A hundred thousand experiments of thirty values each are three million values: rows are read as plain tuples,
and of the documents only what a column needs is decoded.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import Connection, bindparam, select

from ..record.packed import Unpacker
from ..record.plain import from_plain
from ..stores.catalog.sqlite import schema
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


class _Last(msgspec.Struct, array_like=True, gc=False):
    """The beginning of a `summary.Tally`."""

    count: int
    nonfinite: int
    first: float
    last: float


_params = Unpacker(_Params)
_tags = msgspec.json.Encoder().encode
_lasts = msgspec.msgpack.Decoder(dict[str, dict[str, _Last]])


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cycle collector: millions of short-lived tuples would set it off again and again, for a
    third of the time and nothing, since no cycle is made here."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def experiments_table(connection: Connection, keys: Sequence[int]) -> pa.Table:
    """A row per experiment in the order of the keys; those that are gone are left out."""
    with _uncollected():
        return _experiments_table(connection, keys)


def _experiments_table(connection: Connection, keys: Sequence[int]) -> pa.Table:
    facts: list[list[Any]] = [[] for _ in FACTS]
    tags: list[str | None] = []
    params = _Columns()
    metrics = _Columns()
    count = 0
    for begin in range(0, len(keys), _CHUNK):
        page = list(keys[begin : begin + _CHUNK])
        by_key = {row[0]: row for row in connection.execute(_statement(), {"keys": page}).all()}
        rows = [by_key[key] for key in page if key in by_key]
        if not rows:
            continue
        _, *columns, states, tallies = zip(*rows, strict=True)
        for gathered, fact in zip(facts, columns, strict=True):
            gathered.extend(fact)
        for at, blob in enumerate(states, count):
            state = _params.decode(blob)
            tags.append(_tags(state.tags).decode() if state.tags else None)
            params.put(at, *_flat(state.params))
        for at, blob in enumerate(tallies, count):
            metrics.put(at, *_last(blob))
        params.turn(count, count + len(rows))
        metrics.turn(count, count + len(rows))
        count += len(rows)
    table: dict[str, pa.Array] = {
        name: pa.array(fact, _type(name)) for name, fact in zip(FACTS, facts, strict=True)
    }
    table["tags"] = pa.array(tags, pa.string())
    for name, values in params.filled(count):
        table[f"params.{name}"] = column(values)
    for name, values in metrics.filled(count):
        table[f"metrics.{name}"] = pa.array(values, pa.float64())
    return pa.table(table)


def _flat(params: dict[str, Any], prefix: str = "") -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Dotted names and values."""
    names: list[str] = []
    values: list[Any] = []
    for key, value in params.items():
        if type(value) is dict and value:
            value = from_plain(value) if "$float" in value else value
            if type(value) is dict:
                more = _flat(value, f"{prefix}{key}.")
                names += more[0]
                values += more[1]
                continue
        names.append(prefix + key)
        values.append(value)
    return tuple(names), tuple(values)


def _last(blob: bytes) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Names of metrics and their last values."""
    tallies = _lasts.decode(blob)
    lasts = [
        writers.popitem()[1].last if len(writers) == 1 else writers[max(writers)].last
        for writers in tallies.values()
    ]
    return tuple(tallies), tuple(lasts)


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
    """Columns of which not every row has a value.

    Most experiments of a store have the same names: the rows of a page are kept by the names they have, and
    turned into columns all at once.
    """

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}
        self._page: dict[tuple[str, ...], tuple[list[int], list[tuple[Any, ...]]]] = {}

    def put(self, row: int, names: tuple[str, ...], values: tuple[Any, ...]) -> None:
        """One row's values under their names."""
        rows, kept = self._page.setdefault(names, ([], []))
        rows.append(row)
        kept.append(values)

    def turn(self, first: int, stop: int) -> None:
        """Turn the page, which began with the row `first` and ends before `stop`."""
        for names, (rows, kept) in self._page.items():
            whole = len(rows) == stop - first
            for name, values in zip(names, zip(*kept, strict=True), strict=True):
                mine = self._columns.setdefault(name, [])
                end = first if whole else stop
                mine.extend([None] * (end - len(mine)))
                if whole:
                    mine.extend(values)
                    continue
                for row, value in zip(rows, values, strict=True):
                    mine[row] = value
        self._page.clear()

    def filled(self, rows: int) -> list[tuple[str, list[Any]]]:
        """The columns by name, each as long as there are rows."""
        for values in self._columns.values():
            values.extend([None] * (rows - len(values)))
        return sorted(self._columns.items())
