"""Filters in the form of MongoDB, as `Api().runs` takes them, as conditions of our own filter language.

Not every filter has a condition that is true of exactly the same runs: what a run's config or summary is may be known only from
facts that no index has. So each is two conditions, one that is true only of runs that meet the filter (`sure`), and one that is
true of every run that meets it (`possible`). Where the two are the same, the index answers alone; else only the runs between
them have to be looked at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from ....query.syntax import (
    And,
    Compare,
    Contains,
    Expression,
    Field,
    IsMissing,
    Match,
    Not,
    Or,
    Part,
    Value,
)
from ..names import LOST_SIGNS, OWN_CONFIG, OWN_ID, OWN_SUMMARY, STATES, SWEEP, iso_time

__all__ = [
    "Bounds",
    "Clause",
    "Expression",
    "all_of",
    "compiled",
    "is_own_summary",
    "of_project",
    "sort_fields",
    "unsure",
]

Clause = Expression | bool
Operator = Literal["==", "<", "<=", ">", ">="]

_ORDERS: dict[str, Operator] = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_TEXTS = {"display_name": "name", "notes": "notes", "host": "host", "username": "user"}
_TIMES = {"created_at": "created_at", "heartbeat_at": "updated_at"}
_LONGEST_TEXT = 500  # of longer ones the index has the beginning alone
_LONGEST_PATTERN = 500
_LARGEST = 2**53  # of whole numbers that a float64 tells from their neighbours
_LAST_SECOND = 253_402_300_799  # of the year 9999
_CLOCKS = ("_step", "_timestamp", "_runtime", "_wandb")


class Bounds(NamedTuple):
    """A condition from below and from above.

    Attributes:
        sure: True only of runs that meet the filter.
        possible: True of every run that meets it.
    """

    sure: Clause
    possible: Clause


UNKNOWN = Bounds(False, True)


def _exactly(clause: Clause) -> Bounds:
    return Bounds(clause, clause)


def _and(clauses: Iterable[Clause]) -> Clause:
    items = [one for one in clauses if one is not True]
    if any(one is False for one in items):
        return False
    kept: list[Expression] = [one for one in items if not isinstance(one, bool)]
    return True if not kept else kept[0] if len(kept) == 1 else And(tuple(kept))


def _or(clauses: Iterable[Clause]) -> Clause:
    items = [one for one in clauses if one is not False]
    if any(one is True for one in items):
        return True
    kept: list[Expression] = [one for one in items if not isinstance(one, bool)]
    return False if not kept else kept[0] if len(kept) == 1 else Or(tuple(kept))


def _not(clause: Clause) -> Clause:
    return (not clause) if isinstance(clause, bool) else Not(clause)


def all_of(bounds: Iterable[Bounds]) -> Bounds:
    """All of them are met."""
    several = list(bounds)
    return Bounds(_and(one.sure for one in several), _and(one.possible for one in several))


def _any_of(bounds: Iterable[Bounds]) -> Bounds:
    several = list(bounds)
    return Bounds(_or(one.sure for one in several), _or(one.possible for one in several))


def _negated(bounds: Bounds) -> Bounds:
    return Bounds(_not(bounds.possible), _not(bounds.sure))


def unsure(bounds: Bounds) -> Clause:
    """True of the runs that have to be looked at."""
    if bounds.sure == bounds.possible:
        return False
    return _and([bounds.possible, _not(bounds.sure)])


# -- filters ------------------------------------------------------------------------------------------


def compiled(filters: Mapping[str, Any]) -> Bounds:
    """A filter as conditions. Its keys and operators are known ones (see `dialect.filters`)."""
    parts = []
    for key, value in filters.items():
        if key == "$and":
            parts.append(all_of(compiled(one) for one in value))
        elif key == "$or":
            parts.append(_any_of(compiled(one) for one in value))
        elif key == "$nor":
            parts.append(_negated(_any_of(compiled(one) for one in value)))
        elif key == "$not":
            parts.append(_negated(compiled(value)))
        else:
            parts.append(_of_field(key, value))
    return all_of(parts)


def _of_field(key: str, wanted: Any) -> Bounds:
    if not (isinstance(wanted, dict) and any(str(name).startswith("$") for name in wanted)):
        return _equal(key, wanted)
    parts = []
    for operator, operand in wanted.items():
        if operator == "$regex":
            parts.append(_matching(key, operand, str(wanted.get("$options", ""))))
        elif operator == "$not":
            parts.append(_negated(_of_field(key, operand)))
        elif operator == "$exists":
            parts.append(_existing(key) if operand else _negated(_existing(key)))
        elif operator == "$in":
            parts.append(_any_of(_equal(key, one) for one in operand))
        elif operator == "$nin":
            parts.append(_negated(_any_of(_equal(key, one) for one in operand)))
        elif operator == "$eq":
            parts.append(_equal(key, operand))
        elif operator == "$ne":
            parts.append(_negated(_equal(key, operand)))
        elif operator in _ORDERS:
            parts.append(_ordered(key, _ORDERS[operator], operand))
    return all_of(parts)


def of_project(names: Iterable[str], owners: Iterable[str] | None) -> Expression:
    """The runs of a project, which may be written in several ways; not its sweeps.

    Args:
        owners: Whose it may be; experiments without an owner are everybody's. Anybody's if None.
    """
    clauses = [_or(_compare(_field("project"), "==", name) for name in names)]
    clauses.append(IsMissing(_field("tags", SWEEP), False, 0))
    if owners is not None:
        owner = _field("owner")
        clauses.append(
            _or([IsMissing(owner, False, 0), *(_compare(owner, "==", one) for one in owners)])
        )
    found = _and(clauses)
    assert not isinstance(found, bool)
    return found


def is_own_summary() -> Expression:
    """The run has a summary of its own: what is in it is not just the last value of each metric."""
    return IsMissing(_field("tags", OWN_SUMMARY), True, 0)


def sort_fields(key: str, down: bool) -> list[str] | None:
    """What to sort by in our own language; None if it has no such field."""
    sign = "-" if down else ""
    head, _, rest = key.partition(".")
    if head == "summary_metrics" and rest and not rest.startswith(_CLOCKS):
        return [f"{sign}metrics[{_quoted(rest)}].last", "created_at"]
    known = {**_TIMES, "display_name": "name", "host": "host", "username": "user"}.get(key)
    return (
        None
        if known is None
        else [sign + known, *(["created_at"] if known != "created_at" else [])]
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# -- one field ----------------------------------------------------------------------------------------


def _equal(key: str, wanted: Any) -> Bounds:
    head, _, rest = key.partition(".")
    wanted = _plain(wanted)
    if head == "config" and rest:
        return _config_equal(rest, wanted)
    if head == "summary_metrics" and rest:
        return _summary_equal(rest, wanted)
    if head not in _SIMPLE:
        return UNKNOWN
    if rest:  # nothing is inside of a text or a time
        return _exactly(wanted is None)
    if isinstance(wanted, str) and len(wanted) >= _LONGEST_TEXT:
        return UNKNOWN
    if isinstance(wanted, (list, tuple, dict)):
        return UNKNOWN
    if wanted is None:
        return _none(head)
    if not isinstance(wanted, str):
        return _exactly(False)
    if head in _TEXTS:
        return _exactly(_compare(_field(_TEXTS[head]), "==", wanted))
    if head in _TIMES:
        first, after = _second(wanted, ">="), _second(wanted, ">")
        if first is None or iso_time(first) != wanted:
            return _exactly(False)
        return _exactly(_and([_since(head, first), _not(_since(head, after))]))
    if head == "state":
        return _exactly(_state(wanted))
    if head == "tags":
        plain = Contains(_field("tags"), _value(wanted), False, 0)
        return _exactly(_and([plain, _not(_has_value(wanted))]))
    if head in ("group", "job_type"):
        return _exactly(_compare(_field("tags", head), "==", wanted))
    if head == "sweep":
        return Bounds(False, _compare(_field("parent"), "==", wanted))
    return _exactly(_id(lambda field: _compare(field, "==", wanted)))


_SIMPLE = frozenset([*_TEXTS, *_TIMES, "state", "tags", "group", "job_type", "sweep", "id"])


def _none(head: str) -> Bounds:
    """The field has no value."""
    if head in _TEXTS:
        return _exactly(IsMissing(_field(_TEXTS[head]), False, 0))
    if head in ("group", "job_type"):
        return _exactly(_not(_has_value(head)))
    if head == "sweep":
        return Bounds(IsMissing(_field("parent"), False, 0), True)
    return _exactly(False)


def _ordered(key: str, operator: Operator, wanted: Any) -> Bounds:
    head, _, rest = key.partition(".")
    wanted = _plain(wanted)
    if isinstance(wanted, bool) or not isinstance(wanted, (int, float, str)):
        return _exactly(False)  # there is no order
    if head == "config" and rest:
        return _config_ordered(rest, operator, wanted)
    if head == "summary_metrics" and rest:
        return _summary_ordered(rest, operator, wanted)
    if head not in _SIMPLE:
        return UNKNOWN
    if rest or not isinstance(wanted, str):
        return _exactly(False)
    if len(wanted) >= _LONGEST_TEXT or head in ("tags", "sweep"):
        return UNKNOWN
    if head in _TEXTS:
        return _exactly(_compare(_field(_TEXTS[head]), operator, wanted))
    if head in _TIMES:
        found = _since(head, _second(wanted, ">" if operator in (">", "<=") else ">="))
        return _exactly(found if operator in (">", ">=") else _not(found))
    if head == "state":
        return _exactly(_or(_state(one) for one in STATES if _in_order(one, operator, wanted)))
    if head == "id":
        return _exactly(_id(lambda field: _compare(field, operator, wanted)))
    return _exactly(_compare(_field("tags", head), operator, wanted))


def _id(test: Callable[[Field], Expression]) -> Clause:
    """A test of a run's id: the one that the program gave, or else the experiment's."""
    own = _field("tags", OWN_ID)
    return _or([test(own), _and([IsMissing(own, False, 0), test(_field("id"))])])


def _matching(key: str, pattern: str, options: str) -> Bounds:
    head, _, rest = key.partition(".")
    flagged = f"(?i){pattern}" if "i" in options else pattern
    if len(flagged) > _LONGEST_PATTERN:
        return UNKNOWN
    if head == "config" and rest:
        return _config_bounds(rest, lambda field: Match(field, _value(flagged), False, 0))
    if head in _TEXTS and not rest:
        return _exactly(Match(_field(_TEXTS[head]), _value(flagged), False, 0))
    if head in ("group", "job_type") and not rest:
        return _exactly(Match(_field("tags", head), _value(flagged), False, 0))
    if head == "id" and not rest:
        return _exactly(_id(lambda field: Match(field, _value(flagged), False, 0)))
    if head == "state" and not rest:
        compiled_ = re.compile(flagged)
        return _exactly(_or(_state(one) for one in STATES if compiled_.search(one)))
    return _exactly(False) if head in _SIMPLE and rest else UNKNOWN


def _existing(key: str) -> Bounds:
    head, _, rest = key.partition(".")
    if head == "config" and rest:
        there = [IsMissing(_field(section, rest), True, 0) for section in ("params", "config")]
        return Bounds(_and([_or(there), _not(_own_config())]), True)
    if head == "summary_metrics" and rest:
        return Bounds(_and([IsMissing(_metric(rest), True, 0), _not(is_own_summary())]), True)
    if head in _SIMPLE:
        return _exactly(not rest)
    return UNKNOWN


# -- config -------------------------------------------------------------------------------------------


def _own_config() -> Expression:
    """The run has a config of its own: it is not just the parameters."""
    return IsMissing(_field("tags", OWN_CONFIG), True, 0)


def _config_equal(name: str, wanted: Any) -> Bounds:
    if wanted is None:  # also what is None, which is not there in our language
        missing = [IsMissing(_field(section, name), False, 0) for section in ("params", "config")]
        return Bounds(False, _or([_and(missing), _own_config()]))
    if (
        isinstance(wanted, dict) and wanted
    ):  # it has nothing else in it, which the index cannot tell
        parts = all_of(_config_equal(f"{name}.{key}", value) for key, value in wanted.items())
        return Bounds(False, _or([parts.possible, _own_config()]))
    if isinstance(wanted, (list, tuple)):
        return Bounds(False, _doubtful(name, ()))
    if isinstance(wanted, float) and math.isnan(wanted):
        return Bounds(False, _own_config())
    if not _is_exact(wanted):
        return UNKNOWN
    return _config_bounds(name, lambda field: _compare(field, "==", wanted))


def _config_ordered(name: str, operator: Operator, wanted: int | float | str) -> Bounds:
    if not _is_exact(wanted):
        return UNKNOWN
    # Booleans have no order in MongoDB; in the index they are 0 and 1.
    odd = () if isinstance(wanted, str) else (0, 1)
    return _config_bounds(name, lambda field: _compare(field, operator, wanted), odd)


def _config_bounds(
    name: str, test: Callable[[Field], Expression], odd: Iterable[int] = ()
) -> Bounds:
    """A test of a config's value: of the parameter of that name, or else of the frozen configuration's."""
    given, frozen = _field("params", name), _field("config", name)
    no_param = IsMissing(given, False, 0)
    found = _or([test(given), _and([no_param, test(frozen)])])
    doubtful = _doubtful(name, odd)
    return Bounds(_and([found, _not(doubtful)]), _or([found, doubtful]))


def _doubtful(name: str, odd: Iterable[int]) -> Clause:
    """Whether the value in the index may be another one than in the config.

    Lists and empty mappings are kept as text, and MongoDB looks into them; `odd` are numbers that may be booleans.
    """
    given, frozen = _field("params", name), _field("config", name)
    unlike: list[Clause] = [_own_config()]
    for field, when in ((given, True), (frozen, IsMissing(given, False, 0))):
        unlike += [
            _and([when, clause])
            for clause in (
                _and([_compare(field, ">=", "["), _compare(field, "<", "\\")]),
                _and([_compare(field, ">=", "{"), _compare(field, "<", "|")]),
                *(_compare(field, "==", number) for number in odd),
            )
        ]
    return _or(unlike)


# -- summary ------------------------------------------------------------------------------------------


def _summary_equal(name: str, wanted: Any) -> Bounds:
    if name.startswith(_CLOCKS) or isinstance(wanted, str):
        return UNKNOWN
    if wanted is None:
        return Bounds(False, _or([IsMissing(_metric(name), False, 0), is_own_summary()]))
    if isinstance(wanted, float) and math.isnan(wanted):
        return Bounds(False, is_own_summary())
    if not _is_exact(wanted):
        return UNKNOWN
    return _summary_bounds(_compare(_metric(name), "==", wanted))


def _summary_ordered(name: str, operator: Operator, wanted: int | float | str) -> Bounds:
    if name.startswith(_CLOCKS) or not _is_exact(wanted) or isinstance(wanted, str):
        return UNKNOWN
    return _summary_bounds(_compare(_metric(name), operator, wanted))


def _summary_bounds(found: Expression) -> Bounds:
    own = is_own_summary()
    return Bounds(_and([found, _not(own)]), _or([found, own]))


# -- pieces -------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """A time as the text that times of runs are."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


