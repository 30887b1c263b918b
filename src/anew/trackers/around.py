"""The experiment that a program began with Anew itself, in which what it logs by a dialect belongs."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import anew
from anew import Status
from anew.errors import NotRunning

__all__ = ["around", "opened_by_a_dialect"]

# The experiments that dialects opened, each with the one around it: they are nobody's current experiment here.
_opened: WeakKeyDictionary[anew.Experiment, anew.Experiment | None] = WeakKeyDictionary()


def opened_by_a_dialect(native: anew.Experiment) -> None:
    """Remember, before it is started, that an experiment is a dialect's own."""
    _opened[native] = around()


def around() -> anew.Experiment | None:
    """The experiment that the program began itself and that runs, if one does."""
    try:
        current: anew.Experiment | None = anew.current()
    except NotRunning:
        return None
    while current is not None and current in _opened:
        current = _opened[current]
    return current if current is not None and current.status is Status.RUNNING else None
