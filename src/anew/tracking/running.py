"""The experiment that a call without a handle uses: the last one this thread opened, or the only running one."""

from __future__ import annotations

import threading
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["opened", "running"]

# Weak, so that a disabled experiment, which nobody has to end, is forgotten with its handle.
_opened: list[tuple[int, weakref.ref[Any]]] = []


def opened(experiment: Any) -> None:
    """Remember an `Experiment` that has started, and which thread started it."""
    _opened[:] = [
        entry for entry in _opened if _runs(known := entry[1]()) and known is not experiment
    ]
    _opened.append((threading.get_ident(), weakref.ref(experiment)))


def running() -> Any:
    """The experiment that the calling thread opened last and that still runs; without one, the only one running.

    None where other threads have several: nothing says which is meant.
    """
    found = [(thread, known) for thread, ref in list(_opened) if _runs(known := ref())]
    mine = [known for thread, known in found if thread == threading.get_ident()]
    if mine:
        return mine[-1]
    return found[0][1] if len(found) == 1 else None


def _runs(experiment: Any) -> bool:
    return experiment is not None and experiment.life.is_live
