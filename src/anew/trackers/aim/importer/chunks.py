"""A run's chunk of an Aim repository: a RocksDB of paths and values, opened as a copy, since RocksDB writes beside what it reads."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

from ....errors import CorruptData, InvalidValue
from ....importing.foreign import copy_plain, is_plain, names_in

__all__ = ["ARRAY", "Custom", "Path", "entries_of", "needs_aimrocks", "tree_of"]

Path = tuple[str | int, ...]
ARRAY = object()
"""Stands where the elements of a list follow."""
_OBJECT = object()
_END = 0xFE
_MOST_DEPTH = 50


class Custom(NamedTuple):
    """Stands where the parts of a value follow that is more than a number or text, such as an image."""

    kind: str


def needs_aimrocks() -> Any:
    """The package that reads RocksDB.

    Raises:
        InvalidValue: It is not installed.
    """
    try:
        return import_module("aimrocks")
    except ImportError as error:
        raise InvalidValue(
            "Aim keeps its runs in RocksDB, which the package aimrocks reads: pip install aimrocks",
            key="source",
        ) from error


def entries_of(chunk: str) -> Iterator[tuple[Path, Any]]:
    """The entries of a chunk in the order of their keys; what has no value is None, large values come first, below `BLOBS`.

    Raises:
        CorruptData: It is damaged.
    """
    aimrocks = needs_aimrocks()
    with tempfile.TemporaryDirectory(prefix="anew-import-") as folder:
        try:
            for name in names_in(chunk):
                path = os.path.join(chunk, name)
                if is_plain(path):
                    copy_plain(path, os.path.join(folder, name))
            database = aimrocks.DB(folder, aimrocks.Options(), read_only=True)
            items = database.iteritems()
            items.seek_to_first()
            for key, value in items:
                yield _path(key), _value(value)
        except Exception as error:  # aimrocks raises whatever RocksDB says as its own kinds
            raise CorruptData(f"{chunk} cannot be read: {error!s:.200}", path=chunk) from error


def _path(key: bytes) -> Path:
    """The parts of a key: texts end with a byte that no text has; numbers stand between two of them."""
    parts: list[str | int] = []
    at = 0
    while at < len(key):
        if key[at] == _END and at + 9 <= len(key):
            parts.append(int.from_bytes(key[at + 1 : at + 9], "big", signed=True))
            at += 10
        else:
            end = key.find(_END, at)
            end = len(key) if end < 0 else end
            parts.append(key[at:end].decode("utf-8", "replace"))
            at = end + 1
    return tuple(parts)


def _value(data: bytes) -> Any:
    """A value by the byte that says what it is."""
    if not data:
        return None
    kind, body = data[0], data[1:]
    if kind == 1:
        return body != b"\0"
    if kind == 2:
        return int.from_bytes(body, "little", signed=True)
    if kind == 3:
        return struct.unpack("<d", body)[0]
    if kind == 4:
        return body.decode("utf-8", "replace")
    if kind == 5:
        return body
    return {6: ARRAY, 7: _OBJECT}.get(
        kind, Custom(body.decode("utf-8", "replace")) if kind == 15 else None
    )


def tree_of(entries: list[tuple[Path, Any]]) -> Any:
    """Entries as nested data; a value of a kind of its own is a mapping with a `_type`."""
    root: dict[Any, Any] = {}
    lists: list[tuple[dict[Any, Any], Any]] = []
    for path, value in entries:
        if len(path) > _MOST_DEPTH:
            continue
        at: Any = root
        for part in ("", *path[:-1]) if path else ():
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                break
        if not isinstance(at, dict):
            continue
        last: Any = path[-1] if path else ""
        if value is ARRAY:
            at.setdefault(last, {})
            lists.append((at, last))
        elif value is _OBJECT:
            at.setdefault(last, {})
        elif isinstance(value, Custom):
            at[last] = {"_type": value.kind}
        else:
            at[last] = value
    for above, name in reversed(lists):
        found = above.get(name)
        if isinstance(found, dict):
            above[name] = [found[key] for key in sorted(k for k in found if isinstance(k, int))]
    return root.get("")
