"""Comparing numbers exactly, also those that a float64 cannot hold."""

from __future__ import annotations

import math

from ....query.integers import EXACT_BELOW, REST_OF_NONE, split
from .sql import FALSE, TRUE, Form, Sql, all_of, any_of, sql

__all__ = [
    "cast_whole",
    "compared",
    "compared_pairs",
    "compared_whole",
    "comparison",
    "is_plain",
    "left_over",
]

_OPERATORS = {
    "==": "{} = {}",
    "!=": "{} <> {}",
    "<": "{} < {}",
    "<=": "{} <= {}",
    ">": "{} > {}",
    ">=": "{} >= {}",
}
_LEAST, _MOST = -(2**63), 2**63 - 1


def comparison(op: str, left: Sql, right: object) -> Sql:
    """Two values compared by an operator of the filter language."""
    return sql(_OPERATORS[op], left, right)


def is_plain(value: float) -> bool:
    """Whether a number's float64 alone decides every comparison with it."""
    return abs(split(value)[0]) < EXACT_BELOW


def compared(op: str, number: Sql, rest: Sql | None, value: float) -> Sql:
    """A column of numbers compared with a number.

    `rest` is the column of what the numbers leave over, see `query.integers`; None for a column of float64s.
    """
    near, left = split(value)
    if rest is None and left == REST_OF_NONE:
        clause = comparison(op, number, near)
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


def compared_whole(op: str, number: Sql, value: float) -> Sql:
    """A column of integers of 64 bits compared with a number: as integers, which every engine compares exactly."""
    if not math.isfinite(value):
        value = _MOST + 1 if value > 0 else _LEAST - 1
    if op == "==":
        there = value == int(value) and _LEAST <= value <= _MOST
        return comparison(op, number, int(value)) if there else FALSE
    bound = math.ceil(value) if op in ("<", ">=") else math.floor(value)
    if bound > _MOST:
        return comparison("<=", number, _MOST) if op in ("<", "<=") else FALSE
    if bound < _LEAST:
        return comparison(">=", number, _LEAST) if op in (">", ">=") else FALSE
    return comparison(op, number, bound)


def cast_whole(number: Sql) -> Sql:
    """Integers of 64 bits as their nearest float64s."""
    return sql("CAST({} AS DOUBLE PRECISION)", number, form=Form.VALUE)


def left_over(number: Sql) -> Sql:
    """What integers of 64 bits are more than their nearest float64s."""
    # From here on the nearest is 2**63, which is no integer of 64 bits.
    last = f"{_MOST - 511}"
    near = sql("CAST({} AS BIGINT)", cast_whole(number), form=Form.VALUE)
    return sql(
        f"CASE WHEN {{}} >= {last} THEN {{}} - {_MOST} - 1 ELSE {{}} - {{}} END",
        number, number, number, near,
    )  # fmt: skip


def _beside(op: str, number: Sql, near: float, left: str) -> Sql:
    """A column of float64s compared with an integer that is none."""
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
