"""Where views read from: a backend, and the folder on this machine where there is one."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidSetting, NotFound, NotRunning
from ..query.edits import AppendQuestion
from ..query.question import FactsQuestion
from ..query.question import Part as FactsPart
from ..record.edits import CaptureEdit, DeleteEdit
from ..record.facts import ExperimentFacts
from ..record.names import natural
from .backend import Backend
from .goals import Goals, GoalsOf
from .upkeep import Deleted, Upkeep

if TYPE_CHECKING:
    from ..query.points import PointsQuestion, SeriesPoints

__all__ = ["LISTED", "Source"]

LISTED: frozenset[FactsPart] = frozenset({"state", "metrics"})
"""The parts of the facts that every view has."""


class Source:
    """A backend, and what is needed to show what it answers.

    Args:
        upkeep: What looks after the place, where that can be done from here.

    Attributes:
        root: The folder that holds the experiments, where the backend says there is one.
    """

    __slots__ = ("_goals", "_where", "backend", "root", "upkeep")

    def __init__(self, backend: Backend, upkeep: Upkeep | None = None) -> None:
        self.backend = backend
        self.upkeep = upkeep
        about = backend.about()
        self.root = about.root
        self._where = about.where
        self._goals = GoalsOf(backend)

    @property
    def goals(self) -> Goals:
        """Which values of metrics are better, as somebody said it."""
        return self._goals.now()

    def forget_goals(self) -> None:
        """Read the goals again: they have just been changed."""
        self._goals.forget()

    def folder(self, prefix: str) -> Path:
        """The folder of the experiment at a prefix.

        Raises:
            NotFound: The experiments are not on this machine.
        """
        if self.root is None:
            raise NotFound(
                f"The experiment {prefix} has no folder on this machine: its store is at "
                f"{self._where}. `read_bytes`, `open` and `save` of a file still work.",
                name=prefix,
            )
        folder = Path(self.root, *prefix.split("/"))
        before, tilde, number = folder.name.rpartition("~")
        if tilde and natural(number) and not folder.exists():
            shared = folder.with_name(
                before
            )  # the later of several whose records lie in one folder
            if shared.exists():
                return shared
        return folder

    def facts(
        self, ids: Iterable[str], parts: frozenset[FactsPart] = LISTED
    ) -> tuple[ExperimentFacts, ...]:
        """What is known of experiments; those that are gone are left out."""
        question = FactsQuestion(ids=tuple(ids), parts=parts, now=time.time())
        return self.backend.facts(question)

    def series(self, question: PointsQuestion) -> Sequence[SeriesPoints]:
        """The series that answer a question."""
        return self.backend.points(question).series

    def looked_after(self) -> Upkeep:
        """What looks after the place.

        Raises:
            InvalidSetting: That cannot be done from here.
        """
        if self.upkeep is None:
            raise InvalidSetting(
                f"The store at {self._where} cannot be maintained from here. Run the command on the machine that holds it.",
                setting="root",
            )
        return self.upkeep

    def delete(self, ids: Sequence[str], *, permanently: bool = False) -> Deleted:
        """Put experiments in the trash, or remove them at once.

        Raises:
            NotFound: One is unknown; then none is deleted.
            StillRunning: One is being written; then none is deleted.
            InvalidSetting: They are to be removed at once, and that cannot be done from here.
        """
        if permanently:
            return self.looked_after().purge(ids)
        answer = self.backend.append(AppendQuestion(tuple(DeleteEdit(id=one) for one in ids)))
        taken = sum(one.bytes for one in answer.done)
        return Deleted(len(ids), taken, False, tuple(ids))

    def stop(self, ids: Sequence[str], why: str | None) -> int:
        """Stop the programs that record experiments; to how many on this machine that was said.

        Raises:
            NotRunning: One of them is not running; then none is stopped.
        """
        for one in self.facts(ids):
            if one.status.ended:
                raise NotRunning(f"{one.prefix} is not running: it is {one.status}.")
        now, by = time.time(), who_asks(self.backend)
        data = {"by": by, "at": now} | ({"why": why} if why else {})
        self.backend.append(
            AppendQuestion(tuple(CaptureEdit(id=one, what="stop", data=data) for one in ids))
        )
        return self.upkeep.stop(ids) if self.upkeep is not None else 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and self._where == other._where

    def __hash__(self) -> int:
        return hash(self._where)


def who_asks(backend: Backend) -> str:
    """Who asks, as what they write names its author."""
    return backend.about().user or _login()  # a folder need not know who asks


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name
        return ""
