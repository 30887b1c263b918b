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
import numpy.typing as npt

from ...record.decode import UNDECODABLE, Broken, decode_points, may_be_too_deep
from ...record.events import PointLine
from .columns import Block, Ints, join_blocks

__all__ = ["decode_block"]

SLICE_BYTES = 64 << 10
_decoder: msgspec.json.Decoder[PointLine] = msgspec.json.Decoder(PointLine)
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_INT64 = range(-(1 << 63), 1 << 63)


def decode_block(data: bytes, first_line: int = 1) -> tuple[Block, list[Broken]]:
    """The points of whole lines, and the lines that are none. `first_line` numbers the first of them."""
    ids: dict[str, int] = {}
    blocks: list[Block] = []
    broken: list[Broken] = []
    for start, end in _slices(data):
        piece = data[start:end]
        count = piece.count(b"\n")
        try:
            nested = may_be_too_deep(piece, count)
            points = [] if nested else _decoder.decode_lines(piece)
        except UNDECODABLE:
            points = []
        if len(points) == count:
            rows = np.arange(first_line, first_line + count, dtype=np.int64)
        else:  # something is wrong: line by line
            numbered, bad = decode_points(piece, first_line)
            broken += [b for b in bad if not _repeated(b, first_line + count - 1, data, start, end)]
            points = [point for _, point in numbered]
            rows = np.array([line for line, _ in numbered], dtype=np.int64)
        if points:
            blocks.append(_columns(points, rows, ids, broken, b'"x"' in piece))
        first_line += count
    return join_blocks(blocks, list(ids)), broken


def _slices(data: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + SLICE_BYTES) + 1 or len(data)
        yield start, end
        start = end


def _repeated(broken: Broken, last: int, data: bytes, start: int, end: int) -> bool:
    """Whether a slice's last line was cut short and begins the next slice whole (see record.decode)."""
    if broken.line != last:
        return False
    fragment = data[data.rfind(b"\n", start, end - 1) + 1 : end - 1]
    return bool(fragment) and data.startswith(fragment, end)


def _columns(
    points: list[PointLine],
    rows: Ints,
    ids: dict[str, int],
    broken: list[Broken],
    with_extra: bool,
) -> Block:
    maps = [point.m for point in points]
    values = np.array(list(chain.from_iterable([m.values() for m in maps])))
    steps = np.array([point.s for point in points])
    given = None
    if values.dtype != np.float64 or steps.dtype != np.int64:
        points, rows = _checked(points, rows, broken)
        maps = [point.m for point in points]
        values = np.array(
            [_NON_FINITE[v] if isinstance(v, str) else v for m in maps for v in m.values()],
            dtype=np.float64,
        )
        steps = np.array([point.s or 0 for point in points], dtype=np.int64)
        if None in [point.s for point in points]:
            given = np.array([point.s is not None for point in points], dtype=np.bool_)
    times = np.array([point.t for point in points], dtype=np.float64)
    series = _numbers(list(chain.from_iterable(maps)), ids)
    metadata = None
    extra = [point.x for point in points] if with_extra else []
    if extra.count(None) < len(extra):
        metadata = np.empty(len(extra), dtype=np.object_)
        metadata[:] = [None if x is None else msgspec.json.encode(x).decode() for x in extra]
    if len(series) != len(points) or not all(maps):  # lines with several metrics, or with none
        repeat = np.array([len(m) for m in maps], dtype=np.int64)
        steps, times, rows = steps.repeat(repeat), times.repeat(repeat), rows.repeat(repeat)
        given = None if given is None else given.repeat(repeat)
        metadata = None if metadata is None else metadata.repeat(repeat)
    return Block((), series, steps, given, times, values, rows, metadata)


def _numbers(names: list[str], ids: dict[str, int]) -> npt.NDArray[np.int32]:
    """The numbers of names; new ones get the next."""
    new = set(names).difference(ids)
    for name in dict.fromkeys(names) if new else ():
        ids.setdefault(name, len(ids))
    if len(ids) == 1:
        return np.zeros(len(names), np.int32)
    return np.array([ids[name] for name in names], dtype=np.int32)


def _checked(
    points: list[PointLine], rows: Ints, broken: list[Broken]
) -> tuple[list[PointLine], Ints]:
    """The points without those that hold another text than the three that stand for numbers."""
    good = []
    for at, point in enumerate(points):
        wrong = next(
            (v for v in point.m.values() if isinstance(v, str) and v not in _NON_FINITE), None
        )
        if wrong is not None:
            broken.append(Broken(int(rows[at]), f"{wrong[:40]!r} is not a number", ""))
        elif point.s is not None and point.s not in _INT64:
            broken.append(Broken(int(rows[at]), f"the step {point.s} does not fit 64 bits", ""))
        else:
            good.append(at)
    return [points[at] for at in good], rows[good]
