"""The one loop that feeds sinks from journals: the index, other trackers, a server.

A reader that holds the index's lock calls it, and so does the process beside a program. It holds what all need:

- the *bulkhead*: whatever goes wrong while one experiment is read is a finding of that experiment, and the rest is read;
- *fair turns*: an experiment with gigabytes that are new lets the others have their turn;
- *commits* now and then, so that a crash costs seconds and a transaction is worth its cost;
- `Backoff`: how long to leave a sink alone that fails;
- `passed`: which parts of an experiment's points may be sealed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from .follow import CHUNK_BYTES, Chunk, Cursor, Position, follow_pieces
from .identify import identify
from .sink import Followed, Sink
from .storage import Journals, Storage

__all__ = ["Backoff", "Budget", "Turn", "drive", "passed"]

ROUNDS = 5  # after which an experiment that is to be looked at again and again is given up
FIRST_BATCH = 20


class Budget(NamedTuple):
    """How much is done at once.

    Attributes:
        experiments: Experiments between two commits, at most.
        seconds: Seconds between two commits, about.
        turn_bytes: Bytes of one experiment after which others have their turn.
        chunk_bytes: Bytes of one piece, but for longer lines.
    """

    experiments: int = 500
    seconds: float = 1.0
    turn_bytes: int = 64 << 20
    chunk_bytes: int = CHUNK_BYTES


class Turn(NamedTuple):
    """The work done up to a commit.

    Attributes:
        done: Experiments that were read to their end, in all.
        of: Experiments there are, as far as is known.
        pieces: Pieces given to sinks since the commit before.
        failed: Experiments that could not be read or taken since then, with the error.
    """

    done: int
    of: int
    pieces: int
    failed: list[tuple[Followed, Exception]]


def drive(
    journals: Journals,
    prefixes: Iterable[str],
    sinks: Sequence[Sink],
    budget: Budget = Budget(),  # noqa: B008  (a frozen tuple)
    *,
    clock: Callable[[], float] = time.monotonic,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Turn]:
    """Give sinks all that is new in some experiments; yields after each commit.

    Args:
        prefixes: Where the experiments lie. One may be missing: sinks are told that it is no more.
        stop: Asked before each experiment; when it says so, what is in hand is committed, and that was all.

    Raises:
        Exception: What a sink raised in `cursors` or `commit`. The other sinks have been given everything.
    """
    waiting = deque(prefixes)
    total, done, size = len(waiting), 0, min(FIRST_BATCH, budget.experiments)
    able, broken = list(sinks), list[Exception]()
    while waiting and able and not stop():
        began = clock()
        batch = _Batch(journals, able, budget)
        prefixes_now = [waiting.popleft() for _ in range(min(size, len(waiting)))]
        unread = batch.read(prefixes_now, stop)
        waiting.extend(unread)
        done += len(prefixes_now) - len(unread)
        for sink in able:
            if sink not in batch.broken:
                try:
                    sink.commit()
                except Exception as error:  # noqa: BLE001  (raised when the other sinks have had everything)
                    batch.broken[sink] = error
        broken += batch.broken.values()
        able = [sink for sink in able if sink not in batch.broken]
        yield Turn(done, total, batch.pieces, batch.failed)
        if clock() - began < budget.seconds / 2:
            size = min(2 * size, budget.experiments)
    if broken:
        raise broken[0]


class _Batch:
    """What is read between two commits."""

    def __init__(self, journals: Journals, sinks: Sequence[Sink], budget: Budget) -> None:
        self.pieces = 0
        self.failed: list[tuple[Followed, Exception]] = []
        self.broken: dict[Sink, Exception] = {}
        self._journals = journals
        self._sinks = sinks
        self._budget = budget

    def read(self, prefixes: Sequence[str], stop: Callable[[], bool]) -> list[str]:
        """Give all sinks what is new at these prefixes; returns those that have more."""
        found = []
        storages: dict[str, Storage] = {}
        for prefix in prefixes:
            try:
                storages[prefix] = storage = self._journals.of(prefix)
                found.append(Followed(prefix, identify(storage)))
            except Exception as error:  # noqa: BLE001  (the bulkhead)
                self._fail(Followed(prefix, None), error, self._sinks)
        more: dict[str, None] = {}
        for sink in self._sinks:
            try:
                cursors = sink.cursors(found)
            except Exception as error:  # noqa: BLE001  (the sink's own trouble: raised at the end)
                self.broken[sink] = error
                continue
            for experiment in found:
                if experiment.prefix not in cursors:
                    continue
                if stop():
                    more[experiment.prefix] = None
                    continue
                try:
                    storage = storages[experiment.prefix]
                    if self._turn(sink, experiment, storage, cursors[experiment.prefix]):
                        more[experiment.prefix] = None
                except Exception as error:  # noqa: BLE001  (the bulkhead)
                    self._fail(experiment, error, [sink])
        return list(more)

    def _fail(self, experiment: Followed, error: Exception, sinks: Iterable[Sink]) -> None:
        self.failed.append((experiment, error))
        for sink in sinks:
            sink.failed(experiment, error)

    def _turn(self, sink: Sink, experiment: Followed, storage: Storage, cursor: Cursor) -> bool:
        """Give one sink what is new of one experiment; whether there is more than its turn allows."""
        given = 0
        for _ in range(ROUNDS):
            for piece in follow_pieces(
                storage, cursor, sink.streams, chunk_bytes=self._budget.chunk_bytes
            ):
                if given >= self._budget.turn_bytes:
                    sink.finish(experiment)
                    return True
                sink.take(experiment, piece)
                self.pieces += 1
                given += len(piece.data) if isinstance(piece, Chunk) else piece.size
            if not sink.finish(experiment):
                return False
            cursor = dict(sink.cursors([experiment])[experiment.prefix])
        raise RuntimeError(f"its files were replaced {ROUNDS} times while they were being read")


class Backoff:
    """How long to wait before using a failing sink again: longer after every failure in a row.

    Args:
        longest: The longest pause, in seconds.
    """

    def __init__(self, longest: float, first: float = 0.5) -> None:
        self.failures = 0
        self._longest = longest
        self._first = first

    def failed(self) -> float:
        """It failed again; returns how many seconds to wait."""
        self.failures += 1
        return min(self._longest, self._first * 2.0 ** min(self.failures - 1, 10))

    def worked(self) -> None:
        """It succeeded, so the next failure starts with the shortest wait."""
        self.failures = 0


def passed(cursors: Iterable[Cursor], text: str, size: int) -> bool:
    """Whether sinks with these cursors have taken all `size` bytes of a part, by the path of its lines."""
    return all(cursor.get(text, Position()).offset >= size for cursor in cursors)
