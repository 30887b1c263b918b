"""What was appended last: the client sends a batch again where an answer was lost, and it has no key.

A batch is recognised by what it holds. Rows with a time of their own are: the client gives each the time of its call.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Hashable, Sequence

__all__ = ["Recent", "key_hash"]

_BATCHES = 32
_MOST_BEFORE = 20_000


def key_hash(key: Hashable) -> int:
    """What stands for a row here: 64 bits."""
    return hash(key)


class Recent:
    """The last rows of one stream: a metric, the messages, a track.

    Args:
        count: How many rows it had before.
        before: Hashes of the last of these, as far as they were read from the journal.
    """

    __slots__ = ("_batches", "_before", "count")

    def __init__(self, count: int = 0, before: Sequence[int] = ()) -> None:
        self._before = array("q", before[-_MOST_BEFORE:])
        self.count = max(count, len(before))
        self._batches: deque[tuple[int, int, int]] = deque(maxlen=_BATCHES)

    def held_at(self, hashes: Sequence[int], *, timed: bool) -> int | None:
        """The number of the first row of a batch that is held already; None for a new one.

        Args:
            timed: Whether each of its rows has a time of its own. Without, only the very last batch is told from an equal one.
        """
        if not hashes:
            return self.count
        digest, count = hash(tuple(hashes)), len(hashes)
        batches = list(self._batches)
        for known, start, length in reversed(batches if timed else batches[-1:]):
            if known == digest and length == count:
                return start
        return self._held_before(hashes) if timed else None

    def add(self, hashes: Sequence[int]) -> int:
        """Take a batch in; the number of its first row."""
        start = self.count
        self.count += len(hashes)
        self._batches.append((hash(tuple(hashes)), start, len(hashes)))
        return start

    def _held_before(self, hashes: Sequence[int]) -> int | None:
        before, count = self._before, len(hashes)
        first = self.count - sum(length for _, _, length in self._batches) - len(before)
        try:
            at = before.index(hashes[0])
            while before[at : at + count] != array("q", hashes):
                at = before.index(hashes[0], at + 1)
        except ValueError:
            return None
        return max(0, first) + at
