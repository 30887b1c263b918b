"""ClearML's hyperparameters as parameters: they are texts with a type beside each."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ....record.plain import nest

__all__ = ["parameters", "properties"]

_GENERAL = "General"
_PROPERTIES = "properties"


def parameters(task: Mapping[str, Any], *, but: frozenset[str] = frozenset()) -> dict[str, Any]:
    """All of a task's, nested by the slashes in their names: those of the section General by themselves, others below their section's name."""
    found: dict[str, Any] = {}
    for section, name, item in _items(task):
        if section in but or section == _PROPERTIES:
            continue
        path = name.replace("/", ".")
        found[path if section == _GENERAL else f"{section}.{path}"] = _value(item)
    return nest(found)


def properties(task: Mapping[str, Any]) -> dict[str, str]:
    """What people set on it."""
    return {
        name: str(item.get("value") or "")
        for section, name, item in _items(task)
        if section == _PROPERTIES
    }


def _items(task: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    sections = task.get("hyperparams")
    for section, items in (sections if isinstance(sections, Mapping) else {}).items():
        for name, item in (items if isinstance(items, Mapping) else {}).items():
            if isinstance(item, Mapping):
                yield str(section), str(name), item


def _value(item: Mapping[str, Any]) -> Any:
    """A value in its type; the text where it is none of that type."""
    text, kind = item.get("value"), item.get("type")
    if not isinstance(text, str):
        return text
    if kind in (None, "", "NoneType"):
        return None if text in ("", "None") else text
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
        if kind == "bool":
            return {"true": True, "false": False, "1": True, "0": False}[text.strip().lower()]
        if kind in ("list", "dict", "tuple"):
            return _nested(text)
    except (ValueError, KeyError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text
    return text


def _nested(text: str) -> Any:
    """JSON, or the way Python writes lists, tuples and mappings of plain values."""
    try:
        return json.loads(text)
    except ValueError:
        if len(text) > 100_000:
            raise
        found = ast.literal_eval(text)
        return list(found) if isinstance(found, (tuple, set)) else found
