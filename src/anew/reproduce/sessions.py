"""The sessions of an experiment that was continued: each is run again from what the one before it left.

A session is an opening by the program of the recipe. One that was ended from outside, by a signal or by somebody, is ended
in the re-run when it has logged as much: what comes after is the next session's.
"""

from __future__ import annotations

import re
import signal
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..query.points import PointsQuestion
from ..record.status import Status
from .code import find_code
from .recipe import Recipe, read_sessions

if TYPE_CHECKING:
    from ..reading.openings import Opening
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["Session", "Until", "find_sessions", "session_at"]

_LABEL = re.compile(r"\d+-(.+)-[a-z0-9]+")


@dataclass(frozen=True)
class Until:
    """Where a session was ended: after how many log calls of each writer, by its label, and with which signal."""

    calls: Mapping[str, int]
    signal: int


@dataclass(frozen=True)
class Session:
    """One session of a plan.

    Attributes:
        recipe: How it was run.
        clone: The clone that has its commit; "" for code that was in none.
        completed: Whether it ended by itself and well.
        until: Where it was ended from outside, if it was and another session followed.
    """

    recipe: Recipe
    clone: str
    completed: bool = True
    until: Until | None = None


def find_sessions(
    store: Store, view: ExperimentView, first: Session, repo: str | None
) -> tuple[Session, ...]:
    """The sessions of an experiment, `first` being the one whose recipe is the experiment's.

    Args:
        repo: A clone that has the code.

    Raises:
        ReproduceError: One of them cannot be run again.
    """
    if len(view.openings) < 2:
        return (first,)
    found = read_sessions(view)
    if len(found) < 2:
        return (first,)
    sessions: list[Session] = []
    for number, (openings, recorded) in enumerate(found):
        clone, recipe = find_code(recorded, repo)
        last = openings[-1]
        goes_on = number < len(found) - 1 and len(openings) == 1
        until = _until(store, view, last) if goes_on else None
        sessions.append(Session(recipe, clone, last.status is Status.COMPLETED, until))
    return tuple(sessions)


def _until(store: Store, view: ExperimentView, opening: Opening) -> Until | None:
    """Where an opening was ended; None for one that ended by itself."""
    cancelled = opening.status is Status.CANCELLED
    by_itself = opening.status is Status.COMPLETED or (
        opening.status is Status.FAILED and not opening.ended_by_reader
    )
    if by_itself:
        return None
    names = tuple(name for name in view.metrics if not name.startswith("system/"))
    calls: defaultdict[str, set[int]] = defaultdict(set)
    question = PointsQuestion(ids=(view.id,), metrics=names, rows=True)
    for series in store.backend.points(question).series:
        if series.writers is None or series.origins is None or series.calls is None:
            continue
        for at, writer in enumerate(series.writers):
            label = _LABEL.fullmatch(writer)
            if writer in opening.writers and label:
                calls[label[1]].update(np.unique(series.calls[series.origins == at]).tolist())
    number = signal.SIGINT if cancelled else signal.SIGKILL
    return Until({label: len(found) for label, found in calls.items()}, int(number))


def session_at(view: ExperimentView, time: float) -> tuple[int, int] | None:
    """In which of how many openings a point was logged, from 1; None for an experiment that was not continued."""
    begun: dict[tuple[str, str, int, int], float] = {}
    for one in view.openings:
        if one.captured.get("command"):
            begun.setdefault(one.process, one.started_at)
    if len(begun) < 2:
        return None
    return max(1, sum(start - 0.001 <= time for start in begun.values())), len(begun)
