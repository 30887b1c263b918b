"""Questions and answers as bytes: what a backend on another machine is sent, and what it sends back.

Arrays of numbers travel as their bytes, little-endian; everything else as MessagePack, which has NaN and infinities
where JSON has none.
"""

from __future__ import annotations

from typing import Any, TypeVar, get_args, get_origin

import msgspec
import numpy as np

from ..record.packed import pack, unpacker

__all__ = ["decode", "encode"]

T = TypeVar("T")


def encode(message: Any) -> bytes:
    """A question or an answer as MessagePack."""
    return pack(message, _out)


def decode(data: bytes, kind: type[T]) -> T:
    """The inverse of `encode`.

    Raises:
        msgspec.DecodeError: The bytes are no such question or answer.
    """
    return unpacker(kind, _in).decode(data)


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
