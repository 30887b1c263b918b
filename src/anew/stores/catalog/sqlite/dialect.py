"""SQL as SQLite writes it, where engines differ; its tables and indexes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..relational import schema as s
from ..relational.engine import Connection, Sums
from ..relational.numbers import left_over
from ..relational.sql import Form, Query, Sql, Table, sql

if TYPE_CHECKING:
    import sqlite3

__all__ = ["INDEXES", "SQLITE", "SqliteDialect", "definition"]

_SUMS = {
    "sum": "sum({})", "min": "min({})", "max": "max({})", "mean": "avg({})", "std": "anew_std({})",
}  # fmt: skip


class SqliteDialect:
    """The `Dialect` of SQLite. Lists are bound as JSON, however many they are: as many parameters would be parsed one by one."""

    plans = False
    keys = texts = "SELECT value FROM json_each(?)"
    # CROSS JOIN keeps this order, whatever the planner believes of their numbers.
    metrics_of_keys = (
        "FROM json_each(?) k CROSS JOIN metrics m ON m.experiment_key = k.value "
        "CROSS JOIN names n ON n.key = m.name_key"
    )

    def listed(self, values: Sequence[Any]) -> Any:
        """See `Dialect.listed`."""
        return json.dumps(values)

    def in_one_piece(self, query: Query) -> Sql:
        """See `Dialect.in_one_piece`. SQLite keeps the order of a subquery under this aggregate."""
        named = query.selecting(sql("{} AS k", query.columns[0]))
        return sql("SELECT group_concat(k) FROM {}", named)

    def rest_of(self, whole: Sql) -> Sql:
        """See `Dialect.rest_of`."""
        rest = left_over(whole)
        digits = sql("length(printf('%x', abs({})))", rest, bare=True)
        return sql(
            "CASE WHEN {} = 0 THEN '0' WHEN {} > 0 THEN printf('1%08x%x', {}, {}) "
            "ELSE printf('-%08x%0*x', 4294967295 - {}, {}, (1 << (4 * {})) - 1 + {}) END",
            rest, rest, digits, rest, digits, digits, digits, rest, form=Form.VALUE,
        )  # fmt: skip

    def holding(self, text: Sql, part: str) -> Sql:
        """See `Dialect.holding`."""
        return sql("instr({}, {}) > 0", text, part)

    def like(self, text: Sql, pattern: str) -> Sql:
        """See `Dialect.like`."""
        return sql("{} GLOB {}", text, "".join(f"[{c}]" if c in "[?" else c for c in pattern))

    def matching(self, connection: Connection, text: Sql, pattern: str, among: Query) -> Sql:
        """See `Dialect.matching`."""
        return sql("{} REGEXP {}", text, pattern)

    def sums(self, connection: Connection, of: str) -> Sums:
        """See `Dialect.sums`."""
        if of == "std":
            engine: sqlite3.Connection = connection  # type: ignore[assignment]  # it is of this engine
            engine.create_aggregate("anew_std", 1, _Deviation)  # type: ignore[arg-type]  # the stubs want int
        return _Sums(_SUMS[of])


SQLITE = SqliteDialect()


class _Sums:
    def __init__(self, template: str) -> None:
        self._template = template

    def clause(self, number: Sql) -> Sql:
        # A sum of integers as SQLite makes it may overflow, which is an error; one of floats cannot.
        return sql(self._template, sql("{} * 1.0", number), bare=True)

    def value(self, cell: Any) -> float | None:
        found: float | None = cell
        return found


class _Deviation:
    """The standard deviation of finite numbers with n - 1, as SQLite has none (Welford 1962); NULL of fewer than two."""

    def __init__(self) -> None:
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    def step(self, value: float | None) -> None:
        """Take a number in."""
        if value is None or not math.isfinite(value):
            return
        self._count += 1
        away = value - self._mean
        self._mean += away / self._count
        self._squares += away * (value - self._mean)

    def finalize(self) -> float | None:
        """The deviation of what was taken in."""
        found = math.sqrt(self._squares / (self._count - 1)) if self._count > 1 else None
        return found if found is None or math.isfinite(found) else None


def definition(table: Table) -> str:
    """The statement that makes a table, clustered by its primary key."""
    lines = [f'"{column}" {kind}' for column, kind in table.kinds.items()]
    if table.key:
        lines.append(f"PRIMARY KEY ({', '.join(table.key)})")
    if table.unique:
        lines.append(f"UNIQUE ({', '.join(table.unique)})")
    clustered = " WITHOUT ROWID" if table.key else ""
    return f'CREATE TABLE "{table.name}" ({", ".join(lines)}){clustered}'


def _index(name: str, table: Table, *columns: str) -> str:
    return f'CREATE INDEX IF NOT EXISTS {name} ON "{table.name}" ({", ".join(columns)})'


INDEXES = (
    _index("changes_by_revision", s.changes, "revision"),
    _index("experiments_by_created", s.experiments, "created_at"),
    _index("experiments_by_status", s.experiments, "status", "created_at"),
    _index("experiments_by_name", s.experiments, "name"),
    _index("experiments_by_project", s.experiments, "project", "created_at"),
    _index("experiments_by_area", s.experiments, "area"),
    _index("experiments_by_parent", s.experiments, "parent"),
    _index("experiments_by_relation", s.experiments, "relation"),
    _index("params_by_number", s.params, "name_key", "number", "rest"),
    _index("params_by_text", s.params, "name_key", "text"),
    _index("metrics_by_last", s.metrics, "name_key", "last"),
    _index("metrics_by_min", s.metrics, "name_key", "min"),
    _index("metrics_by_max", s.metrics, "name_key", "max"),
    _index("metrics_by_experiment", s.metrics, "experiment_key"),
    _index("contents_by_hash", s.contents, "hash"),
    _index("contents_by_name", s.contents, "name"),
)
"""Indexes that are created after a bulk load, because filling them row by row costs several times as much."""
