"""What a target has been offered so far, for targets that number what they write."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

import msgspec

from ..record.events import LogLine, PointLine
from ..record.fold import ExperimentState
from .target import Item, Refusal

__all__ = ["Account", "Passes"]

MOST_PASSES = 200


class Account:
    """What was offered: how far it went, the steps of points, and what the experiment is like by now.

    A later process that goes on from `memo` and is offered the same items comes to the same result.

    Args:
        memo: What `memo` returned last, or {}.
    """

    def __init__(self, memo: Mapping[str, Any]) -> None:
        self.seen = int(memo.get("seen", -1))
        self.state = msgspec.convert(memo.get("state", {}), ExperimentState)
        self._counts: dict[str, int] = dict(memo.get("counts", {}))
        self._refused: dict[int, str] = {}

    def is_new(self, item: Item, refusals: list[Refusal]) -> bool:
        """Whether this item was not offered before; what was refused then is refused again."""
        if item.number <= self.seen:
            if item.number in self._refused:
                refusals.append(Refusal(item.number, self._refused[item.number]))
            return False
        self.seen = item.number
        if not isinstance(item.record, (PointLine, LogLine)):
            self.state.apply(item.writer, item.record)
        return True

    def refuse(self, item: Item, reason: str, refusals: list[Refusal]) -> None:
        """There is no place for it."""
        self._refused[item.number] = reason
        refusals.append(Refusal(item.number, reason))

    def steps(self, line: PointLine) -> dict[str, int]:
        """The step of each point of a new line: the one given, or its position among the points of its metric."""
        steps = {}
        for name in line.m:
            position = self._counts.get(name, 0)
            self._counts[name] = position + 1
            steps[name] = position if line.s is None else line.s
        return steps

    def memo(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        self._forget()
        return {
            "seen": self.seen,
            "counts": dict(self._counts),
            "state": msgspec.to_builtins(self.state),
        }

    def _forget(self) -> None:
        """Leave out of the state what is written once and never needed again."""
        self.state.captured.clear()
        for writer in self.state.writers.values():
            writer.error = None


class Passes:
    """Where a point goes at trackers that keep one value for each step of a series.

    A point whose step its series had before, or has gone beyond, goes on in another pass of the same series: the first
    one whose last step is before its own. A training that goes on from a checkpoint takes two, and two ranks that log
    the same name side by side take two as well.

    Args:
        memo: What `memo` returned last, or {}.
    """

    def __init__(self, memo: Mapping[str, Any]) -> None:
        # The last step of each pass, negated: they never grow from one pass to the next.
        self._lasts: dict[str, list[int]] = {k: list(v) for k, v in memo.items()}

    def place(self, series: str, step: int) -> int | None:
        """Which pass a point goes to, from 0; None where it would be one too many. `take` says it went there."""
        place = bisect_right(self._lasts.get(series, []), -step)
        return None if place >= MOST_PASSES else place

    def take(self, series: str, step: int, place: int) -> None:
        """The point went to that pass."""
        self._lasts.setdefault(series, [])[place : place + 1] = [-step]

    def memo(self) -> dict[str, list[int]]:
        """All of it as plain JSON."""
        return {series: list(lasts) for series, lasts in self._lasts.items()}
