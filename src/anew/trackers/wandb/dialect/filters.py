"""Conditions in the form of MongoDB, as `Api.runs` takes them, and the order of runs."""

from __future__ import annotations

import re

from .errors import UsageError
from .plain import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Condition = Callable[[Any], bool]

__all__ = ["condition", "field", "known_filters", "order_of", "sort_key"]

_ALIASES = {
    "displayName": "display_name", "jobType": "job_type", "createdAt": "created_at", "user": "username",
    "summary": "summary_metrics", "summaryMetrics": "summary_metrics", "heartbeatAt": "heartbeat_at", "name": "id",
}  # fmt: skip
_FIELDS = (
    "config", "created_at", "display_name", "entity", "group", "heartbeat_at", "host", "id", "job_type", "notes", "path",
    "project", "state", "summary_metrics", "sweep", "tags", "username",
)  # fmt: skip
_MISSING = object()
_OPERATORS = (
    "$and", "$eq", "$exists", "$gt", "$gte", "$in", "$lt", "$lte", "$ne", "$nin", "$nor", "$not", "$options", "$or", "$regex",
)  # fmt: skip


def condition(filters: Mapping[str, Any]) -> Condition:
    """A function that says of a run whether it meets the filters.

    Raises:
        UsageError: There is no such field or operator.
    """
    parts: list[Condition] = []
    for key, value in filters.items():
        if key in ("$and", "$or", "$nor"):
            parts.append(_several(key, [condition(one) for one in _listed(value, key)]))
        elif key == "$not":
            inner = condition(value)
            parts.append(lambda run, inner=inner: not inner(run))  # type: ignore[misc]
        elif key.startswith("$"):
            raise UsageError(f"There is no operator {key!r}.{nearest(key, _OPERATORS)}")
        else:
            parts.append(_of_field(_known(key), _test(value)))
    return lambda run: all(part(run) for part in parts)


