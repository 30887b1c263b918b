"""Columns in ClickHouse's formats: Native, which is block after block and column after column, and RowBinary for a few rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .error import ClickHouseError

__all__ = ["Column", "Given", "Named", "Rows", "native", "text", "texts"]


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


class Named(NamedTuple):
    """A column of texts of which there are few: each text once, and the number of that of each row."""

    texts: list[str]
    at: npt.NDArray[Any]


Given = npt.NDArray[Any] | list[str] | Named
"""A column of an answer."""
_NUMBERS = {"UInt8": "u1", "UInt32": "<u4", "UInt64": "<u8", "Int64": "<i8", "Float64": "<f8"}
_INDEXES = {0: "u1", 1: "<u2", 2: "<u4", 3: "<u8"}
_SHARED = 1 << 8
"""Set where texts are numbered over several blocks, which answers to a question never are."""


class Rows:
    """Reads an answer, value after value in the format RowBinary, or block after block in the format Native.

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

    def block(self) -> dict[str, Given]:
        """A block in the format Native: its columns by name."""
        columns, rows = self._length(), self._length()
        found: dict[str, Given] = {}
        for _ in range(columns):
            name, kind = self.text(), self.text()
            if kind in _NUMBERS:
                found[name] = self._array(_NUMBERS[kind], rows)
            elif kind == "String":
                found[name] = [self.text() for _ in range(rows)]
            elif kind == "LowCardinality(String)":
                found[name] = self._named() if rows else Named([], np.zeros(0, np.uint8))
            else:
                raise ClickHouseError(f"ClickHouse answered with a column of the type {kind}.")
        return found

    def _named(self) -> Named:
        version, how, count = self.number(), self.number(), self.number()
        if version != 1 or how & _SHARED or (how & 0xFF) not in _INDEXES:
            raise ClickHouseError("ClickHouse answered with texts in a form that is not known.")
        texts = [self.text() for _ in range(count)]
        return Named(texts, self._array(_INDEXES[how & 0xFF], self.number()))

    def _array(self, kind: str, count: int) -> npt.NDArray[Any]:
        """Numbers. They share the memory of the answer."""
        size = np.dtype(kind).itemsize
        start = self._at
        self._skip(count * size)
        return np.frombuffer(self._data, kind, count, start)

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
