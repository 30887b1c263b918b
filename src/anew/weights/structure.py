"""Nested containers as plain JSON, with tensors taken out and replaced by their names.

An optimizer's state, a checkpoint file or a pytree is dicts, lists and tuples with tensors at the
leaves. The tensors are named by their paths; the rest becomes JSON that comes back equal: tuples,
NaN, infinities, bytes and keys that are not text have forms of their own, one-key objects whose key
starts with `$`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from anew.errors import InvalidValue

__all__ = ["flatten", "from_plain", "to_plain"]

Leaf = Callable[[Any, str], "str | None"]


def to_plain(value: Any, where: str, leaf: Leaf | None = None) -> Any:
    """`value` as what JSON can hold; `leaf` gives the name of a tensor, and None for anything else.

    Raises:
        InvalidValue: something in it is neither a tensor nor plain data.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if type(value) is int or type(value) is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, list | tuple):
        items = [to_plain(item, _join(where, i), leaf) for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: to_plain(item, _join(where, key), leaf) for key, item in value.items()}
        pairs = value.items()
        return {
            "$map": [[to_plain(k, where), to_plain(v, _join(where, k), leaf)] for k, v in pairs]
        }
    name = leaf(value, where) if leaf else None
    if name is not None:
        return {"$tensor": name}
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return to_plain(float(value), where)
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return to_plain(value.item(), where)
    raise InvalidValue(
        f"{where} is a {type(value).__name__}, which is neither a tensor nor plain data. "
        "Give numbers, text, lists, tuples and dicts; nothing here is pickled.",
        key=where,
    )


def from_plain(value: Any, tensor: Callable[[str], Any] | None = None) -> Any:
    """What `to_plain` was given; `tensor` gives the tensor of a name."""
    if isinstance(value, list):
        return [from_plain(item, tensor) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((kind, content),) = value.items()
        if kind == "$tensor" and tensor is not None:
            return tensor(content)
        if kind == "$float":
            return float(content)
        if kind == "$tuple":
            return tuple(from_plain(item, tensor) for item in content)
        if kind == "$bytes":
            return bytes.fromhex(content)
        if kind == "$map":
            return {from_plain(k): from_plain(v, tensor) for k, v in content}
    return {key: from_plain(item, tensor) for key, item in value.items()}


def flatten(value: Any, prefix: str, tensors: dict[str, Any]) -> Any:
    """The plain form of `value`; its tensors are added to `tensors` under their paths."""
    from anew.weights.source import is_tensor

    def leaf(item: Any, where: str) -> str | None:
        if not is_tensor(item):
            return None
        name = where or "value"
        while name in tensors:
            name += "'"
        tensors[name] = item
        return name

    return to_plain(value, prefix, leaf)


def _join(prefix: str, key: object) -> str:
    return f"{prefix}/{key}" if prefix else str(key)
