"""Filters evaluated one experiment at a time, in plain Python: what every catalog's answers are held against.

This is the filter language said a second time, slowly and without SQL. It takes filters that a catalog accepts;
what is a mistake, it does not tell.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from ..query.contents import is_called
from ..query.fields import Fact, Labels, Metric, Param, Tag, Target, resolve
from ..query.literals import Span, parse_duration, parse_time
from ..query.question import parse_field
from ..query.regex import matcher
from ..query.syntax import (
    And,
    Compare,
    Contains,
    Expression,
    Field,
    In,
    IsMissing,
    IsNan,
    Match,
    Not,
    Or,
    Truth,
    Value,
)
from ..record.facts import ExperimentFacts
from ..record.inputs import inputs_of
from ..record.plain import flatten, from_plain

__all__ = ["Evaluation"]

MAX_TEXT = 500
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_COLUMNS = {"experiment_id": "id"}
_UNKNOWN_IS_NAN = frozenset({"first", "last", "min", "max", "mean"})


class Evaluation:
    """Evaluates filters over experiments, whose `state` and `metrics` must be given.

    It also says which names they have, as `query.fields.KnownNames` does.
    """

    def __init__(self, experiments: Sequence[ExperimentFacts], now: float) -> None:
        self._experiments = experiments
        self._now = now

    def ids(self, expression: Expression | None) -> list[str]:
        """The ids of those that meet an expression, in the order given."""
        return [
            one.id for one in self._experiments if expression is None or self.meets(expression, one)
        ]

    def in_order(self, sort: Sequence[tuple[str, bool]]) -> list[str]:
        """The ids of all sorted by fields, each with whether it descends; they were given in the order indexed."""
        found = list(self._experiments)
        if sort and sort[0][1]:
            found.reverse()
        for text, descending in reversed(sort):
            target = self._target(parse_field(text))
            values = {one.id: self._value(target, one) for one in found}
            numbers = [
                one for one in found if _is_number(values[one.id]) and not _is_nan(values[one.id])
            ]
            texts = [one for one in found if isinstance(values[one.id], str)]
            rest = [one for one in found if one not in numbers and one not in texts]
            numbers.sort(key=lambda one: values[one.id], reverse=descending)
            texts.sort(key=lambda one: values[one.id], reverse=descending)
            found = numbers + texts + rest
        return [one.id for one in found]

    def groups(self, field: str) -> list[tuple[Any, int]]:
        """The values of a parameter and how many have each: numbers, texts, NaN, null and what is missing, in this order."""
        target = self._target(parse_field(field))
        assert isinstance(target, Param)
        found: dict[tuple[int, Any, str], tuple[Any, int]] = {}
        for one in self._experiments:
            value = self._value(target, one)
            if value is None:
                key = (3 if target.name in _named(one, target.kind) else 4, 0, "")
            elif _is_nan(value):
                key = (2, 0, "")
            else:
                key = (int(isinstance(value, str)), value, type(value).__name__)
            found[key] = (value, found.get(key, (value, 0))[1] + 1)
        return [found[key] for key in sorted(found)]

    # -- names -------------------------------------------------------------------------------------

    @property
    def empty(self) -> bool:
        """See `KnownNames.empty`."""
        return not self._experiments

    def has(self, kind: str, name: str) -> bool:
        """See `KnownNames.has`."""
        return name in self.all(kind)

    def all(self, kind: str) -> Sequence[str]:
        """See `KnownNames.all`."""
        return sorted({name for one in self._experiments for name in _named(one, kind)})

    def holds(self, kind: str, name: str) -> tuple[bool, bool]:
        """See `KnownNames.holds`."""
        values = [_named(one, kind).get(name) for one in self._experiments]
        return any(_is_number(v) and v == v for v in values), any(
            isinstance(v, str) for v in values
        )

    # -- conditions --------------------------------------------------------------------------------

    def meets(self, node: Expression, one: ExperimentFacts) -> bool:
        """Whether an experiment meets an expression."""
        match node:
            case And(items):
                return all(self.meets(item, one) for item in items)
            case Or(items):
                return any(self.meets(item, one) for item in items)
            case Not(item):
                return not self.meets(item, one)
            case Compare():
                return self._compare(node, one)
            case In(field, values, negated):
                target = self._target(field)
                if isinstance(target, Labels):
                    texts = (str(value.value) for value in values)
                    return negated != any(self._contains(field, text, False, one) for text in texts)
                mine = self._value(target, one)
                found = any(
                    _is_nan(mine) if v.kind == "nan" else self._same(target, mine, v)
                    for v in values
                )
                return mine is not None and not found if negated else found
            case Contains(field, value, negated):
                return self._contains(field, str(value.value), negated, one)
            case Match(field, pattern, negated):
                mine = self._value(self._target(field), one)
                if not isinstance(mine, str):
                    return False
                return matcher(str(pattern.value))(mine) != negated
            case IsMissing(field, negated):
                return self._is_there(self._target(field), one) == negated
            case IsNan(field, negated):
                mine = self._value(self._target(field), one)
                return mine is not None and _is_nan(mine) != negated
            case Truth(field):
                mine = self._value(self._target(field), one)
                return _is_number(mine) and mine == 1

    def _compare(self, node: Compare, one: ExperimentFacts) -> bool:
        left, op, right = node.left, node.operator, node.right
        if isinstance(left, Field) and isinstance(right, Field):
            a = self._value(self._target(left), one)
            b = self._value(self._target(right), one)
            if a is None or b is None:
                return False
            return _compared("==" if op == "!=" else op, a, b) != (op == "!=")
        if isinstance(left, Value):
            left, right, op = right, left, _FLIPPED.get(op, op)  # type: ignore[assignment]
        assert isinstance(left, Field)
        assert isinstance(right, Value)
        if right.kind == "null":
            return self.meets(IsMissing(left, op == "!=", node.position), one)
        if right.kind == "nan":
            return self.meets(IsNan(left, op == "!=", node.position), one)
        target = self._target(left)
        mine = self._value(target, one)
        if mine is None:
            return False
        if op == "!=":
            return not self._same(target, mine, right)
        if isinstance(target, Fact) and target.kind == "time":
            return _in_time(op, mine, self._time(right))
        return _compared(op, mine, self._literal(target, right))

    def _same(self, target: Target, mine: Any, value: Value) -> bool:
        if mine is None or value.kind == "null":
            return False
        if isinstance(target, Fact) and target.kind == "time":
            return _in_time("==", mine, self._time(value))
        return _compared("==", mine, self._literal(target, value))

    def _contains(self, field: Field, text: str, negated: bool, one: ExperimentFacts) -> bool:
        target = self._target(field)
        if isinstance(target, Labels) and target.kind in ("input", "file"):
            contents = _contents(one, target.kind)
            return any(text and is_called(text, *content) for content in contents) != negated
        if isinstance(target, Labels):
            return (text in _named(one, target.kind)) != negated
        mine = self._value(target, one)
        if negated:
            return mine is not None and not (isinstance(mine, str) and text in mine)
        return isinstance(mine, str) and text in mine

    # -- values ------------------------------------------------------------------------------------

    def _target(self, field: Field) -> Target:
        return resolve(field, self, "", must_exist=False)

    def _is_there(self, target: Target, one: ExperimentFacts) -> bool:
        if isinstance(target, Labels) and target.kind in ("input", "file"):
            return bool(_contents(one, target.kind))
        if isinstance(target, Labels):
            return bool(_named(one, target.kind))
        if isinstance(target, Tag):
            return target.name in _named(one, "tag")
        return self._value(target, one) is not None

    def _value(self, target: Target, one: ExperimentFacts) -> Any:
        """The value a condition is about: None where there is none, NaN where it is not a number."""
        if isinstance(target, Fact):
            if target.kind == "duration":
                if one.started_at is None:
                    return None
                ended = self._now if one.ended_at is None else one.ended_at
                return ended - one.started_at - one.paused
            value = getattr(one, _COLUMNS.get(target.column, target.column))
            return value.value if target.kind == "status" else value
        if isinstance(target, Metric):
            summary = (one.metrics or {}).get(target.name)
            if summary is None:
                return None
            stat = "last_step" if target.stat == "step" else target.stat
            value = getattr(summary, stat)
            return math.nan if value is None and stat in _UNKNOWN_IS_NAN else value
        if isinstance(target, Param):
            return _comparable(_named(one, target.kind).get(target.name))
        return _named(one, "tag").get(target.name) if isinstance(target, Tag) else None

    def _literal(self, target: Target, value: Value) -> Any:
        if isinstance(target, Fact) and value.kind == "text":
            if target.kind == "status":
                return str(value.value).lower()
            if target.kind == "duration":
                return parse_duration(str(value.value))
        return _comparable(value.value) if isinstance(target, Param) else value.value

    def _time(self, value: Value) -> Span:
        if isinstance(value.value, Span):
            return value.value
        if value.kind == "duration":
            return Span(self._now - float(value.value), None)  # type: ignore[arg-type]
        if value.kind == "text":
            text = str(value.value).strip()
            span = parse_time(text)
            seconds = parse_duration(text.removesuffix("ago").strip())
            return span or Span(self._now - (seconds or 0.0), None)
        year = parse_time(value.text) if re.fullmatch(r"\d{4}", value.text) else None
        return year or Span(float(value.value), None)  # type: ignore[arg-type]


def _contents(one: ExperimentFacts, kind: str) -> list[tuple[str, str]]:
    """The names and hashes of what an experiment read or logged."""
    if kind == "input":
        read = inputs_of(one.state) if one.state else ()
        return [(each.name, hash) for each in read for hash in each.hashes]
    files = one.files or ()
    return [("/".join(filter(None, (f.prefix.strip("/"), f.name))), f.hash) for f in files]


def _named(one: ExperimentFacts, kind: str) -> dict[str, Any]:
    """What an experiment has by names of a kind."""
    state = one.state
    assert state is not None
    if kind == "metric":
        return dict(one.metrics or {})
    if kind == "tag":
        return dict(state.tags)
    if kind == "bindr":
        return dict.fromkeys(state.bindrs)
    if kind == "either":
        return {**_named(one, "config"), **_named(one, "param")}
    nested = state.params if kind == "param" else state.config or {}
    return {name: from_plain(value) for name, value in flatten(nested).items()}


def _comparable(value: Any) -> Any:
    """A parameter as it is compared: lists and mappings as JSON, of texts the beginning."""
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    return value[:MAX_TEXT] if isinstance(value, str) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _compared(op: str, a: Any, b: Any) -> bool:
    """Numbers by value, whatever their size; texts by code point; never one with the other."""
    if _is_number(a) != _is_number(b):
        return False
    answers: dict[str, bool] = {
        "==": a == b,
        "<": a < b,
        "<=": a <= b,
        ">": a > b,
        ">=": a >= b,
    }
    return answers[op]


def _in_time(op: str, mine: float, span: Span) -> bool:
    start, end = span.start, span.end
    if end is None:
        return _compared(op, mine, start)
    return {
        "==": start <= mine < end,
        "<": mine < start,
        "<=": mine < end,
        ">": mine >= end,
        ">=": mine >= start,
    }[op]
