"""The answers of a catalog about what its reader may see, whichever engine it is in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from ....query.changes import Changes
from ....query.question import FactsQuestion, Name, NamesQuestion, Question, Selected
from ....record.facts import ExperimentFacts
from .answers import counted, selected
from .changes import changed
from .engine import Connection
from .facts import facts_of
from .listing import named

__all__ = ["RelationalAnswers"]


class RelationalAnswers:
    """The `Answers` of a catalog, each from a connection that sees one state of what is in a scope.

    Args:
        reading: Lends such a connection for the time of a block, and ends what takes too long.
    """

    def __init__(self, reading: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._reading = reading

    def select(self, question: Question) -> Selected:
        """See `Answers.select`."""
        with self._reading() as connection:
            return selected(connection, question)

    def count(self, question: Question) -> int:
        """See `Answers.count`."""
        with self._reading() as connection:
            return counted(connection, question)

    def facts(self, question: FactsQuestion) -> list[ExperimentFacts]:
        """See `Answers.facts`."""
        with self._reading() as connection:
            return facts_of(connection, question)

    def names(self, question: NamesQuestion) -> list[Name]:
        """See `Answers.names`."""
        with self._reading() as connection:
            return named(connection, question)

    def changed(self, since: str | None) -> Changes:
        """See `Answers.changed`."""
        with self._reading() as connection:
            return changed(connection, since)
