"""The experiment that a call without a handle uses.

It is the one that was opened last in this thread or task, and still runs. A task of `asyncio` has the experiments that it
opened itself and those that were open where it was made, and none of a task beside it.
"""

from __future__ import annotations

import sys
import weakref
from _contextvars import ContextVar
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["find_open", "opened", "running", "started"]


class _Opened:
    """An experiment that has started, and where: the thread, the task, and whether by `start`.

    Both are known weakly: a disabled experiment, which nobody has to end, is forgotten with its handle.
    """

    __slots__ = ("by_start", "experiment", "task", "thread")

    def __init__(self, experiment: Any) -> None:
        self.experiment = weakref.ref(experiment)
        self.thread = get_ident()
        task = _task()
        self.task = None if task is None else weakref.ref(task)
        self.by_start = False

    def live(self) -> Any:
        """The experiment, if it still runs."""
        experiment = self.experiment()
        return experiment if experiment is not None and experiment.life.is_live else None

    def belongs_to_another_task(self) -> bool:
        """Whether a task that is still at work opened it. A cell of a notebook is a task that has ended."""
        task = None if self.task is None else self.task()
        return task is not None and task is not _task() and not task.done()


_opened: list[_Opened] = []
# What was opened in this context, oldest first: what a task opens is not seen by those beside it.
_here: ContextVar[tuple[_Opened, ...]] = ContextVar("anew_opened", default=())


def opened(experiment: Any) -> None:
    """Remember an `Experiment` that has started, and where."""
    entry = _Opened(experiment)
    for ended in [e for e in list(_opened) if e.live() in (None, experiment)]:
        try:  # one by one: other threads open experiments meanwhile
            _opened.remove(ended)
        except ValueError:
            pass
    _opened.append(entry)
    _here.set((*(e for e in _here.get() if e.live() not in (None, experiment)), entry))


def running() -> Any:
    """The experiment opened last in this task or thread that still runs; without one, the only one running.

    Where other tasks or threads have several, it is the only one that `start` began; otherwise None, for nothing says
    which is meant.
    """
    mine = _mine()
    if mine:
        return mine[-1].live()
    live = [entry for entry in list(_opened) if entry.live() is not None]
    if len(live) > 1:
        live = [e for e in live if e.by_start and not e.belongs_to_another_task()]
    return live[0].live() if len(live) == 1 else None


def started(experiment: Any = None) -> Any:
    """The experiment that `start` began last in this task or thread and that still runs; None without one.

    Args:
        experiment: One that `start` has just begun.
    """
    for entry in reversed(_mine()):
        if experiment is not None and entry.experiment() is experiment:
            entry.by_start = True
        if entry.by_start:
            return entry.live()
    return None


def find_open(root: str, experiment_id: str) -> Any:
    """The experiment with that id, if this process has it open."""
    for entry in list(_opened):
        experiment = entry.live()
        if experiment is not None and (experiment.root, experiment.id) == (root, experiment_id):
            return experiment
    return None


def _mine() -> list[_Opened]:
    here = [entry for entry in _here.get() if entry.live() is not None]
    if here:
        return here
    thread = get_ident()
    return [
        entry
        for entry in list(_opened)
        if entry.thread == thread
        and entry.live() is not None
        and not entry.belongs_to_another_task()
    ]


def _task() -> Any:
    """The task of `asyncio` that is running, if there is one; a program without `asyncio` is not made to load it."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop is running in this thread
        return None
