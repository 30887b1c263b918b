"""What one server answers from: the backend, what looks after it, and what waits for changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..query.question import Question
from ..reading.backend import Backend
from ..reading.upkeep import Upkeep
from .intake.protocol import Intake
from .live import Live
from .observing import Observer

if TYPE_CHECKING:
    from .callers import Caller

__all__ = ["Place"]

T = TypeVar("T")


class Place:
    """A store that is served.

    Args:
        backend: What answers.
        upkeep: What looks after the store.
        close: Releases all of it.
        intake: What takes uploads; a store without one takes none.

    Attributes:
        live: Tells whoever waits that something has changed.
        observer: Counts what is asked.
    """

    def __init__(
        self,
        backend: Backend,
        upkeep: Upkeep,
        close: Callable[[], None] | None = None,
        intake: Intake | None = None,
    ) -> None:
        self._backend = backend
        self.upkeep = upkeep
        self.intake = intake
        self.live = Live(backend)
        self.observer = Observer()
        self._close = close
        self._making = threading.Lock()
        self._services: dict[object, Any] = {}

    def service(self, make: Callable[[str], T]) -> T | None:
        """What serves the folder in its own way, made once; None where no folder is served."""
        folder = self._backend.about().root
        if folder is None:
            return None
        with self._making:
            if make not in self._services:
                self._services[make] = make(folder)
            found: T = self._services[make]
            return found

    def backend(self, caller: Caller) -> Backend:
        """The backend as somebody may see it: every handler asks this one and no other."""
        del caller  # without accounts, whoever may ask sees everything
        return self._backend

    def look(self) -> None:
        """Ask the store something small.

        Raises:
            OSError: It cannot answer.
        """
        self._backend.select(Question(limit=0, now=time.time()))

    def close(self) -> None:
        """End what waits, and release the store."""
        self.live.close()
        if self.intake is not None:
            self.intake.close()
        if self._close is not None:
            self._close()
