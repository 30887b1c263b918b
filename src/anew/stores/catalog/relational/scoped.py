"""A catalog as somebody may see it: the scope is a part of the connection, so every question has it in its SQL.

Each table of the catalog is covered by something of the same name that has only the rows of experiments in the scope. Names in SQL mean that
before they mean a table, so no question has to think of it, and none that is added later can forget it: what one may not see
is not there, for counts, sorts, names, values, suggestions and changes alike.
"""

from __future__ import annotations

from ....query.scope import EVERYTHING, Scope
from . import schema as s
from .engine import Dialect
from .sql import TRUE, Sql, all_of, any_of, sql

__all__ = ["OF_EXPERIMENTS", "in_scope"]

OF_EXPERIMENTS = (
    s.documents,
    s.settings,
    s.progress,
    s.live,
    s.params,
    s.metrics,
    s.tags,
    s.files,
    s.values,
    s.contents,
    s.problems,
)
"""The tables with the key of an experiment in each row."""


def in_scope(scope: Scope, column: Sql, dialect: Dialect) -> Sql:
    """Whether the project in a column is one that the scope has; `query.scope.matches` says the same of a text."""
    return all_of(
        _matches(scope.within, column, dialect),
        any_of(*(_matches(p, column, dialect) for p in scope.patterns)),
    )


def _matches(pattern: str, column: Sql, dialect: Dialect) -> Sql:
    if pattern == EVERYTHING:
        return TRUE
    alone = sql("NOT {}", dialect.holding(column, "/"))
    # A project has one "/" at most, so "*" cannot stand for one where there is one in the pattern.
    found = dialect.like(column, pattern)
    if "/" not in pattern:
        found = all_of(found, alone)
    elif pattern.endswith("/*"):
        found = any_of(found, all_of(dialect.like(column, pattern[:-2]), alone))
    if pattern[0] != "~":
        found = all_of(found, sql("substr({}, 1, 1) <> '~'", column))
    return found