def known_filters(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The same filters with every field under its first name, as `translate.filters` takes them."""
    found: dict[str, Any] = {}
    for key, value in filters.items():
        if key == "$and":
            found.setdefault("$and", []).extend(known_filters(one) for one in value)
        elif key in ("$or", "$nor"):
            found[key] = [known_filters(one) for one in value]
        elif key == "$not":
            found[key] = known_filters(value)
        else:
            field_ = _known(key)
            if field_ in found:  # one field under two of its names
                found.setdefault("$and", []).append({field_: value})
            else:
                found[field_] = value
    return found


def _listed(value: Any, operator: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise UsageError(f"{operator} takes a list, not {value!r}.")
    return list(value)


def _several(operator: str, parts: list[Condition]) -> Condition:
    if operator == "$and":
        return lambda run: all(part(run) for part in parts)
    if operator == "$or":
        return lambda run: any(part(run) for part in parts)
    return lambda run: not any(part(run) for part in parts)


def _known(key: str) -> str:
    head, dot, rest = key.partition(".")
    head = _ALIASES.get(head, head)
    if head not in _FIELDS:
        raise UsageError(
            f"Runs have no field {head!r} to filter or sort by; they have {', '.join(_FIELDS)}."
            f"{nearest(head, _FIELDS)}"
        )
    if head == "config" and rest.endswith(".value"):  # as it lies in wandb's database
        rest = rest.removesuffix(".value")
    return head + dot + rest


def field(run: Any, key: str) -> Any:
    """What a run has under a dotted key; `_MISSING` if it has nothing."""
    head, _, rest = key.partition(".")
    if head == "display_name":
        head = "name"
    if head == "summary_metrics" and rest:
        known, number = run.plain_metric(rest)
        if known:
            return number
    value = getattr(run, "sweep_name" if head == "sweep" else head, _MISSING)
    return _inside(value, rest) if rest else value


def _inside(value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        return _MISSING
    if path in value:
        return value[path]
    parts = path.split(".")
    for at in range(len(parts) - 1, 0, -1):  # names may have dots of their own
        head = ".".join(parts[:at])
        if head in value:
            return _inside(value[head], ".".join(parts[at:]))
    return _MISSING


def _sorted_by(run: Any, key: str) -> Any:
    """As `field`, but times to more than the second."""
    finer = {"created_at": "created_at", "heartbeat_at": "updated_at"}.get(key)
    return field(run, key) if finer is None else getattr(run.native, finer)


def _of_field(key: str, test: Callable[[Any], bool]) -> Condition:
    return lambda run: test(field(run, key))


def _test(wanted: Any) -> Callable[[Any], bool]:
    if not (isinstance(wanted, dict) and any(str(key).startswith("$") for key in wanted)):
        return lambda found: _equal(found, wanted)
    tests: list[Callable[[Any], bool]] = []
    for operator, operand in wanted.items():
        if operator == "$regex":
            tests.append(_matches(operand, wanted.get("$options", "")))
        elif operator != "$options":
            tests.append(_operator(operator, operand))
    return lambda found: all(test(found) for test in tests)


def _operator(operator: str, operand: Any) -> Callable[[Any], bool]:
    if operator == "$not":
        inner = _test(operand)
        return lambda found: not inner(found)
    if operator == "$exists":
        return lambda found: (found is not _MISSING) == bool(operand)
    if operator in ("$in", "$nin"):
        several = _listed(operand, operator)
        return lambda found: any(_equal(found, one) for one in several) == (operator == "$in")
    simple: dict[str, Callable[[Any], bool]] = {
        "$eq": lambda found: _equal(found, operand),
        "$ne": lambda found: not _equal(found, operand),
        "$gt": lambda found: _ordered(found, operand, lambda a, b: a > b),
        "$gte": lambda found: _ordered(found, operand, lambda a, b: a >= b),
        "$lt": lambda found: _ordered(found, operand, lambda a, b: a < b),
        "$lte": lambda found: _ordered(found, operand, lambda a, b: a <= b),
    }
    if operator not in simple:
        raise UsageError(f"There is no operator {operator!r}.{nearest(operator, _OPERATORS)}")
    return simple[operator]


def _equal(found: Any, wanted: Any) -> bool:
    if found is _MISSING:
        return wanted is None
    if isinstance(found, (list, tuple)) and not isinstance(wanted, (list, tuple)):
        return any(_equal(one, wanted) for one in found)
    if isinstance(found, bool) != isinstance(wanted, bool) and not isinstance(found, (int, float)):
        return False
    return bool(_comparable(found, wanted) == wanted)


def _ordered(found: Any, wanted: Any, compare: Callable[[Any, Any], bool]) -> bool:
    if isinstance(found, (list, tuple)):
        return any(_ordered(one, wanted, compare) for one in found)
    found, wanted = _comparable(found, wanted), _comparable(wanted, found)
    both = (found, wanted)
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in both)
    if not numbers and not all(isinstance(v, str) for v in both):
        return False
    return compare(found, wanted)


def _comparable(value: Any, other: Any) -> Any:
    """A time as the text that times of runs are."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


def _matches(pattern: Any, options: str) -> Callable[[Any], bool]:
    flags = re.IGNORECASE if "i" in options else 0
    try:
        expression = re.compile(pattern, flags)
    except (re.error, TypeError) as error:
        raise UsageError(f"$regex takes a regular expression, not {pattern!r}: {error}") from error

    def test(found: Any) -> bool:
        several = found if isinstance(found, (list, tuple)) else [found]
        return any(isinstance(one, str) and expression.search(one) is not None for one in several)

    return test


def sort_key(order: str | None) -> tuple[str, bool]:
    """The field to sort by, and whether downwards.

    Raises:
        UsageError: There is no such field.
    """
    text = order or "+created_at"
    return _known(text.lstrip("+-")), text.startswith("-")


def order_of(order: str | None) -> Callable[[list[Any]], list[Any]]:
    """A function that brings runs into an order: "+created_at", "-summary_metrics.acc"; runs without it come last.

    Raises:
        UsageError: There is no such field.
    """
    key, down = sort_key(order)

    def sort(runs: list[Any]) -> list[Any]:
        found = [(_sorted_by(run, key), run) for run in runs]
        numbers = [
            pair for pair in found if isinstance(pair[0], (int, float)) and pair[0] == pair[0]
        ]
        texts = [pair for pair in found if isinstance(pair[0], str)]
        placed = {id(pair[1]) for pair in (*numbers, *texts)}
        rest = [run for _, run in found if id(run) not in placed]
        ordered = []
        for group in (numbers, texts):
            ordered += [run for _, run in sorted(group, key=lambda pair: pair[0], reverse=down)]
        return ordered + rest

    return sort
