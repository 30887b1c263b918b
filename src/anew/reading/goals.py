"""Which values of a metric are better, as somebody said it for a project or for all; else as its name suggests."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from ..errors import InvalidValue
from ..query.documents import DocumentsQuestion
from ..query.edits import AppendQuestion
from ..record.direction import direction, known_direction
from ..record.documents import Document
from ..record.edits import DocumentEdit
from .backend import Backend

__all__ = ["Goal", "Goals", "GoalsOf", "Mode", "check_mode", "set_goal"]

Mode = Literal["min", "max"]
_KIND = "goal"
_PROJECT = "project/"
_KEPT_FOR = 1.0
"""Seconds for which what was read is not read again: a list of a thousand experiments asks for each of its cells."""


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said of a metric.

    Attributes:
        metric: Its name.
        better: Whether its small or its large values are better; None leaves that to its name.
        main: Whether it is the metric that says how good an experiment is.
        project: The project it was said for; None for all.
        user, time: Who said it, and when (seconds since 1970).
    """

    metric: str
    better: Mode | None
    main: bool
    project: str | None
    user: str
    time: float


class Goals(tuple[Goal, ...]):
    """All that was said, a goal for each metric and project; those of projects take the place of those for all."""

    __slots__ = ()

    def better(self, metric: str, prefixes: Iterable[str] = ()) -> Mode:
        """Which values are better for the experiments at some prefixes, by what was said, else by the name.

        Raises:
            InvalidValue: The projects that they belong to say different things.
        """
        return self.known(metric, prefixes) or direction(metric)

    def known(self, metric: str, prefixes: Iterable[str] = ()) -> Mode | None:
        """As `better`, but None where neither somebody nor the name says it."""
        guessed = known_direction(metric)
        said = [one for one in self if one.metric == metric and one.better is not None]
        if not said:
            return guessed
        goals = _each(said, prefixes)
        found = {guessed if one is None else one.better for one in goals}
        if len(found) > 1:
            raise InvalidValue(
                f"Whether small or large values of {metric!r} are better is not the same in all of these projects: say which is "
                "meant (mode), or choose experiments of one project.",
                key="mode",
            )
        return found.pop()

    def main(self, metrics: Iterable[str], prefixes: Iterable[str] = ()) -> str | None:
        """The metric that somebody said tells how good the experiments at some prefixes are; None if nobody did, or not of all one."""
        there = set(metrics)
        said = [one for one in self if one.main and one.metric in there]
        found = {None if one is None else one.metric for one in _each(said, prefixes)}
        return found.pop() if len(found) == 1 else None


class GoalsOf:
    """The goals of a store, read when they are asked for and then kept for a moment."""

    __slots__ = ("_at", "_backend", "_goals")

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._goals = Goals()
        self._at: float | None = None

    def now(self) -> Goals:
        """The goals, as they were at most a second ago."""
        if self._at is None or time.monotonic() - self._at > _KEPT_FOR:
            found = self._backend.documents(DocumentsQuestion(kind=_KIND)).documents
            self._goals = Goals(goal for one in found if (goal := _read(one)) is not None)
            self._at = time.monotonic()
        return self._goals

    def forget(self) -> None:
        """Read them again when they are asked for next: they have just been changed."""
        self._at = None


def set_goal(backend: Backend, goals: Goals, goal: Goal, *, clear: bool = False) -> None:
    """Write a goal down, or take it back; where it is the main metric, that of its project is so no longer.

    Raises:
        InvalidName: The metric or the project cannot be kept.
    """
    same = [one for one in goals if one.project == goal.project]
    edits = [_edit(goal, None if clear else {"better": goal.better, "main": goal.main})]
    if goal.main and not clear:
        edits += [
            _edit(one, {"better": one.better, "main": False} if one.better is not None else None)
            for one in same
            if one.main and one.metric != goal.metric
        ]
    backend.append(AppendQuestion(tuple(edits)))


def check_mode(mode: Mode | None, metric: str, goals: Goals, prefixes: Iterable[str] = ()) -> Mode:
    """The mode given, or else that of the metric's goal, or of its name.

    Raises:
        InvalidValue: It is neither "min" nor "max"; or none is given and projects say different things.
    """
    if mode is None:
        return goals.better(metric, prefixes)
    if mode not in ("min", "max"):
        raise InvalidValue(f"mode must be 'min' or 'max', not {mode!r}.", key="mode")
    return mode


def _edit(goal: Goal, body: dict[str, object] | None) -> DocumentEdit:
    scope = "root" if goal.project is None else _PROJECT + goal.project
    return DocumentEdit(kind=_KIND, name=goal.metric, body=body, scope=scope)


def _read(document: Document) -> Goal | None:
    """A goal as a document has it; None for one that others wrote otherwise."""
    body, scope = document.body or {}, document.scope
    better = body.get("better")
    if better not in ("min", "max", None) or not (scope == "root" or scope.startswith(_PROJECT)):
        return None
    return Goal(
        metric=document.name,
        better=better,
        main=body.get("main") is True,
        project=None if scope == "root" else scope[len(_PROJECT) :],
        user=document.user,
        time=document.time,
    )


def _within(prefix: str, project: str | None) -> bool:
    return project is None or prefix == project or prefix.startswith(project + "/")


def _each(said: Sequence[Goal], prefixes: Iterable[str]) -> set[Goal | None]:
    """The goals that decide for experiments at some prefixes, None for where there is none.

    Without prefixes: the one for all, or, where there is none, those of all projects that have one.
    """
    newest = sorted(said, key=lambda one: -one.time)
    places = set(prefixes)
    if places:
        return {_innermost(newest, prefix) for prefix in places}
    for_all = [one for one in newest if one.project is None]
    return {*for_all[:1]} or {*newest} or {None}


def _innermost(newest: Sequence[Goal], prefix: str) -> Goal | None:
    found = [one for one in newest if _within(prefix, one.project)]
    return max(found, key=lambda one: len(one.project or ""), default=None)
