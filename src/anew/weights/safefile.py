"""The safetensors file format, read in place and written as a stream.

The format is the one of https://huggingface.co/docs/safetensors: eight bytes of header length, a
JSON header, then the tensors' bytes. The `safetensors` package builds a whole file in memory when it
writes and cannot give numpy a range of a tensor; a repository needs both to keep its memory small.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anew.errors import CorruptData, InvalidValue
from anew.record.plain import parse_json
from anew.weights.dtypes import SAFETENSORS, itemsize
from anew.weights.source import Source

__all__ = ["read", "write"]

_NAMES = {code: name for name, code in SAFETENSORS.items()}
_LONGEST_HEADER = 100_000_000


def read(path: Path) -> tuple[dict[str, Source], dict[str, str]]:
    """The tensors of a file as sources over its memory map, and its metadata.

    Raises:
        CorruptData: the file is not a whole safetensors file.
        InvalidValue: it has an element type this version does not know.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = int.from_bytes(file.read(8), "little") + 8
        if size < 8 or start > min(size, _LONGEST_HEADER):
            raise _broken(path, "its header is longer than the file")
        try:
            header = dict(parse_json(file.read(start - 8)))
            metadata = dict(header.pop("__metadata__", None) or {})
        except (ValueError, TypeError, AttributeError) as error:
            raise _broken(path, f"its header cannot be read ({error})") from error
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    data = np.frombuffer(mapped, np.uint8, offset=start)
    sources = {}
    end = 0
    for name, item in header.items():
        try:
            code, shape = item["dtype"], tuple(int(n) for n in item["shape"])
            begin, stop = (int(n) for n in item["data_offsets"])
        except (KeyError, TypeError, ValueError) as error:
            raise _broken(path, f"its entry for {name!r} is incomplete") from error
        if code not in _NAMES:
            raise InvalidValue(
                f"{name!r} in {path} has the element type {code}, which cannot be stored.", key=name
            )
        dtype = _NAMES[code]
        wanted = itemsize(dtype)
        for n in shape:
            wanted *= n
        if (
            not 0 <= begin <= stop <= len(data)
            or stop - begin != wanted
            or min(shape, default=0) < 0
        ):
            raise _broken(
                path,
                f"the bytes of {name!r} lie outside the file, or their number does not fit the shape",
            )
        sources[name] = Source(dtype, shape, _range(data[begin:stop]))
        end = max(end, stop)
    if end != len(data):
        raise _broken(path, "there are bytes that belong to no tensor")
    return sources, metadata


def write(
    path: Path,
    tensors: Mapping[str, tuple[str, tuple[int, ...], Callable[[], Iterator[Any]]]],
    metadata: Mapping[str, str],
) -> None:
    """Write a file from names, types, shapes and streams of bytes; complete or not at all.

    Raises:
        InvalidValue: an element type that safetensors does not have.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    # Larger items first, as the package writes them, so that every tensor is aligned.
    order = sorted(tensors, key=lambda name: (-itemsize(tensors[name][0]), name))
    for name in order:
        dtype, shape, _ = tensors[name]
        if dtype not in SAFETENSORS:
            raise InvalidValue(
                f"{name!r} is {dtype}, which a safetensors file cannot hold. Write .npz or .pt, or "
                "leave it out with --only.",
                key=name,
            )
        size = itemsize(dtype)
        for n in shape:
            size *= n
        header[name] = {
            "dtype": SAFETENSORS[dtype],
            "shape": list(shape),
            "data_offsets": [position, position + size],
        }
        position += size
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in order:
                for part in tensors[name][2]():
                    file.write(part)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _range(data: np.ndarray[Any, Any]) -> Callable[[int, int], np.ndarray[Any, Any]]:
    return lambda start, stop: data[start:stop]


def _broken(path: Path, reason: str) -> CorruptData:
    return CorruptData(f"{path} is not a complete safetensors file: {reason}.", path=str(path))
