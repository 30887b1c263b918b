"""Answers that are cut to a size, and say what was left out of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

__all__ = ["MOST", "bounded", "plain"]

MOST = 20_000
"""Characters of an answer as JSON: some 5,000 tokens."""
_TEXT = 400
"""A text that is longer than this is cut before anything else is."""
_FEW = 24
"""A mapping with more keys than this is cut as a list is: those that come first stay."""


def plain(value: Any) -> Any:
    """A value as what JSON can say; NaN and the infinities as texts."""
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value)


def bounded(answer: Mapping[str, Any], most: int = MOST) -> str:
    """An answer as JSON of at most so many characters.

    What does not fit is left out from the end of lists, mappings and texts, and `left_out` says by path how many entries or
    characters those were.
    """
    whole = plain(answer)
    room = most
    while True:
        left: dict[str, int] = {}
        kept = _cut(whole, room, "", left)
        if left:
            named = dict(list(left.items())[: _FEW if room > most // 2 else 3])
            if len(left) > len(named):
                named["…"] = len(left) - len(named)
            kept["left_out"] = {**kept.get("left_out", {}), **named}
        text = _text(kept)
        if len(text) <= most:
            return text
        if room < 100:  # names alone are longer than that
            return _text({"left_out": {"…": len(whole)}})
        room = room * 9 // 10


def _cut(value: Any, room: int, path: str, left: dict[str, int]) -> Any:
    if _size(value) <= room:
        return value
    if isinstance(value, str):
        kept = max(0, min(len(value), room - 3))
        while kept and _size(value[:kept]) > room:  # quotes and escapes take room too
            kept = kept * 9 // 10
        left[path] = len(value) - kept
        return value[:kept]
    if isinstance(value, dict) and len(value) <= _FEW:
        return _cut_fields(value, room, path, left)
    if isinstance(value, (dict, list)):
        return _cut_entries(value, room, path, left)
    return value


def _cut_fields(value: dict[str, Any], room: int, path: str, left: dict[str, int]) -> Any:
    """Give small fields what they need, and the others equal parts of the rest."""
    sizes = {key: _size(one) for key, one in value.items()}
    rest = room - sum(_size(key) + 2 for key in value)
    share = {}
    for at, key in enumerate(sorted(sizes, key=sizes.__getitem__)):
        share[key] = min(sizes[key], max(0, rest) // (len(sizes) - at))
        rest -= share[key]
    return {
        key: _cut(one, share[key], f"{path}.{key}" if path else key, left)
        for key, one in value.items()
    }


def _cut_entries(
    value: dict[str, Any] | list[Any], room: int, path: str, left: dict[str, int]
) -> Any:
    """Keep the entries that come first; long texts among them are cut before entries are left out."""
    pairs: Sequence[tuple[Any, Any]] = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    )
    kept: list[tuple[Any, Any]] = []
    taken = 2
    for key, one in pairs:
        most = max(_TEXT, room // 4)
        inner: dict[str, int] = {}
        small = _cut(one, most, f"{path}[{key}]" if isinstance(value, list) else f"{path}.{key}", inner)  # fmt: skip
        size = _size(small) + (_size(key) + 4 if isinstance(value, dict) else 2)
        if taken + size > room:
            left[path] = len(pairs) - len(kept)
            break
        taken += size
        left |= inner
        kept.append((key, small))
    return dict(kept) if isinstance(value, dict) else [one for _, one in kept]


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))


def _size(value: Any) -> int:
    return len(_text(value))
