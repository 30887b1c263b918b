"""The index follows what is taken in: a thread that brings it up to date soon after something has arrived."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from ...journal.nudges import nudge
from ...journal.root import announce_all
from ...reading.local.root import OpenRoot
from .filing import Home

__all__ = ["Following"]

_PAUSE = 0.3
"""Seconds between two looks: what arrives meanwhile is taken in together."""
_LONGEST_PAUSE = 1.0
"""Seconds between two looks that take long: otherwise each would find most experiments half sent, and look at them again."""


class Following:
    """Keeps the index of a root near to its journals.

    The catalog follows experiments that run by itself. Of all others, the root's journal has to say that they changed,
    so that this is not lost with the process; it says so once for each look of the index.
    """

    def __init__(self, root: OpenRoot) -> None:
        self._root = root
        self._layout = root.stores.root
        self._followed: frozenset[str] = frozenset()
        self._announced: set[str] = set()
        self._arrived: dict[str, Home] = {}
        self._guard = threading.Lock()
        self._news = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._since: float | None = None
        self._taking: float | None = None

    def lag(self) -> float:
        """Seconds since the oldest arrival that the index has not taken in; 0 where there is none."""
        with self._guard:
            oldest = [at for at in (self._taking, self._since) if at is not None]
        return time.monotonic() - min(oldest) if oldest else 0.0

    def arrived(self, homes: Iterable[Home]) -> None:
        """Something of these experiments has arrived.

        Raises:
            OSError: The root's journal cannot be written.
        """
        some = list(homes)
        if not some:
            return
        with self._guard:
            self._arrived.update((home.id, home) for home in some)
            self._since = self._since or time.monotonic()
            self._say(some)
        for home in some:
            nudge(self._layout.root, home.prefix)
        self._news.set()
        self._begin()

    def _say(self, homes: Iterable[Home]) -> None:
        """Announce, under the guard, those that this look of the index would not find; all in one go."""
        new = [
            (home.id, home.prefix)
            for home in homes
            if home.prefix not in self._followed and home.id not in self._announced
        ]
        announce_all(self._layout, "changed", new)
        self._announced.update(experiment_id for experiment_id, _ in new)

    def _begin(self) -> None:
        with self._guard:
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._follow, name="anew-index", daemon=True)
                self._thread.start()

    def _follow(self) -> None:
        while not self._closed.is_set():
            self._news.wait()
            self._news.clear()
            if self._closed.is_set():
                return
            with self._guard:
                # What comes from here on may come too late for this look.
                self._announced.clear()
                self._arrived.clear()
                self._taking, self._since = self._taking or self._since, None
            began = time.monotonic()
            try:
                self._root.refresh()
                self._taking = None
                outstanding = self._root.ask(lambda catalog: catalog.outstanding(), fresh=False)
                self._followed = frozenset(outstanding.followed)
                with self._guard:
                    # Some may have ended in this look, and are not followed from now on.
                    self._say(self._arrived.values())
            except Exception:  # noqa: BLE001  (whoever asks next looks too, and is told what is wrong)
                self._followed = frozenset()
            self._closed.wait(min(max(_PAUSE, time.monotonic() - began), _LONGEST_PAUSE))

    def close(self) -> None:
        """Stop; a look that has begun ends first."""
        self._closed.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join(60)
