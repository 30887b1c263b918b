"""Columns in ClickHouse's formats: written as Native, which is column after column, and read as RowBinary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .error import ClickHouseError

__all__ = ["Column", "Rows", "native", "text", "texts"]


class Column(NamedTuple):
    """A column of an insert: its name, its type, and its values in the engine's own form."""

    name: str
    type: str
    data: bytes


def native(columns: Sequence[Column], rows: int) -> bytes:
    """One block in the format Native."""
    pieces = [_length(len(columns)), _length(rows)]
    for column in columns:
        pieces += (text(column.name), text(column.type), column.data)
    return b"".join(pieces)


def text(value: str) -> bytes:
    """A value of the type String."""
    data = value.encode()
    return _length(len(data)) + data


def texts(values: Iterable[tuple[str, int]]) -> bytes:
    """Values of the type String, each as often as is said."""
    return b"".join(text(value) * times for value, times in values)


def _length(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


class Rows:
    """Reads an answer in the format RowBinary, value after value.

    Each method raises ClickHouseError where the answer ends too early.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def text(self) -> str:
        """A String."""
        size = self._length()
        start = self._at
        self._skip(size)
        return self._data[start : self._at].decode()

    def number(self) -> int:
        """A UInt64."""
        start = self._at
        self._skip(8)
        return int.from_bytes(self._data[start : self._at], "little")

    def array(self, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """An Array of numbers of fixed size. It shares the memory of the answer."""
        kind = np.dtype(dtype)
        count = self._length()
        start = self._at
        self._skip(count * kind.itemsize)
        return np.frombuffer(self._data, kind, count, start)

    def texts(self) -> list[str]:
        """An Array of Strings."""
        return [self.text() for _ in range(self._length())]

    def _length(self) -> int:
        number = shift = 0
        while True:
            start = self._at
            self._skip(1)
            byte = self._data[start]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def _skip(self, size: int) -> None:
        self._at += size
        if self._at > len(self._data):
            raise ClickHouseError("An answer of ClickHouse ends too early.")
