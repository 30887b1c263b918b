"""What a record of a transaction log says, by the numbers that W&B's `wandb_internal.proto` gives its fields."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from struct import unpack_from
from typing import Any

from ....importing.protobuf import fields
from ..names import STEP, column_name

__all__ = [
    "KINDS",
    "history_of",
    "items",
    "kind_of",
    "metric_of",
    "named",
    "number_of",
    "parsed",
    "removed",
    "row_of",
    "strings",
    "text_of",
    "time_in",
    "time_of",
    "tree",
    "without",
]

KINDS = {
    2: "history", 3: "summary", 4: "output", 5: "config", 7: "stats", 8: "artifact", 9: "tbrecord", 10: "alert", 12: "metric",
    13: "output_raw", 17: "run", 18: "exit", 23: "preempting", 25: "use_artifact", 26: "environment", 27: "output_logger",
}  # fmt: skip
"""The kinds of records that say something of a run, by their field."""
# Which files there are, which functions of W&B were used, and what its processes tell each other.
_OF_NO_USE = frozenset({1, 6, 11, 16, 19, 20, 21, 22, 24, 100, 200})
_NAMES = {
    "options": {1: "step_sync", 2: "hidden", 3: "defined"},
    "summary": {1: "min", 2: "max", 3: "mean", 4: "best", 5: "last", 6: "none", 7: "copy", 8: "first"},
}  # fmt: skip
_OWN = frozenset({"_step", "_runtime", "_timestamp"})


def kind_of(record: bytes) -> tuple[str, bytes]:
    """The kind of a record and its body; ("", b"") for one that says nothing of the run, "field N" and all of it for an unknown kind.

    Raises:
        ValueError: It is no record.
    """
    for number, value in fields(record):
        if number in KINDS and isinstance(value, bytes):
            return KINDS[number], value
        if number not in _OF_NO_USE:
            return f"field {number}", record
    return "", b""


def items(body: bytes, field: int = 1) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Keys and values of the items of a record: of history, of a configuration, of a summary.

    A value that is no JSON is given as its text.
    """
    for number, item in fields(body):
        if number != field or not isinstance(item, bytes):
            continue
        key, nested, text = "", [], b"null"
        typed: list[Any] = []
        for at, value in fields(item):
            if at in (4, 5) and isinstance(value, int):
                typed = [bool(value) if at == 4 else value >> 1 ^ -(value & 1)]  # zigzag
            if not isinstance(value, bytes):
                continue
            if at == 6 and len(value) == 8:
                typed = list(unpack_from("<d", value))
            elif at == 7:
                typed = [_text(value)]
            elif at == 1:
                key = _text(value)
            elif at == 2:
                nested.append(_text(value))
            elif at in (8, 16):
                text = value
        if typed:
            yield (tuple(nested) if nested else (key,)), typed[0]
            continue
        try:
            found = parsed(text)
        except ValueError:
            found = _text(text)
        yield (tuple(nested) if nested else (key,)), found


