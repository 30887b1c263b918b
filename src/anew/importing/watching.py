"""Importing from a source again and again while it is written, also when it cannot be reached for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import Random
from typing import TypeVar

from ..errors import Conflict, CorruptData, NotAllowed, NotFound

__all__ = ["LONGEST_PAUSE", "rounds"]

LONGEST_PAUSE = 300.0
_PASSING = (OSError, Conflict, CorruptData, NotFound)
"""What may be over by itself: a network or server that is away, a file that is being replaced, another import."""
_Found = TypeVar("_Found")
_random = Random()
"""Its own: who has seeded the global one finds it as it was."""


def rounds(
    once: Callable[[], _Found],
    *,
    every: float,
    away: Callable[[Exception], None],
    back: Callable[[], None],
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[_Found]:
    """What each round finds, without end: the next one begins `every` seconds after the one before.

    A source that could be read once and then fails is asked again after pauses that double, up to five minutes.

    Args:
        once: Makes one round.
        away: Told the first failure, and not those that follow it.
        back: Told that a round succeeded after failures.
        pause: Waits for some seconds; for tests.

    Raises:
        OSError, Conflict, CorruptData, NotFound: The first round failed: an address that never answered is probably a wrong one.
        NotAllowed: In any round; waiting does not bring rights back.
    """
    failures = succeeded = 0
    while True:
        try:
            found = once()
        except NotAllowed:
            raise
        except _PASSING as error:
            if not succeeded:
                raise
            if not failures:
                away(error)
            failures += 1
            longer = min(LONGEST_PAUSE, every * 2.0 ** min(failures, 20))
            pause(longer * _random.uniform(0.75, 1.0))
            continue
        if failures:
            back()
        succeeded, failures = succeeded + 1, 0
        yield found
        pause(every)
