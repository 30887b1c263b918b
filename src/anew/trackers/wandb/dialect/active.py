"""The runs of this program that have not ended, and what opens one."""

from __future__ import annotations

import anew

from .errors import NotStarted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Opener = TypeVar("Opener", bound=Callable[..., Any])
    Run = Any  # `runs.Run`, which imports this module

__all__ = ["active", "add", "current", "open_run", "opens_runs", "remove", "required"]

_active: list[Run] = []
_openers: list[Callable[..., Run]] = []


def add(run: Run) -> None:
    """A run has begun."""
    _active.append(run)


def remove(run: Run) -> None:
    """A run has ended; nothing happens if it is not there."""
    if run in _active:
        _active.remove(run)


def active() -> list[Run]:
    """The runs that have not ended, oldest first."""
    _active[:] = [run for run in _active if run.native.status is anew.Status.RUNNING]
    return list(_active)


def current() -> Run | None:
    """The run that calls of the module mean: the one that was opened first of those that have not ended."""
    runs = active()
    return runs[0] if runs else None


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
