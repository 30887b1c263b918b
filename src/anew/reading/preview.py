"""What can be shown of a logged file without handing it to a program: text, the rows of a table, or what kind of media it is.

Whatever is in a file is data. Nothing here runs it, and what is read of it is bounded.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from typing import IO, Any, Literal

import msgspec

from ..record.plain import to_plain

__all__ = ["Preview", "preview"]

_TEXT = 256 << 10
"""Bytes of a text that are shown."""
_TABLE = 4 << 20
"""Bytes of a text with rows that are read."""
_ROW_GROUP = 256 << 20
"""Bytes of one group of rows of a Parquet file that are read."""
_CELLS = 50_000
_LONGEST = 2000
_MEDIA: dict[str, Literal["image", "audio", "video"]] = {
    ".png": "image", ".jpg": "image", ".jpeg": "image", ".gif": "image", ".webp": "image",
    ".mp4": "video", ".webm": "video",
    ".wav": "audio", ".mp3": "audio", ".ogg": "audio", ".flac": "audio",
}  # fmt: skip


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a file.

    Attributes:
        kind: "text", "table", the kind of media that a browser shows from the bytes themselves, or "binary" for anything else.
        size: Bytes of the file.
        text: The beginning of a text.
        columns: Names of a table's columns; `rows` has a value for each.
        start: The number of the first row, from 0.
        total: How many rows the table has; None where only the beginning of the file was read.
        more: Whether there is more than what is given.
        problem: Why a file of this kind could not be read as one.
    """

    kind: Literal["text", "table", "image", "audio", "video", "binary"]
    size: int
    text: str | None = None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    start: int = 0
    total: int | None = None
    more: bool = False
    problem: str | None = None


def preview(file: IO[bytes], size: int, name: str, *, start: int = 0, limit: int = 100) -> Preview:
    """What can be shown of a file.

    Args:
        file: Its bytes, which can be read from anywhere.
        name: Its name: the ending decides how it is read.
        start: The first row wanted of a table.
        limit: The most rows wanted of a table.
    """
    ending = os.path.splitext(name)[1].lower()
    if ending in _MEDIA:
        return Preview(kind=_MEDIA[ending], size=size)
    start, limit = max(0, start), max(1, min(limit, 1000))
    problem = None
    try:
        if ending == ".parquet":
            return _parquet(file, size, start, limit)
        if ending in (".csv", ".tsv"):
            return _separated(file, size, "\t" if ending == ".tsv" else ",", start, limit)
        if ending in (".jsonl", ".ndjson"):
            found = _json_lines(file, size, start, limit)
            if found is not None:
                return found
    except Exception as error:  # noqa: BLE001  (a reader may raise anything for what is no table)
        problem = f"It cannot be read as a table: {str(error)[:200]}"
    file.seek(0)
    head = file.read(_TEXT)
    if b"\0" in head[:8192]:
        return Preview(kind="binary", size=size, problem=problem)
    return Preview(
        kind="text",
        size=size,
        text=head.decode("utf-8", "replace"),
        more=size > len(head),
        problem=problem,
    )


def _separated(file: IO[bytes], size: int, separator: str, start: int, limit: int) -> Preview:
    text, whole = _beginning(file, size)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    columns = next(reader, [])
    width = max(1, min(len(columns), _CELLS // limit))
    rows: list[tuple[Any, ...]] = []
    count = 0
    for row in reader:
        if not row:
            continue
        if start <= count < start + limit:
            rows.append(_cells([*row[:width], *[None] * (width - len(row))]))
        count += 1
        if not whole and count > start + limit:
            break  # how many there are is not known anyway
    return Preview(
        kind="table", size=size, columns=tuple(columns[:width]), rows=tuple(rows), start=start,
        total=count if whole else None, more=not whole or start + len(rows) < count,
    )  # fmt: skip


def _json_lines(file: IO[bytes], size: int, start: int, limit: int) -> Preview | None:
    text, whole = _beginning(file, size)
    found = [json.loads(line) for line in text.splitlines() if line.strip()]
    if not found or not all(isinstance(one, dict) for one in found):
        return None
    columns = list(dict.fromkeys(key for one in found for key in one))
    shown = columns[: max(1, _CELLS // limit)]
    rows = [_cells([one.get(key) for key in shown]) for one in found[start : start + limit]]
    return Preview(
        kind="table", size=size, columns=tuple(shown), rows=tuple(rows), start=start,
        total=len(found) if whole else None, more=not whole or start + len(rows) < len(found),
    )  # fmt: skip


def _beginning(file: IO[bytes], size: int) -> tuple[str, bool]:
    """Whole lines of the beginning of a file, and whether that is all of it."""
    data = file.read(_TABLE)
    whole = len(data) >= size
    if not whole:
        data = data[: data.rfind(b"\n") + 1]
    return data.decode("utf-8-sig", "replace"), whole


def _parquet(file: IO[bytes], size: int, start: int, limit: int) -> Preview:
    import pyarrow.parquet as pq

    table = pq.ParquetFile(file)
    columns = list(table.schema_arrow.names)
    wanted = columns[: max(1, _CELLS // limit)]
    rows: list[list[Any]] = []
    before = 0
    for group in range(table.num_row_groups):
        described = table.metadata.row_group(group)
        count = described.num_rows
        if before + count > start and len(rows) < limit:
            if described.total_byte_size > _ROW_GROUP:
                raise ValueError("its groups of rows are too large")
            part = table.read_row_group(group, columns=wanted)
            part = part.slice(max(0, start - before), limit - len(rows))
            rows += [list(row.values()) for row in part.to_pylist()]
        before += count
    return Preview(
        kind="table", size=size, columns=tuple(wanted), rows=tuple(map(_cells, rows)), start=start,
        total=table.metadata.num_rows, more=start + len(rows) < table.metadata.num_rows,
    )  # fmt: skip


def _cells(row: Sequence[Any]) -> tuple[Any, ...]:
    """The values of a row as plain ones, long texts cut."""
    plain = (to_plain(value) for value in row)
    return tuple(
        value[:_LONGEST] + " …" if isinstance(value, str) and len(value) > _LONGEST else value
        for value in plain
    )
