"""The smallest part of a set that is enough for an effect, found with few tests.

The algorithm is `ddmin`: A. Zeller and R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE Transactions
on Software Engineering 28(2), 2002. A single cause among n is found with about 2·log2(n) tests; several causes that are
needed together are found together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

__all__ = ["Answer", "OutOfBudget", "Outcome", "search"]


class Outcome(Enum):
    """What a test has shown of a part."""

    ENOUGH = "enough"
    NOT_ENOUGH = "not enough"
    UNKNOWN = "unknown"
    """The test could not be made: with this part alone nothing runs."""


class OutOfBudget(Exception):
    """No further test may be made."""


@dataclass(frozen=True)
class Answer:
    """What a search has found.

    Attributes:
        state: "proven": `part` is enough, nothing in it can be spared, and everything else together is not enough.
            "not among": not even everything is enough. "unconfirmed": everything but the part is enough as well, so it
            is not needed. "unfinished": the budget was used up; the cause is in `part`, or nothing is known where
            that is empty.
        part: Places in the set.
        tests: How many tests were made.
    """

    state: Literal["proven", "not among", "unconfirmed", "unfinished"]
    part: tuple[int, ...]
    tests: int


def search(count: int, test: Callable[[Sequence[int]], Outcome]) -> Answer:
    """Find the smallest part of `range(count)` that is enough.

    Args:
        test: Tells whether a part, given as sorted places, is enough. That nothing is not enough is taken as known. It may
            raise `OutOfBudget`.
    """
    known: dict[tuple[int, ...], Outcome] = {(): Outcome.NOT_ENOUGH}

    def enough(part: Sequence[int]) -> bool:
        key = tuple(sorted(part))
        if key not in known:
            known[key] = test(key)
        return known[key] is Outcome.ENOUGH

    part: list[int] = []
    try:
        if enough(range(count)):
            part = list(range(count))
            part = _smallest(part, enough, part)
        elif known[tuple(range(count))] is Outcome.UNKNOWN:
            # Everything at once does not run, such as a package that needs another which is not swapped.
            part = next(([one] for one in range(count) if enough([one])), [])
        if not part:
            return Answer("not among", (), len(known) - 1)
        rest = [place for place in range(count) if place not in part]
        enough(rest)
        confirmed = known[tuple(rest)] is Outcome.NOT_ENOUGH
        return Answer("proven" if confirmed else "unconfirmed", tuple(part), len(known) - 1)
    except OutOfBudget:
        return Answer("unfinished", tuple(part), len(known) - 1)


def _smallest(
    part: list[int], enough: Callable[[Sequence[int]], bool], seen: list[int]
) -> list[int]:
    """The 1-minimal part; `seen` is kept at what is known to be enough, also where the budget ends the search."""
    pieces = 2
    while len(part) >= 2:
        size = -(-len(part) // pieces)
        chunks = [part[at : at + size] for at in range(0, len(part), size)]
        rests = [[one for one in part if one not in chunk] for chunk in chunks]
        smaller = next((chunk for chunk in chunks if enough(chunk)), None)
        if smaller is not None:
            pieces = 2
        elif len(chunks) > 2 and (smaller := next((r for r in rests if enough(r)), None)):
            pieces = max(pieces - 1, 2)
        elif pieces < len(part):
            pieces = min(pieces * 2, len(part))
            continue
        else:
            break
        part = smaller
        seen[:] = part
    return part
