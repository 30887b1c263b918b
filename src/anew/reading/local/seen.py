"""Open stores as somebody may see them: the only way from questions to their catalog."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ...errors import NotFound
from ...index.trash import Trashed
from ...query.question import FactsQuestion, Part
from ...query.scope import Scope, project_above, project_of
from ...record.facts import ExperimentFacts
from ...stores.catalog.protocol import Answers
from .protocol import OpenStores

__all__ = ["Seen"]

T = TypeVar("T")


class Seen:
    """What somebody may see of a folder or of a group's stores. Everything else is not there for them: no question and no name leads to it.

    Args:
        scope: The projects that they may see; all if None.
        reader: Who it is, where others have documents of their own that they may not see; None sees those of all.
        seconds: How long one question to the catalog may take.
    """

    def __init__(
        self,
        root: OpenStores,
        scope: Scope | None = None,
        reader: str | None = None,
        seconds: float | None = None,
    ) -> None:
        self.root = root
        self.scope = scope
        self.reader = reader
        self._seconds = seconds

    def ask(self, question: Callable[[Answers], T], *, fresh: bool) -> T:
        """Put a question to the catalog, see `OpenStores.ask`."""
        scope, seconds = self.scope, self._seconds
        if scope is None and seconds is None:
            return self.root.ask(question, fresh=fresh)
        return self.root.ask(
            lambda catalog: question(catalog.within(scope, seconds=seconds)), fresh=fresh
        )

    def facts(
        self, ids: Sequence[str], parts: frozenset[Part] = frozenset()
    ) -> list[ExperimentFacts]:
        """What is listed of experiments, and some parts; those that are not there are left out."""
        question = FactsQuestion(ids=tuple(ids), parts=parts, now=time.time())
        return self.ask(lambda catalog: catalog.facts(question), fresh=False)

    def one(self, experiment_id: str) -> ExperimentFacts:
        """What is listed of one experiment.

        Raises:
            NotFound: It is not there.
        """
        found = self.facts([experiment_id])
        if not found:
            raise NotFound(
                f"The experiment {experiment_id!r} no longer exists.", name=experiment_id
            )
        return found[0]

    def trash(self) -> list[Trashed]:
        """What is in the trash, newest first; what lay in no project only for who sees all."""
        found = self.root.trash()
        scope = self.scope
        return [one for one in found if scope is None or scope.has(project_of(one.prefix))]

    def look_closer(self, ids: Sequence[str]) -> bool:
        """Look at experiments that somebody named, also where nothing was announced; whether there was news."""
        return self.root.look_closer([one.prefix for one in self.facts(ids)])

    def shows(self, document_scope: str) -> bool:
        """Whether a document of this scope is there: what concerns the whole root, only for who sees all of it."""
        kind, _, rest = document_scope.partition("/")
        if kind == "user":
            return self.reader is None or rest == self.reader
        return self.scope is None or (kind == "project" and self.scope.has(project_above(rest)))
