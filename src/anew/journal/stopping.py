"""Stopping the programs of this machine that record an experiment: first as Ctrl-C does, then more firmly."""

from __future__ import annotations

import os
import signal
import time

from .liveness import boot_id, host_name, machine_mark, pid_space, runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..record.fold import ExperimentState

__all__ = ["GRACE_SECONDS", "Stopping", "processes_of", "signal_process"]

GRACE_SECONDS = 30.0
"""Seconds that a program has after SIGINT, before it is sent SIGTERM."""


def signal_process(pid: int, started: int, number: int) -> bool:
    """Send a signal to a process that is still the one that began at `started`; whether it was sent."""
    if pid <= 1 or not started or pid == os.getpid() or runs(pid, started) is not True:
        return False
    try:
        os.kill(pid, number)
    except (OSError, OverflowError):
        return False
    return True


def processes_of(state: ExperimentState) -> list[tuple[int, int]]:
    """The processes of this machine that record an experiment, by id and start; forked children are left to their parents.

    What a folder says of a process counts only if this machine, its boot, the namespace and the start of the process all
    agree: nobody can have another process signalled by writing into a folder.
    """
    here = host_name(), machine_mark(), boot_id(), pid_space()
    found = []
    for writer in state.writers.values():
        one = writer.opened
        is_open = writer.ended_at is None and one.role in ("lead", "rank")
        is_here = bool(one.boot) and (one.host, one.machine, one.boot, one.pid_space) == here
        if is_open and is_here and runs(one.pid, one.pid_started):
            found.append((one.pid, one.pid_started))
    return found


class Stopping:
    """The programs that are being stopped: each is sent SIGINT once, and SIGTERM if it goes on."""

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        self._grace = grace
        self._asked: dict[tuple[int, int], tuple[float, float]] = {}
        self._firm: set[tuple[int, int]] = set()

    def ask(self, processes: Iterable[tuple[int, int]], t: float) -> int:
        """Stop processes, given by id and start; to how many that was said now.

        Args:
            t: When somebody asked for it; the same time again is the same wish.
        """
        told = 0
        for who in processes:
            if self._asked.get(who, (0.0, -1.0))[1] >= t:
                continue
            if signal_process(*who, signal.SIGINT):
                self._asked[who] = time.monotonic(), t
                self._firm.discard(who)
                told += 1
        return told

    def go_on(self) -> bool:
        """Send SIGTERM to those that have gone on for too long; whether some are still there."""
        there = False
        for who, (since, _) in self._asked.items():
            if who in self._firm or runs(*who) is False:
                continue
            there = True
            if time.monotonic() - since > self._grace:
                signal_process(*who, signal.SIGTERM)
                self._firm.add(who)
        return there
