"""Points as columns: what the decoder makes, the stores keep and the readers get."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import CorruptData

__all__ = [
    "Block",
    "Bools",
    "Columns",
    "Floats",
    "Ints",
    "ManyColumns",
    "Outline",
    "PartName",
    "Points",
    "Stretch",
    "after_lines",
    "assemble",
    "gathered",
    "grouped",
    "join_blocks",
    "merge_blocks",
    "stretches_of",
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


class Points(NamedTuple):
    """Points as arrays of one length; `given` None: all have a step; the last two None: not kept or asked."""

    step: Ints
    given: Bools | None
    time: Floats
    value: Floats
    row: Ints | None = None
    metadata: npt.NDArray[np.object_] | None = None

    def select(self, which: Any) -> Points:
        """The points where `which` (a mask, slice or order) says so."""
        return Points(
            self.step[which],
            None if self.given is None else self.given[which],
            self.time[which],
            self.value[which],
            None if self.row is None else self.row[which],
            None if self.metadata is None else self.metadata[which],
        )


@dataclass(frozen=True, slots=True)
class Columns:
    """Points of one experiment, series after series, each in as-written order.

    Series `i` has the name `names[i]` and the rows `starts[i]:starts[i + 1]`. `step` is complete: where a
    point had none (`given` False; `given` is None when all had), it is the point's position in its series.
    `part` indexes `parts`; `row` is the line in that part; both are None when they were not asked for.
    `metadata` is JSON text or None per point, and None altogether when it was not asked for or there is
    none. `problems` are the broken lines and files that were passed over.
    """

    names: tuple[str, ...]
    starts: Ints
    step: Ints
    given: Bools | None
    time: Floats
    value: Floats
    row: Ints | None
    part: npt.NDArray[np.int32] | None
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


@dataclass(frozen=True, slots=True)
class ManyColumns:
    """Points of some metrics of many experiments, series after series, each in as-written order.

    Series `i` is the metric `names[metric[i]]` of the experiment that was asked for as number
    `experiment[i]`, and has the rows `starts[i]:starts[i + 1]`. Series come by experiment, then by metric, as
    they were asked for; one that an experiment does not have is left out. `step` is complete: where a point
    had none, it is the point's position in its series. `time` is None when it was not asked for. `problems`
    are the broken lines and files that were passed over.
    """

    names: tuple[str, ...]
    experiment: npt.NDArray[np.int32]
    metric: npt.NDArray[np.int32]
    starts: Ints
    step: Ints
    time: Floats | None
    value: Floats
    problems: tuple[CorruptData, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.value)

    def alone(self, series: int) -> Columns:
        """One of the series; its times are 0 when they were not asked for."""
        rows = slice(int(self.starts[series]), int(self.starts[series + 1]))
        value = self.value[rows]
        return Columns(
            (self.names[self.metric[series]],),
            np.array([0, len(value)]),
            self.step[rows],
            None,
            np.zeros(len(value)) if self.time is None else self.time[rows],
            value,
            None,
            None,
            (),
        )


def gathered(
    found: Iterable[tuple[int, Columns]], names: Sequence[str], *, times: bool = True
) -> ManyColumns:
    """Columns of experiments, each with the number it was asked for as, put one after the other."""
    at = {name: number for number, name in enumerate(dict.fromkeys(names))}
    experiments: list[int] = []
    metrics: list[int] = []
    counts: list[Ints] = []
    pieces: list[Columns] = []
    for number, columns in found:
        experiments += [number] * len(columns.names)
        metrics += [at[name] for name in columns.names]
        counts.append(np.diff(columns.starts))
        pieces.append(columns)
    starts = np.zeros(len(experiments) + 1, np.int64)
    np.cumsum(_all(counts, np.int64), out=starts[1:])
    return ManyColumns(
        tuple(at),
        np.array(experiments, np.int32),
        np.array(metrics, np.int32),
        starts,
        _all([piece.step for piece in pieces], np.int64),
        _all([piece.time for piece in pieces], np.float64) if times else None,
        _all([piece.value for piece in pieces], np.float64),
        tuple(problem for piece in pieces for problem in piece.problems),
    )


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


class Stretch(NamedTuple):
    """Consecutive points of one series in one part (`part` is its index), as a reader wants them."""

    name: str
    part: int
    step: Ints
    given: Bools | None
    time: Floats
    value: Floats
    row: Ints | None = None
    metadata: npt.NDArray[np.object_] | None = None


class Outline(NamedTuple):
    """A stretch as far as thinning it out needs it: all of its points, or those of its outline.

    `at` are the positions of the points among the `total` of the stretch; None where all are there.
    """

    points: Stretch
    at: Ints | None
    total: int

    @classmethod
    def whole(cls, stretch: Stretch) -> Outline:
        """A stretch with all of its points."""
        return cls(stretch, None, len(stretch.value))


def stretches_of(
    block: Block, part: int, names: Collection[str] | None, *, rows: bool, metadata: bool
) -> Iterator[Stretch]:
    """A block's points, series by series, each in as-written order."""
    block, starts = grouped(block)
    for at, name in enumerate(block.names):
        here = slice(int(starts[at]), int(starts[at + 1]))
        if here.start < here.stop and (names is None or name in names):
            yield Stretch(
                name,
                part,
                block.step[here],
                None if block.given is None else block.given[here],
                block.time[here],
                block.value[here],
                block.row[here] if rows else None,
                block.metadata[here] if metadata and block.metadata is not None else None,
            )


