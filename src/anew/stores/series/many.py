"""Reading some metrics of many experiments: out of packs, and what they lack from the experiments' own files."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from ...errors import CorruptData
from ...journal.layout import part_name
from .columns import (
    Block,
    Columns,
    ManyColumns,
    PartName,
    Points,
    assemble,
    merge_blocks,
    stretches_of,
)
from .pack_file import Packed, Piece, Stamp, pieces_of
from .packs import MAX_POINTS, Found, Packs
from .protocol import ExperimentFolder, Source
from .stamps import PointsState

__all__ = ["Fresh", "TakenIn", "found_in", "put_together"]

MAX_PACKED = 200_000
"""Points of an experiment that is packed: a larger one is read fast enough by itself."""
MAX_KEPT = 1_000_000
"""Points that are kept of what was taken in until they are packed: some fifty megabytes."""
IDLE_SECONDS = 30.0
"""How long nothing must have been written before points are copied."""
SETTLED = 2.0
"""The same of an experiment that has ended; and how old files must have been when they were taken in, for what was
decoded then to be what they hold."""
Read = Callable[[ExperimentFolder, Sequence[str] | None], Columns]


class Fresh:
    """Reads experiments that no pack answers for, and packs those that are done changing. Several threads may read.

    Args:
        read: Reads some or all metrics of an experiment.
        keep: Whether to pack what is read; then all metrics are.
        idle: How many seconds nothing must have been written; `IDLE_SECONDS` if not given.
    """

    def __init__(
        self, read: Read, packs: Packs, project: str, *, keep: bool, idle: float | None = None
    ) -> None:
        self._read = read
        self._packs = packs
        self._project = project
        self._keep = keep
        self._idle = IDLE_SECONDS if idle is None else idle
        self._waiting: list[tuple[Packed, list[Piece]]] = []
        self._points = 0
        self._guard = threading.Lock()

    def read(self, place: ExperimentFolder, state: PointsState, names: Sequence[str]) -> Columns:
        """The metrics of an experiment, and maybe others."""
        stamp = state.stamp() if self._keep else None
        if stamp is None or not self._rests(stamp):
            return self._read(place, names)
        columns = self._read(place, None)
        if not columns.problems and state.fits(stamp):
            self._wait(place, stamp, columns)
        return columns

    def settle(
        self, experiments: Sequence[tuple[ExperimentFolder, PointsState]], taken: TakenIn
    ) -> list[str]:
        """Pack experiments that have ended, each from what was taken in of it where that is all of it.

        Whatever goes wrong costs the copies alone, which are only a saving for later.

        Returns:
            The ids of those that were written to a moment ago.
        """
        early = []
        with contextlib.suppress(Exception):
            for place, state in experiments:
                with contextlib.suppress(
                    Exception
                ):  # the bulkhead: of one that cannot be read, there is no copy
                    if not self._settled(place, state, taken):
                        early.append(place.experiment_id)
            self.write()
        return early

    def _settled(self, place: ExperimentFolder, state: PointsState, taken: TakenIn) -> bool:
        """Whether an experiment will be packed, or never."""
        stamp = state.stamp()
        if stamp is None:
            return True
        if not self._rests(stamp):
            return False
        columns = taken.whole(place, stamp)
        if columns is None:
            columns = self._read(place, None)
            if not state.fits(stamp):
                return False
        if not columns.problems:
            self._wait(place, stamp, columns)
        return True

    def _rests(self, stamp: Stamp) -> bool:
        return abs(time.time() - stamp.newest) >= self._idle

    def _wait(self, place: ExperimentFolder, stamp: Stamp, columns: Columns) -> None:
        if len(columns) > MAX_PACKED:
            return
        pieces = pieces_of(columns, place.experiment_id)
        with self._guard:
            if self._points + len(columns) > MAX_POINTS:
                self.write()
            self._waiting.append((Packed(place.experiment_id, stamp), pieces))
            self._points += len(columns)

    def write(self) -> None:
        """Write what was read as a pack."""
        waiting, self._waiting, self._points = self._waiting, [], 0
        if waiting:
            self._packs.add(self._project, waiting)


class TakenIn:
    """Keeps what was decoded of small experiments as they were taken in, so that packing them decodes nothing again."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Mapping[PartName, list[tuple[Source, Block]]]]] = {}
        self._points = 0

    def keep(
        self, experiment_id: str, waiting: Mapping[PartName, list[tuple[Source, Block]]]
    ) -> None:
        """Keep what was offered of an experiment, until it is asked for; of very much, only what came first."""
        self.forget(experiment_id)
        points = sum(len(block) for pieces in waiting.values() for _, block in pieces)
        if 0 < points <= MAX_PACKED and self._points + points <= MAX_KEPT:
            self._kept[experiment_id] = time.time(), waiting
            self._points += points

    def forget(self, experiment_id: str) -> Mapping[PartName, list[tuple[Source, Block]]]:
        """Give out what is kept of an experiment."""
        _, waiting = self._kept.pop(experiment_id, (0.0, {}))
        self._points -= sum(len(block) for pieces in waiting.values() for _, block in pieces)
        return waiting

    def whole(self, place: ExperimentFolder, stamp: Stamp) -> Columns | None:
        """The points of an experiment, if what was kept is all that its files hold; it is let go of."""
        kept_at = self._kept.get(place.experiment_id, (0.0,))[0]
        waiting = self.forget(place.experiment_id)
        names = {f"{part_name(*part)}.jsonl": part for part in waiting}
        if stamp.newest + SETTLED > kept_at or {name for name, _, _ in stamp.files} != names.keys():
            return None
        for name, size, _ in stamp.files:
            sources = [source for source, _ in waiting[names[name]]]
            if sources[0].start or sources[-1].end != size or any(one.broken for one in sources):
                return None
        parts = sorted(waiting)
        stretches = (
            stretch
            for at, part in enumerate(parts)
            for stretch in stretches_of(
                merge_blocks([block for _, block in waiting[part]]), at, None, rows=False, metadata=False
            )
        )  # fmt: skip
        return assemble(stretches, parts, None)


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
