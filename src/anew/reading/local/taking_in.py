"""Bringing an index up to date beside the questions, so that an answer waits for it only so long."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

__all__ = ["TakingIn"]


class TakingIn:
    """Does some work in a thread of its own, once for all who asked before it began.

    The thread ends with the process: a look that takes minutes does not keep a server from stopping.

    Args:
        work: What is done.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._coming: Future[None] | None = None
        self._asked: queue.SimpleQueue[Future[None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def done_within(self, seconds: float | None) -> bool:
        """Have the work done from its beginning; whether it was done in so many seconds. Without a limit, it is waited for.

        What the work raised is raised.
        """
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="anew-index", daemon=True)
                self._thread.start()
            if self._coming is None:
                self._coming = Future()
                self._asked.put(self._coming)
            coming = self._coming
        done, _ = wait((coming,), seconds)
        if not done:
            return False
        coming.result()
        return True

    def close(self) -> None:
        """End the thread after what it is doing."""
        self._asked.put(None)

    def _run(self) -> None:
        while (one := self._asked.get()) is not None:
            with self._lock:
                self._coming = None  # whoever asks from now on wants what is written from now on
            try:
                self._work()
            except BaseException as error:  # noqa: BLE001  (it belongs to those who wait)
                one.set_exception(error)
            else:
                one.set_result(None)
