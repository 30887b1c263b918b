"""Turning what users hand over into plain JSON, keeping types where JSON has them.

Non-finite floats become `{"$float": "NaN" | "Infinity" | "-Infinity"}` and come back as floats from
`from_plain`. Anything without a JSON form is kept as its text, never pickled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["flatten", "from_plain", "merge", "nest", "to_plain"]

_SCALARS = (str, int, bool, type(None))
MAX_DEPTH = 50


def to_plain(value: Any, _depth: int = 0) -> Any:
    """`value` as plain JSON: dicts with string keys, lists, strings, numbers, booleans, None."""
    kind = type(value)
    if kind in _SCALARS:
        return _clean(value) if kind is str else value
    if kind is float:
        return value if math.isfinite(value) else {"$float": _float_name(value)}
    if _depth > MAX_DEPTH:
        return repr(value)[:1000]
    if isinstance(value, Mapping):
        return {_clean(_key(k)): to_plain(v, _depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(v, _depth + 1) for v in value]
    if isinstance(value, (set, frozenset)):
        return [to_plain(v, _depth + 1) for v in sorted(value, key=repr)]
    return _other(value, _depth)


def _other(value: Any, depth: int) -> Any:
    from enum import Enum

    if isinstance(value, Enum):
        return to_plain(value.value, depth + 1)
    if isinstance(value, (bool, int, str, float)):  # subclasses, np.float64 and np.str_ among them
        for base in (bool, int, str, float):
            if isinstance(value, base):
                return to_plain(base(value), depth + 1)
    for attribute in (
        "tolist",
        "item",
    ):  # numpy and torch scalars and arrays, without importing either
        method = getattr(value, attribute, None)
        if callable(method) and hasattr(value, "dtype"):
            try:
                return to_plain(method(), depth + 1)
            except (TypeError, ValueError, RuntimeError):
                continue
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None and not isinstance(value, type):
        return {name: to_plain(getattr(value, name, None), depth + 1) for name in fields}
    dump = getattr(value, "model_dump", None)  # pydantic 2
    if callable(dump) and not isinstance(value, type):
        return to_plain(dump(), depth + 1)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, type) or callable(value):
        module = getattr(value, "__module__", None)
        name = getattr(value, "__qualname__", None)
        return f"{module}.{name}" if module and name else _clean(repr(value))
    if hasattr(value, "__fspath__"):
        return _clean(str(value))
    return _clean(str(value))


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(to_plain(key))


def _clean(text: str) -> str:
    """`text` as valid Unicode: lone surrogates (undecodable file names) are replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def _float_name(value: float) -> str:
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def from_plain(value: Any) -> Any:
    """The inverse of `to_plain` for non-finite floats; everything else is returned as it is."""
    if isinstance(value, dict):
        if len(value) == 1 and "$float" in value:
            return float(value["$float"])
        return {k: from_plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [from_plain(v) for v in value]
    return value


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with dotted keys as a nested one: `{"a.b": 1}` → `{"a": {"b": 1}}`.

    A dotted key below a scalar replaces the scalar, as a later assignment would.
    """
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        if isinstance(value, Mapping) and not (len(value) == 1 and "$float" in value):
            value = nest(value)
        at = nested
        *parents, last = key.split(".") if all(key.split(".")) else [key]
        for parent in parents:
            inner = at.get(parent)
            if not isinstance(inner, dict):
                inner = at[parent] = {}
            at = inner
        if isinstance(value, dict) and isinstance(at.get(last), dict):
            merge(at[last], value)
        else:
            at[last] = value
    return nested


def merge(into: dict[str, Any], new: Mapping[str, Any]) -> None:
    """Merge the nested mapping `new` into `into`; where both have a mapping, key by key."""
    for key, value in new.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping) and "$float" not in value:
            merge(old, value)
        else:
            into[key] = value


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping with dotted keys; empty mappings and lists stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value and "$float" not in value:
            flat.update(flatten(value, name + "."))
        else:
            flat[name] = value
    return flat