def _is_exact(value: Any) -> bool:
    """Whether the index compares with the value itself, and not with something near it."""
    if isinstance(value, str):
        return len(value) < _LONGEST_TEXT
    if isinstance(value, int):
        return abs(value) <= _LARGEST
    return isinstance(value, float) and not math.isnan(value)


def _in_order(left: str, operator: Operator, right: str) -> bool:
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[
        operator
    ]


def _second(wanted: str, operator: Literal[">", ">="]) -> int | None:
    """The first second whose text comes after `wanted` (or is it); None if none does."""
    first, last = 0, _LAST_SECOND + 1
    while first < last:
        middle = (first + last) // 2
        if _in_order(iso_time(middle), operator, wanted):
            last = middle
        else:
            first = middle + 1
    return None if first > _LAST_SECOND else first


def _since(head: str, second: int | None) -> Clause:
    if second is None:
        return False
    return Compare(_field(_TIMES[head]), ">=", Value("number", float(second), f"{second}s", 0), 0)


def _state(state: str) -> Clause:
    status = STATES.get(state)
    if status is None:
        return False
    found = _compare(_field("status"), "==", status)
    if status != "failed":
        return found
    reason = _field("reason")
    lost = _or(Contains(reason, _value(sign), False, 0) for sign in LOST_SIGNS)
    return _and([found, lost if state == "crashed" else _not(lost)])


def _has_value(tag: str) -> Expression:
    return _compare(_field("tags", tag), ">=", "")


def _field(*names: str) -> Field:
    parts = tuple(Part(name, at > 0, 0) for at, name in enumerate(names))
    return Field(parts, ".".join(names), 0, may_be_unknown=True)


def _metric(name: str) -> Field:
    parts = (Part("metrics", False, 0), Part(name, True, 0), Part("last", False, 0))
    return Field(parts, f"metrics.{name}", 0, may_be_unknown=True)


def _value(value: str | int | float | bool) -> Value:
    if isinstance(value, bool):
        return Value("bool", value, str(value).lower(), 0)
    kind: Literal["text", "number"] = "text" if isinstance(value, str) else "number"
    return Value(kind, value, repr(value), 0)


def _compare(field: Field, operator: Operator, value: str | int | float | bool) -> Expression:
    return Compare(field, operator, _value(value), 0)
