"""Points as columns: what the decoder makes, the stores keep and the readers get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import CorruptData

__all__ = ["Block", "Bools", "Columns", "Floats", "Ints", "PartName", "grouped"]

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
