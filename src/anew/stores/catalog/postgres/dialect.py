"""SQL as PostgreSQL writes it, where engines differ; its tables and indexes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, cast

from ..relational import schema as s
from ..relational.engine import Connection, Sums
from ..relational.numbers import left_over
from ..relational.sql import Form, Query, Sql, Table, all_of, not_null, sql

__all__ = ["INDEXES", "POSTGRES", "STATISTICS", "PostgresDialect", "definition"]

_TYPES = {
    "INTEGER": "bigint",
    "REAL": "double precision",
    "TEXT": 'text COLLATE "C"',  # by code point, whatever the database's own order is
    "BLOB": "bytea",
}


class _Matching(Protocol):
    """What a connection of this engine has besides."""

    def matched(self, pattern: str, among: Sql) -> tuple[list[str], list[str]]: ...


class PostgresDialect:
    """The `Dialect` of PostgreSQL. Lists are bound as arrays."""

    plans = True
    keys = "SELECT unnest(?::bigint[])"
    texts = "SELECT unnest(?::text[])"
    metrics_of_keys = (
        "FROM unnest(?::bigint[]) AS k(value) JOIN metrics m ON m.experiment_key = k.value "
        "JOIN names n ON n.key = m.name_key"
    )

    def listed(self, values: Sequence[Any]) -> Any:
        """See `Dialect.listed`."""
        return list(values)

    def in_one_piece(self, query: Query) -> Sql:
        """See `Dialect.in_one_piece`. An array made by a query keeps its order."""
        return sql("SELECT array_to_string(ARRAY{}, ',')", query)

    def rest_of(self, whole: Sql) -> Sql:
        """See `Dialect.rest_of`."""
        rest = left_over(whole)
        digits = sql("to_hex(abs({}))", rest, bare=True)
        counted = sql("lpad(to_hex(length({})), 8, '0') || {}", digits, digits)
        return sql(
            "CASE WHEN {} = 0 THEN '0' WHEN {} > 0 THEN '1' || {} "
            "ELSE '-' || translate({}, '0123456789abcdef', 'fedcba9876543210') END COLLATE \"C\"",
            rest, rest, counted, counted,
        )  # fmt: skip

    def holding(self, text: Sql, part: str) -> Sql:
        """See `Dialect.holding`."""
        return sql("strpos({}, {}) > 0", text, part)

    def like(self, text: Sql, pattern: str) -> Sql:
        """See `Dialect.like`."""
        escaped = "".join(f"\\{c}" if c in "\\%_" else c for c in pattern)
        return sql("{} LIKE {}", text, escaped.replace("*", "%"))

    def matching(self, connection: Connection, text: Sql, pattern: str, among: Query) -> Sql:
        """See `Dialect.matching`. PostgreSQL's own patterns mean other things, so RE2 is asked here about each text there is."""
        found, rest = cast(_Matching, connection).matched(pattern, among.sql())
        if len(found) <= len(rest):
            return sql("{} = ANY({})", text, Sql("?::text[]", (found,)))
        # What is not there differs from all of none.
        return all_of(not_null(text), sql("{} <> ALL({})", text, Sql("?::text[]", (rest,))))

    def sums(self, connection: Connection, of: str) -> Sums:
        """See `Dialect.sums`."""
        return _EXTREMES[of] if of in _EXTREMES else _Sums(of)


POSTGRES = PostgresDialect()


class _Extreme:
    def __init__(self, template: str) -> None:
        self._template = template

    def clause(self, number: Sql) -> Sql:
        return sql(self._template, _floats(number))

    def value(self, cell: Any) -> float | None:
        found: float | None = cell
        return found


_EXTREMES = {"min": _Extreme("min({})"), "max": _Extreme("max({})")}


class _Sums:
    """Adds up here: PostgreSQL's sums of floats fail where they overflow, and lose digits that other engines keep."""

    def __init__(self, of: str) -> None:
        self._of = of

    def clause(self, number: Sql) -> Sql:
        floats = _floats(number)
        return sql("array_agg({}) FILTER (WHERE {} IS NOT NULL)", floats, floats)

    def value(self, cell: Any) -> float | None:
        numbers: list[float] = cell or []
        if self._of == "std":
            numbers = [one for one in numbers if math.isfinite(one)]
            return _deviation(numbers)
        if not numbers:
            return None
        total = _sum(numbers)
        found = total / len(numbers) if self._of == "mean" else total
        return None if found != found else found


