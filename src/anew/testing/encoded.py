"""A backend that sends every question and answer of another through bytes: what passes through it can be asked on
another machine.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from ..query.about import About
from ..query.changes import Changes, ChangesQuestion
from ..query.content import Content, ContentQuestion
from ..query.documents import Documents, DocumentsQuestion
from ..query.edits import Appended, AppendQuestion
from ..query.lines import Lines, LinesQuestion
from ..query.panel import Panel, PanelQuestion
from ..query.points import Points, PointsQuestion
from ..query.question import (
    FactsQuestion,
    Name,
    NamesQuestion,
    Question,
    Selected,
)
from ..query.references import Resolved, ResolveQuestion
from ..reading.backend import Backend
from ..reading.wire import decode, encode
from ..record.facts import ExperimentFacts

__all__ = ["Encoded"]


A = TypeVar("A")
Q = TypeVar("Q", bound=msgspec.Struct)


class Encoded:
    """A backend that is asked in bytes and answers in bytes, as one on another machine would be.

    Nothing of an answer is shared with the backend behind it, and no folder of that one is known here.
    """

    def __init__(self, behind: Backend) -> None:
        self._behind = behind

    def about(self) -> About:
        """See `Backend.about`; a place on another machine has no folder here."""
        about = decode(encode(self._behind.about()), About)
        return msgspec.structs.replace(about, root=None, where=f"encoded:{about.where}")

    def resolve(self, question: ResolveQuestion) -> tuple[Resolved, ...]:
        """See `Backend.resolve`."""
        return _sent(self._behind.resolve(_asked(question)), tuple[Resolved, ...])

    def select(self, question: Question) -> Selected:
        """See `Backend.select`."""
        return _sent(self._behind.select(_asked(question)), Selected)

    def facts(self, question: FactsQuestion) -> tuple[ExperimentFacts, ...]:
        """See `Backend.facts`."""
        return _sent(self._behind.facts(_asked(question)), tuple[ExperimentFacts, ...])

    def names(self, question: NamesQuestion) -> tuple[Name, ...]:
        """See `Backend.names`."""
        return _sent(self._behind.names(_asked(question)), tuple[Name, ...])

    def points(self, question: PointsQuestion) -> Points:
        """See `Backend.points`."""
        return _sent(self._behind.points(_asked(question)), Points)

    def panel(self, question: PanelQuestion) -> Panel:
        """See `Backend.panel`."""
        return _sent(self._behind.panel(_asked(question)), Panel)

    def lines(self, question: LinesQuestion) -> Lines:
        """See `Backend.lines`."""
        return _sent(self._behind.lines(_asked(question)), Lines)

    def open(self, question: ContentQuestion) -> Content:
        """See `Backend.open`."""
        return _sent(self._behind.open(_asked(question)), Content)

    def documents(self, question: DocumentsQuestion) -> Documents:
        """See `Backend.documents`."""
        return _sent(self._behind.documents(_asked(question)), Documents)

    def append(self, question: AppendQuestion) -> Appended:
        """See `Backend.append`."""
        return _sent(self._behind.append(_asked(question)), Appended)

    def changes(self, question: ChangesQuestion) -> Changes:
        """See `Backend.changes`."""
        return _sent(self._behind.changes(_asked(question)), Changes)


def _asked(question: Q) -> Q:
    """A question as it arrives."""
    return decode(encode(question), type(question))


def _sent(answer: A, kind: Any) -> A:
    """An answer as it arrives."""
    arrived: A = decode(encode(answer), kind)
    return arrived
