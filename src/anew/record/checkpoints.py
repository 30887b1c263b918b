"""Which checkpoints are kept: the last ones, the best one, or both. The same rule while training and afterwards."""

from __future__ import annotations

import math
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Candidate", "best_of", "is_finite", "series_of", "to_free"]


class Candidate:
    """One saved file, as the rule sees it.

    Attributes:
        name: What it, or the folder that it was saved with, is called.
        save: Names the call that saved it; the files of a folder have one.
        step: Its step; files of one series and step are one checkpoint.
        score: The value that decides which is best, None if unknown.
    """

    __slots__ = ("name", "save", "score", "step")

    def __init__(self, name: str, save: str, step: int | None, score: float | None) -> None:
        self.name = name
        self.save = save
        self.step = step
        self.score = score if score is not None and math.isfinite(score) else None

    @property
    def checkpoint(self) -> tuple[str, int | str]:
        """What the files of one checkpoint have in common."""
        return series_of(self.name), self.save if self.step is None else self.step


def is_finite(value: object) -> bool:
    """Whether a value is a number that others can be compared with."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def series_of(name: str) -> str:
    """What the names of successive checkpoints have in common: all but their numbers."""
    return re.sub(r"\d+(?:\.\d+)?", "#", name)


def to_free(
    saved: Sequence[Candidate], *, last: int = 0, best: bool = False, mode: str = "min"
) -> list[int]:
    """The positions of those that may go, given in the order they were saved.

    Each series (names that differ in numbers only) is looked at for itself. While the best of a series cannot be told,
    because none of it has a score, all of it is kept.

    Args:
        last: How many of the newest checkpoints to keep.
        best: Whether to keep the one with the best score, the first of equal ones.
        mode: "min" if small scores are better, "max" if large ones are.
    """
    series: dict[str, dict[tuple[str, int | str], list[int]]] = {}
    for at, one in enumerate(saved):
        checkpoints = series.setdefault(series_of(one.name), {})
        # What is saved again for the same step is the newest again.
        checkpoints[one.checkpoint] = [*checkpoints.pop(one.checkpoint, []), at]
    doomed: list[int] = []
    for checkpoints in series.values():
        kept = set(list(checkpoints)[-last:] if last else ())
        if best:
            # In the order they were saved: of equal scores, the first decides, also where its step was saved again.
            order = sorted(at for places in checkpoints.values() for at in places)
            winner = best_of((saved[at] for at in order), mode)
            if winner is None:
                continue
            kept.add(winner.checkpoint)
        doomed += [at for key, places in checkpoints.items() if key not in kept for at in places]
    return sorted(doomed)


def best_of(saved: Iterable[Candidate], mode: str) -> Candidate | None:
    """The one with the best score, the first of equal ones; None if none has a score."""
    sign = -1.0 if mode == "max" else 1.0
    scored = [one for one in saved if one.score is not None]
    return min(scored, key=lambda one: sign * (one.score or 0.0), default=None)
