"""What servers tell each other: that something has arrived, or was taken in."""

from __future__ import annotations

import threading

from .database import Database

__all__ = ["News"]


class News:
    """Hears what all servers say, this one too. Any thread may wait.

    Attributes:
        count: How often something was heard.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self.count = 0

    def start(self) -> None:
        """Begin to listen, in a thread."""
        self._thread = threading.Thread(
            target=self._database.listen,
            args=(self._heard, self._closed),
            name="anew-news",
            daemon=True,
        )
        self._thread.start()

    def _heard(self, payload: str) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> bool:
        """Wait until something was heard after `seen` had been; whether that was so."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self.count != seen or self._closed.is_set(), seconds
            )

    def close(self) -> None:
        """Stop listening, and end all waiting."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(10)
