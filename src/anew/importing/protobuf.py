"""Reading protocol buffers without their definitions: fields by number, as they stand on the wire.

See the encoding guide of Protocol Buffers. Groups, which nobody writes any more, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from

__all__ = ["Field", "fields", "signed"]

Field = tuple[int, int | bytes]
"""A field's number and its value: a whole number for what is sent as one, else the bytes."""


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a message, in their order. Numbers of 64 and 32 bits are given as their bytes.

    Raises:
        ValueError: It is no message.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        kind, number = key & 7, key >> 3
        if kind == 0:
            whole, at = _varint(data, at)
            yield number, whole
            continue
        if kind == 2:
            length, at = _varint(data, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"field {number} has a type that is not known: {kind}")
        if at + length > end:
            raise ValueError(f"field {number} ends beyond its message")
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return result, at
            shift += 7
            if shift > 63:
                raise ValueError("a number has more than 64 bits")
    except IndexError:
        raise ValueError("it ends within a number") from None


def signed(value: int | bytes) -> int:
    """A number that is sent as one of 64 bits, with its sign."""
    if isinstance(value, bytes):
        found: int = unpack_from("<q", value)[0]
        return found
    return value - (1 << 64) if value >= 1 << 63 else value
