"""Following one experiment to one place until it has ended and everything has been sent."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from ..forwarding.address import Destination
from ..forwarding.progress import lock_of
from ..journal.drive import Backoff, Budget, drive
from ..journal.follow import Cursor, Stream, follow
from ..journal.layout import ExperimentLayout, RootLayout
from ..journal.lock import locked
from ..journal.storage import FolderJournal
from ..journal.vanished import gone_writers, settle, write_down
from ..record.decode import decode_written
from ..record.fold import ExperimentState, Written, fold
from ..record.status import Status
from .reading import CHUNK_BYTES
from .sink import ForwardSink

__all__ = ["Busy", "Life", "follow_to_the_end", "send_new"]

POLL_SECONDS = 1.0
HURRY_SECONDS = 10.0
LONGEST_WAIT = 30.0
GONE_EVERY = 5.0
BUDGET = Budget(turn_bytes=1, chunk_bytes=CHUNK_BYTES)  # what arrived is noted piece by piece


class Busy(Exception):
    """Another process is sending to that place."""


class Life:
    """Whether an experiment runs or has ended, as its journal says now.

    Args:
        prefix: The experiment's prefix; with it, the end of a program that vanished is recorded in the journal.
    """

    def __init__(self, folder: str, prefix: str = "") -> None:
        self._layout = ExperimentLayout(folder)
        inside = os.path.join(os.sep, *prefix.split("/"))
        self._root = (
            RootLayout(folder[: -len(inside)]) if prefix and folder.endswith(inside) else None
        )
        self._cursor: Cursor = {}
        self._events: list[Written] = []
        self._state = ExperimentState()
        self._looked = 0.0
        self._gone = False

    def look(self) -> ExperimentState:
        """The state, with writers that are certainly gone counted as failed."""
        changed = False
        for chunk in follow(self._layout.folder, dict(self._cursor), frozenset({Stream.EVENTS})):
            self._cursor[chunk.path] = chunk.end
            self._events += decode_written(chunk.data, chunk.writer, chunk.offset)[0]
            changed = True
        due = time.monotonic() - self._looked > GONE_EVERY
        if changed or (due and not self._gone):
            self._looked = time.monotonic()
            self._state = fold(self._events)
            gone = [g for g in gone_writers(self._layout.folder, self._state) if g.certain]
            self._gone = bool(gone)
            settle(self._state, gone)
            if gone and self._root is not None:
                try:
                    write_down(self._root, self._layout, self._state.experiment_id, gone)
                except OSError:
                    pass  # it holds for this look; the next reader says it again
        return self._state

    @property
    def running(self) -> bool:
        """Whether anything may still be written."""
        return self.look().outcome()[0] in (Status.RUNNING, Status.PENDING)


def send_new(sink: ForwardSink, stop: Callable[[], bool] = lambda: False) -> int:
    """Have the driver give a place all that is new; returns how many lines were sent.

    Raises:
        Exception: What the target raised, or what kept the experiment from being read.
    """
    before = sink.progress.lines
    for turn in drive(FolderJournal(sink.folder), [sink.prefix], [sink], BUDGET, stop=stop):
        for _, error in turn.failed:
            raise error
    return sink.progress.lines - before


def follow_to_the_end(
    folder: str,
    address: Destination,
    *,
    prefix: str = "",
    patience: float,
    lock_wait: float = float("inf"),
    wake: threading.Event | None = None,
    once: bool = False,
) -> ForwardSink:
    """Send an experiment to one place as it is written, until it has ended and all of it has arrived.

    A target that fails is tried again, for as long as the experiment runs and then for `patience` seconds
    without any success.

    Args:
        lock_wait: Seconds to wait for another process that sends to the same place.
        wake: Set when something is likely to be new, above all the end.
        once: Return when what there is was sent, also while the experiment runs.

    Raises:
        Busy: Another process sends to that place all the while.
        Exception: What the target raised last, when patience ran out.
    """
    wake = wake or threading.Event()
    life = Life(folder, prefix)
    name = ForwardSink(folder, address).key
    lock = lock_of(folder, name)
    until = time.monotonic() + lock_wait
    while True:
        with locked(lock, min(1.0, max(0.0, until - time.monotonic()))) as held:
            if held:
                # Made again: the other process may have sent in the meantime.
                sink = ForwardSink(folder, address, prefix)
                return _follow(sink, life, patience, wake, once)
        if time.monotonic() >= until:
            raise Busy(f"another process is sending {prefix or folder} to {address}")


def _follow(
    sink: ForwardSink, life: Life, patience: float, wake: threading.Event, once: bool
) -> ForwardSink:
    backoff = Backoff(min(LONGEST_WAIT, max(0.5, patience / 4)))
    hurry_until = time.monotonic() + HURRY_SECONDS
    well = time.monotonic()  # when something last went through, or the experiment last ran
    while True:
        ended = True  # until it is known to run: a journal that cannot be read is given up after `patience`
        try:
            # Looked at before reading: nothing comes after what is read then.
            ended = not life.running
            if not (ended or once):
                well = max(well, time.monotonic())
            sent = send_new(sink)
            backoff.worked()
            if ended and (sent or sink.progress.told is None or _told_otherwise(sink, life)):
                state = life.look()
                status, reason = state.outcome()
                sink.tell_end(status, reason, state.ended_at or time.time())
            if ended or once:
                sink.close()
                return sink
            well = time.monotonic()
            pause = POLL_SECONDS
        except Exception as error:
            pause = backoff.failed()
            sink.tell_error(error, time.time())
            if (ended or once) and time.monotonic() - well > patience:
                raise
        if not wake.is_set():
            wake.wait(pause)
            hurry_until = time.monotonic() + HURRY_SECONDS
        elif not backoff.failures and time.monotonic() < hurry_until:
            # The end is near; other ranks may take their time, though.
            time.sleep(POLL_SECONDS / 10)
        else:
            time.sleep(pause)


def _told_otherwise(sink: ForwardSink, life: Life) -> bool:
    return sink.progress.told != life.look().outcome()[0].value
