"""Bringing the stores up to date with the journals: what changed since, and only that."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple

from ..errors import InvalidName, InvalidValue, StillRunning
from ..journal.documents import RootJournal
from ..journal.drive import drive
from ..journal.layout import OWN_FOLDERS, RootLayout, is_experiment
from ..journal.lock import locked, renew
from ..journal.residents import FolderJournals
from ..journal.root import RootPosition, follow_root, name_root
from ..journal.sealing import may_seal
from ..query.question import Question
from ..record.ids import is_like_id
from ..record.names import check_prefix, split_number
from ..record.root import Hint, OfExperiment, RootEvent, decode_root
from ..record.status import Status
from ..stores.catalog.protocol import Batch, CatalogDamaged, CatalogState, Known
from ..stores.open import Stores
from ..stores.series.protocol import ExperimentFolder, Sealed
from .discovery import EXPERIMENTS, Folders, is_current, look_around
from .resting import Resting
from .state import UNREAD, UNSETTLED, awaited_by, decode_state

__all__ = ["Index", "Progress", "Refreshed", "Row", "named_prefixes"]

Progress = Callable[[int, int], None]
"""Called now and then with how many experiments were taken in, and how many there are to take in."""

_ROOT, _DELETED = "root/", "deleted/"
_FOLDERS = "folders"
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
WAIT_SECONDS = 0.5
WALK_SECONDS = 60.0
AROUND_REST = 20.0
"""How many times as long as it took to look for what was not announced, the next looks of a process go without."""


class Refreshed(NamedTuple):
    """What one look took in. `behind`: somebody else was at it, so more may be there than is shown."""

    experiments: int = 0
    points: int = 0
    problems: int = 0
    seconds: float = 0.0
    behind: bool = False


class Row:
    """An experiment as the catalog has it: id, prefix, shown status, name, and the writers that ended."""

    def __init__(self, known: Known) -> None:
        self.state = state = decode_state(known.state)
        self.experiment_id = known.experiment_id
        self.prefix = known.prefix
        self.status = Status(known.status)
        self.name = state.name
        self.finished = [n for n, w in state.writers.items() if w.ended_at is not None]


class Index:
    """Fills a root's stores from its folders.

    Safe to use from several processes and machines at once: one at a time holds the lock, the others show
    what there is. Not for several threads at once.

    Args:
        journal: The root's journal, which says what was deleted; one of its own if not given.
    """

    def __init__(self, stores: Stores, journal: RootJournal | None = None) -> None:
        self.stores = stores
        self.root: RootLayout = stores.root
        self.journal = journal or RootJournal(stores.root)
        self.journals = FolderJournals(stores.root)
        self._deleted: dict[str, str] = {}
        self._unread: dict[str, str] = {}
        self._unsettled: set[str] = set()
        self._resting = Resting(self.root)
        self._depth = 0
        self._walked_at: float | None = None
        self._around_at = 0.0
        self._round: int | None = None  # which experiments are compared next; anywhere at first

    def refresh(self, progress: Progress | None = None, *, wait: float = WAIT_SECONDS) -> Refreshed:
        """Take in what was written since the last look; everything, when there was none.

        Args:
            wait: Seconds to wait for another process that is doing the same.
        """
        with self._locked(wait) as mine:
            if mine:
                return self._mended(lambda: self._refresh(progress), progress)
        if (
            self.stores.catalog.state() is CatalogState.UNUSABLE
        ):  # nothing to show yet: wait for whoever makes it
            with self._locked(60.0) as mine:
                if mine:
                    return self._mended(lambda: self._refresh(progress), progress)
        return Refreshed(behind=True)

    def rebuild(self, progress: Progress | None = None) -> Refreshed:
        """Throw the catalog away and make it again from the folders alone."""
        with self._locked(60.0) as mine:
            if not mine:
                return Refreshed(behind=True)
            self.stores.catalog.create()
            return self._refresh(progress)

    def adopt(self, prefix: str) -> str | None:
        """Take in the folder at a prefix, which somebody may have copied or moved there by hand.

        Returns:
            The id of the experiment in it; None if there is none.
        """
        with self.exclusive():
            self.touch([prefix])
            known = self.stores.catalog.known(prefixes=[prefix])
        return known[0].experiment_id if known else None

    def look_closer(self, prefixes: Collection[str]) -> bool:
        """Look at experiments that somebody named, also where nothing was announced; whether there was news.

        Where nothing changed, no lock is taken.
        """
        known = {k.prefix: k for k in self.stores.catalog.known(prefixes=prefixes)}
        news = [
            prefix
            for prefix in prefixes
            if prefix not in known or not is_current(self.journals.of(prefix), known[prefix].cursor)
        ]
        return bool(news) and self._look_at_once(news)

    def _beside(self, prefixes: Iterable[str]) -> list[str]:
        """Where experiments are shown that the catalog does not know and that lie in the folders of known ones."""
        known = set(prefixes)
        others = [p for prefix in known for p in self.journals.shown(prefix) if p not in known]
        there = {k.prefix for k in self.stores.catalog.known(prefixes=others)} if others else set()
        return [prefix for prefix in others if prefix not in there]

    def behind(self, prefixes: Collection[str]) -> list[str]:
        """Those of some experiments that hold what was not taken in, though nobody writes to them."""
        catalog = self.stores.catalog
        followed = set(catalog.outstanding().followed)
        return [
            k.prefix
            for k in catalog.known(prefixes=prefixes)
            if k.prefix not in followed
            and os.path.isdir(self.folder_of(k.prefix))
            and not is_current(self.journals.of(k.prefix), k.cursor)
        ]

    def seek(self, ref: str) -> bool:
        """Look for what somebody named and the catalog does not know; whether there was news.

        A prefix is looked for at its place. For what looks like an id every folder is walked, once in a while.
        """
        try:
            prefix = check_prefix(ref.strip().strip("/"))
        except (InvalidName, InvalidValue):
            return False
        start, number = split_number(prefix)
        prefix = start if number == 1 else prefix
        if self._is_among_files(prefix):
            return False
        if is_experiment(self.root.experiment(prefix).folder) and self._look_at_once([prefix]):
            return True
        if not is_like_id(prefix):
            return False
        if self._walked_at is not None and time.monotonic() - self._walked_at < WALK_SECONDS:
            return False
        self._walked_at = time.monotonic()
        if not os.path.isdir(self.root.root):
            return False
        walked = list(self.root.walk())
        known = {k.prefix for k in self.stores.catalog.known(prefixes=walked)}
        unknown = [prefix for prefix in walked if prefix not in known]
        return bool(unknown) and self._look_at_once(unknown)

    def _is_among_files(self, prefix: str) -> bool:
        """Whether a prefix leads to what an experiment keeps: a logged folder may look like an experiment, and is none."""
        segments = prefix.split("/")
        return any(
            segment in OWN_FOLDERS
            and is_experiment(self.root.experiment("/".join(segments[:number])).folder)
            for number, segment in enumerate(segments)
            if number
        )

    def _look_at_once(self, prefixes: list[str]) -> bool:
        with self._locked(WAIT_SECONDS) as mine:
            if not mine:
                return False
            self._mended(self._recall)
            return self.touch(prefixes).experiments > 0

    def folder_of(self, prefix: str) -> str:
        """The folder of the experiment that is shown at a prefix."""
        return self.root.experiment(self.journals.lies(prefix).folder).folder

    def place(self, experiment_id: str, prefix: str) -> ExperimentFolder:
        """Where the series of the experiment that is shown at a prefix lies."""
        folder, share = self.journals.lies(prefix)
        return ExperimentFolder(experiment_id, self.root.experiment(folder).folder, share)

    def seal(self, ids: Collection[str] | None = None) -> Sealed:
        """Turn all finished points of some experiments into columns, small files too.

        Args:
            ids: Which; all if None, and then those that cannot be sealed are passed over: the doctor names them.
        """
        total = Sealed(0, 0, 0)
        with self.exclusive():
            for row in self.look_at(ids if ids is not None else self.ids()).values():
                try:
                    sealed = self._seal(row)
                except Exception as error:
                    full = isinstance(error, OSError) and error.errno in _NO_SPACE
                    if ids is not None or full:
                        raise
                    continue
                total = Sealed(*(a + b for a, b in zip(total, sealed, strict=True)))
                if sealed.files:
                    self.touch([row.prefix])
        return total

    def _seal(self, row: Row) -> Sealed:
        place = self.place(row.experiment_id, row.prefix)
        awaited = partial(awaited_by, row.state, self._sinks())
        may = may_seal(self.journals.of(row.prefix), awaited, time.time())
        return self.stores.series.flush(place, row.finished, small=True, may_seal=may)

    # -- for those who change folders, under the lock ---------------------------------------------

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the index's lock, which `touch` and `look_at` need; may be nested.

        Raises:
            StillRunning: Another process held it for a minute.
        """
        if self._depth == 0:
            with self._locked(60.0) as mine:
                if not mine:
                    raise StillRunning(
                        f"Another process is updating the index of {self.root.root}. Try again "
                        "when it has finished."
                    )
                self._depth = 1
                try:
                    self._mended(self._recall)
                    yield
                finally:
                    self._depth = 0
        else:
            yield

    def touch(self, prefixes: Collection[str]) -> Refreshed:
        """Look at the folders at these prefixes, whatever was announced."""
        return self._touch(list(prefixes), None)

    def take_in(self) -> Refreshed:
        """Take in what was announced, as `refresh` does."""
        return self._news(None)

    def ids(self) -> list[str]:
        """The ids of all experiments in the catalog."""
        return list(self.stores.catalog.select(Question(now=time.time())).ids)

    def look_at(self, ids: Collection[str]) -> dict[str, Row]:
        """What the catalog has of experiments after looking at their folders; by id."""
        catalog = self.stores.catalog
        self.touch([k.prefix for k in catalog.known(ids=ids)])
        return {k.experiment_id: Row(k) for k in catalog.known(ids=ids)}

    @contextmanager
    def _locked(self, wait: float) -> Iterator[bool]:
        if not self.stores.lock or not os.path.isdir(self.root.root):
            yield True  # a catalog in memory is nobody else's
            return
        with locked(self.stores.lock, wait) as mine:
            yield mine

    def _mended(self, work: Callable[[], Refreshed], progress: Progress | None = None) -> Refreshed:
        """Do it; when the catalog turns out to be damaged, make it again and take in everything."""
        catalog = self.stores.catalog
        try:
            if catalog.state() is not CatalogState.UNUSABLE:
                return work()
        except CatalogDamaged:
            pass
        catalog.create()
        return self._refresh(progress)

    # -- under the lock ---------------------------------------------------------------------------

    def _refresh(self, progress: Progress | None) -> Refreshed:
        began = time.monotonic()
        catalog = self.stores.catalog
        state = catalog.state()
        if state is CatalogState.UNUSABLE:
            catalog.create()
        if not os.path.isdir(self.root.root):
            return Refreshed()
        if state is not CatalogState.COMPLETE:
            self._resting.forget()
            # Where the journal ends is noted before the walk: what is announced meanwhile comes again.
            ends = {chunk.name: chunk.end for chunk in follow_root(self.root, {})}
            self._save_deleted()
            since = time.time_ns()
            prefixes = sorted(self.root.walk())
            if prefixes and self.stores.writable and self.journal.state().root_id() is None:
                with suppress(OSError):  # whoever can write there names it
                    name_root(self.root)
            taken = self._touch(prefixes, progress)
            self._save_marks(ends, {_FOLDERS: Folders.holding(prefixes, since).to_text()})
            catalog.finish()
        else:
            taken = self._news(progress)
        seconds = time.monotonic() - began
        return Refreshed(taken.experiments, taken.points, taken.problems, seconds)

    def _recall(self) -> Refreshed:
        """Remember what the catalog says of folders that are not shown or could not be read."""
        self._note(self.stores.catalog.outstanding().marks)
        return Refreshed()

    def _note(self, marks: Mapping[str, str]) -> None:
        self._unread = {k[len(UNREAD) :]: v for k, v in marks.items() if k.startswith(UNREAD)}
        self._deleted = {k[len(_DELETED) :]: v for k, v in marks.items() if k.startswith(_DELETED)}
        self._unsettled = {k[len(UNSETTLED) :] for k in marks if k.startswith(UNSETTLED)}

    def _news(self, progress: Progress | None) -> Refreshed:
        """Take in what was announced, and what the experiments that are followed have written."""
        outstanding = self.stores.catalog.outstanding()
        marks = outstanding.marks
        self._note(marks)
        positions = {
            k[len(_ROOT) :]: RootPosition.from_text(v)
            for k, v in marks.items()
            if k.startswith(_ROOT)
        }
        prefixes = dict.fromkeys((*self._resting.awake(outstanding.followed), *self._unread))
        ends: dict[str, RootPosition] = {}
        deletions = False
        for chunk in follow_root(self.root, positions):
            ends[chunk.name] = chunk.end
            events = [line.event for line in decode_root(chunk.data)[0]]
            prefixes.update(dict.fromkeys(named_prefixes(events)))
            deletions |= chunk.replaced or any(isinstance(event, OfExperiment) for event in events)
        if deletions:
            prefixes.update(dict.fromkeys(self._save_deleted()))
        folders = marks.get(_FOLDERS)
        began = time.monotonic()
        if self.stores.writable and began >= self._around_at:
            found, folders = self._unannounced(folders, prefixes)
            prefixes.update(dict.fromkeys(found))
            now = time.monotonic()
            self._around_at = now + (now - began) * AROUND_REST
        taken = self._touch(list(prefixes), progress)
        if ends or folders != marks.get(_FOLDERS):
            self._save_marks(ends, {_FOLDERS: folders})
        return taken

    def _unannounced(self, before: str | None, announced: Collection[str]) -> tuple[list[str], str]:
        """Prefixes where something came, went or changed that nobody announced, and the folders as they are now.

        Args:
            before: The folders as the last look left them.
        """
        catalog = self.stores.catalog
        round_ = self._next_round()
        folders = Folders.from_text(before)
        folders.add(announced)
        folders.add_nested(self.root, (k.prefix for k in round_))
        found = look_around(self.root, folders)
        known = {k.prefix: k for k in (*round_, *catalog.known(prefixes=found))}
        current = {
            prefix for prefix, k in known.items() if is_current(self.journals.of(prefix), k.cursor)
        }
        beside = self._beside(current)
        news = [p for p in dict.fromkeys((*found, *known, *beside)) if p not in current]
        return news, folders.to_text()

    def _next_round(self) -> list[Known]:
        """A few known experiments, others at each look.

        Where a process begins is left to chance, so that looks of many short processes cover everything without
        each of them having to note where the next one goes on.
        """
        catalog = self.stores.catalog
        if self._round is None:
            every = catalog.count(Question(now=time.time()))
            self._round = time.time_ns() // 1000 % max(every - EXPERIMENTS + 1, 1)
        some = catalog.select(Question(now=time.time(), offset=self._round, limit=EXPERIMENTS))
        self._round = some.next or 0
        return catalog.known(ids=some.ids)

    def _save_deleted(self) -> list[str]:
        """Note what is deleted now; the prefixes of all that this may show or hide."""
        before, catalog = self._deleted, self.stores.catalog
        now = {i: event.prefix for i, event in self.journal.state().deleted().items()}
        marks: dict[str, str | None] = {_DELETED + i: None for i in before.keys() - now.keys()}
        marks |= {_DELETED + i: prefix for i, prefix in now.items() if before.get(i) != prefix}
        self._deleted = now
        if not marks:
            return []
        catalog.save(Batch(marks=marks))
        changed = before.keys() ^ now.keys()
        hidden = (before[i] for i in changed & before.keys() if before[i])
        return [*(known.prefix for known in catalog.known(ids=changed)), *hidden]

    def _save_marks(
        self, ends: dict[str, RootPosition], others: Mapping[str, str | None] = {}
    ) -> None:
        marks: dict[str, str | None] = {_ROOT + name: end.to_text() for name, end in ends.items()}
        self.stores.catalog.save(Batch(marks={**marks, **others}))

    def _sinks(self) -> dict[str, float]:
        """The sinks that are registered for the root, and since when."""
        state = self.journal.state()
        return {name: state.heads("sink", name)[0].t for name in state.sinks()}

    def _touch(self, prefixes: list[str], progress: Progress | None) -> Refreshed:
        """Have the driver look at the folders at these prefixes, and save what is new, some at a time."""
        if not prefixes:
            return Refreshed()
        # Where several experiments lie in one folder, a change to it may concern each of them.
        prefixes = list(
            dict.fromkeys(p for prefix in prefixes for p in self.journals.shown(prefix))
        )
        from .sink import IndexSink  # which loads what decodes points; nothing new needs none of it

        sink = IndexSink(
            self.stores,
            self.journals,
            self._unread,
            self._deleted,
            self._sinks,
            self.journal.state().placed(),
            unsettled=self._unsettled,
        )
        for turn in drive(self.journals, prefixes, [sink]):
            if self.stores.lock:
                renew(self.stores.lock)
            if progress is not None:
                progress(turn.done, turn.of)
        self._resting.note(sink.until)
        self._unread = sink.unread
        self._unsettled = sink.unsettled or set()
        return Refreshed(sink.experiments, sink.points, sink.problems)


def named_prefixes(events: Iterable[Hint | RootEvent]) -> Iterator[str]:
    """The prefixes that events of the root's journal name; one that leads elsewhere is passed over."""
    for event in events:
        try:
            yield check_prefix(getattr(event, "prefix", ""))
        except (InvalidName, InvalidValue):
            continue
