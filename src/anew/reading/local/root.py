"""One root folder held open: its stores, the index that fills them, and one lock for whoever changes them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from ...index import Index, Progress, Refreshed
from ...index.trash import Trash, Trashed
from ...journal.documents import RootJournal, RootNews
from ...journal.layout import RootLayout
from ...journal.storage import Share, Storage
from ...query.documents import Documents, DocumentsQuestion
from ...query.edits import Appended, AppendQuestion
from ...record.facts import ExperimentFacts
from ...stores.catalog.protocol import Catalog, CatalogDamaged, CatalogFull, CatalogState
from ...stores.deadline import unlimited
from ...stores.open import Stores, open_stores, stores_in_memory
from ...stores.series.protocol import ExperimentFolder, SeriesStore
from .documents import answer_documents
from .editing import FolderEdits
from .taking_in import TakingIn

__all__ = ["OpenRoot"]

T = TypeVar("T")


class OpenRoot:
    """A root folder's stores, brought up to date when they are asked: the `OpenStores` of a folder.

    Any thread may use it. A folder that is not there yet is empty, and looking does not make it; its stores are
    opened once somebody else has made it.

    Args:
        path: The folder.
        refresh: Whether `ask` first brings the index up to date.
        user: Who writes what is changed.
        durable: Whether a change waits until the disk has it.
        patience: How many seconds an answer waits until what was written is taken in. Where that takes longer, the answer tells what
            has been taken in so far, and the rest goes on beside it. As long as it takes if None.

    Attributes:
        journal: The root's own journal.
    """

    def __init__(
        self,
        path: str,
        *,
        refresh: bool = True,
        user: str = "",
        durable: bool = False,
        patience: float | None = None,
    ) -> None:
        self.path = path
        self.guard = threading.RLock()
        self._patience = patience
        self._taking_in = TakingIn(self.refresh)
        self.journal = RootJournal(RootLayout(path), user=user, durable=durable)
        self._refreshes = refresh
        self._begun = 0
        self._behind = False  # whether an answer was given before all was taken in that was written
        self._last: Refreshed | None = None
        self._open()

    def _open(self, *, elsewhere: bool = False) -> None:
        self._there = os.path.isdir(self.path)
        self.stores: Stores = (
            open_stores(self.path, elsewhere=elsewhere)
            if self._there
            else stores_in_memory(self.path)
        )
        self.index = Index(self.stores, self.journal)
        if not self._there:
            self.index.refresh()

    @property
    def where(self) -> str:
        """The folder's path, as its address."""
        return self.path

    @property
    def series(self) -> SeriesStore:
        """Where the points are."""
        return self.stores.series

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        """Bring the index up to date now.

        Of several threads that ask at once, one does it for all that came before it began.
        """
        begun = self._begun
        with self.guard:
            if self._begun > begun and self._last is not None:
                return self._last
            self._begun += 1
            self._last = None
            if not self._there and os.path.isdir(self.path):
                self.stores.close()
                self._open()
            self._behind = False
            with unlimited():  # whoever asks next needs it as well
                self._last = self._in_room(lambda: self.index.refresh(progress))
            return self._last

    def rebuild(self, progress: Progress | None = None) -> Refreshed:
        """Make everything that is derived again."""
        with self.guard:
            return self._in_room(lambda: self.index.rebuild(progress))

    def _in_room(self, work: Callable[[], T]) -> T:
        """Do it; where the root's disk turns out to be full or read-only, with a catalog that is kept elsewhere."""
        try:
            return work()
        except CatalogFull:
            self.stores.close()
            self._open(elsewhere=True)
        return work()

    def ask(self, question: Callable[[Catalog], T], *, fresh: bool) -> T:
        """Put a question to the catalog; with `fresh`, what was written since is taken in first.

        A catalog that turns out to be damaged is made again, and asked again.
        """
        if fresh and (self._refreshes or not self._there or not self._usable()):
            self.take_in()
        try:
            return question(self.stores.catalog)
        except CatalogDamaged:
            self.rebuild()
        except CatalogFull:
            with self.guard:
                self._in_room(lambda: question(self.stores.catalog))
        return question(self.stores.catalog)

    def take_in(self) -> None:
        """See `OpenStores.take_in`: begin with it where it takes longer than anybody waits."""
        if self._patience is None:
            self.refresh()
        elif not self._taking_in.done_within(self._patience):
            self._behind = True
            if not self._complete():
                self._taking_in.done_within(None)  # the first look: only what is all there is told

    def _complete(self) -> bool:
        return self.stores.catalog.state() is CatalogState.COMPLETE

    def _usable(self) -> bool:
        return self.stores.catalog.state() is not CatalogState.UNUSABLE

    def pause(self, seconds: float) -> None:
        """See `OpenStores.pause`: nobody tells of what is written into a folder."""
        time.sleep(seconds)

    def look_for(self, ref: str) -> bool:
        """Look for what somebody named and the catalog does not know; whether there was news.

        However long that takes: that something is not there is said once all was looked at that was written before.
        """
        if not self._refreshes:
            return False
        behind = self._behind
        with self.guard:
            if self._behind:
                self.refresh()
            return self.index.seek(ref) or behind

    def look_closer(self, prefixes: Sequence[str]) -> bool:
        """Look at the experiments at prefixes, also where nothing was announced; whether there was news."""
        if not self._refreshes or not prefixes:
            return False
        with self._turn() as mine:
            return mine and self.index.look_closer(list(prefixes))

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """Hold the guard; false where somebody else holds it for longer than an answer waits."""
        mine = self.guard.acquire(timeout=-1 if self._patience is None else self._patience)
        try:
            yield mine
        finally:
            if mine:
                self.guard.release()

    def folder(self, prefix: str) -> str:
        """The folder of the experiment at a prefix."""
        return self.index.folder_of(prefix)

    def share(self, prefix: str) -> Share | None:
        """What the experiment at a prefix has of its folder, where several lie in it."""
        return self.index.journals.lies(prefix).share

    def place(self, experiment_id: str, prefix: str) -> ExperimentFolder:
        """See `OpenStores.place`."""
        return self.index.place(experiment_id, prefix)

    def files(self, experiment_id: str, prefix: str) -> Storage:
        """See `OpenStores.files`."""
        return self.index.journals.of(prefix)

    def documents(self, question: DocumentsQuestion, shows: Callable[[str], bool]) -> Documents:
        """See `OpenStores.documents`."""
        return answer_documents(self.journal, question, shows)

    def written(self, order: str, since: int) -> RootNews:
        """See `OpenStores.written`."""
        return self.journal.news(order, since)

    def left(self) -> Mapping[str, str]:
        """See `OpenStores.left`."""
        return self.journal.state().left()

    def append(
        self,
        question: AppendQuestion,
        *,
        user: str,
        check: Callable[[], None],
        find: Callable[[str], ExperimentFacts],
    ) -> Appended:
        """See `OpenStores.append`."""
        with self.guard, self.journal.written_by(user):
            check()
            done = FolderEdits(self.index, self.journal).write(question, find)
            self.refresh()
        return Appended(done)

    def trash(self) -> Sequence[Trashed]:
        """See `OpenStores.trash`."""
        with self.guard:
            return Trash(self.index).items()

    def close(self) -> None:
        """Release the stores."""
        self._taking_in.close()
        self.stores.close()
