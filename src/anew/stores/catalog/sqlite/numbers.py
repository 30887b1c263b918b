"""Comparing numbers exactly, also those that a float64 cannot hold."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, true

from ....query.integers import EXACT_BELOW, REST_OF_NONE, split

__all__ = ["OPERATORS", "compared", "compared_pairs", "is_plain"]

Clause = ColumnElement[Any]
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_INT64 = 2**63


def is_plain(value: float) -> bool:
    """Whether a number's float64 alone decides every comparison with it."""
    return abs(split(value)[0]) < EXACT_BELOW


def compared(op: str, number: Clause, rest: Clause | None, value: float) -> Clause:
    """A column of numbers compared with a number.

    `rest` is the column of what the numbers leave over, see `query.integers`; None for a column of integers or of
    float64s, whose values SQLite compares with an integer exactly.
    """
    near, left = split(value)
    clause: Clause
    if rest is None and (left == REST_OF_NONE or -_INT64 <= value < _INT64):
        clause = OPERATORS[op](number, near if left == REST_OF_NONE else value)
    elif rest is None:
        clause = _beside(op, number, near, left)
    elif abs(near) < EXACT_BELOW:
        clause = OPERATORS[op](number, near)
    elif op == "==":
        clause = and_(number == near, rest == left)
    elif op == "!=":
        clause = not_(and_(number == near, rest == left))
    else:
        # The first condition repeats a part of the second, for the index on the number.
        strict = op[0]
        bound = OPERATORS[strict + "="](number, near)
        clause = and_(bound, or_(OPERATORS[strict](number, near), OPERATORS[op](rest, left)))
    return clause


def _beside(op: str, number: Clause, near: float, left: str) -> Clause:
    """A column compared with an integer beyond 64 bits that no value of the column can be."""
    if op in ("==", "!="):
        return true() if op == "!=" else false()
    # The integer lies between two float64s: which one counts as less depends on its side of `near`.
    above = left > REST_OF_NONE
    clause: Clause = OPERATORS[op[0] + ("=" if above == (op[0] == "<") else "")](number, near)
    return clause


def compared_pairs(op: str, a: tuple[Clause, Clause], b: tuple[Clause, Clause]) -> Clause:
    """Two numbers, each with its rest, compared with each other."""
    same = and_(a[0] == b[0], OPERATORS[op](a[1], b[1]))
    if op == "==":
        return same
    if op == "!=":
        return not_(and_(a[0] == b[0], a[1] == b[1]))
    clause: Clause = or_(OPERATORS[op[0]](a[0], b[0]), same)
    return clause
