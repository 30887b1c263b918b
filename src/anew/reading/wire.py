"""Questions and answers as bytes: what a backend on another machine is sent, and what it sends back.

Arrays of numbers travel as their shape and their bytes, little-endian, integers with no more bytes each than the largest of
them needs; everything else as MessagePack, which has NaN and infinities where JSON has none. An integer that MessagePack has no room for travels as an extension of type 1: its bytes in
two's complement, the highest first.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar, get_args, get_origin

import msgspec
import numpy as np

__all__ = ["decode", "encode"]

_WIDE = 1
T = TypeVar("T")


def encode(message: Any) -> bytes:
    """A question or an answer as MessagePack."""
    try:
        return msgspec.msgpack.encode(message, enc_hook=_out)
    except OverflowError:
        plain = msgspec.to_builtins(message, enc_hook=_out, builtin_types=(bytes,))
        return msgspec.msgpack.encode(_narrowed(plain))


def decode(data: bytes, kind: type[T]) -> T:
    """The inverse of `encode`.

    Raises:
        msgspec.DecodeError: The bytes are no such question or answer.
    """
    return msgspec.msgpack.decode(data, type=kind, dec_hook=_in, ext_hook=_widened)


def _out(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if not value.size:
            return (list(value.shape), b"")
        sent = np.ascontiguousarray(value, _narrowest(value).newbyteorder("<"))
        return (list(value.shape), sent.data.cast("B"))
    raise NotImplementedError(f"{type(value).__name__} cannot be encoded")


def _in(kind: Any, value: Any) -> Any:
    if get_origin(kind) is not np.ndarray:
        raise NotImplementedError(f"{kind!r} cannot be decoded")
    (scalar,) = get_args(get_args(kind)[1])
    shape, raw = msgspec.convert(value, tuple[list[int], bytes])
    sent = np.dtype(scalar)
    count = math.prod(shape)
    if sent.kind == "i" and count > 0 and len(raw) // count in (1, 2, 4):
        sent = np.dtype(f"i{len(raw) // count}")
    try:
        array = np.frombuffer(raw, sent.newbyteorder("<")).reshape(shape)
        return array.astype(scalar, copy=False)
    except (ValueError, TypeError) as error:
        raise ValueError(f"an array cannot be read: {error}") from None


def _narrowest(array: np.ndarray[Any, Any]) -> np.dtype[Any]:
    """The type with the fewest bytes that holds all integers of an array; the array's own for everything else."""
    own: np.dtype[Any] = array.dtype
    if own.kind != "i":
        return own
    low, high = int(array.min()), int(array.max())
    bits = (
        max(
            low.bit_length() if low >= 0 else (low + 1).bit_length(),
            high.bit_length() if high >= 0 else 0,
        )
        + 1
    )
    return np.dtype(f"i{next(size for size in (1, 2, 4, 8) if bits <= 8 * size)}")


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
        raise ValueError(f"There is no extension of type {code}.")
    return int.from_bytes(data, "big", signed=True)
