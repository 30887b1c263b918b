"""What a backend needs of the stores that it answers from: a folder's, or those of a group of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from ...index import Progress, Refreshed
from ...index.trash import Trashed
from ...journal.documents import RootNews
from ...journal.storage import Storage
from ...query.documents import Documents, DocumentsQuestion
from ...query.edits import Appended, AppendQuestion
from ...record.facts import ExperimentFacts
from ...stores.catalog.protocol import Catalog
from ...stores.series.protocol import ExperimentFolder, SeriesStore

__all__ = ["OpenStores"]

T = TypeVar("T")


class OpenStores(Protocol):
    """Stores that are open, and the journals that they were filled from. Any thread may use them.

    What is asked is not yet limited to what somebody may see: `Seen` does that.

    Attributes:
        where: The address, to be shown to people.
        path: The folder on this machine that holds the experiments; None where they lie elsewhere.
        guard: Held by whoever changes something in this process.
    """

    @property
    def where(self) -> str: ...

    @property
    def path(self) -> str | None: ...

    @property
    def guard(self) -> AbstractContextManager[object]: ...

    @property
    def series(self) -> SeriesStore:
        """Where the points are."""
        ...

    def ask(self, question: Callable[[Catalog], T], *, fresh: bool) -> T:
        """Put a question to the catalog; with `fresh`, what was written before is in it."""
        ...

    def take_in(self) -> None:
        """Take in what was written, also where questions do not; only for so long as an answer waits."""
        ...

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        """Take in what was written, where that is for those who ask to do."""
        ...

    def pause(self, seconds: float) -> None:
        """Wait before asking again whether something has changed; less where somebody tells of it."""
        ...

    def look_for(self, ref: str) -> bool:
        """Look for what somebody named and the catalog does not know; whether there was news."""
        ...

    def look_closer(self, prefixes: Sequence[str]) -> bool:
        """Look at experiments that somebody named, also where nothing was announced; whether there was news."""
        ...

    def place(self, experiment_id: str, prefix: str) -> ExperimentFolder:
        """Where the series of the experiment at a prefix lies."""
        ...

    def files(self, experiment_id: str, prefix: str) -> Storage:
        """The files of the experiment at a prefix."""
        ...

    def documents(self, question: DocumentsQuestion, shows: Callable[[str], bool]) -> Documents:
        """What the root's journal adds up to, of the scopes that `shows` lets through."""
        ...

    def written(self, order: str, since: int) -> RootNews:
        """What was written into the root's journal, see `RootJournal.news`."""
        ...

    def left(self) -> Mapping[str, str]:
        """The prefixes that experiments were moved away from, each with the id of the one that left it last."""
        ...

    def append(
        self,
        question: AppendQuestion,
        *,
        user: str,
        check: Callable[[], None],
        find: Callable[[str], ExperimentFacts],
    ) -> Appended:
        """Write edits.

        Args:
            user: Who makes them.
            check: Raises for edits that must not be made; called while nobody else in this process changes anything.
            find: What is listed of an experiment; raises NotFound for one that is not there for who asks.

        Raises:
            Conflict: What was expected has been changed; nothing was written.
        """
        ...

    def trash(self) -> Sequence[Trashed]:
        """What is in the trash, newest first."""
        ...
