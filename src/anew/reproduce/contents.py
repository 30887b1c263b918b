"""The numbers in a file, so that two files can be held against each other by value: arrays, tensors, tables and JSON.

Many formats store more than the values: a time, an order, a compression. What is read here is never run: no pickle, no code.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .judgement import ValueDifference

__all__ = ["LARGEST", "compare_arrays", "compare_contents", "readable"]

Array = npt.NDArray[Any]

LARGEST = 256 << 20
"""Bytes of a file that is compared by value."""
_MOST_MEMBERS = 10_000
_SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U64": "<u8",
    "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?", "BF16": "<u2", "F8_E4M3": "u1", "F8_E5M2": "u1",
}  # fmt: skip


def readable(name: str) -> bool:
    """Whether the numbers of a file of that name can be read."""
    return os.path.splitext(name)[1].lower() in _READERS


def compare_contents(
    name: str, a: bytes, b: bytes, rtol: float = 0.0, atol: float = 0.0
) -> ValueDifference | None:
    """How two contents of one file differ by value; None where one of them cannot be read as what its name says."""
    reader = _READERS.get(os.path.splitext(name)[1].lower())
    if reader is None:
        return None
    try:
        return compare_arrays(reader(a), reader(b), rtol, atol)
    except (ValueError, TypeError, KeyError, OSError, EOFError, OverflowError, MemoryError, RecursionError, zipfile.BadZipFile, csv.Error):  # fmt: skip
        return None


def compare_arrays(
    a: Mapping[str, Array], b: Mapping[str, Array], rtol: float = 0.0, atol: float = 0.0
) -> ValueDifference:
    """How two sets of arrays differ. NaN is NaN; an array that only one has, or of another shape, differs in all of it."""
    compared = differing = 0
    largest, where, within = 0.0, "", True
    for name in sorted({*a, *b}):
        x, y = a.get(name), b.get(name)
        if x is None or y is None or x.shape != y.shape or x.dtype.kind != y.dtype.kind:
            count = max(x.size if x is not None else 0, y.size if y is not None else 0, 1)
            compared, differing, within = compared + count, differing + count, False
            largest, where = math.inf, where if math.isinf(largest) else name
            continue
        compared += x.size
        if x.dtype.kind == "V":  # a type that numpy does not know: by its bytes
            unlike = int(x.tobytes() != y.tobytes()) * x.size
            gap, near = (math.inf if unlike else 0.0), not unlike
        elif x.dtype.kind not in "biufc":
            unlike = int((x != y).sum())
            gap, near = (math.inf if unlike else 0.0), not unlike
        else:
            unlike, gap, near = _numbers(x, y, rtol, atol)
        differing += unlike
        within = within and near
        if unlike and gap >= largest:
            largest, where = gap, name
    return ValueDifference(compared, differing, largest, where, within)


def _numbers(x: Array, y: Array, rtol: float, atol: float) -> tuple[int, float, bool]:
    """How many of two arrays of one shape differ, by how much at most, and whether all are within the tolerance."""
    same = x == y
    if x.dtype.kind in "fc":
        same |= np.isnan(x) & np.isnan(y)
    count = int(x.size - np.count_nonzero(same))
    if not count:
        return 0, 0.0, True
    wide = np.complex128 if x.dtype.kind == "c" else np.float64
    p, q = x[~same].astype(wide), y[~same].astype(wide)
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.abs(p - q)
        near = bool(np.all(np.isfinite(gaps) & (gaps <= atol + rtol * np.abs(p))))
    gaps[np.isnan(gaps)] = np.inf
    return count, float(gaps.max()), near


# -- formats -----------------------------------------------------------------------------------------


def _npy(data: bytes) -> dict[str, Array]:
    found = np.load(io.BytesIO(data), allow_pickle=False)
    return {"": np.asarray(found)}


def _npz(data: bytes) -> dict[str, Array]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS or sum(one.file_size for one in members) > 4 * LARGEST:
            raise ValueError("too large")
        return {one.filename.removesuffix(".npy"): _npy(archive.read(one))[""] for one in members}


def _safetensors(data: bytes) -> dict[str, Array]:
    start = int.from_bytes(data[:8], "little") + 8
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    found = {}
    for name, item in header.items():
        begin, end = item["data_offsets"]
        kind = item["dtype"]
        values = np.frombuffer(data[start + begin : start + end], _SAFETENSORS[kind])
        if kind == "BF16":  # the upper half of a float32
            values = (values.astype(np.uint32) << 16).view(np.float32)
        found[name] = values.reshape(item["shape"])
    return found


def _json(data: bytes) -> dict[str, Array]:
    return {name: np.asarray(value) for name, value in _leaves("", json.loads(data))}


def _jsonl(data: bytes) -> dict[str, Array]:
    lines = [json.loads(line) for line in data.splitlines() if line.strip()]
    return {name: np.asarray(value) for name, value in _leaves("", lines)}


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list):
        yield f"{name}[]", len(value)
        for place, inner in enumerate(value):
            yield from _leaves(f"{name}[{place}]", inner)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield name, float(value)
    else:
        yield name, str(value)


def _table(delimiter: str) -> Callable[[bytes], dict[str, Array]]:
    def read(data: bytes) -> dict[str, Array]:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8")), delimiter=delimiter))
        found: dict[str, Array] = {"rows": np.asarray([len(row) for row in rows])}
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                name = rows[0][column] if at and column < len(rows[0]) else str(column)
                try:
                    found[f"{name}, row {at}"] = np.asarray(float(cell))
                except ValueError:
                    found[f"{name}, row {at}"] = np.asarray(cell)
        return found

    return read


_READERS: dict[str, Callable[[bytes], dict[str, Array]]] = {
    ".npy": _npy, ".npz": _npz, ".safetensors": _safetensors, ".json": _json, ".jsonl": _jsonl,
    ".csv": _table(","), ".tsv": _table("\t"),
}  # fmt: skip
