"""Encoding records as lines, for the writing side.

A process should have its first point on disk before a fast JSON library has finished importing, so
lines are encoded by the standard library until `load_fast_encoder` has been called (the background
thread does that a moment after the start). Both write the same JSON.

JSON has no NaN or infinities; `number_or_name` gives the strings that stand for them in point lines, and
`record.plain` the tagged form used everywhere else.
"""

from __future__ import annotations

import json
import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["encode", "encode_line", "is_fast", "load_fast_encoder", "number_or_name"]

_standard = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _encode_standard(record: object) -> bytes:
    # "surrogatepass" is not an option: the file must be valid UTF-8 for every other reader.
    return _standard(record).encode("utf-8", "replace")


encode: Callable[[object], bytes] = _encode_standard


def load_fast_encoder() -> None:
    """Import msgspec and make it the encoder from now on."""
    global encode
    if encode is _encode_standard:
        import msgspec

        encode = msgspec.json.Encoder().encode


def is_fast() -> bool:
    """Whether the fast encoder is in use."""
    return encode is not _encode_standard


def encode_line(record: dict[str, Any]) -> bytes:
    """One record as a line, newline included.

    Raises:
        TypeError, ValueError: The record holds something that is not plain JSON.
    """
    try:
        return encode(record) + b"\n"
    except UnicodeEncodeError:  # lone surrogates: the standard encoder replaces them
        return _encode_standard(record) + b"\n"


def number_or_name(value: float) -> float | str:
    """`value`, or the string that stands for it where JSON has no number."""
    if -math.inf < value < math.inf:
        return value
    if value != value:
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
