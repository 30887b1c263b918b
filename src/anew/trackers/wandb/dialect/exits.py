"""The end of a program that did not call `finish`: what its runs still have to record is recorded.

Anew itself ends what is open, by the exit code or the exception that ended the program.
"""

from __future__ import annotations

import atexit
import os

from .active import active

__all__ = ["watch_exit"]

_pid = 0


def watch_exit() -> None:
    """Have the end of the program find the runs that are open."""
    global _pid
    _pid = os.getpid()
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)  # what is registered last comes first: before Anew's own


def _at_exit() -> None:
    if os.getpid() != _pid:  # a fork: the runs are those of the program it came from
        return
    for run in active():
        run.before_the_end()
