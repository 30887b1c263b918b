"""Answers as JSON for people, scripts and pages: the same fields, and numbers that JSON has none for as texts.

NaN and the infinities are the texts "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

__all__ = ["as_json", "plain_answer"]

Keep = Callable[["np.ndarray[Any, Any]"], Any]


def as_json(answer: Any) -> bytes:
    """An answer as JSON."""
    plain = plain_answer(answer, _listed)
    try:
        return msgspec.json.encode(plain)
    except OverflowError:  # an integer of more than 64 bits
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()


def plain_answer(answer: Any, keep: Keep) -> Any:
    """An answer as plain values that JSON has; arrays become what `keep` makes of them."""

    def out(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return keep(value)
        raise NotImplementedError(f"{type(value).__name__} cannot be encoded")

    return _finite(msgspec.to_builtins(answer, enc_hook=out))


def _listed(array: np.ndarray[Any, Any]) -> Any:
    listed = array.tolist()
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return _Finished(listed)
    return listed


class _Finished(list[Any]):
    """A list in which nothing is left to replace."""


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)) and not isinstance(value, _Finished):
        return [_finite(one) for one in value]
    return value
