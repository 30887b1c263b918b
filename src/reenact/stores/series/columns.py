"""Points as columns: what the decoder makes, the stores keep and the readers get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import CorruptData

__all__ = [
    "Block",
    "Bools",
    "Columns",
    "Floats",
    "Ints",
    "PartName",
    "assemble",
    "grouped",
    "join_blocks",
    "merge_blocks",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
PartName = tuple[str, int]
"""A writer and the number of its part, from 1."""


@dataclass(frozen=True, slots=True)
class Block:
    """Points of one segment part, in any order; `series` indexes `names`.

    `given` is None when every point had a step; where it is False the step is 0 and means nothing.
    `row` is the number of the line in its part, from 1. `metadata` is JSON text per point, None when no
    point has any.
    """

    names: Sequence[str]
    series: npt.NDArray[np.int32]
    step: Ints
    given: Bools | None
    time: Floats
    value: Floats
    row: Ints
    metadata: npt.NDArray[np.object_] | None

    def __len__(self) -> int:
        return len(self.value)

    def select(self, which: Any) -> Block:
        """The points where `which` (a mask, slice or order) says so."""
        return _with(self, self.names, self.series, which)

    def without_metadata(self) -> Block:
        """The same points, for a reader that did not ask for their metadata."""
        return replace(self, metadata=None)


@dataclass(frozen=True, slots=True)
class Columns:
    """Points of one experiment, series after series, each in as-written order.

    Series `i` has the name `names[i]` and the rows `starts[i]:starts[i + 1]`. `step` is complete: where a
    point had none (`given` False; `given` is None when all had), it is the point's position in its series.
    `part` indexes `parts`; `row` is the line in that part. `metadata` is JSON text or None per point, and
    None altogether when it was not asked for or there is none. `problems` are the broken lines and files
    that were passed over.
    """

    names: tuple[str, ...]
    starts: Ints
    step: Ints
    given: Bools | None
    time: Floats
    value: Floats
    row: Ints
    part: npt.NDArray[np.int32]
    parts: tuple[PartName, ...]
    metadata: npt.NDArray[np.object_] | None = None
    problems: tuple[CorruptData, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.value)

    def of(self, name: str) -> slice:
        """The rows of one series; an empty slice when it has none."""
        if name not in self.names:
            return slice(0, 0)
        at = self.names.index(name)
        return slice(int(self.starts[at]), int(self.starts[at + 1]))


def grouped(block: Block) -> tuple[Block, Ints]:
    """The block with series in the order of their names and rows in as-written order, and its starts."""
    order_of_names = sorted(range(len(block.names)), key=block.names.__getitem__)
    rank = np.empty(len(block.names), np.int32)
    rank[order_of_names] = np.arange(len(block.names), dtype=np.int32)
    series = rank[block.series] if len(block.names) else block.series
    counts = np.bincount(series, minlength=len(block.names)) if len(series) else np.zeros(0, int)
    starts = np.zeros(len(block.names) + 1, np.int64)
    np.cumsum(counts, out=starts[1 : len(counts) + 1])
    names = [block.names[i] for i in order_of_names]
    if len(series) and np.all(series[1:] >= series[:-1]):
        return _with(block, names, series, slice(None)), starts
    return _with(block, names, series, np.argsort(series, kind="stable")), starts


def _with(block: Block, names: Sequence[str], series: Any, order: Any) -> Block:
    return Block(
        names=names,
        series=series[order],
        step=block.step[order],
        given=None if block.given is None else block.given[order],
        time=block.time[order],
        value=block.value[order],
        row=block.row[order],
        metadata=None if block.metadata is None else block.metadata[order],
    )


def assemble(
    blocks: Sequence[tuple[Block, int]],
    parts: Sequence[PartName],
    names: Sequence[str] | None,
    *,
    start: int | None = None,
    stop: int | None = None,
    problems: Sequence[CorruptData] = (),
) -> Columns:
    """Blocks in as-written order, each with the index of its part, as one experiment's columns."""
    found = set().union(*(block.names for block, _ in blocks))
    order = sorted(found) if names is None else [n for n in dict.fromkeys(names) if n in found]
    ids = {name: i for i, name in enumerate(order)}
    kept = [_renumbered(block, part, ids) for block, part in blocks]
    joined = join_blocks([block for block, _ in kept], order)
    part = np.concatenate([p for _, p in kept]) if kept else np.zeros(0, np.int32)
    if np.any(joined.series[1:] < joined.series[:-1]):
        # Few series sort fastest as 16-bit numbers (radix sort).
        small = joined.series.astype(np.int16) if len(order) < 1 << 15 else joined.series
        by_series = np.argsort(small, kind="stable")
        joined, part = _with(joined, order, joined.series, by_series), part[by_series]
    starts = np.searchsorted(joined.series, np.arange(len(order) + 1)).astype(np.int64)
    step = joined.step
    if joined.given is not None:
        position = np.arange(len(step)) - starts[joined.series]
        step = np.where(joined.given, step, position)
    columns = Columns(
        tuple(order),
        starts,
        step,
        joined.given,
        joined.time,
        joined.value,
        joined.row,
        part,
        tuple(parts),
        joined.metadata,
        tuple(problems),
    )
    return _between(columns, start, stop)


def _renumbered(
    block: Block, part: int, ids: dict[str, int]
) -> tuple[Block, npt.NDArray[np.int32]]:
    to = np.array([ids.get(name, -1) for name in block.names], np.int32)
    series = to[block.series] if len(to) else block.series
    block = _with(block, (), series, slice(None) if (series >= 0).all() else series >= 0)
    return block, np.full(len(block), part, np.int32)


def _between(columns: Columns, start: int | None, stop: int | None) -> Columns:
    inside = np.ones(len(columns), np.bool_)
    if start is not None:
        inside &= columns.step >= start
    if stop is not None:
        inside &= columns.step < stop
    if inside.all():
        return columns
    before = np.concatenate([[0], np.cumsum(inside)])
    return replace(
        columns,
        starts=before[columns.starts],
        step=columns.step[inside],
        given=None if columns.given is None else columns.given[inside],
        time=columns.time[inside],
        value=columns.value[inside],
        row=columns.row[inside],
        part=columns.part[inside],
        metadata=None if columns.metadata is None else columns.metadata[inside],
    )


def join_blocks(blocks: Sequence[Block], names: Sequence[str]) -> Block:
    """Blocks that share their series numbers, one after the other, under their names."""
    if len(blocks) == 1:
        return replace(blocks[0], names=names)
    given = metadata = None
    if any(b.given is not None for b in blocks):
        given = _all([np.ones(len(b), np.bool_) if b.given is None else b.given for b in blocks])
    if any(b.metadata is not None for b in blocks):
        metadata = _all(
            [np.full(len(b), None) if b.metadata is None else b.metadata for b in blocks]
        )
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


def merge_blocks(blocks: Sequence[Block]) -> Block:
    """Blocks with names of their own as one, in their order."""
    ids: dict[str, int] = {}
    for block in blocks:
        for name in block.names:
            ids.setdefault(name, len(ids))
    return join_blocks([_renumbered(block, 0, ids)[0] for block in blocks], list(ids))


def _all(arrays: Sequence[np.ndarray], dtype: type | None = None) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype)
