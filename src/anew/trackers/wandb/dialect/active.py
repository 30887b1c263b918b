"""The runs of this process that have not ended, the one that the module's calls mean, and what opens one.

A fork begins with no run of its own: what it logs through the module still goes to the run that its parent opened, and
`init` opens a new one, as in wandb.
"""

from __future__ import annotations

import os

import anew

from .errors import NotStarted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Opener = TypeVar("Opener", bound=Callable[..., Any])
    Run = Any  # `runs.Run`, which imports this module

__all__ = [
    "active",
    "add",
    "current",
    "open_run",
    "opens_runs",
    "remove",
    "required",
    "whenever_meant",
]

_active: list[Run] = []
_meant: list[Run] = []  # the run that the module's calls mean, or nothing
_openers: list[Callable[..., Run]] = []
_listeners: list[Callable[[], object]] = []


def add(run: Run, *, meant: bool = True) -> None:
    """A run has begun.

    Args:
        meant: Whether the module's calls mean it from now on.
    """
    _active.append(run)
    if meant:
        _meant[:] = [run]
        for tell in _listeners:
            tell()


def whenever_meant(tell: Callable[[], object]) -> None:
    """Have something called whenever the module's calls begin to mean another run."""
    _listeners.append(tell)


def remove(run: Run) -> None:
    """A run has ended; nothing happens if it is not there."""
    for runs in (_active, _meant):
        runs[:] = [one for one in runs if one is not run]


def active() -> list[Run]:
    """The runs that this process opened and that have not ended, oldest first."""
    _active[:] = [run for run in _active if run.native.status is anew.Status.RUNNING]
    return list(_active)


def current() -> Run | None:
    """The run that calls of the module mean: the one opened last, but for those opened beside it with "create_new"."""
    _meant[:] = [run for run in _meant if run.native.status is anew.Status.RUNNING]
    return _meant[0] if _meant else None


def required(call: str) -> Run:
    """The run that a call of the module means.

    Raises:
        NotStarted: There is none.
    """
    run = current()
    if run is None:
        raise NotStarted(call)
    return run


def opens_runs(opener: Opener) -> Opener:
    """Make a function the one that `open_run` calls: an artifact is saved with a run, and a run keeps artifacts."""
    _openers[:] = [opener]
    return opener


def open_run(**arguments: Any) -> Run:
    """Open a run as `wandb.init` does."""
    return _openers[0](**arguments)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_active.clear)
