"""The experiment that a program began with Reenact itself, in which what it logs by a dialect belongs."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import reenact
from reenact import Status
from reenact.errors import NotRunning

__all__ = ["around", "opened_by_a_dialect"]

# The experiments that dialects opened, each with the one around it: they are nobody's current experiment here.
_opened: WeakKeyDictionary[reenact.Experiment, reenact.Experiment | None] = WeakKeyDictionary()


def opened_by_a_dialect(native: reenact.Experiment) -> None:
    """Remember, before it is started, that an experiment is a dialect's own."""
    _opened[native] = around()


def around() -> reenact.Experiment | None:
    """The experiment that the program began itself and that runs, if one does."""
    try:
        current: reenact.Experiment | None = reenact.current()
    except NotRunning:
        return None
    while current is not None and current in _opened:
        current = _opened[current]
    return current if current is not None and current.status is Status.RUNNING else None
