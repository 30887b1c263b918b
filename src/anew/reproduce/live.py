"""The curve of a re-run held against the original's while it grows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

from ..journal.follow import Cursor, Stream, follow
from ..record.decode import decode_points
from .names import measure
from .verdict import Curve, Tolerance

__all__ = ["Live"]


class Live:
    """Reads what a re-run has logged so far and counts what agrees; the verdict is given on the whole, at the end.

    Attributes:
        done: Points seen so far of metrics that count; `total` as many as the original has.
        step: The largest step seen so far; `last_step` the original's.
        tolerated: Whether values differed, but within the tolerance.
        differing: The first difference beyond the tolerance, as `(metric, step, original, re-run)`.
    """

    def __init__(self, folder: str, original: Mapping[str, Curve], tolerance: Tolerance) -> None:
        self._folder = folder
        self._tolerance = tolerance
        self._wanted: dict[str, dict[tuple[int, int], float]] = {}
        for name, curve in original.items():
            if measure(name) is None:
                seen: defaultdict[int, int] = defaultdict(int)
                rows = self._wanted[name] = {}
                for step, value in zip(curve.steps.tolist(), curve.values.tolist(), strict=True):
                    rows[step, seen[step]] = value
                    seen[step] += 1
        self._seen: dict[str, defaultdict[int, int]] = {n: defaultdict(int) for n in self._wanted}
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._cursor: Cursor = {}
        self.total = sum(len(rows) for rows in self._wanted.values())
        self.done = 0
        self.step = 0
        self.last_step = max(
            (step for rows in self._wanted.values() for step, _ in rows), default=0
        )
        self.tolerated = False
        self.differing: tuple[str, int, float, float] | None = None

    def look(self) -> None:
        """Take in what is new."""
        for chunk in follow(self._folder, self._cursor, frozenset({Stream.POINTS})):
            self._cursor[chunk.path] = chunk.end
            for _, line in decode_points(chunk.data)[0]:
                for name, value in line.m.items():
                    if name in self._wanted:
                        step = self._counts[name] if line.s is None else line.s
                        self._counts[name] += 1
                        self._take(name, step, float(value))

    def _take(self, name: str, step: int, value: float) -> None:
        self.done += 1
        self.step = max(self.step, step)
        nth = self._seen[name][step]
        self._seen[name][step] += 1
        original = self._wanted[name].get((step, nth))
        if original is None or self.differing is not None:
            return
        rtol, atol = self._tolerance.of(name)
        same = original == value or (math.isnan(original) and math.isnan(value))
        if same:
            return
        if abs(original - value) <= atol + rtol * abs(original):
            self.tolerated = True
        else:
            self.differing = (name, step, original, value)