def assemble(
    stretches: Iterable[Stretch],
    parts: Sequence[PartName],
    names: Sequence[str] | None,
    *,
    rows: bool = False,
    start: int | None = None,
    stop: int | None = None,
    problems: Sequence[CorruptData] = (),
) -> Columns:
    """Runs in as-written order as one experiment's columns, each value copied once."""
    by_name: dict[str, list[Stretch]] = {}
    for stretch in stretches:
        by_name.setdefault(stretch.name, []).append(stretch)
    order = sorted(by_name) if names is None else [n for n in dict.fromkeys(names) if n in by_name]
    ordered = [stretch for name in order for stretch in by_name[name]]
    counts = [sum(len(stretch.value) for stretch in by_name[name]) for name in order]
    starts = np.zeros(len(order) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    step = _all([stretch.step for stretch in ordered], np.int64)
    given = metadata = row = part = None
    if any(stretch.given is not None for stretch in ordered):
        masks = [stretch.given for stretch in ordered]
        sizes = [len(stretch.value) for stretch in ordered]
        given = _all(
            [np.ones(n, np.bool_) if m is None else m for n, m in zip(sizes, masks, strict=True)]
        )
        position = np.arange(len(step)) - starts[:-1].repeat(counts)
        step = np.where(given, step, position)
    if any(stretch.metadata is not None for stretch in ordered):
        texts = [stretch.metadata for stretch in ordered]
        metadata = _all(
            [
                np.full(len(run.value), None) if text is None else text
                for run, text in zip(ordered, texts, strict=True)
            ]
        )
    if rows:
        row = _all([stretch.row for stretch in ordered if stretch.row is not None], np.int64)
        part = np.array([stretch.part for stretch in ordered], np.int32)
        part = part.repeat([len(stretch.value) for stretch in ordered])
    columns = Columns(
        tuple(order),
        starts,
        step,
        given,
        _all([stretch.time for stretch in ordered], np.float64),
        _all([stretch.value for stretch in ordered], np.float64),
        row,
        part,
        tuple(parts),
        metadata,
        tuple(problems),
    )
    return columns if start is None and stop is None else _between(columns, start, stop)


def _renumbered(block: Block, ids: dict[str, int]) -> Block:
    to = np.array([ids[name] for name in block.names], np.int32)
    return _with(block, (), to[block.series] if len(to) else block.series, slice(None))


def _between(columns: Columns, start: int | None, stop: int | None) -> Columns:
    inside = np.ones(len(columns), np.bool_)
    if start is not None:
        inside &= columns.step >= start
    if stop is not None:
        inside &= columns.step < stop
    return _chosen(columns, inside)


def after_lines(columns: Columns, lines: Mapping[PartName, int]) -> Columns:
    """The points of columns with rows that come after so many lines of their parts; steps stay what they are."""
    assert columns.row is not None
    assert columns.part is not None
    given = np.array([lines.get(part, 0) for part in columns.parts], np.int64)
    return _chosen(columns, columns.row > given[columns.part]) if len(given) else columns


def _chosen(columns: Columns, inside: Bools) -> Columns:
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
        row=None if columns.row is None else columns.row[inside],
        part=None if columns.part is None else columns.part[inside],
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
    return join_blocks([_renumbered(block, ids) for block in blocks], list(ids))


def _all(arrays: Sequence[np.ndarray], dtype: type | None = None) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype)
