"""Taking in what arrived: any server leases experiments, reads their whole lines, and saves what they add up to."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from ...index.sink import IndexSink
from ...index.state import UNREAD
from ...journal.drive import Backoff, Budget, drive
from ...journal.layout import RootLayout
from ...stores.catalog.postgres import PostgresCatalog
from ...stores.catalog.protocol import Batch, Catalog, Known, Outstanding
from ...stores.series.protocol import SeriesStore
from .leases import Lease, LeaseLost, Leases
from .news import News
from .storage import GroupJournals
from .truth import Truth

__all__ = ["Taken", "Worker"]

_AT_ONCE = 64
_PAUSE = 1.0
_BUDGET = Budget(experiments=_AT_ONCE, seconds=1.0)


class Taken(NamedTuple):
    """What one look took in."""

    experiments: int = 0
    points: int = 0
    problems: int = 0
    failed: int = 0


class _Guarded:
    """A catalog that saves only while leases are held: everything else is asked of the catalog itself.

    Args:
        together: Whether the catalog lies in the database with the leases, so that one transaction checks and saves.
    """

    def __init__(
        self, catalog: Catalog, leases: Leases, mine: Sequence[Lease], *, together: bool
    ) -> None:
        self._catalog = catalog
        self._leases = leases
        self._mine = mine
        self._together = together

    def save(self, batch: Batch) -> None:
        """See `Catalog.save`.

        Raises:
            LeaseLost: Somebody else takes in one of the experiments by now.
        """
        if self._together and isinstance(self._catalog, PostgresCatalog):
            self._catalog.save(
                batch, guard=lambda connection: self._leases.hold(connection, self._mine)
            )
            return
        with self._leases.held(self._mine):
            self._catalog.save(batch)

    def known(
        self, *, ids: Collection[str] = (), prefixes: Collection[str] = (), tallies: bool = False
    ) -> list[Known]:
        """See `Catalog.known`."""
        return self._catalog.known(ids=ids, prefixes=prefixes, tallies=tallies)

    def outstanding(self) -> Outstanding:
        """See `Catalog.outstanding`."""
        return self._catalog.outstanding()


@dataclass(frozen=True)
class _Filled:
    """What the index's sink fills here. Nothing is written into journals: no server sees the processes that write them."""

    catalog: _Guarded
    series: SeriesStore
    root: RootLayout = RootLayout("/")  # noqa: RUF009  (it only joins names)
    writable: bool = False


class Worker:
    """Takes in experiments of a group. Any thread may use it, and any number of servers may have one.

    What it saves of an experiment are absolute values together with how far they go, and only while it holds the experiment's
    lease. So nothing is counted twice or left out when a lease ends in the middle of the work: what was not saved is read again, from
    where the last saved values end.

    Args:
        truth: What arrived.
        catalog: What is filled, with `series`.
        holder: The name of this server.
        seconds: How long a lease lasts if it is not renewed.
    """

    def __init__(
        self,
        truth: Truth,
        catalog: Catalog,
        series: SeriesStore,
        holder: str,
        *,
        seconds: float = 60.0,
    ) -> None:
        self.leases = Leases(truth.database, holder, seconds=seconds)
        self._truth = truth
        self._catalog = catalog
        self._series = series
        self._together = isinstance(catalog, PostgresCatalog) and catalog.is_in(truth.database.url)
        self._guard = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self.failing = ""

    def work(self, most: int = _AT_ONCE, only: Sequence[str] | None = None) -> Taken | None:
        """Take in some experiments; None if there is nothing that nobody else takes in.

        Raises:
            OSError: The stores cannot be reached.
        """
        with self._guard:  # what the series keeps back belongs to one look
            mine = self.leases.take(most, only)
            if not mine:
                return None
            try:
                return self._take_in(mine)
            except LeaseLost:  # somebody else does it, or will
                return Taken()
            except BaseException:
                with suppress(OSError):
                    self.leases.give_back(mine)
                raise

    def _take_in(self, mine: Sequence[Lease]) -> Taken:
        catalog = _Guarded(self._catalog, self.leases, mine, together=self._together)
        known = self._truth.filings.find([one.experiment for one in mine])
        here = {one.prefix: one.id for one in known.values() if one.state == "here"}
        kept = self._forget(catalog, [one.id for one in known.values() if one.state != "here"])
        offset = self._truth.now() - time.time()
        outstanding = catalog.outstanding()
        unread = {p: r for p in here if (r := outstanding.marks.get(UNREAD + p)) is not None}
        sink = IndexSink(
            _Filled(catalog, self._series),
            journals := GroupJournals(self._truth.files, here),
            unread,
            clock=lambda: time.time() + offset,
        )
        failed = set()
        for turn in drive(journals, list(here), [sink], _BUDGET):
            failed |= {one.prefix for one, _ in turn.failed}
        followed = set(catalog.outstanding().followed)
        follow = {id: prefix in followed for prefix, id in here.items()}
        self.leases.end(
            mine, follow, [*kept, *(here[prefix] for prefix in failed if prefix in here)]
        )
        return Taken(sink.experiments, sink.points, sink.problems, len(failed))

    def _forget(self, catalog: _Guarded, ids: Sequence[str]) -> list[str]:
        """Forget experiments that were deleted; those whose points cannot be removed now, which is to be tried again."""
        known = catalog.known(ids=ids) if ids else []
        if known:
            catalog.save(Batch(doomed=[one.key for one in known]))
        kept: list[str] = []
        for one in ids:
            try:
                self._series.drop(one)
            except OSError:
                kept.append(one)
        return kept

    # -- in the background ------------------------------------------------------------------------------

    def start(self, news: News) -> None:
        """Take in what arrives, in a thread."""
        self._thread = threading.Thread(
            target=self._run, args=(news,), name="anew-index", daemon=True
        )
        self._thread.start()

    def _run(self, news: News) -> None:
        backoff = Backoff(10.0)
        while not self._closed.is_set():
            seen = news.count
            try:
                while not self._closed.is_set() and self.work() is not None:
                    pass
                backoff.worked()
                self.failing = ""
                news.wait(seen, _PAUSE)
            except Exception as error:  # noqa: BLE001  (nothing is lost: it is tried again, and told)
                self.failing = f"{type(error).__name__}: {error}"
                self._closed.wait(backoff.failed())

    def close(self) -> None:
        """Stop; what has begun ends first."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(60)
