"""Packing structs of plain values as bytes and unpacking them, with integers of any size.

Journals are JSON, where an integer may have any number of digits; a seed of 128 bits is common. Msgpack, which is
smaller and quicker, ends at 64 bits, so a struct with a wider integer in it is packed as JSON. Its first byte, an opening
brace, begins no struct in msgpack.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

__all__ = ["Unpacker", "pack"]

T = TypeVar("T")


def pack(value: msgspec.Struct) -> bytes:
    """A struct, packed. Its floats are finite, as in a journal: others are tagged, see `record.plain`."""
    try:
        return msgspec.msgpack.encode(value)
    except OverflowError:
        return msgspec.json.encode(value)


class Unpacker(Generic[T]):
    """Unpacks structs of one type.

    Raises (`decode`):
        msgspec.MsgspecError: The bytes are no such struct.
    """

    def __init__(self, kind: type[T]) -> None:
        self._msgpack: Any = msgspec.msgpack.Decoder(kind)
        self._json: Any = msgspec.json.Decoder(kind)

    def decode(self, data: bytes) -> T:
        """The struct that was packed."""
        decoder = self._json if data[:1] == b"{" else self._msgpack
        found: T = decoder.decode(data)
        return found
