"""What metrics add up to, as rows: the one place where the catalog keeps it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....record.facts import MetricSummary
from ..summary import Tallies, Tally, combine, rest_of, tallies_of
from .engine import Connection
from .keys import FEW, values_by_key
from .operands import INTEGERS

__all__ = [
    "HIDDEN",
    "METRIC",
    "metric_row",
    "metric_section",
    "metric_values",
    "summaries",
    "tallies",
]

METRIC = "metric"
HIDDEN = "hidden metric"
"""The kinds of names of the metrics that are told of, and of those that are not."""
_COLUMNS = MetricSummary.__struct_fields__
_TOLD = f"AND n.kind = '{METRIC}'"
_SUMMARY = ", ".join(f"m.{column}" for column in _COLUMNS)


def metric_row(writers: Mapping[str, Tally]) -> dict[str, Any]:
    """The columns of a metric that these writers logged."""
    summary = combine(writers)
    row = {column: getattr(summary, column) for column in _COLUMNS}
    for column in ("first", "last", "mean", "std"):
        if row[column] is not None and math.isnan(row[column]):
            row[column] = None
    row["rest"] = rest_of(writers)
    return row


def _summary(row: Sequence[Any]) -> MetricSummary:
    """The inverse of `metric_row`."""
    values: list[Any] = list(row)
    if None not in values:
        return MetricSummary(*values)
    finite = values[0] - values[-1]
    for at, name in enumerate(_COLUMNS):  # NaN is kept as NULL
        there = (
            name in ("first", "last")
            or (name == "mean" and finite)
            or (name == "std" and finite > 1)
        )
        if values[at] is None and there:
            values[at] = math.nan
    return MetricSummary(*values)


def summaries(connection: Connection, keys: Sequence[int]) -> dict[int, dict[str, MetricSummary]]:
    """The summaries of experiments, by their keys and names."""
    found: dict[int, dict[str, MetricSummary]] = {key: {} for key in keys}
    query = (
        f"SELECT m.experiment_key, n.name, {_SUMMARY} {connection.dialect.metrics_of_keys} {_TOLD}"
    )
    for key, name, *row in _rows(connection, query, connection.dialect.listed(list(keys))):
        found[key][name] = _summary(row)
    return found


def tallies(connection: Connection, keys: Sequence[int]) -> dict[int, Tallies]:
    """What the metrics of experiments add up to by writer, by their keys."""
    found: dict[int, Tallies] = {key: {} for key in keys}
    query = (
        f"SELECT m.experiment_key, n.name, m.rest, {_SUMMARY} {connection.dialect.metrics_of_keys}"
    )
    for key, name, rest, *row in _rows(connection, query, connection.dialect.listed(list(keys))):
        found[key][name] = tallies_of(_summary(row), rest)
    return found


def metric_values(
    connection: Connection, metric: int | None, stat: str, keys: Sequence[int]
) -> list[Any]:
    """A statistic of a metric (the key of its name) of experiments, given in ascending order; None where it was not logged."""
    column = "last_step" if stat == "step" else stat
    if column not in _COLUMNS:
        raise ValueError(f"{stat!r} is not a statistic of a metric.")
    if metric is None or not keys:
        return [None] * len(keys)
    query = f"SELECT experiment_key, {column} FROM metrics WHERE name_key = ?"
    found = values_by_key(connection, query, metric, keys, floats=stat not in INTEGERS)
    if stat in ("first", "last", "min", "max") and None in found.values():
        # A metric of nothing but NaN has no smallest value to show; it was recorded all the same.
        found = {key: math.nan if value is None else value for key, value in found.items()}
    return list(map(found.get, keys))


def metric_section(connection: Connection, keys: Sequence[int]) -> Iterator[tuple[str, list[Any]]]:
    """The last values of all metrics of experiments, given in ascending order: a column per metric by its name."""
    if len(keys) <= FEW:
        at = {key: place for place, key in enumerate(keys)}
        columns: dict[str, list[Any]] = {}
        query = (
            f"SELECT m.experiment_key, n.name, m.last {connection.dialect.metrics_of_keys} {_TOLD}"
        )
        for key, name, last in _rows(connection, query, connection.dialect.listed(list(keys))):
            column = columns.setdefault(name, [None] * len(keys))
            column[at[key]] = math.nan if last is None else last
        yield from sorted(columns.items())
        return
    named = "SELECT name, key FROM names WHERE kind = 'metric' ORDER BY name"
    for name, metric in _rows(connection, named):
        lasts = metric_values(connection, metric, "last", keys)
        if lasts.count(None) < len(lasts):
            yield name, lasts


def _rows(connection: Connection, query: str, *parameters: Any) -> list[Any]:
    return connection.execute(query, parameters).fetchall()
