"""What one server answers from: the backend, what looks after it, and what waits for changes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..query.panel import PanelQuestion
from ..query.question import Question
from ..query.scope import Scope
from ..reading.backend import Backend
from ..reading.upkeep import Upkeep
from ..stores.open import DEFAULT_CACHE
from ..trackers.records import FolderRecords, Records
from .callers import Role
from .discreet import discreet
from .intake.protocol import Intake
from .intake.weights import ServedWeights
from .kept import KeptPanels
from .limits import Limits
from .live import Live
from .observing import Observer
from .quotas import Quotas, held_by_projects
from .thumbnails import Thumbnails

if TYPE_CHECKING:
    from ..analysis.analyst import Analyst
    from ..reports.showing import Showing
    from .callers import Caller

__all__ = ["PATIENCE", "Place"]

PATIENCE = 1.0
"""Seconds that an answer waits until what was just written is taken in; ten thousand experiments take many."""

Within = Callable[[Scope | None, str], tuple[Backend, Upkeep]]
A = TypeVar("A")
T = TypeVar("T")


class Place:
    """A store that is served.

    Args:
        backend: What answers.
        upkeep: What looks after the store.
        close: Releases all of it.
        intake: What takes uploads; a store without one takes none.
        within: Backend and upkeep for somebody: what they may see, and their name. Without it, the store is for those alone who see
            everything.
        seconds: How long reading may take for one question.
        weights: The weights that are served; those in the folder if not given.
        lacking: Tells what is away that answers can do without; "" if nothing is.
        records: Where clients of other trackers write; the folder, if one is served and this is not given.
        cache: The folder of this machine for copies of what is read.
        analyst: What reckons for everybody who may ask, where the store is another server's; this process if not given.
        showing: In the same way, what tells which reports show an experiment.
        alone: Tells whether this server, and no other of the group, does what is done once for all of them; asked again and again.

    Attributes:
        live: Tells whoever waits that something has changed.
        observer: Counts what is asked.
        panels: The panels that were asked for last.
        thumbnails: The small pictures of images.
        quotas: How much projects may hold; None for as much as they like.
    """

    def __init__(
        self,
        backend: Backend,
        upkeep: Upkeep,
        close: Callable[[], None] | None = None,
        intake: Intake | None = None,
        within: Within | None = None,
        seconds: float = 30.0,
        weights: ServedWeights | None = None,
        lacking: Callable[[], str] = lambda: "",
        alone: Callable[[], bool] = lambda: True,
        records: Records | None = None,
        cache: str = DEFAULT_CACHE,
        analyst: Analyst | None = None,
        showing: Callable[[str], Sequence[Showing]] | None = None,
    ) -> None:
        self.alone = alone
        self._backend = backend
        self._upkeep = upkeep
        self._within = within
        self.intake = intake
        self.seconds = seconds
        self.weights = weights
        self.analyst = analyst
        self.showing = showing
        self.lacking = lacking
        self.live = Live(backend)
        self.observer = Observer()
        self.panels = KeptPanels()
        self.thumbnails = Thumbnails(cache)
        self.quotas: Quotas | None = None
        self._close = close
        self._making = threading.Lock()
        self._services: dict[object, Any] = {}
        self._records = records

    def service(self, make: Callable[[str], T]) -> T | None:
        """What serves the folder in its own way, made once; None where no folder is served."""
        folder = self._backend.about().root
        with self._making:
            return None if folder is None else self._made(make, folder)

    def tracker(self, make: Callable[[Records], T]) -> T | None:
        """What serves clients of another tracker, made once; None where they cannot write."""
        with self._making:
            if self._records is None:
                folder = self._backend.about().root
                if folder is None:
                    return None
                self._records = FolderRecords(folder)
            return self._made(make, self._records)

    def _made(self, make: Callable[[A], T], of: A) -> T:
        if make not in self._services:
            self._services[make] = make(of)
        found: T = self._services[make]
        return found

    def whole(self) -> Backend:
        """The backend for what the server does by itself. Nobody's question is answered from it."""
        return self._backend

    def backend(self, caller: Caller, least: Role = Role.READER) -> Backend:
        """The backend as somebody may see it: every handler asks this one and no other.

        Args:
            least: The role that they need: what lies in projects where they have less is not there.
        """
        return self._of(caller, least)[0]

    def upkeep(self, caller: Caller, least: Role = Role.READER) -> Upkeep:
        """What looks after the part of the store that somebody may see; see `backend`."""
        return self._of(caller, least)[1]

    def _of(self, caller: Caller, least: Role) -> tuple[Backend, Upkeep]:
        scope = caller.scope(least)
        if caller.grants is None and scope is None:
            return self._backend, self._upkeep
        if self._within is None:
            raise RuntimeError("This store cannot be shown in part.")
        backend, upkeep = self._within(scope, caller.user or caller.name)
        return discreet(backend, caller), upkeep

    def limit(self, limits: Limits) -> None:
        """Set how long answers may take, and how much projects may hold."""
        self.seconds = limits.answer_seconds
        quotas = Quotas(limits, lambda: held_by_projects(self._backend, self._upkeep))
        self.quotas = quotas if quotas.on else None

    def look(self) -> None:
        """Ask the store something small.

        Raises:
            OSError: It cannot answer.
        """
        self._backend.select(Question(limit=0, now=time.time()))

    def prepare(self) -> None:
        """Do in advance what the first chart would wait for: take in what is new in a folder, and load what reads points.

        Whatever goes wrong, the question says that comes across it.
        """
        with contextlib.suppress(Exception):
            if self._backend.about().root is None:  # points are read elsewhere
                return
            from ..stores.series.engine import Engine

            self.look()
            self._backend.panel(PanelQuestion(ids=(), metrics=()))
            Engine().close()

    def close(self) -> None:
        """End what waits, and release the store."""
        self.live.close()
        if self.intake is not None:
            self.intake.close()
        if self._close is not None:
            self._close()
