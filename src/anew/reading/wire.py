"""Questions and answers as bytes: what a backend on another machine is sent, and what it sends back.

Arrays of numbers travel as their bytes, little-endian; everything else as MessagePack, which has NaN and infinities
where JSON has none. An integer that MessagePack has no room for travels as an extension of type 1: its bytes in
two's complement, the highest first.
"""

from __future__ import annotations

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
        little = value.dtype.newbyteorder("<") if value.dtype.byteorder == ">" else value.dtype
        return (list(value.shape), np.ascontiguousarray(value, little).tobytes())
    raise NotImplementedError(f"{type(value).__name__} cannot be encoded")


def _in(kind: Any, value: Any) -> Any:
    if get_origin(kind) is not np.ndarray:
        raise NotImplementedError(f"{kind!r} cannot be decoded")
    (scalar,) = get_args(get_args(kind)[1])
    shape, raw = msgspec.convert(value, tuple[list[int], bytes])
    try:
        return (
            np.frombuffer(raw, np.dtype(scalar).newbyteorder("<"))
            .reshape(shape)
            .astype(scalar, copy=False)
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"an array cannot be read: {error}") from None


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