def _floats(number: Sql) -> Sql:
    return sql("CAST({} AS DOUBLE PRECISION)", number, form=Form.VALUE)


def _sum(numbers: Sequence[float]) -> float:
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # beyond a float64; infinities of both signs
        return sum(numbers)


def _deviation(numbers: Sequence[float]) -> float | None:
    """The standard deviation with n - 1 (Welford 1962), None of fewer than two or where it is beyond a float64."""
    mean = squares = 0.0
    for count, number in enumerate(numbers, 1):
        away = number - mean
        mean += away / count
        squares += away * (number - mean)
    found = math.sqrt(squares / (len(numbers) - 1)) if len(numbers) > 1 else None
    return found if found is None or math.isfinite(found) else None


def definition(table: Table) -> str:
    """The statement that makes a table."""
    lines = []
    for column, kind in table.kinds.items():
        first, _, rest = kind.partition(" ")
        lines.append(f'"{column}" {_TYPES[first]} {rest}')
    if table.key:
        lines.append(f"PRIMARY KEY ({', '.join(table.key)})")
    # What is unique here is looked up by a hash: a name may be longer than PostgreSQL's trees take.
    return f'CREATE TABLE "{table.name}" ({", ".join(lines)})'


def _index(name: str, table: Table, *columns: str) -> str:
    return f'CREATE INDEX IF NOT EXISTS {name} ON "{table.name}" ({", ".join(columns)})'


def _together(name: str, table: Table, *columns: str) -> tuple[str, str]:
    """The planner takes columns to be independent of each other unless it is told which values come together how often."""
    return (
        f'CREATE STATISTICS IF NOT EXISTS {name} (mcv) ON {", ".join(columns)} FROM "{table.name}"',
        f"ALTER STATISTICS {name} SET STATISTICS 1000",
    )


def _hash(name: str, table: Table, column: str) -> str:
    return f'CREATE INDEX IF NOT EXISTS {name} ON "{table.name}" USING hash ({column})'


NAMED = _hash("names_by_name", s.names, "name")
"""What a bulk load needs too."""

INDEXES = (
    _index("changes_by_revision", s.changes, "revision"),
    # The key at the end is what breaks ties in every order, so that an index has the whole of it.
    _index("experiments_by_created", s.experiments, "created_at", "key"),
    _index("experiments_by_status", s.experiments, "status", "created_at"),
    # Texts that anybody chose, of any length.
    _hash("experiments_by_name", s.experiments, "name"),
    _hash("experiments_by_project", s.experiments, "project"),
    _hash("experiments_by_parent", s.experiments, "parent"),
    _hash("experiments_by_relation", s.experiments, "relation"),
    _index("params_by_number", s.params, "name_key", "number", "rest", "experiment_key"),
    _index("params_by_text", s.params, "name_key", "text", "experiment_key"),
    _index("params_by_experiment", s.params, "experiment_key"),
    _index("metrics_by_last", s.metrics, "name_key", "last", "experiment_key"),
    _index("metrics_by_min", s.metrics, "name_key", "min", "experiment_key"),
    _index("metrics_by_max", s.metrics, "name_key", "max", "experiment_key"),
    _index("metrics_by_experiment", s.metrics, "experiment_key"),
    _index("contents_by_hash", s.contents, "hash"),
    _index("contents_by_name", s.contents, "name"),
    _index("tags_by_experiment", s.tags, "experiment_key"),
)
"""Indexes that are created after a bulk load, because filling them row by row costs several times as much."""

STATISTICS = (
    # `batch_size == 128` is as common as that is among batch sizes, and not among all numbers.
    *_together("params_numbers", s.params, "name_key", "number"),
    *_together("params_texts", s.params, "name_key", "text"),
)
"""What the engine counts beside each column when it counts the rows."""
