"""Opening Parquet files of which only the ranges that are read are brought to this machine."""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol, TypeVar

from ...blobs.cached import CachedBlobs, Ranged
from ...errors import CorruptData
from .engine import Engine, EngineError, file_pattern
from .sorted_file import Fill

__all__ = ["open_ranged"]

_WHOLE = 1 << 20
"""Bytes up to which a file is brought here whole: a request more takes longer."""
_REMEMBERED = 256
_chunks: dict[str, list[_Chunk]] = {}
_guard = threading.Lock()

_Chunk = tuple[int, int, str, int, int]
"""A column of a row group: its first row, the one after its last, its name, its first byte, the one after its last."""


class _Closing(Protocol):
    def close(self) -> None: ...


F = TypeVar("F", bound=_Closing)


@contextlib.contextmanager
def open_ranged(cache: CachedBlobs, key: str, opened: Callable[[str, Fill], F]) -> Iterator[F]:
    """A Parquet file among blobs. What turns out to be damaged is not kept.

    Args:
        opened: Opens the file at a path, and calls what it is given before it reads rows of columns.

    Raises:
        FileNotFoundError: It is gone.
        CorruptData: It is damaged.
        OSError: It cannot be read.
    """
    try:
        with cache.ranged(key) as file:
            _bring_description(file)
            one = opened(file.path, lambda rows, columns: _fill(file, rows, columns))
            try:
                yield one
            finally:
                one.close()
    except CorruptData:
        cache.forget(key)
        raise


def _bring_description(file: Ranged) -> None:
    if file.size <= _WHOLE:
        file.need([(0, file.size)])
        return
    with open(file.path, "rb") as opened:
        opened.seek(file.size - 8)
        (length,) = struct.unpack("<I", opened.read(8)[:4])
    file.need([(0, 4), (max(0, file.size - 8 - length), file.size)])


def _fill(file: Ranged, rows: Sequence[tuple[int, int]], columns: Collection[str]) -> None:
    if file.size <= _WHOLE:
        return
    file.need(
        [
            (begin, end)
            for first, last, name, begin, end in _chunks_of(file.path)
            if name in columns and any(a < last and b > first for a, b in rows)
        ]
    )


def _chunks_of(path: str) -> list[_Chunk]:
    known = _chunks.get(path)
    if known is not None:
        return known
    query = (
        "SELECT row_group_id AS number, row_group_num_rows AS count, path_in_schema AS name, "
        "least(data_page_offset, coalesce(dictionary_page_offset, data_page_offset)) AS begin, total_compressed_size AS size "
        "FROM parquet_metadata(?) ORDER BY row_group_id"
    )
    try:
        with Engine() as engine:
            found = engine.columns(query, [file_pattern(path)])
    except EngineError as error:
        if not os.path.exists(path):
            raise FileNotFoundError(path) from error
        raise CorruptData(
            f"{path} does not say where its columns are: {error}.", path=path
        ) from error
    numbers, counts = found["number"].tolist(), found["count"].tolist()
    size_of = dict(zip(numbers, counts, strict=True))
    firsts, at = {}, 0
    for number in sorted(size_of):
        firsts[number] = at
        at += size_of[number]
    chunks: list[_Chunk] = [
        (firsts[number], firsts[number] + count, str(name), begin, begin + size)
        for number, count, name, begin, size in zip(
            numbers, counts, found["name"].tolist(), found["begin"].tolist(), found["size"].tolist(), strict=True
        )
    ]  # fmt: skip
    with _guard:
        while len(_chunks) >= _REMEMBERED:
            _chunks.pop(next(iter(_chunks)))
        _chunks[path] = chunks
    return chunks
