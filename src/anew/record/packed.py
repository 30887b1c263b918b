"""Structs as msgpack and back, integers of any size included.

Journals are JSON, where an integer may have any number of digits; a seed of 128 bits is common. Msgpack ends at
64 bits, so what is wider travels as an extension of type 1: its bytes in two's complement, the highest first.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

__all__ = ["pack", "unpacker"]

_WIDE = 1
T = TypeVar("T")


def pack(value: Any) -> bytes:
    """A struct or a plain value as msgpack."""
    try:
        return msgspec.msgpack.encode(value)
    except OverflowError:
        return msgspec.msgpack.encode(_narrowed(msgspec.to_builtins(value)))


def unpacker(kind: type[T]) -> msgspec.msgpack.Decoder[T]:
    """What decodes the structs of a type that `pack` made."""
    return msgspec.msgpack.Decoder(kind, ext_hook=_widened)


def _narrowed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _narrowed(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_narrowed(one) for one in value]
    if type(value) is int and not -(2**63) <= value < 2**64:
        size = value.bit_length() // 8 + 1
        return msgspec.msgpack.Ext(_WIDE, value.to_bytes(size, "big", signed=True))
    return value


def _widened(code: int, data: memoryview) -> int:
    if code != _WIDE:
        raise msgspec.ValidationError(f"There is no extension of type {code}.")
    return int.from_bytes(data, "big", signed=True)
