"""MLflow's filters and orders: parsed, never run as code, and asked of runs one by one.

The grammar is MLflow's: conditions joined by AND, each a field, a comparator and a value. Where MLflow takes a list only for
`run_id`, every text may be compared with one here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .exceptions import MlflowException

__all__ = ["Condition", "Filter", "matcher", "sorted_by"]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*")
    | (?P<quoted>`[^`]*`)
    | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:inf|nan)\b)
    | (?P<word>[A-Za-z_][\w/\-]*)
    | (?P<sign><=|>=|!=|==|<>|[=<>(),.])
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_KINDS = {
    "metrics": "metric", "metric": "metric",
    "params": "param", "param": "param", "parameters": "param", "parameter": "param",
    "tags": "tag", "tag": "tag",
    "attributes": "attribute", "attribute": "attribute", "attr": "attribute", "run": "attribute",
    "datasets": "dataset", "dataset": "dataset",
}  # fmt: skip
_ALIASES = {"created": "start_time", "run name": "run_name", "user": "user_id"}
_NUMBERS = ("start_time", "end_time", "creation_time", "last_update_time")

Ask = Callable[[Any], bool]
Get = Callable[[Any, str, str], list[Any]]


@dataclass(frozen=True)
class Condition:
    """One condition: a field, what it is compared by (such as "=", "IN", "LIKE", "IS NULL"), with what."""

    entity: str
    name: str
    sign: str
    value: Any
    ask: Ask


@dataclass(frozen=True)
class Filter:
    """Conditions that all have to be true of a run."""

    conditions: tuple[Condition, ...]

    def __call__(self, run: Any) -> bool:
        """Whether they are."""
        return all(condition.ask(run) for condition in self.conditions)


def _wrong(message: str, text: str, at: int | None = None) -> MlflowException:
    pointed = "" if at is None else f"\n  {text}\n  {' ' * at}^"
    return MlflowException.invalid_parameter_value(f"{message}{pointed}")


class _Reader:
    """The tokens of one filter, taken one after another."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        self.at = 0
        position = 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            if found is None:
                start = len(text) - len(text[position:].lstrip())
                raise _wrong(
                    f"Invalid filter string: {text[start]!r} is not understood", text, start
                )
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind], found.start(kind)))
            position = found.end()

    def peek(self, ahead: int = 0) -> tuple[str, str, int]:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else ("end", "", len(self.text))

    def next(self) -> tuple[str, str, int]:
        token = self.peek()
        self.at += 1
        return token

    def word(self, *words: str) -> bool:
        """Take the words, if they are what comes next."""
        found = [self.peek(at) for at in range(len(words))]
        if [(kind, value.upper()) for kind, value, _ in found] != [("word", w) for w in words]:
            return False
        self.at += len(words)
        return True

    def fail(self, message: str, at: int | None = None) -> MlflowException:
        return _wrong(message, self.text, self.peek()[2] if at is None else at)


def _field(reader: _Reader, entity: str, attributes: Iterable[str]) -> tuple[str, str]:
    kind, value, at = reader.next()
    if kind not in ("word", "quoted", "text"):
        raise reader.fail("Invalid clause(s) in filter string: a field is expected", at)
    name = _unquoted(kind, value)
    if reader.peek()[1] == "." and kind == "word":
        reader.next()
        parts = [_unquoted(*reader.next()[:2])]
        while reader.peek()[1] == "." and reader.peek()[0] == "sign":
            reader.next()
            parts.append(_unquoted(*reader.next()[:2]))
        entity = _KINDS.get(name.lower(), "")
        if not entity:
            raise reader.fail(
                f"Invalid entity type {name!r}; valid ones are {', '.join(_KINDS)}", at
            )
        name = ".".join(parts)
    if entity == "attribute":
        name = _ALIASES.get(name.lower(), name)
        known = [*attributes]
        if name not in known:
            raise reader.fail(
                f"Invalid attribute key {name!r}; valid keys are {', '.join(known)}", at
            )
    if entity == "dataset" and name not in ("name", "digest", "context"):
        raise reader.fail(f"Invalid dataset key {name!r}; valid keys are name, digest, context", at)
    return entity, name


def _unquoted(kind: str, value: str) -> str:
    if kind == "quoted":
        return value[1:-1]
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if kind == "text" else value


def matcher(
    filter_string: str | None, attributes: Iterable[str], get: Get, default: str = "attribute"
) -> Filter:
    """The question that a filter asks of one run.

    Args:
        filter_string: The filter; one without anything in it is true of all.
        attributes: The names of the attributes there are.
        get: Gives the values of a field (its kind, its name) of a run; none if it has none.
        default: The kind of a field that says none.

    Raises:
        MlflowException: It cannot be read; the message points at the place.
    """
    reader = _Reader(filter_string or "")
    asked: list[Condition] = []
    while reader.peek()[0] != "end":
        asked.append(_condition(reader, attributes, get, default))
        if reader.peek()[0] != "end" and not reader.word("AND"):
            raise reader.fail("Invalid clause(s) in filter string: conditions are joined by AND")
        if reader.peek()[0] == "end" and reader.peek(-1)[1].upper() == "AND":
            raise reader.fail("Invalid clause(s) in filter string: AND is followed by a condition")
    return Filter(tuple(asked))


