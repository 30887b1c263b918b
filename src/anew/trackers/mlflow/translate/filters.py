"""MLflow's filters and orders: parsed, never run as code.

The grammar is MLflow's: conditions joined by AND, each a field, a comparator and a value. Where MLflow takes a list only for
`run_id`, every text may be compared with one here. A condition can be asked of the values that a run has (`holds`);
`question` turns it into a condition of Anew's filter language.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

__all__ = [
    "Condition",
    "FilterMistake",
    "Order",
    "in_order",
    "parse_filter",
    "parse_order",
    "pattern_of",
]

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
_NUMBERS = (
    "start_time", "end_time", "creation_time", "last_update_time", "creation_timestamp", "last_updated_timestamp", "version_number",
)  # fmt: skip


class FilterMistake(Exception):
    """A filter or an order cannot be read; the text says why, and points at the place."""


class Condition(NamedTuple):
    """One condition.

    Attributes:
        entity: What kind of field it is about: "attribute", "metric", "param", "tag" or "dataset".
        name: Which one.
        sign: How it is compared: "=", "!=", "<", "<=", ">", ">=", "IN", "LIKE", "ILIKE", "NOT IN", "NOT LIKE", "NOT ILIKE",
            "IS NULL" or "IS NOT NULL".
        value: With what: a number, a text, a list, or None.
    """

    entity: str
    name: str
    sign: str
    value: Any

    def holds(self, values: Iterable[Any]) -> bool:
        """Whether it is true of a run where the field has these values: one, several for data sets, or none."""
        if self.sign == "IS NULL":
            return not list(values)
        if self.sign == "IS NOT NULL":
            return bool(list(values))
        test = self._test()
        return any(test(value) for value in values)

    def _test(self) -> Callable[[Any], bool]:
        no, sign, value = self.sign.startswith("NOT "), self.sign.removeprefix("NOT "), self.value
        if sign == "IN":
            # Not `in`, which finds a NaN that is the same object.
            return lambda found: any(found == one for one in value) != no
        if sign in ("LIKE", "ILIKE"):
            pattern = re.compile(
                pattern_of(value), re.DOTALL | (re.IGNORECASE if sign == "ILIKE" else 0)
            )
            return lambda found: bool(pattern.fullmatch(str(found))) != no
        compare = _COMPARE[sign]
        return lambda found: compare(found, value)


class Order(NamedTuple):
    """A field to order by."""

    entity: str
    name: str
    descending: bool


def pattern_of(wanted: str) -> str:
    """The regular expression of what LIKE is compared with."""
    return "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in wanted)


def _wrong(message: str, text: str, at: int | None = None) -> FilterMistake:
    pointed = "" if at is None else f"\n  {text}\n  {' ' * at}^"
    return FilterMistake(f"{message}{pointed}")


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
                    f"Invalid filter string: {text[start]!r} cannot be parsed", text, start
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

    def fail(self, message: str, at: int | None = None) -> FilterMistake:
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


def parse_filter(
    text: str | None, attributes: Iterable[str], default: str = "attribute"
) -> tuple[Condition, ...]:
    """The conditions of a filter, which all have to be true; none, of one without anything in it.

    Args:
        attributes: The names of the attributes there are.
        default: The kind of a field that says none.

    Raises:
        FilterMistake: It cannot be read.
    """
    reader = _Reader(text or "")
    found: list[Condition] = []
    known = [*attributes]
    while reader.peek()[0] != "end":
        found.append(_condition(reader, known, default))
        if reader.peek()[0] != "end" and not reader.word("AND"):
            raise reader.fail("Invalid clause(s) in filter string: conditions are joined by AND")
        if reader.peek()[0] == "end" and reader.peek(-1)[1].upper() == "AND":
            raise reader.fail("Invalid clause(s) in filter string: AND is followed by a condition")
    return tuple(found)


def _condition(reader: _Reader, attributes: Iterable[str], default: str) -> Condition:
    entity, name = _field(reader, default, attributes)
    if reader.word("IS", "NULL"):
        return Condition(entity, name, "IS NULL", None)
    if reader.word("IS", "NOT", "NULL"):
        return Condition(entity, name, "IS NOT NULL", None)
    numeric = entity == "metric" or (entity == "attribute" and name in _NUMBERS)
    what = f"{entity} {name!r}"
    at = reader.peek()[2]
    no = "NOT " if reader.peek()[1].upper() == "NOT" and reader.next() else ""
    if reader.word("IN"):
        return Condition(entity, name, f"{no}IN", _options(reader, numeric))
    for like in ("LIKE", "ILIKE"):
        if reader.word(like):
            if numeric:
                raise reader.fail(f"Invalid comparator {like} for {what}, which is a number", at)
            return Condition(entity, name, no + like, _value(reader, False, what))
    kind, sign, at = reader.next()
    sign = {"==": "=", "<>": "!="}.get(sign, sign)
    known = kind == "sign" and not no and sign in _COMPARE
    if not known or (not numeric and sign not in ("=", "!=")):
        raise reader.fail(f"Invalid comparator {sign!r} for {what}", at)
    return Condition(entity, name, sign, _value(reader, numeric, what))


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


def parse_order(
    clauses: Iterable[str] | None, attributes: Iterable[str], default: str = "attribute"
) -> tuple[Order, ...]:
    """The fields of an order such as `["metrics.acc DESC", "start_time"]`.

    Raises:
        FilterMistake: A part of it cannot be read.
    """
    found, known = [], [*attributes]
    for clause in clauses or ():
        reader = _Reader(clause)
        entity, name = _field(reader, default, known)
        down = reader.word("DESC")
        if not down:
            reader.word("ASC")
        if reader.peek()[0] != "end":
            raise reader.fail("Invalid order_by clause: only ASC or DESC may follow the field")
        found.append(Order(entity, name, down))
    return tuple(found)


def in_order(
    runs: Iterable[Any], order: Iterable[Order], get: Callable[[Any, str, str], list[Any]]
) -> list[Any]:
    """Runs in an order: missing values come last, NaN before these, and what is equal stays as it was.

    Args:
        get: Gives the values of a field (its kind, its name) of a run; none if it has none.
    """
    found = list(runs)
    for entity, name, down in reversed(list(order)):
        ranked: list[tuple[Any, Any]] = [
            (next(iter(get(run, entity, name)), None), run) for run in found
        ]
        present = [(rank, run) for rank, run in ranked if not _absent(rank)]
        # Sorted without `reverse=` of the whole, which would turn around what an earlier clause ordered.
        present.sort(key=lambda pair: pair[0], reverse=down)
        nan = [run for rank, run in ranked if _is_nan(rank)]
        missing = [run for rank, run in ranked if rank is None]
        found = [*(run for _, run in present), *nan, *missing]
    return found


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _absent(value: Any) -> bool:
    return value is None or _is_nan(value)
