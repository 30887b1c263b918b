"""Answers with arrays in the form that a page reads without parsing numbers: raw columns behind a directory.

| bytes | what |
|---|---|
| 0 to 7 | `ANEWCOL1` |
| 8 to 15 | length of the directory, unsigned, little-endian |
| 16 to 23 | where the arrays begin, counted from the first byte; a multiple of 8 |
| 24 to 63 | zeros |
| 64 on | the directory, as JSON |
| then | the arrays, little-endian, each at a multiple of 8 |

The directory is `{"answer": …, "arrays": [{"type", "shape", "at"}, …]}`. The answer is the same as in JSON, with
`{"array": n}` where an array stands, or `{"few": [1, 2]}` with the numbers of a short one: what is new of a running experiment
is a few numbers, and naming their place would take more room than they do. `at` counts from where the arrays begin. The types are `float32`, `float64`, `int32` and
`uint8`.

Floats that are all whole numbers, such as steps, are sent as int32 if they fit. Others are sent as float32 unless that would
move a value by more than a ten-thousandth of the column's range, which could be seen in a chart. Integers are sent as int32
if they fit, else as float64 if that is exact, else as a list in the directory.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import numpy as np

from .plain_answers import plain_answer

__all__ = ["MEDIA_TYPE", "decode_columns", "encode_columns"]

MEDIA_TYPE = "application/x-anew-columns"
_MAGIC = b"ANEWCOL1"
_HEAD = struct.Struct("<8sQQ40x")
_VISIBLE = 1e-4
_FEW = 8


def encode_columns(answer: Any, *, exact: bool = False) -> bytes:
    """An answer as columns.

    Args:
        exact: Send floats as float64.
    """
    arrays: list[dict[str, Any]] = []
    pieces: list[bytes] = []
    at = 0

    def keep(array: np.ndarray[Any, Any]) -> Any:
        nonlocal at
        if not array.size or (array.ndim == 1 and array.size <= _FEW and _is_plain(array)):
            return {"few": array.tolist() if array.size else []}
        sent = _narrowed(array, exact)
        if sent is None:
            return array.tolist()
        raw = np.ascontiguousarray(sent).tobytes()
        arrays.append({"type": sent.dtype.name, "shape": list(sent.shape), "at": at})
        pieces.append(raw + bytes(-len(raw) % 8))
        at += len(pieces[-1])
        return {"array": len(arrays) - 1}

    told = plain_answer(answer, keep)
    directory = msgspec.json.encode({"answer": told, "arrays": arrays})
    directory += b" " * (-len(directory) % 8)
    head = _HEAD.pack(_MAGIC, len(directory), _HEAD.size + len(directory))
    return b"".join((head, directory, *pieces))


def decode_columns(data: bytes) -> Any:
    """The answer as plain values, with arrays where they stood.

    Raises:
        ValueError: These are not columns.
    """
    if len(data) < _HEAD.size:
        raise ValueError("The answer is too short to be columns.")
    magic, length, begin = _HEAD.unpack_from(data)
    if magic != _MAGIC or begin != _HEAD.size + length:
        raise ValueError("The answer does not begin as columns do.")
    directory = msgspec.json.decode(data[_HEAD.size : begin])

    def array(number: int) -> Any:
        told = directory["arrays"][number]
        kind = np.dtype(told["type"]).newbyteorder("<")
        count = int(np.prod(told["shape"]))
        return np.frombuffer(data, kind, count, begin + told["at"]).reshape(told["shape"])

    def put_back(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"array"}:
                return array(value["array"])
            if set(value) == {"few"}:
                return np.array(value["few"])
            return {key: put_back(one) for key, one in value.items()}
        return [put_back(one) for one in value] if isinstance(value, list) else value

    return put_back(directory["answer"])


def _is_plain(array: np.ndarray[Any, Any]) -> bool:
    """Whether a page reads the numbers of JSON as they are."""
    if array.dtype.kind == "f":
        return bool(np.isfinite(array).all())
    return array.dtype.kind in "iu" and bool(np.all((array > -(2**53)) & (array < 2**53)))


def _narrowed(array: np.ndarray[Any, Any], exact: bool) -> np.ndarray[Any, Any] | None:
    """The array in the type it is sent in; None if no type holds it exactly."""
    if array.dtype == np.bool_:
        return array.astype(np.uint8)
    if array.dtype.kind == "i":
        low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
        if low >= -(2**31) and high < 2**31:
            return array.astype("<i4")
        return array.astype("<f8") if low >= -(2**53) and high <= 2**53 else None
    if exact or not array.size:
        return array.astype("<f8")
    with np.errstate(over="ignore", invalid="ignore"):
        whole = array.astype("<i4")
        if np.array_equal(whole, array) and not np.signbit(array[whole == 0]).any():
            return whole
        short = array.astype("<f4")
        finite = np.isfinite(array)
        if not finite.any():
            return short
        known = array if finite.all() else array[finite]
        moved = np.abs(known - (short if finite.all() else short[finite])).max()
        span = known.max() - known.min()
    if not np.isfinite(moved) or moved > (span * _VISIBLE if span > 0 else 0.0):
        # A flat line that float32 moves is flat still; it is exact all the same.
        return array.astype("<f8")
    return short