def _condition(reader: _Reader, attributes: Iterable[str], get: Get, default: str) -> Condition:
    entity, name = _field(reader, default, attributes)
    if reader.word("IS", "NULL"):
        return Condition(entity, name, "IS NULL", None, lambda run: not get(run, entity, name))
    if reader.word("IS", "NOT", "NULL"):
        return Condition(
            entity, name, "IS NOT NULL", None, lambda run: bool(get(run, entity, name))
        )
    numeric = entity == "metric" or (entity == "attribute" and name in _NUMBERS)
    sign, test, value = _test(reader, numeric, f"{entity} {name!r}")
    return Condition(
        entity, name, sign, value, lambda run: any(test(found) for found in get(run, entity, name))
    )


def _test(reader: _Reader, numeric: bool, what: str) -> tuple[str, Ask, Any]:
    """What is asked of a value that is there: how, the question, and what it is compared with."""
    at = reader.peek()[2]
    no = reader.peek()[1].upper() == "NOT" and bool(reader.next())
    if reader.word("IN"):
        options = _options(reader, numeric)
        return "NOT IN" if no else "IN", lambda found: (found in options) != no, options
    for sign, flags in (("LIKE", 0), ("ILIKE", re.IGNORECASE)):
        if reader.word(sign):
            if numeric:
                raise reader.fail(f"Invalid comparator {sign} for {what}, which is a number", at)
            wanted = _value(reader, False, what)
            parts = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in wanted)
            pattern = re.compile("".join(parts), flags | re.DOTALL)
            return f"NOT {sign}" if no else sign, _liked(pattern, no), wanted
    kind, sign, at = reader.next()
    sign = {"==": "=", "<>": "!="}.get(sign, sign)
    compare = _COMPARE.get(sign) if kind == "sign" and not no else None
    if compare is None or (not numeric and sign not in ("=", "!=")):
        raise reader.fail(f"Invalid comparator {sign!r} for {what}", at)
    value = _value(reader, numeric, what)
    return sign, lambda found: compare(found, value), value


def _liked(pattern: re.Pattern[str], no: bool) -> Ask:
    return lambda found: bool(pattern.fullmatch(str(found))) != no


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


def _value(reader: _Reader, numeric: bool, what: str) -> Any:
    kind, value, at = reader.next()
    if numeric:
        if kind != "number":
            raise reader.fail(f"Expected numeric value type for {what}. Found {value}", at)
        return float(value)
    if kind != "text":
        raise reader.fail(
            f"Expected a quoted string value for {what} (e.g. 'my-value'). Got value {value}", at
        )
    return _unquoted(kind, value)


def _options(reader: _Reader, numeric: bool) -> list[Any]:
    if reader.next()[1] != "(":
        raise reader.fail("IN is followed by a list in parentheses, such as ('a', 'b')")
    found = [_value(reader, numeric, "a list")]
    while (token := reader.next())[1] == ",":
        found.append(_value(reader, numeric, "a list"))
    if token[1] != ")":
        raise reader.fail("The list is not closed", token[2])
    return found


def sorted_by(
    runs: list[Any],
    order_by: Iterable[str] | None,
    attributes: Iterable[str],
    get: Get,
    default: str = "attribute",
) -> list[Any]:
    """Runs in an order such as `["metrics.acc DESC", "start_time"]`; missing values come last, NaN before these.

    Raises:
        MlflowException: A part of the order cannot be read.
    """
    known = [*attributes]
    for clause in reversed(list(order_by or ())):
        reader = _Reader(clause)
        entity, name = _field(reader, default, known)
        down = reader.word("DESC")
        if not down:
            reader.word("ASC")
        if reader.peek()[0] != "end":
            raise reader.fail("Invalid order_by clause: only ASC or DESC may follow the field")

        def rank(run: Any, entity: str = entity, name: str = name) -> Any:
            found = get(run, entity, name)
            return found[0] if found else None

        present = [run for run in runs if not _absent(rank(run))]
        nan = [run for run in runs if _is_nan(rank(run))]
        missing = [run for run in runs if rank(run) is None]
        # Sorted without `reverse=`, which would turn around what an earlier clause ordered.
        present.sort(key=rank, reverse=down)
        runs = [*present, *nan, *missing]
    return runs


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _absent(value: Any) -> bool:
    return value is None or _is_nan(value)
