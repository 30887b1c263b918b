"""Which experiment a call without a handle means: the one this thread opened last, or the only one there is."""

from __future__ import annotations

import threading
import weakref

from ..record.status import Status
from .recording import LIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .experiment import Experiment

__all__ = ["opened", "running"]

# Weak, so that a disabled experiment, which nobody has to end, is forgotten with its handle.
_opened: list[tuple[int, weakref.ref[Experiment]]] = []


def opened(experiment: Experiment) -> None:
    """Remember an experiment that has started, and who started it."""
    _opened[:] = [entry for entry in _opened if _runs(entry[1]()) and entry[1]() is not experiment]
    _opened.append((threading.get_ident(), weakref.ref(experiment)))


def running() -> Experiment | None:
    """The experiment that the calling thread opened last and that still runs; without one, the only one running.

    None where other threads have several: nothing says which is meant.
    """
    found = [(thread, known) for thread, ref in list(_opened) if _runs(known := ref())]
    mine = [known for thread, known in found if thread == threading.get_ident()]
    if mine:
        return mine[-1]
    return found[0][1] if len(found) == 1 else None


def _runs(experiment: Experiment | None) -> bool:
    if experiment is None or experiment._status is not Status.RUNNING:
        return False
    return experiment._disabled or id(experiment._recording) in LIVE
