"""Waiting for changes: one watcher for a whole server, however many wait."""

from __future__ import annotations

import asyncio
from collections import Counter

import anyio
import anyio.to_thread
from anyio import CapacityLimiter

from ..query.changes import Changes, ChangesQuestion, has_news
from ..reading.backend import Backend

__all__ = ["Live"]

_LOOK = 1.0
"""Seconds that the watcher's question waits; a server that stops waits for it this long."""


class Live:
    """Tells everybody who waits that something has changed.

    While somebody waits, one task asks the backend for changes; each of those who wait then asks what is new since their own
    cursor. While nobody waits, nothing is asked. All methods belong to the event loop but `close`, which any thread may call.

    Attributes:
        closed: Whether the server stops: everything that waits ends.
        streams: How many streams of events are open; `of_caller` of each caller.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._moved = asyncio.Event()
        self._waiting = 0
        self._watcher: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closed = False
        self.streams = 0
        self.of_caller: Counter[str] = Counter()

    @property
    def watching(self) -> bool:
        """Whether the backend is being asked for changes."""
        return self._watcher is not None and not self._watcher.done()

    async def wait(self, backend: Backend, question: ChangesQuestion) -> Changes:
        """The answer of a backend to a question for changes, as soon as there is one; no thread is held meanwhile."""
        self._loop = asyncio.get_running_loop()
        until = anyio.current_time() + max(0.0, question.wait)
        while True:
            moved = self._moved
            now = ChangesQuestion(question.since)
            found = await anyio.to_thread.run_sync(backend.changes, now)
            left = until - anyio.current_time()
            news = has_news(found) or question.since is None
            if news or left <= 0 or self.closed:
                return found
            self._waiting += 1
            try:
                if not self.watching:
                    self._watcher = asyncio.create_task(self._watch(found.cursor))
                with anyio.move_on_after(left):
                    await moved.wait()
            finally:
                self._waiting -= 1

    async def _watch(self, cursor: str) -> None:
        limiter = CapacityLimiter(1)  # a watcher never waits for the threads of others
        try:
            while self._waiting and not self.closed:
                asked = ChangesQuestion(cursor, wait=_LOOK)
                found = await anyio.to_thread.run_sync(
                    self._backend.changes, asked, limiter=limiter
                )
                cursor = found.cursor
                if has_news(found):
                    self._wake()
        finally:
            self._wake()  # if looking failed, those who wait ask themselves and are told

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def close(self) -> None:
        """End all waiting."""
        self.closed = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)
