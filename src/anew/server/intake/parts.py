"""Sealed parts that arrive beside lines, and lines that arrive beside sealed parts: points are compared, and the longer stays."""

from __future__ import annotations

import os

import numpy as np
from blake3 import blake3

from ...errors import AnewError
from ...journal.layout import part_name, split_part
from ...stores.series.columns import Block
from ...stores.series.parquet import PartFile, PartInfo
from ...stores.series.points import decode_block
from ...sync.sealed import Text, text_of

__all__ = [
    "begins_with",
    "part_of",
    "place_lines",
    "place_part",
    "points_of_lines",
    "points_of_part",
]

_MOST_TEXT = 1 << 30


def part_of(path: str, name: str) -> PartInfo | None:
    """What a sealed part says of itself; None for a file that is none, or that is of another writer or part than its name says."""
    try:
        with PartFile(path) as part:
            info = part.info
    except (AnewError, OSError):
        return None
    stem = name.rpartition("/")[2].removesuffix(".parquet")
    writer, number = split_part(stem)
    return (
        info
        if part_name(info.writer, info.part) == stem
        and writer == info.writer
        and number == info.part
        else None
    )


def place_part(source: str, target: str, info: PartInfo) -> bool:
    """Put a sealed part in the place of what is there; False, and no change, if that holds other points.

    Args:
        target: The path of the Parquet file; the lines lie beside it.
    """
    text = f"{target[:-8]}.jsonl"
    if os.path.lexists(target):
        there = text_of(target)
        if there.hash and there == Text(info.length or 0, info.blake3 or ""):
            return True
        if not begins_with(source, points_of_part(target)):
            return begins_with(target, points_of_part(source))
    elif os.path.lexists(text):
        size = os.lstat(text).st_size
        whole = info.length == size and info.blake3 == _hash_of(text, size)
        if not whole and not begins_with(source, points_of_lines(text)):
            return False
    os.replace(source, target)
    if os.path.lexists(text):
        os.unlink(text)
    return True


def place_lines(source: str, part: str) -> bool:
    """Put lines in the place of a part that was sealed before all of them had arrived; False if they begin otherwise."""
    there = text_of(part)
    size = os.lstat(source).st_size
    if not there.hash or size < there.size or _hash_of(source, there.size) != there.hash:
        return False
    os.replace(source, f"{part[:-8]}.jsonl")
    os.unlink(part)
    return True


def _hash_of(path: str, size: int) -> str:
    digest = blake3()
    with open(path, "rb") as file:
        while size > 0 and (block := file.read(min(size, 1 << 20))):
            digest.update(block)
            size -= len(block)
    return digest.hexdigest()


def points_of_lines(path: str) -> Block:
    """The points of a file of lines."""
    with open(path, "rb") as file:
        data = file.read(_MOST_TEXT)
    return decode_block(data[: data.rfind(b"\n") + 1], 1)[0]


def points_of_part(path: str) -> Block:
    """The points of a sealed part."""
    with PartFile(path) as part:
        return part.read(range(len(part.info.names)), metadata=True)


def begins_with(part: str, points: Block) -> bool:
    """Whether the points of a sealed part begin with these: equal line by line, as far as these go."""
    last = int(points.row.max()) if len(points) else 0
    whole = points_of_part(part)
    return _as_written(whole.select(whole.row <= last)) == _as_written(points)


def _as_written(block: Block) -> list[tuple[object, ...]]:
    """Points as tuples that can be compared, NaN included, by line and name."""
    values = block.value.view(np.int64).tolist()
    given = [True] * len(block) if block.given is None else block.given.tolist()
    metadata = [None] * len(block) if block.metadata is None else block.metadata.tolist()
    names = [block.names[number] for number in block.series.tolist()]
    rows = zip(
        block.row.tolist(), names, block.step.tolist(), given, block.time.tolist(), values, metadata, strict=True
    )  # fmt: skip
    return sorted(rows, key=lambda row: (row[0], row[1], row[2]))
