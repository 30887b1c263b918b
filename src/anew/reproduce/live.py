"""The curve of a re-run held against the original's while it grows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..journal.follow import Cursor, Stream, follow
from ..record.decode import decode_points
from .names import measure
from .verdict import Curve, Tolerance

__all__ = ["Live"]


class _Original:
    """A curve of the original, and how many points of each of its steps the re-run has logged."""

    def __init__(self, curve: Curve) -> None:
        self.steps, self.values = curve.steps, curve.values
        self._taken = np.zeros(len(curve), np.int32)

    def partners(self, steps: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        """The rows that new points belong to, in the order of steps and of points within one; -1 for those without."""
        first = np.searchsorted(self.steps, steps)
        known = first < len(self.steps)
        known[known] = self.steps[first[known]] == steps[known]
        rows = np.full(len(steps), -1, np.intp)
        if not known.any():
            return rows
        at = first[known]
        if len(np.unique(at)) == len(at):
            nth = self._taken[at].astype(np.intp)
            self._taken[at] += 1
        else:
            nth = np.empty(len(at), np.intp)
            for place, start in enumerate(at.tolist()):
                nth[place] = self._taken[start]
                self._taken[start] += 1
        found = at + nth
        inside = found < len(self.steps)
        inside[inside] = self.steps[found[inside]] == steps[known][inside]
        rows[known] = np.where(inside, found, -1)
        return rows


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
        self._wanted = {
            name: _Original(curve) for name, curve in original.items() if measure(name) is None
        }
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._cursor: Cursor = {}
        self.total = sum(len(one.steps) for one in self._wanted.values())
        self.done = 0
        self.step = 0
        self.last_step = max(
            (int(one.steps[-1]) for one in self._wanted.values() if len(one.steps)), default=0
        )
        self.tolerated = False
        self.differing: tuple[str, int, float, float] | None = None

    def look(self) -> None:
        """Take in what is new."""
        for chunk in follow(self._folder, self._cursor, frozenset({Stream.POINTS})):
            self._cursor[chunk.path] = chunk.end
            new: defaultdict[str, tuple[list[int], list[float], list[int]]] = defaultdict(
                lambda: ([], [], [])
            )
            for number, (_, line) in enumerate(decode_points(chunk.data)[0]):
                for name, value in line.m.items():
                    if name in self._wanted:
                        steps, values, lines = new[name]
                        steps.append(self._counts[name] if line.s is None else line.s)
                        values.append(float(value))
                        lines.append(number)
                        self._counts[name] += 1
            self._take(new)

    def _take(self, new: Mapping[str, tuple[list[int], list[float], list[int]]]) -> None:
        """Hold the points of one stretch against the original's; of what differs in it, the first line counts."""
        differing: list[tuple[int, str, int, float, float]] = []
        for name, (steps, values, lines) in new.items():
            self.done += len(steps)
            self.step = max(self.step, *steps)
            original = self._wanted[name]
            at = np.array(steps, np.int64)
            rows = original.partners(at)
            if self.differing is not None:
                continue
            has = rows >= 0
            a, b = original.values[rows[has]], np.array(values)[has]
            rtol, atol = self._tolerance.of(name)
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            with np.errstate(invalid="ignore", over="ignore"):
                near = same | (np.abs(a - b) <= atol + rtol * np.abs(a))
            self.tolerated |= bool((near & ~same).any())
            if not near.all():
                first = int(np.argmin(near))
                line = int(np.array(lines)[has][first])
                differing.append(
                    (line, name, int(at[has][first]), float(a[first]), float(b[first]))
                )
        if differing:
            self.differing = min(differing)[1:]
