"""Where the series of a file lie, and the checksums that every read is held against.

Parquet pages written by DuckDB carry no checksums, so the description of a file has one per series and column. They
cover what a reader is given rather than the compressed bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from .columns import Bools, Ints, Points

__all__ = ["Checks", "Laid", "Layout", "checks_of", "checks_of_one", "laid_out"]

_PARALLEL = 250_000  # points from which on columns are looked at side by side
Checks = tuple[int, int, int, int, int]


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where the series of a file lie, and the checksums of their points.

    `offsets` are the row at which each series begins, and the end. `checks` has per series the CRC-32 of its
    steps, times, values, rows and metadata: of the numbers of 64 bits in little-endian order as readers get
    them (a missing step as 0, followed by a byte per point that says which are there; a time in seconds; 0
    for a column that is not kept) and of the JSON list of the metadata. `present` says which columns are
    there (`row`) or hold something (`time_rest`, `metadata`), and whether there are `gaps`: points without
    a step.
    """

    offsets: list[int] = msgspec.field(default_factory=lambda: [0])
    checks: list[Checks] = []
    present: list[str] = []


class Laid(NamedTuple):
    """A layout as arrays: the row at which each series begins, and the end; a row of checksums per series."""

    offsets: Ints
    checks: Ints
    present: frozenset[str]

    @property
    def counts(self) -> Ints:
        """How many points each series has."""
        return np.diff(self.offsets)


def laid_out(layout: Layout) -> Laid:
    """A layout as arrays.

    Raises:
        ValueError: It contradicts itself.
    """
    offsets = np.array(layout.offsets, np.int64)
    if len(offsets) != len(layout.checks) + 1 or np.any(np.diff(offsets) < 0):
        raise ValueError("it does not record where its points are")
    checks = np.array(layout.checks, np.int64).reshape(-1, 5)
    return Laid(offsets, checks, frozenset(layout.present))


def checks_of(points: Points, starts: Ints, counts: Ints) -> list[Checks]:
    """The checksums of several series, one after the other; see `Layout.checks`."""
    ends = list(zip(starts.tolist(), (starts + counts).tolist(), strict=True))
    columns: list[tuple[Any, Bools | None]] = [(points.step, points.given)]
    columns += [(column, None) for column in (points.time, points.value, points.row)]
    if len(points.value) > _PARALLEL:
        with ThreadPoolExecutor() as pool:  # a checksum of a large array holds no lock of Python's
            sums = list(pool.map(lambda column: _crcs(column[0], column[1], ends), columns))
    else:
        sums = [_crcs(column, given, ends) for column, given in columns]
    texts = points.metadata
    said = [0] * len(ends) if texts is None else [_crc_of(texts[a:b]) for a, b in ends]
    return list(zip(*sums, said, strict=True))


def checks_of_one(pieces: Sequence[Points], *, times: bool = True) -> Checks:
    """The checksums of one series that lies in pieces and has all its steps and no metadata.

    Args:
        times: Whether its times were read; if not, their checksum is 0.
    """
    columns: list[list[Any]] = [
        [piece.step for piece in pieces],
        [piece.time for piece in pieces] if times else [],
        [piece.value for piece in pieces],
        [piece.row for piece in pieces if piece.row is not None],
    ]
    if sum(len(piece.value) for piece in pieces) > _PARALLEL:
        with ThreadPoolExecutor() as pool:
            step, time, value, row = pool.map(_crc_of_all, columns)
    else:
        step, time, value, row = map(_crc_of_all, columns)
    return step, time, value, row, 0


def _crc_of_all(arrays: Sequence[Any]) -> int:
    """The checksum of arrays as if they were one."""
    found = 0
    for array in arrays:
        found = crc32(array, found)
    return found


def _crcs(column: Any, given: Any, ends: list[tuple[int, int]]) -> list[int]:
    """The checksum of a column for each series; 0 when there is no column."""
    if column is None:
        return [0] * len(ends)
    if given is None:
        return [crc32(column[a:b]) for a, b in ends]
    return [
        crc32(column[a:b]) if given[a:b].all() else crc32(given[a:b], crc32(column[a:b]))
        for a, b in ends
    ]


def _crc_of(texts: npt.NDArray[np.object_]) -> int:
    return crc32(msgspec.json.encode(texts.tolist())) if any(t is not None for t in texts) else 0
