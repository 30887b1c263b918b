"""Which experiments in the trash a filter means: by what the trash says of them, for their records cannot be asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ..query.literals import Span, parse_duration, parse_time
from ..query.parser import parse
from ..query.regex import matcher
from ..query.syntax import (
    And,
    Compare,
    Contains,
    Expression,
    Field,
    In,
    IsMissing,
    Match,
    Not,
    Or,
    Value,
)
from ..query.tokens import mistake
from .upkeep import Trashed

__all__ = ["that_fit"]

_FIELDS: dict[str, Callable[[Trashed], Any]] = {
    "id": lambda one: one.id,
    "prefix": lambda one: one.prefix,
    "name": lambda one: one.name,
    "owner": lambda one: _places(one.prefix)[0],
    "project": lambda one: _places(one.prefix)[1],
    "deleted_at": lambda one: one.deleted_at,
    "bytes": lambda one: one.bytes,
}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _places(prefix: str) -> tuple[str | None, str | None]:
    """The owner and the project that a prefix names."""
    parts = prefix.split("/")
    if len(parts) > 2:
        return parts[0], parts[1]
    return None, parts[0] if len(parts) == 2 else None


def that_fit(trash: Sequence[Trashed], filter: str) -> list[Trashed]:
    """Those of the trash that a filter means.

    Its fields are `id`, `prefix`, `name`, `owner`, `project`, `deleted_at` and `bytes`: nothing else is known of what is deleted.

    Raises:
        QueryError: The filter cannot be read, or asks for something else.
    """
    expression = parse(filter)
    _Trash(filter).check(expression)
    return [one for one in trash if _Trash(filter).meets(expression, one)]


class _Trash:
    def __init__(self, text: str) -> None:
        self._text = text
        self._now = time.time()

    def check(self, node: Expression) -> None:
        """Refuse what is not known of the trash, also where no experiment is in it."""
        nobody = Trashed("", "a/b/c", "", 0.0, 0)
        match node:
            case And(items) | Or(items):
                for item in items:
                    self.check(item)
            case Not(item):
                self.check(item)
            case _:
                self.meets(node, nobody)

    def meets(self, node: Expression, one: Trashed) -> bool:
        match node:
            case And(items):
                return all(self.meets(item, one) for item in items)
            case Or(items):
                return any(self.meets(item, one) for item in items)
            case Not(item):
                return not self.meets(item, one)
            case Compare(left, operator, right):
                if isinstance(left, Value):
                    left, right, operator = right, left, _TURNED.get(operator, operator)  # type: ignore[assignment]
                return self._compared(operator, left, right, one)
            case In(field, values, negated):
                return negated != any(self._compared("==", field, value, one) for value in values)
            case Contains(field, value, negated):
                return negated != (str(value.value) in str(self._value(field, one) or ""))
            case Match(field, pattern, negated):
                return negated != matcher(str(pattern.value))(str(self._value(field, one) or ""))
            case IsMissing(field, negated):
                return (self._value(field, one) is None) != negated
        raise mistake("What is in the trash cannot be asked for that.", self._text, 0)

    def _compared(self, operator: str, left: Any, right: Any, one: Trashed) -> bool:
        mine = self._value(left, one)
        if isinstance(right, Field):
            end = start = self._value(right, one)
        else:
            start, end = self._literal(left, right)
        if mine is None or start is None:
            return (mine is start) == (operator == "==") and operator in ("==", "!=")
        if isinstance(mine, str) != isinstance(start, str):
            return operator == "!="
        equal = mine == start if end is None or end == start else start <= mine < end
        late = start if end is None else end
        answers: dict[str, bool] = {
            "==": equal,
            "!=": not equal,
            "<": mine < start,
            "<=": equal or mine < start,
            ">": mine > start if late == start else mine >= late,
            ">=": mine >= start,
        }
        return answers[operator]

    def _literal(self, field: Field, value: Value) -> tuple[Any, Any]:
        """What a literal means beside a field: from where, and to where it is a stretch of time."""
        if field.text != "deleted_at":
            return value.value, None
        given = value.value
        if isinstance(given, str):
            span, age = parse_time(given.strip()), parse_duration(given.removesuffix("ago").strip())
            if span is None and age is None:
                raise mistake(f"{given!r} is no time.", self._text, value.position)
            given = span or Span(self._now - (age or 0.0), None)
        elif value.kind == "duration" and isinstance(given, (int, float)):
            given = self._now - given
        return (given.start, given.end) if isinstance(given, Span) else (given, None)

    def _value(self, field: Any, one: Trashed) -> Any:
        if not isinstance(field, Field) or field.text not in _FIELDS:
            named = getattr(field, "text", "that")
            raise mistake(
                f"{named!r} is not known of what is in the trash; {', '.join(_FIELDS)} are.",
                self._text,
                getattr(field, "position", 0),
            )
        return _FIELDS[field.text](one)
