"""Lines of a points segment as columns.

Decoding goes in slices that fit a processor's cache: columns are picked out of a slice while its objects are
still near, which takes half the time of doing so for a whole segment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

import msgspec
import numpy as np

from ...record.decode import Broken, decode_points
from ...record.events import PointLine
from .columns import Block

__all__ = ["decode_block", "join"]

SLICE_BYTES = 64 << 10
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_INT64 = range(-(1 << 63), 1 << 63)


def decode_block(data: bytes, first_line: int = 1) -> tuple[Block, list[Broken]]:
    """The points of whole lines, and the lines that are none. `first_line` numbers the first of them."""
    ids: dict[str, int] = {}
    blocks: list[Block] = []
    broken: list[Broken] = []
    for piece, line in _slices(data, first_line):
        points, bad = decode_points(piece, line)
        broken += bad
        if points:
            blocks.append(_columns(points, ids, broken))
    return join(blocks, list(ids)), broken


def _slices(data: bytes, line: int) -> Iterator[tuple[bytes, int]]:
    at = 0
    while at < len(data):
        if len(data) - at <= SLICE_BYTES * 3 // 2:
            yield data[at:], line
            return
        end = data.find(b"\n", at + SLICE_BYTES) + 1 or len(data)
        # A line cut short and its repetition (see record.decode) must stay in one slice; such lines begin
        # alike, and no two whole records are that similar and unparsable, so a peek at the next is enough.
        while end < len(data) and not data[end - 2 : end - 1] == b"}":
            end = data.find(b"\n", end) + 1 or len(data)
        piece = data[at:end]
        yield piece, line
        line += piece.count(b"\n")
        at = end


def _columns(points: list[tuple[int, PointLine]], ids: dict[str, int], broken: list[Broken]) -> Block:
    maps = [point.m for _, point in points]
    values = np.array(list(chain.from_iterable([m.values() for m in maps])))
    steps = np.array([point.s for _, point in points])
    if (values.dtype != np.float64 and len(values)) or steps.dtype not in (np.int64, np.object_):
        points = _checked(points, broken)
        maps = [point.m for _, point in points]
        values = np.array(
            [_NON_FINITE[v] if isinstance(v, str) else v for m in maps for v in m.values()],
            dtype=np.float64,
        )
        steps = np.array([point.s for _, point in points])
    given = None
    if steps.dtype != np.int64:
        given = np.array([point.s is not None for _, point in points], dtype=np.bool_)
        steps = np.array([point.s or 0 for _, point in points], dtype=np.int64)
    times = np.array([point.t for _, point in points], dtype=np.float64)
    first = points[0][0] if points else 0
    rows = (
        np.arange(first, first + len(points), dtype=np.int64)
        if points and points[-1][0] - first == len(points) - 1
        else np.array([line for line, _ in points], dtype=np.int64)
    )
    names = list(chain.from_iterable(maps))
    for name in names if len(ids) == 0 else set(names).difference(ids):
        ids.setdefault(name, len(ids))
    series = np.array([ids[name] for name in names], dtype=np.int32)
    extra = [point.x for _, point in points]
    metadata = None
    if any(x is not None for x in extra):
        metadata = np.empty(len(extra), dtype=np.object_)
        metadata[:] = [None if x is None else msgspec.json.encode(x).decode() for x in extra]
    if len(names) != len(points):  # lines with several metrics
        repeat = np.array([len(m) for m in maps])
        steps, times, rows = steps.repeat(repeat), times.repeat(repeat), rows.repeat(repeat)
        given = None if given is None else given.repeat(repeat)
        metadata = None if metadata is None else metadata.repeat(repeat)
    return Block((), series, steps, given, times, values.astype(np.float64), rows, metadata)


def _checked(
    points: list[tuple[int, PointLine]], broken: list[Broken]
) -> list[tuple[int, PointLine]]:
    """The points without those that hold another text than the three that stand for numbers."""
    good = []
    for line, point in points:
        wrong = next(
            (v for v in point.m.values() if isinstance(v, str) and v not in _NON_FINITE), None
        )
        if wrong is not None:
            broken.append(Broken(line, f"{wrong[:40]!r} is not a number", ""))
        elif point.s is not None and point.s not in _INT64:
            broken.append(Broken(line, f"the step {point.s} does not fit 64 bits", ""))
        else:
            good.append((line, point))
    return good


def join(blocks: list[Block], names: list[str]) -> Block:
    """Blocks that share their series numbers, one after the other."""
    if len(blocks) == 1:
        only = blocks[0]
        return Block(
            names,
            only.series,
            only.step,
            only.given,
            only.time,
            only.value,
            only.row,
            only.metadata,
        )
    given = None
    if any(b.given is not None for b in blocks):
        given = _all([np.ones(len(b), np.bool_) if b.given is None else b.given for b in blocks])
    metadata = None
    if any(b.metadata is not None for b in blocks):
        metadata = _all([np.full(len(b), None) if b.metadata is None else b.metadata for b in blocks])
    return Block(
        names,
        _all([b.series for b in blocks], np.int32),
        _all([b.step for b in blocks], np.int64),
        given,
        _all([b.time for b in blocks], np.float64),
        _all([b.value for b in blocks], np.float64),
        _all([b.row for b in blocks], np.int64),
        metadata,
    )


def _all(arrays: list[np.ndarray], dtype: type | None = None) -> np.ndarray:  # type: ignore[type-arg]
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype)
