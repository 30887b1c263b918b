"""Watching for alerts while a server runs: one server of a group does it for all of them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from ..alerts.sending import Sender
from ..alerts.watching import Watch
from ..journal.drive import Backoff
from ..reading.backend import Backend
from ..settings import alert_sending

__all__ = ["Alerting"]

_PAUSE = 1.0
_OTHERS = 10.0
"""Seconds between two looks whether the server that does it is still there."""


class Alerting:
    """A thread that evaluates the alerts of a store and tells people.

    Args:
        backend: The whole store.
        alone: Whether this server is to do it; asked before each step.
    """

    def __init__(self, backend: Backend, alone: Callable[[], bool] = lambda: True) -> None:
        self._backend = backend
        self._alone = alone
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="anew-alerts", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _run(self) -> None:
        watch: Watch | None = None
        backoff = Backoff(30.0)
        while not self._closed.is_set():
            try:
                if not self._alone():
                    watch = None  # whoever does it goes on from what is written down
                    self._closed.wait(_OTHERS)
                    continue
                if watch is None:
                    watch = Watch(self._backend, Sender(alert_sending()), say=_told)
                watch.step()
                backoff.worked()
                self._closed.wait(_PAUSE)
            except Exception as error:  # noqa: BLE001  (nothing is lost: it is tried again, and told)
                _told(f"{type(error).__name__}: {error}")
                self._closed.wait(backoff.failed())

    def close(self) -> None:
        """Stop; what is being sent ends first."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(30)


def _told(text: str) -> None:
    """Say on standard error what could not be done."""
    print(f"anew: alerts: {text}", file=sys.stderr, flush=True)
