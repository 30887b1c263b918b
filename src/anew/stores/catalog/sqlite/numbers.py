"""Comparing numbers exactly, also those that a float64 cannot hold."""

from __future__ import annotations

from ....query.integers import EXACT_BELOW, REST_OF_NONE, split
from .sql import FALSE, TRUE, Sql, all_of, any_of, sql

__all__ = ["compared", "compared_pairs", "comparison", "is_plain"]

_OPERATORS = {
    "==": "{} = {}",
    "!=": "{} <> {}",
    "<": "{} < {}",
    "<=": "{} <= {}",
    ">": "{} > {}",
    ">=": "{} >= {}",
}
_INT64 = 2**63


def comparison(op: str, left: Sql, right: object) -> Sql:
    """Two values compared by an operator of the filter language."""
    return sql(_OPERATORS[op], left, right)


def is_plain(value: float) -> bool:
    """Whether a number's float64 alone decides every comparison with it."""
    return abs(split(value)[0]) < EXACT_BELOW


def compared(op: str, number: Sql, rest: Sql | None, value: float) -> Sql:
    """A column of numbers compared with a number.

    `rest` is the column of what the numbers leave over, see `query.integers`; None for a column of integers or of
    float64s, whose values SQLite compares with an integer exactly.
    """
    near, left = split(value)
    if rest is None and (left == REST_OF_NONE or -_INT64 <= value < _INT64):
        clause = comparison(op, number, near if left == REST_OF_NONE else value)
    elif rest is None:
        clause = _beside(op, number, near, left)
    elif abs(near) < EXACT_BELOW:
        clause = comparison(op, number, near)
    elif op == "==":
        clause = all_of(sql("{} = {}", number, near), sql("{} = {}", rest, left))
    elif op == "!=":
        clause = sql("NOT {}", all_of(sql("{} = {}", number, near), sql("{} = {}", rest, left)))
    else:
        # The first condition repeats a part of the second, for the index on the number.
        strict = op[0]
        bound = comparison(strict + "=", number, near)
        beyond = any_of(comparison(strict, number, near), comparison(op, rest, left))
        clause = all_of(bound, beyond)
    return clause


def _beside(op: str, number: Sql, near: float, left: str) -> Sql:
    """A column compared with an integer beyond 64 bits that no value of the column can be."""
    if op in ("==", "!="):
        return TRUE if op == "!=" else FALSE
    # The integer lies between two float64s: which one counts as less depends on its side of `near`.
    above = left > REST_OF_NONE
    return comparison(op[0] + ("=" if above == (op[0] == "<") else ""), number, near)


def compared_pairs(op: str, a: tuple[Sql, Sql], b: tuple[Sql, Sql]) -> Sql:
    """Two numbers, each with its rest, compared with each other."""
    equal = sql("{} = {}", a[0], b[0])
    if op == "!=":
        return sql("NOT {}", all_of(equal, sql("{} = {}", a[1], b[1])))
    same = all_of(equal, comparison(op, a[1], b[1]))
    return same if op == "==" else any_of(comparison(op[0], a[0], b[0]), same)
