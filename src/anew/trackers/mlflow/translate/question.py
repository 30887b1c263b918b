"""Conditions of MLflow's filters as conditions of Anew's filter language: its tree, which a store answers by itself.

Some conditions can be said exactly. Of others only something weaker can be said, which is true of every run that the
condition is true of: those runs have to be asked one by one (`Condition.holds`). That is so because MLflow compares
parameters as texts, where here a parameter is a number, a truth value, a list or a text; and because some facts
of a run (its data sets, a start that its program gave) are in no field.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ....query.syntax import (
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
    Operator,
    Or,
    Part,
    Value,
)
from ....record.status import Status
from .facts import is_metric, label_of, status_there
from .filters import Condition, pattern_of

__all__ = [
    "NEVER",
    "Asked",
    "all_of",
    "any_of",
    "asked",
    "by_metric",
    "by_user",
    "inside",
    "metric_path",
    "sorted_by",
    "started",
]

_LONGEST_PARAM = 500  # characters of a text that the catalog compares
_LONGEST_PATTERN = 200
_FACTS = frozenset(
    f"mlflow.{name}"
    for name in (
        "note.content",
        "source.git.branch",
        "source.git.commit",
        "source.git.repoURL",
        "source.name",
        "source.type",
    )
)
_COLUMNS = {"mlflow.runName": "name", "mlflow.user": "user", "mlflow.parentRunId": "parent"}


def _field(*names: str) -> Field:
    parts = tuple(Part(name, at > 0, 0) for at, name in enumerate(names))
    return Field(parts, ".".join(names), 0, may_be_unknown=True)


NEVER: Expression = IsMissing(_field("id"), False, 0)
"""True of no experiment."""


class Asked(NamedTuple):
    """What a store is asked for a condition: nothing if `expression` is None.

    `exact` says that it is true of the same runs as the condition; else it may be true of more.
    """

    expression: Expression | None
    exact: bool


_ANYTHING = Asked(None, False)
_ALWAYS = Asked(None, True)


def all_of(asked: Iterable[Asked]) -> Asked:
    """Several conditions that all have to be true."""
    several = list(asked)
    expressions = tuple(one.expression for one in several if one.expression is not None)
    exact = all(one.exact for one in several)
    if len(expressions) < 2:
        return Asked(expressions[0] if expressions else None, exact)
    return Asked(And(expressions), exact)


def any_of(asked: Iterable[Asked]) -> Asked:
    """Several conditions of which one has to be true; of none of them none is."""
    several = list(asked)
    if any(one.expression is None for one in several):
        return _ANYTHING
    expressions = [one.expression for one in several if one.expression is not None]
    return Asked(_any(expressions), all(one.exact for one in several))


def inside(folder: str, *, lone: bool = False) -> Asked:
    """An experiment lies directly in a folder; with `lone`, also one that lies in none."""
    text = "".join(f"\\{c}" if c in ".^$*+?{}[]|()\\" else c for c in folder)
    if len(text) > _LONGEST_PATTERN:
        return _ANYTHING
    start = f"({text}/)?" if lone else f"{text}/"
    return Asked(Match(_field("prefix"), _text(f"^{start}[^/]+$"), False, 0), True)


def by_metric(name: str) -> tuple[Expression, Expression, Expression]:
    """The three kinds of runs that an order by a metric has: those with a number, with NaN, and without it."""
    field = _field("metrics", name)
    if not is_metric(name):
        return NEVER, NEVER, Not(NEVER)
    numbers = Compare(field, ">=", _number(-math.inf), 0)
    return numbers, IsNan(field, False, 0), IsMissing(field, False, 0)


def metric_path(name: str) -> str:
    """The last value of a metric, as it is written to sort by it."""
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"metrics['{quoted}']"


def asked(condition: Condition) -> Asked:
    """What a store is asked for a condition."""
    kind = {"metric": _metric, "param": _param, "tag": _tag, "attribute": _attribute}
    make = kind.get(condition.entity)
    return _ANYTHING if make is None else make(condition)


def _text(text: str) -> Value:
    return Value("text", text, repr(text), 0)


def _number(number: float) -> Value:
    return Value("number", number, repr(number), 0)


def _equal(field: Field, text: str) -> Expression:
    return Compare(field, "==", _text(text), 0)


def _any(items: Iterable[Expression]) -> Expression:
    found = tuple(items)
    return NEVER if not found else found[0] if len(found) == 1 else Or(found)


def _there(field: Field) -> Expression:
    return IsMissing(field, True, 0)


# -- metrics ---------------------------------------------------------------------------------------


def _metric(condition: Condition) -> Asked:
    _, name, sign, value = condition
    field = _field("metrics", name)
    if not is_metric(name):
        return _ALWAYS if sign == "IS NULL" else Asked(NEVER, True)
    if sign in ("IS NULL", "IS NOT NULL"):
        return Asked(IsMissing(field, sign != "IS NULL", 0), True)
    if sign in ("IN", "NOT IN"):
        numbers = tuple(_number(number) for number in value if number == number)
        if numbers:
            return Asked(In(field, numbers, sign == "NOT IN", 0), True)
        return Asked(NEVER if sign == "IN" else _there(field), True)
    if value != value:  # a NaN is not equal to anything, and in no order
        return Asked(_there(field) if sign == "!=" else NEVER, True)
    operator: Operator = "==" if sign == "=" else sign  # type: ignore[assignment]
    return Asked(Compare(field, operator, _number(value), 0), True)


# -- parameters ------------------------------------------------------------------------------------


def _param(condition: Condition) -> Asked:
    _, name, sign, value = condition
    # A parameter is recorded as `a/` where it lies beside `a.b`.
    fields = (_field("params", name), _field("params", f"{name}/"))
    if sign in ("=", "IN"):
        found = [
            _written(field, text)
            for text in ([value] if sign == "=" else value)
            for field in fields
        ]
        if any(one.expression is None for one in found):
            return _ANYTHING
        return Asked(
            _any(one.expression for one in found if one.expression is not None),
            all(one.exact for one in found),
        )
    if sign == "IS NULL":
        # A parameter that is None has a text at MLflow, and is not there here.
        return Asked(And(tuple(IsMissing(field, False, 0) for field in fields)), False)
    if sign in ("LIKE", "ILIKE"):
        return _liked_param(condition, fields)
    return _ANYTHING


def _written(field: Field, text: str) -> Asked:
    """A parameter whose text at MLflow is this one: as a text, or as the number or truth value that is written so."""
    if text in ("", "None") or text[0] in "[{(<":  # what is missing, lists and mappings
        return _ANYTHING
    said = [_equal(field, text[:_LONGEST_PARAM])]
    exact = len(text) < _LONGEST_PARAM
    if text in ("True", "False"):
        said.append(Compare(field, "==", Value("bool", text == "True", text.lower(), 0), 0))
        exact = False  # 1 and 0 are equal to them
    try:
        number = float(text)
    except ValueError:
        return Asked(_any(said), exact)
    if math.isnan(number):
        return Asked(_any([*said, IsNan(field, False, 0)]), False)
    said.append(Compare(field, "==", _number(number), 0))
    # No other number, whole or not, is written like a fraction; but 3 and 3.0 are equal.
    exact = exact and math.isfinite(number) and number % 1 != 0 and repr(number) == text
    return Asked(_any(said), exact)


def _liked_param(condition: Condition, fields: Iterable[Field]) -> Asked:
    start = re.split("[%_]", condition.value, maxsplit=1)[0]
    if not start or Condition(*condition).holds(["None"]) or len(start) > _LONGEST_PATTERN:
        return _ANYTHING
    flags = "(?i)" if condition.sign == "ILIKE" else ""
    said: list[Expression] = []
    for field in fields:
        said += [
            Match(field, _text(f"{flags}^{re.escape(start)}"), False, 0),
            Match(field, _text(r"^[\[{]"), False, 0),  # lists, which MLflow writes in another way
            Compare(field, ">=", _number(-math.inf), 0),
            IsNan(field, False, 0),
        ]
    return Asked(Or(tuple(said)), False)


# -- tags ------------------------------------------------------------------------------------------


def _tag(condition: Condition) -> Asked:
    _, name, sign, value = condition
    if name in _FACTS:
        return _ANYTHING
    field = _field("tags", name)
    if name == "mlflow.runName":
        return _run_name(condition)
    if name in _COLUMNS:
        if sign not in ("=", "IN"):
            return _ANYTHING
        texts = [value] if sign == "=" else value
        column = _field(_COLUMNS[name])
        return Asked(_any(_equal(f, text) for text in texts for f in (column, field)), False)
    there = Contains(_field("tags"), _text(name), False, 0)
    empty = And((there, Not(Match(field, _text("^"), False, 0))))  # a tag without a value

    def equal(texts: Iterable[str]) -> Expression:
        several = list(texts)
        found = [_equal(field, text) for text in several]
        return _any([*found, empty] if "" in several else found)

    if sign in ("IS NULL", "IS NOT NULL"):
        return Asked(there if sign == "IS NOT NULL" else Not(there), True)
    if sign in ("=", "IN"):
        return Asked(equal([value] if sign == "=" else value), True)
    if sign in ("!=", "NOT IN"):
        return Asked(And((there, Not(equal([value] if sign == "!=" else value)))), True)
    if sign in ("LIKE", "ILIKE"):
        matched = _like(field, condition)
        if matched is not None:  # something that a text begins with, which an empty one does not
            return Asked(matched, False)
    return Asked(there, False)


def _like(field: Field, condition: Condition) -> Expression | None:
    """A text that begins as what LIKE is compared with; None if that says nothing."""
    start = re.split("[%_]", condition.value, maxsplit=1)[0]
    if not start or len(pattern_of(start)) > _LONGEST_PATTERN:
        return None
    flags = "(?i)" if condition.sign.endswith("ILIKE") else ""
    return Match(field, _text(f"{flags}^{re.escape(start)}"), False, 0)


# -- attributes ------------------------------------------------------------------------------------


def _attribute(condition: Condition) -> Asked:
    make = {"status": _status, "run_id": _run_id, "user_id": _user, "end_time": _end_time}
    found = make.get(condition.name)
    if found is not None:
        return found(condition)
    return _run_name(condition) if condition.name == "run_name" else _ANYTHING


def _run_name(condition: Condition) -> Asked:
    """Its name; what is no label here has one that stands for it."""
    _, _, sign, value = condition
    field = _field("name")
    if sign in ("IS NULL", "IS NOT NULL"):
        return Asked(NEVER, True) if sign == "IS NULL" else _ALWAYS
    if sign in ("=", "IN"):
        texts = [value] if sign == "=" else value
        # A label may stand for another name: "a-1" is that of "a/1" too.
        return Asked(_any(_equal(field, label_of(text)) for text in texts), False)
    if sign in ("LIKE", "ILIKE"):
        start = re.split("[%_]", condition.value, maxsplit=1)[0]
        if label_of(f"{start}x") == f"{start}x":
            return Asked(_like(field, condition), False)
    return _ANYTHING


def _status(condition: Condition) -> Asked:
    met = [status.value for status in Status if condition.holds([status_there(status)])]
    return Asked(In(_field("status"), tuple(map(_text, met)), False, 0) if met else NEVER, True)


def _run_id(condition: Condition) -> Asked:
    _, _, sign, value = condition
    field = _field("id")
    if sign in ("IS NULL", "IS NOT NULL"):
        return Asked(NEVER, True) if sign == "IS NULL" else _ALWAYS
    if sign in ("=", "!="):
        return Asked(Compare(field, "==" if sign == "=" else "!=", _text(value), 0), True)
    if sign in ("IN", "NOT IN"):
        return Asked(In(field, tuple(map(_text, value)), sign == "NOT IN", 0), True)
    matched = None if sign.startswith("NOT") else _like(field, condition)
    return Asked(matched, False)


def _user(condition: Condition) -> Asked:
    """Who ran it; MLflow has an empty text where that is not known."""
    _, _, sign, value = condition
    field = _field("user")
    if sign in ("IS NULL", "IS NOT NULL"):
        return Asked(NEVER, True) if sign == "IS NULL" else _ALWAYS
    if sign in ("LIKE", "ILIKE", "NOT LIKE", "NOT ILIKE"):
        return _ANYTHING
    texts = [value] if sign in ("=", "!=") else list(value)
    equal = [_equal(field, text) for text in texts]
    if "" in texts:
        equal.append(IsMissing(field, False, 0))
    met = _any(equal)
    return Asked(met if sign in ("=", "IN") else Not(met), True)


def by_user(condition: Condition) -> Asked:
    """Who ran it, where the client of a server said so by a tag."""
    if condition.sign not in ("=", "IN"):
        return _ANYTHING
    texts = [condition.value] if condition.sign == "=" else condition.value
    fields = (_field("user"), _field("tags", "mlflow.user"))
    return Asked(_any(_equal(field, text) for text in texts for field in fields), False)


def started(condition: Condition) -> Asked:
    """When it started, where that is what the record says; milliseconds are rounded."""
    _, _, sign, value = condition
    field = _field("started_at")
    if sign in ("IS NULL", "IS NOT NULL"):
        return Asked(NEVER, True) if sign == "IS NULL" else _ALWAYS
    if sign in ("IN", "NOT IN") or not math.isfinite(value):
        return _ANYTHING
    after = Compare(field, ">=", _number((value - 0.5) / 1000), 0)
    until = Compare(field, "<", _number((value + 0.5) / 1000), 0)
    said: dict[str, Expression] = {
        ">": Not(until), ">=": after, "<": Not(after), "<=": until, "=": And((after, until)), "!=": Not(And((after, until))),
    }  # fmt: skip
    return Asked(said[sign], True)


def sorted_by(entity: str, name: str) -> Field:
    """The field that an order goes by."""
    section = {"metric": "metrics", "param": "params", "tag": "tags"}.get(entity)
    if entity == "tag" and name in _COLUMNS:
        return _field(_COLUMNS[name])
    return _field(section, name) if section else _field(_SORTED[name])


_SORTED = {
    "run_id": "id", "run_name": "name", "status": "status", "artifact_uri": "id", "user_id": "user", "start_time": "started_at",
    "end_time": "ended_at",
}  # fmt: skip


def _end_time(condition: Condition) -> Asked:
    _, _, sign, value = condition
    field = _field("ended_at")
    if sign in ("IS NULL", "IS NOT NULL"):
        return Asked(IsMissing(field, sign != "IS NULL", 0), True)
    bounds: dict[str, Callable[[], list[Any]]] = {
        ">": lambda: [(">=", -0.001)],
        ">=": lambda: [(">=", -0.001)],
        "<": lambda: [("<=", 0.001)],
        "<=": lambda: [("<=", 0.001)],
        "=": lambda: [(">=", -0.001), ("<=", 0.001)],
    }
    if sign not in bounds or not math.isfinite(value):
        return Asked(_there(field), False)
    # Milliseconds are rounded, so the moments around are asked for too.
    found = tuple(
        Compare(field, operator, _number(value / 1000 + by), 0) for operator, by in bounds[sign]()
    )
    return Asked(And(found) if len(found) > 1 else found[0], False)
