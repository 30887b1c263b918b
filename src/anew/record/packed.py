"""Structs as msgpack and back, integers of any size included.

Journals are JSON, where an integer may have any number of digits; a seed of 128 bits is common. Msgpack ends at
64 bits, so what is wider travels as an extension of type 1: its bytes in two's complement, the highest first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

__all__ = ["pack", "unpacker"]

_WIDE = 1
T = TypeVar("T")


def pack(value: Any, enc_hook: Callable[[Any], Any] | None = None) -> bytes:
    """A struct or a plain value as msgpack; `enc_hook` is msgspec's, for what it does not know."""
    try:
        return msgspec.msgpack.encode(value, enc_hook=enc_hook)
    except OverflowError:
        plain = msgspec.to_builtins(value, enc_hook=enc_hook, builtin_types=(bytes,))
        return msgspec.msgpack.encode(_narrowed(plain))


def unpacker(
    kind: type[T], dec_hook: Callable[[type, Any], Any] | None = None
) -> msgspec.msgpack.Decoder[T]:
    """What decodes the structs of a type that `pack` made; `dec_hook` is msgspec's, for what it does not know."""
    return msgspec.msgpack.Decoder(kind, ext_hook=_widened, dec_hook=dec_hook)


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
