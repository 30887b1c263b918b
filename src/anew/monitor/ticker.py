"""The one background thread of a process, which makes the recurring calls of all live experiments.

The thread is a daemon, starts with the first call to come and ends when there is none left, so it
neither delays the exit nor costs a process that needs none. A forked child begins with nothing to
call: what the parent had added is the parent's.

A fork waits until no call is in progress, a second at most, and longer while one imports a module: the child
would have that module half imported, with a lock on it that nobody releases.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import allocate_lock, get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

__all__ = ["Handle", "Ticker", "process_ticker"]

_IDLE_SECONDS = 2.0
_FORK_WAIT = 1.0
_FORK_WAIT_IMPORT = 30.0


class Handle:
    """One recurring call. `name` is said when it fails; `failures` counts how often it did."""

    __slots__ = (
        "_callback",
        "_cancelled",
        "_due",
        "_every",
        "_running",
        "_ticker",
        "failures",
        "name",
    )

    def __init__(
        self,
        ticker: Ticker,
        callback: Callable[[], object],
        every: float | None,
        due: float,
        name: str,
    ) -> None:
        self._ticker = ticker
        self._callback = callback
        self._every = every
        self._due = due
        self._running = False
        self._cancelled = False
        self.failures = 0
        self.name = name

    @property
    def cancelled(self) -> bool:
        """Whether it will not be called again."""
        return self._cancelled

    def cancel(self, wait: float = 0.0) -> bool:
        """Stop calling it; returns whether no call is in progress any more.

        Args:
            wait: Seconds to wait at most for a call under way. A callback may cancel itself.
        """
        return self._ticker._cancel(self, wait)

    def soon(self) -> None:
        """Have it called as soon as the thread is free, then again at its interval."""
        self._ticker._soon(self)


class Ticker:
    """Calls functions at intervals in one daemon thread.

    Calls run one after the other, never two at once: a slow one delays the rest, and one that missed
    its time is called once, not as often as it missed. A failing call is reported once, to the logger
    "anew", and called again at its next time. All methods may be called from any thread, from a
    callback, and after a fork.
    """

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._handles: list[Handle] = []
        self._thread: threading.Thread | None = None
        self._changed: threading.Condition | None = None
        self._busy = allocate_lock()  # held for each call
        self._held_for_fork = False
        # When the thread will look again by itself; 0 while it is at work, for it looks before it waits.
        self._wakes_at = 0.0

    def _condition(self) -> threading.Condition:
        # After a fork the parent's lock may be held for ever by a thread that is not in the child.
        if self._pid != os.getpid():
            self._reset()
        if self._changed is None:
            import threading

            self._changed = threading.Condition()
        return self._changed

    def add(
        self,
        callback: Callable[[], object],
        every_seconds: float | None,
        first_after: float | None = None,
        *,
        name: str = "",
    ) -> Handle:
        """Call `callback` every so many seconds from now on; once only if `every_seconds` is None.

        Args:
            every_seconds: Seconds from one call's beginning to the next's.
            first_after: Seconds until the first call; the interval itself if not given.
            name: What it does, for the report should it fail ("system metrics").
        """
        if every_seconds is not None and not every_seconds > 0:
            raise ValueError(f"An interval must be greater than 0 seconds, not {every_seconds!r}.")
        wait = first_after if first_after is not None else every_seconds or 0.0
        changed = self._condition()
        with changed:
            label = name or getattr(callback, "__qualname__", "a background call")
            handle = Handle(self, callback, every_seconds, time.monotonic() + wait, label)
            self._handles.append(handle)
            self._start()
            if handle._due < self._wakes_at:  # waking the thread costs the program a switch or two
                changed.notify_all()
        return handle

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        import threading

        thread = threading.Thread(target=self._run, name="anew", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread to be had (a limit, or the interpreter is ending)
            return
        self._thread = thread

    def _cancel(self, handle: Handle, wait: float) -> bool:
        handle._cancelled = True
        changed = self._condition()
        with changed:
            if handle not in self._handles and not handle._running:
                return True
            if handle in self._handles:
                self._handles.remove(handle)
            if not handle._running:
                return True  # the thread need not wake to learn that it has less to do
            import threading

            if threading.current_thread() is self._thread or self._thread is None:
                return False
            return changed.wait_for(lambda: not handle._running, timeout=wait)

    def _soon(self, handle: Handle) -> None:
        changed = self._condition()
        with changed:
            handle._due = time.monotonic()
            changed.notify_all()

    def _run(self) -> None:
        changed = self._condition()
        while True:
            with changed:
                handle = self._next(changed)
                if handle is None:
                    return
                handle._running = True
            try:
                with self._busy:
                    handle._callback()
            except BaseException as error:  # noqa: BLE001  (not even sys.exit may end the thread)
                handle.failures += 1
                if handle.failures == 1:
                    _report(handle.name, error)
            finally:
                with changed:
                    handle._running = False
                    self._plan(handle)
                    changed.notify_all()

    def _next(self, changed: threading.Condition) -> Handle | None:
        """The next handle to call, once it is due; None when there has been none for a while."""
        while True:
            if not self._handles:
                self._wakes_at = float("inf")
                changed.wait(_IDLE_SECONDS)
                if not self._handles:
                    self._thread = None
                    return None
            handle = min(self._handles, key=lambda h: h._due)
            left = handle._due - time.monotonic()
            if left <= 0:
                self._wakes_at = 0.0
                return handle
            self._wakes_at = handle._due
            changed.wait(min(left, 3600.0))

    def _plan(self, handle: Handle) -> None:
        if handle._cancelled or handle not in self._handles:
            return
        if handle._every is None:
            handle._cancelled = True
            self._handles.remove(handle)
            return
        now = time.monotonic()
        handle._due = max(handle._due + handle._every, now)
        if handle._due - now < handle._every / 2:  # it was late: keep a distance
            handle._due = now + handle._every / 2

    def before_fork(self) -> None:
        """Wait until no call is in progress, so that the child does not begin in the midst of one."""
        thread = self._thread
        if self._pid != os.getpid() or thread is None or thread.ident == get_ident():
            return
        began = time.monotonic()
        while not self._held_for_fork:
            self._held_for_fork = self._busy.acquire(timeout=0.05)
            waited = time.monotonic() - began
            if waited > _FORK_WAIT_IMPORT or (
                waited > _FORK_WAIT and not _imports_now(thread.ident)
            ):
                return

    def after_fork_in_parent(self) -> None:
        """Let the calls go on."""
        if self._held_for_fork:
            self._held_for_fork = False
            self._busy.release()


def _imports_now(thread: int | None) -> bool:
    """Whether a thread is importing a module at this moment."""
    frame = sys._current_frames().get(thread or 0)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _report(name: str, error: BaseException) -> None:
    try:
        import logging

        logging.getLogger("anew").warning(
            "%s failed in the background. It will be tried again, and further failures are not reported: %s: %s",
            name,
            type(error).__name__,
            error,
        )
    except Exception:  # noqa: BLE001  (a failing log handler: there is nowhere else to say it)
        pass


_process_ticker = Ticker()
os.register_at_fork(
    before=_process_ticker.before_fork, after_in_parent=_process_ticker.after_fork_in_parent
)


def process_ticker() -> Ticker:
    """The ticker that all experiments of this process share."""
    return _process_ticker
