"""The stores of a group, as a server answers from them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TypeVar

import msgspec

from ...errors import Conflict
from ...index import Progress, Refreshed
from ...index.trash import Trashed
from ...journal.documents import RootJournal, RootNews
from ...query.documents import Documents, DocumentsQuestion
from ...query.edits import Appended, AppendQuestion
from ...reading.local.documents import answer_documents
from ...reading.local.editing import subject, write_document
from ...record import edits
from ...record.facts import ExperimentFacts
from ...stores.catalog.protocol import Catalog, CatalogState
from ...stores.series.protocol import ExperimentFolder, SeriesStore
from .editing import append_edit
from .news import News
from .storage import GroupStorage
from .trash import GroupTrash
from .truth import Truth
from .worker import Worker

__all__ = ["GroupStores"]

T = TypeVar("T")
_EXPECTED = 5_001_509
"""The advisory lock of who writes only if nobody else has."""
_MAKING = 5_001_511
"""The advisory lock of who makes the catalog again."""
_PATIENCE = 0.5
"""Seconds that a question waits for what other servers are taking in."""


class GroupStores:
    """The `reading.local.protocol.OpenStores` of a group. Any thread may use it.

    Args:
        truth: What clients sent.
        catalog: What is derived from it, with `series`.
        where: The address, to be shown to people.
        user: Who writes what is changed, where nobody else is known.
        holder: The name of this server among the others.
        seconds: How long a lease of it lasts.
    """

    def __init__(
        self,
        truth: Truth,
        catalog: Catalog,
        series: SeriesStore,
        *,
        where: str = "",
        user: str = "",
        holder: str = "",
        seconds: float = 60.0,
    ) -> None:
        self._where = where
        self._guard = threading.RLock()
        self._series = series
        self.truth = truth
        self.catalog = catalog
        self.journal = RootJournal(truth.lines, user=user)
        self.bin = GroupTrash(truth)
        self.worker = Worker(truth, catalog, series, holder or os.urandom(8).hex(), seconds=seconds)
        self.news = News(truth.database)
        if catalog.state() is not CatalogState.COMPLETE:
            with self._alone():
                if (
                    catalog.state() is not CatalogState.COMPLETE
                ):  # nobody else has made it meanwhile
                    self._rebuild(None)

    def start(self) -> None:
        """Hear of what arrives at all servers, and take in some of it, in threads."""
        self.news.start()
        self.worker.start(self.news)

    @property
    def where(self) -> str:
        """See `OpenStores.where`."""
        return self._where

    @property
    def path(self) -> str | None:
        """See `OpenStores.path`: there is no folder."""
        return None

    @property
    def guard(self) -> AbstractContextManager[object]:
        """See `OpenStores.guard`."""
        return self._guard

    @property
    def series(self) -> SeriesStore:
        """See `OpenStores.series`."""
        return self._series

    # -- asking -----------------------------------------------------------------------------------------

    def ask(self, question: Callable[[Catalog], T], *, fresh: bool) -> T:
        """See `OpenStores.ask`."""
        if fresh:
            self.take_in()
        return question(self.catalog)

    def take_in(self) -> None:
        """See `OpenStores.take_in`."""
        self.refresh()

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        """Take in what has arrived, with the other servers; what takes them longer than a moment is not waited for."""
        began = time.monotonic()
        experiments = points = problems = 0
        while True:
            seen = self.news.count
            if not self.worker.leases.waiting():
                return Refreshed(experiments, points, problems, time.monotonic() - began)
            taken = self.worker.work()
            if taken is not None:
                experiments, points = experiments + taken.experiments, points + taken.points
                problems += taken.problems
            left = began + _PATIENCE - time.monotonic()
            if left <= 0:
                return Refreshed(
                    experiments, points, problems, time.monotonic() - began, behind=True
                )
            if taken is None:
                self.news.wait(seen, min(left, 0.05))

    def rebuild(self, progress: Progress | None = None) -> Refreshed:
        """Make the catalog again from what is true, with the other servers, which go on answering meanwhile."""
        with self._alone():
            return self._rebuild(progress)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other server makes the catalog."""
        with self.truth.database.transaction() as held:
            held.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
            yield

    def _rebuild(self, progress: Progress | None) -> Refreshed:
        began = time.monotonic()
        self.catalog.create()
        with self.truth.database.transaction() as connection:
            connection.execute(
                "INSERT INTO work (experiment, since) SELECT id, clock_timestamp() FROM experiment WHERE state = 'here' "
                "ON CONFLICT (experiment) DO UPDATE SET changed = work.changed + 1, since = coalesce(work.since, excluded.since), "
                "due = least(work.due, excluded.due)"
            )
        total = self.worker.leases.waiting()
        experiments = points = problems = 0
        while (taken := self.worker.work()) is not None:
            experiments, points = experiments + taken.experiments, points + taken.points
            problems += taken.problems
            if progress is not None:
                progress(min(experiments, total), total)
        self.catalog.finish()
        return Refreshed(experiments, points, problems, time.monotonic() - began)

    def pause(self, seconds: float) -> None:
        """See `OpenStores.pause`: servers tell each other when they have taken something in."""
        self.news.wait(self.news.count, seconds)

    def look_for(self, ref: str) -> bool:
        """See `OpenStores.look_for`: nothing is there that was not announced."""
        return False

    def look_closer(self, prefixes: Sequence[str]) -> bool:
        """See `OpenStores.look_closer`."""
        return False

    def place(self, experiment_id: str, prefix: str) -> ExperimentFolder:
        """See `OpenStores.place`."""
        return ExperimentFolder(experiment_id, f"/{prefix}")

    def files(self, experiment_id: str, prefix: str) -> GroupStorage:
        """See `OpenStores.files`."""
        return self.truth.files.storage(experiment_id)

    def documents(self, question: DocumentsQuestion, shows: Callable[[str], bool]) -> Documents:
        """See `OpenStores.documents`."""
        return answer_documents(self.journal, question, shows)

    def trash(self) -> Sequence[Trashed]:
        """See `OpenStores.trash`."""
        return self.bin.items()

    def root_id(self) -> str:
        """The id of the root, which is given one if it has none."""
        found = self.journal.state().root_id()
        if found is None:
            self.truth.lines.name_root()
            found = self.journal.state().root_id()
        assert found is not None
        return found

    # -- changing -----------------------------------------------------------------------------------------

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
        with self._guard, self.journal.written_by(user), self.truth.database.transaction() as held:
            check()
            if question.expect is not None:
                # Of two servers that expect the same, the second must see what the first has written.
                held.execute("SELECT pg_advisory_xact_lock(%s)", (_EXPECTED,))
                self._check(question.edits, question.expect)
            deleted = [one.id for one in question.edits if isinstance(one, edits.DeleteEdit)]
            if deleted:
                self.refresh()  # what has ended must not seem to run
                self.bin.delete(deleted, find, user)
            done = [self._write(one, find, user) for one in question.edits]
        self.refresh()
        return Appended(tuple(done))

    def _check(self, given: Sequence[edits.Edit], expected: Sequence[str]) -> None:
        state = self.journal.state()
        now = {event.id for one in given for event in state.heads(*subject(one))}
        if now != set(expected):
            raise Conflict(
                "What was to be changed has been changed by somebody else meanwhile. Nothing was written: look at it "
                "again, and then make the change."
            )

    def _write(
        self, edit: edits.Edit, find: Callable[[str], ExperimentFacts], user: str
    ) -> edits.Edited:
        match edit:
            case edits.DeleteEdit():
                sizes = {item.experiment_id: item.bytes for item in self.bin.items()}
                return edits.Edited(edit.id, bytes=sizes.get(edit.id, 0))
            case edits.RestoreEdit():
                self.bin.restore(edit.id, edit.prefix, user)
                return edits.Edited(edit.id)
            case edits.MoveEdit():
                self.bin.move(edit.id, edit.prefix, find, user)
                return edits.Edited(edit.id)
            case (
                edits.TagsEdit()
                | edits.FieldEdit()
                | edits.ParamsEdit()
                | edits.MetricsEdit()
                | edits.CaptureEdit()
            ):
                fields = {f: getattr(edit, f) for f in edit.__struct_fields__ if f != "id"}
                if isinstance(edit, (edits.ParamsEdit, edits.MetricsEdit)):
                    fields["by"] = user
                kind = str(edit.__struct_config__.tag)
                with self.truth.database.transaction() as connection:
                    append_edit(self.truth, connection, edit.id, kind, msgspec.to_builtins(fields))
                return edits.Edited(edit.id)
            case _:
                return write_document(self.journal, edit)

    def close(self) -> None:
        """Stop what works in the background, and release the stores."""
        self.news.close()
        self.worker.close()
        self._series.close()
        with suppress(OSError):
            self.catalog.close()
        self.truth.database.close()
