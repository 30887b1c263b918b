"""Columns out of an Arrow stream, which is how DuckDB hands over an answer without converting every value.

The structures are those of the Arrow C data and C stream interfaces, a fixed binary format that needs no library:
https://arrow.apache.org/docs/format/CDataInterface.html. Only what our files and questions hold is understood:
numbers and truth values without nulls, and texts and bytes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["batches_of"]

_NUMBERS = {"c": "i1", "s": "<i2", "i": "<i4", "l": "<i8", "L": "<u8", "f": "<f4", "g": "<f8"}
_TEXTS = {"u": "<i4", "z": "<i4", "U": "<i8", "Z": "<i8"}
"""The types of the offsets of texts and bytes."""


_Release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Schema(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_void_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.POINTER(ctypes.c_void_p)),
        ("dictionary", ctypes.c_void_p),
        ("release", _Release),
        ("private_data", ctypes.c_void_p),
    )


class _Array(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
        ("children", ctypes.POINTER(ctypes.c_void_p)),
        ("dictionary", ctypes.c_void_p),
        ("release", _Release),
        ("private_data", ctypes.c_void_p),
    )


class _Stream(ctypes.Structure):
    _fields_ = (
        ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
        ("release", _Release),
        ("private_data", ctypes.c_void_p),
    )


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


class _Batch:
    """Rows of a stream, which are given back when nothing looks at them any more."""

    def __init__(self) -> None:
        self.array = _Array()

    def __del__(self) -> None:
        if self.array.release:
            self.array.release(ctypes.byref(self.array))


class _Buffer:
    """Memory of a batch, as numpy takes it over: the array keeps this, and this keeps the batch."""

    def __init__(self, batch: _Batch, address: int, count: int, kind: str) -> None:
        self._batch = batch
        self.__array_interface__ = {
            "shape": (count,),
            "typestr": kind,
            "data": (address, True),
            "version": 3,
        }


def batches_of(answer: Any) -> list[dict[str, np.ndarray[Any, Any]]]:
    """The rows of an answer in batches, at least one: columns by name, as read-only arrays.

    A column of texts or bytes holds objects, None for a null.

    Args:
        answer: What has `__arrow_c_stream__`.

    Raises:
        ValueError: The stream broke off, or holds what is not understood.
    """
    capsule = answer.__arrow_c_stream__()  # which releases the stream when it goes
    stream = _Stream.from_address(_pointer(capsule, b"arrow_array_stream"))
    names, kinds = _columns(stream)
    batches: list[dict[str, np.ndarray[Any, Any]]] = []
    while True:
        batch = _Batch()
        _ask(stream, stream.get_next, batch.array)
        if not batch.array.release:
            break
        children = [_Array.from_address(batch.array.children[at]) for at in range(len(names))]
        columns = [_column(batch, one, kind) for one, kind in zip(children, kinds, strict=True)]
        batches.append(dict(zip(names, columns, strict=True)))
    return batches or [{name: _empty(kind) for name, kind in zip(names, kinds, strict=True)}]


def _columns(stream: _Stream) -> tuple[list[str], list[str]]:
    """The names and the types of the columns."""
    schema = _Schema()
    _ask(stream, stream.get_schema, schema)
    try:
        children = [_Schema.from_address(schema.children[at]) for at in range(schema.n_children)]
        return [one.name.decode() for one in children], [one.format.decode() for one in children]
    finally:
        schema.release(ctypes.byref(schema))


def _ask(stream: _Stream, question: Callable[..., int], into: ctypes.Structure) -> None:
    if question(ctypes.byref(stream), ctypes.byref(into)):
        reason = stream.get_last_error(ctypes.byref(stream)) or b"the stream broke off"
        raise ValueError(reason.decode(errors="replace"))


def _column(batch: _Batch, array: _Array, kind: str) -> np.ndarray[Any, Any]:
    """One column of a batch."""
    first, stop = array.offset, array.offset + array.length
    if not array.length:
        return _empty(kind)

    def buffer(number: int, count: int, of: str) -> np.ndarray[Any, Any]:
        return np.asarray(_Buffer(batch, array.buffers[number], count, of))

    known: np.ndarray[Any, Any] | None = None
    if array.null_count and array.buffers[0]:
        bits = buffer(0, (stop + 7) // 8, "u1")
        known = np.unpackbits(bits, count=stop, bitorder="little")[first:].astype(np.bool_)
    if kind in _TEXTS:
        ends = buffer(1, stop + 1, _TEXTS[kind])[first:].tolist()
        data = ctypes.string_at(array.buffers[2], ends[-1]) if ends[-1] else b""
        return _texts(data, ends, known, kind in "uU")
    if known is not None and not known.all():
        raise ValueError("a column of numbers holds nulls")
    if kind == "b":
        bits = buffer(1, (stop + 7) // 8, "u1")
        return np.unpackbits(bits, count=stop, bitorder="little")[first:].astype(np.bool_)
    if kind not in _NUMBERS:
        raise ValueError(f"a column has the type {kind}")
    return buffer(1, stop, _NUMBERS[kind])[first:]


def _texts(
    data: bytes, ends: Sequence[int], known: np.ndarray[Any, Any] | None, decoded: bool
) -> np.ndarray[Any, Any]:
    """Texts, or bytes, by where each ends."""
    found = np.empty(len(ends) - 1, np.object_)
    for at in range(len(found)):
        if known is None or known[at]:
            piece = data[ends[at] : ends[at + 1]]
            found[at] = piece.decode() if decoded else piece
    return found


def _empty(kind: str) -> np.ndarray[Any, Any]:
    return np.zeros(0, np.object_ if kind in _TEXTS else _NUMBERS.get(kind, np.bool_))
