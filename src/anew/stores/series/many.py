"""Reading some metrics of many experiments: out of packs, and what they lack from the experiments' own files."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from ...errors import CorruptData
from .columns import Columns, ManyColumns, Points
from .pack_file import Packed, Piece, pieces_of
from .packs import MAX_POINTS, Found, Packs
from .protocol import ExperimentFolder
from .stamps import PointsState

__all__ = ["Fresh", "found_in", "put_together"]

MAX_PACKED = 200_000
"""Points of an experiment that is packed: a larger one is read fast enough by itself."""
IDLE_SECONDS = 30.0
"""How long nothing must have been written before points are copied."""
Read = Callable[[ExperimentFolder, Sequence[str] | None], Columns]


class Fresh:
    """Reads experiments that no pack answers for, and packs those that are done changing. Several threads may read.

    Args:
        read: Reads some or all metrics of an experiment.
        keep: Whether to pack what is read; then all metrics are.
    """

    def __init__(self, read: Read, packs: Packs, project: str, *, keep: bool) -> None:
        self._read = read
        self._packs = packs
        self._project = project
        self._keep = keep
        self._waiting: list[tuple[Packed, list[Piece]]] = []
        self._points = 0
        self._guard = threading.Lock()

    def read(self, place: ExperimentFolder, state: PointsState, names: Sequence[str]) -> Columns:
        """The metrics of an experiment, and maybe others."""
        stamp = state.stamp() if self._keep else None
        if stamp is None or abs(time.time() - stamp.newest) < IDLE_SECONDS:
            return self._read(place, names)
        columns = self._read(place, None)
        small = len(columns) <= MAX_PACKED
        if small and not columns.problems and state.fits(stamp):
            pieces = pieces_of(columns, place.experiment_id)
            with self._guard:
                if self._points + len(columns) > MAX_POINTS:
                    self.write()
                self._waiting.append((Packed(place.experiment_id, stamp), pieces))
                self._points += len(columns)
        return columns

    def write(self) -> None:
        """Write what was read as a pack."""
        if self._waiting:
            self._packs.add(self._project, self._waiting)
        self._waiting, self._points = [], 0


def found_in(number: int, columns: Columns, names: Sequence[str]) -> Found:
    """What was read of one experiment, without the metrics that nobody asked for."""
    at = {name: place for place, name in enumerate(names)}
    chosen = [place for place, name in enumerate(columns.names) if name in at]
    counts = np.diff(columns.starts)[chosen]
    rows = [slice(int(columns.starts[c]), int(columns.starts[c + 1])) for c in chosen]
    if len(rows) == 1:
        (whole,) = rows
    elif len(chosen) == len(columns.names):
        whole = slice(None)
    else:
        mask = np.zeros(len(columns), np.bool_)
        for one in rows:
            mask[one] = True
        columns = Columns(
            columns.names, columns.starts, columns.step[mask], None, columns.time[mask],
            columns.value[mask], None, None, (),
        )  # fmt: skip
        whole = slice(None)
    return Found(
        np.full(len(chosen), number, np.int32),
        np.array([at[columns.names[c]] for c in chosen], np.int32),
        counts,
        Points(columns.step[whole], None, columns.time[whole], columns.value[whole]),
    )


def put_together(
    found: Sequence[Found], names: Sequence[str], problems: Sequence[CorruptData], *, times: bool
) -> ManyColumns:
    """What was found as columns, ordered by experiment and metric as they were asked for."""
    experiment = np.concatenate([np.zeros(0, np.int32), *(f.experiment for f in found)])
    metric = np.concatenate([np.zeros(0, np.int32), *(f.metric for f in found)])
    counts = np.concatenate([np.zeros(0, np.int64), *(f.counts for f in found)])
    order = np.lexsort((metric, experiment))
    # Each series as a slice of the arrays it lies in, in the order of the answer.
    slices: list[tuple[Points, slice]] = []
    for one in found:
        ends = np.cumsum([0, *one.counts]).tolist()
        slices += [(one.points, slice(a, b)) for a, b in pairwise(ends)]
    chosen = [slices[place] for place in order.tolist()]
    starts = np.zeros(len(order) + 1, np.int64)
    np.cumsum(counts[order], out=starts[1:])
    return ManyColumns(
        tuple(names),
        experiment[order],
        metric[order],
        starts,
        np.concatenate([np.zeros(0, np.int64), *(p.step[rows] for p, rows in chosen)]),
        np.concatenate([np.zeros(0), *(p.time[rows] for p, rows in chosen)]) if times else None,
        np.concatenate([np.zeros(0), *(p.value[rows] for p, rows in chosen)]),
        tuple(problems),
    )
