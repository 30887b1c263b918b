"""`RemoteBackend`: answers from a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ...query.about import About
from ...query.changes import Changes, ChangesQuestion
from ...query.content import Content, ContentQuestion
from ...query.documents import Documents, DocumentsQuestion
from ...query.edits import Appended, AppendQuestion
from ...query.question import FactsQuestion, Name, NamesQuestion, Question, Selected
from ...query.references import Resolved, ResolveQuestion
from ...record.facts import ExperimentFacts
from .calls import Calls

if TYPE_CHECKING:
    from ...query.lines import Lines, LinesQuestion
    from ...query.panel import Panel, PanelQuestion
    from ...query.points import Points, PointsQuestion

__all__ = ["RemoteBackend"]


class RemoteBackend:
    """The `Backend` of a server: each question is one request.

    What only asks is tried again when the connection breaks; an edit is sent once, and an error then leaves open whether
    it was made. All methods raise ConnectionError or TimeoutError when the server cannot be reached.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._about: About | None = None

    def about(self) -> About:
        """See `Backend.about`."""
        if self._about is None:
            told: About = self._calls.ask("about", {}, About)
            self._about = msgspec.structs.replace(told, where=self._calls.where, root=None)
        return self._about

    def resolve(self, question: ResolveQuestion) -> tuple[Resolved, ...]:
        """See `Backend.resolve`."""
        found: tuple[Resolved, ...] = self._calls.ask("resolve", question, tuple[Resolved, ...])
        return found

    def select(self, question: Question) -> Selected:
        """See `Backend.select`."""
        found: Selected = self._calls.ask("select", question, Selected)
        return found

    def facts(self, question: FactsQuestion) -> tuple[ExperimentFacts, ...]:
        """See `Backend.facts`."""
        found: tuple[ExperimentFacts, ...]
        found = self._calls.ask("facts", question, tuple[ExperimentFacts, ...])
        return found

    def names(self, question: NamesQuestion) -> tuple[Name, ...]:
        """See `Backend.names`."""
        found: tuple[Name, ...] = self._calls.ask("names", question, tuple[Name, ...])
        return found

    def points(self, question: PointsQuestion) -> Points:
        """See `Backend.points`; the points of many experiments arrive in pieces."""
        from ...query.points import Points

        pieces = list(self._calls.frames("points", question, Points))
        if len(pieces) == 1:
            return pieces[0]
        return Points(
            tuple(one for piece in pieces for one in piece.series),
            None,
            tuple(one for piece in pieces for one in piece.problems),
        )

    def panel(self, question: PanelQuestion) -> Panel:
        """See `Backend.panel`."""
        from ...query.panel import Panel

        found: Panel = self._calls.ask("panel", question, Panel)
        return found

    def lines(self, question: LinesQuestion) -> Lines:
        """See `Backend.lines`."""
        from ...query.lines import Lines

        found: Lines = self._calls.ask("lines", question, Lines)
        return found

    def open(self, question: ContentQuestion) -> Content:
        """See `Backend.open`."""
        found: Content = self._calls.ask("open", question, Content)
        return found

    def documents(self, question: DocumentsQuestion) -> Documents:
        """See `Backend.documents`."""
        found: Documents = self._calls.ask("documents", question, Documents)
        return found

    def append(self, question: AppendQuestion) -> Appended:
        """See `Backend.append`."""
        found: Appended = self._calls.ask("append", question, Appended, again=False)
        return found

    def changes(self, question: ChangesQuestion) -> Changes:
        """See `Backend.changes`."""
        found: Changes = self._calls.ask("changes", question, Changes, wait=question.wait)
        return found