def parsed(text: str | bytes) -> Any:
    """A value as W&B writes it in JSON.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return json.loads(text, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _whole(text: str) -> int | float:
    return -0.0 if text == "-0" else int(text)  # W&B writes whole numbers without a point


def tree(body: bytes) -> dict[int, list[int | bytes]]:
    """The fields of a message by their numbers."""
    found: dict[int, list[int | bytes]] = {}
    for number, value in fields(body):
        found.setdefault(number, []).append(value)
    return found


def text_of(found: dict[int, list[int | bytes]], number: int) -> str:
    """The text of a field; "" if it is not there."""
    value = found.get(number, [b""])[-1]
    return _text(value) if isinstance(value, bytes) else ""


def strings(found: dict[int, list[int | bytes]], number: int) -> list[str]:
    """The texts of a repeated field."""
    return [_text(value) for value in found.get(number, []) if isinstance(value, bytes)]


def time_of(value: int | bytes) -> float:
    """Seconds since the epoch of a `google.protobuf.Timestamp`, or of a double."""
    if not isinstance(value, bytes):
        return float(value)
    if len(value) == 8 and value[:1] not in (b"\x08", b"\x10"):
        found: float = unpack_from("<d", value)[0]
        return found
    parts = {number: one for number, one in fields(value) if isinstance(one, int)}
    return parts.get(1, 0) + parts.get(2, 0) / 1e9


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def history_of(body: bytes, ours: bool = False) -> tuple[int | None, float, dict[str, Any]]:
    """Step, time and values of a row. What is nested comes by dotted names; what W&B made of media stays whole.

    Args:
        ours: Whether Anew's forwarder wrote it, whose steps are a column, since W&B's own only grow.
    """
    logged = named(body)  # what W&B makes of media is nested too, and is put together first
    step, at, values = row_of(logged, ours)
    for number, value in tree(body).items():
        if number == 2 and step is None and not ours and isinstance(value[-1], bytes):
            found = tree(value[-1]).get(1, [0])[-1]
            step = found if isinstance(found, int) else None
    return step, at, values


def row_of(
    logged: Mapping[str, Any], ours: bool = False
) -> tuple[int | None, float, dict[str, Any]]:
    """Step, time and values of what one call logged; see `history_of`."""
    step, at = logged.get("_step"), logged.get("_timestamp")
    values = {
        name: one
        for key, value in logged.items()
        if key not in _OWN
        for name, one in _flat(key, value).items()
    }
    if ours:
        step = values.pop(STEP, None)
        values = {column_name(name): value for name, value in values.items()}
    return (
        step if type(step) is int else None,
        float(at) if isinstance(at, (int, float)) else 0.0,
        values,
    )


def _flat(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping) and "_type" not in value and value:
        return {
            key: one
            for inner, given in value.items()
            for key, one in _flat(f"{name}.{inner}", given).items()
        }
    return {name: value}


def number_of(value: Any) -> float | None:
    """A value as a number; None for what is none."""
    if isinstance(value, (int, float)):
        return float(value)
    return (
        {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(value)
        if isinstance(value, str)
        else None
    )


def named(body: bytes) -> dict[str, Any]:
    """The items of a record, nested by their keys."""
    found: dict[str, Any] = {}
    for key, value in items(body):
        at = found
        for part in key[:-1]:
            inner = at.setdefault(part, {})
            at = inner if isinstance(inner, dict) else at
        at[key[-1]] = value
    return found


def removed(body: bytes) -> Iterator[tuple[str, ...]]:
    """The keys that a record of a configuration or summary takes away."""
    return (key for key, _ in items(body, 2))


def without(values: dict[str, Any], key: tuple[str, ...]) -> None:
    """Take a nested key out of some values, if it is there."""
    for part in key[:-1]:
        inner = values.get(part)
        if not isinstance(inner, dict):
            return
        values = inner
    values.pop(key[-1], None)


def metric_of(body: bytes) -> dict[str, Any]:
    """What `define_metric` said: the metric, and what its steps are."""
    found = tree(body)
    facts: dict[str, Any] = {
        "name": text_of(found, 1) or text_of(found, 2),
        "step_metric": text_of(found, 4),
    }
    for number, name in ((6, "options"), (7, "summary")):
        value = found.get(number, [b""])[-1]
        if isinstance(value, bytes) and value:
            facts[name] = sorted(
                _NAMES[name][at] for at, given in fields(value) if given and at in _NAMES[name]
            )
    goal = found.get(8, [0])[-1]
    if goal in (1, 2):
        facts["goal"] = "minimize" if goal == 1 else "maximize"
    return {name: value for name, value in facts.items() if value}


def time_in(kind: str, body: bytes) -> float:
    """The time of a row, or of samples of the machine; 0 if it has none."""
    if kind == "stats":
        found = tree(body).get(2)
        return time_of(found[-1]) if found else 0.0
    return next(
        (
            float(value)
            for key, value in items(body)
            if key == ("_timestamp",) and isinstance(value, (int, float))
        ),
        0.0,
    )
