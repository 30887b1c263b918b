"""Connections of the server: thousands of them, and none that waits for ever for its request, or for its answer to be read."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Connection", "room_for_connections"]

_PATIENCE = 20.0
"""Seconds that the head of a request may take to arrive."""
_UNREAD = 300.0
"""Seconds that a client may leave what is sent to it unread: the rest of the answer is in memory meanwhile."""
_MOST = 8192
_OWN_FILES = 256
"""Descriptors that are kept for files and databases."""

_room = _MOST


def room_for_connections() -> int:
    """Let this process have as many connections as the system allows it, up to some thousands; how many there may be."""
    global _room
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return _room
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST + _OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
        _room = max(16, more - _OWN_FILES)
    return _room


class Connection(H11Protocol):
    """A connection that is closed if the head of a request does not come or an answer is not read in time, and refused if it is one too many.

    Those that only wait cost a descriptor and no more, so they do not count among the requests that are under way.
    """

    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > _room:
            transport.abort()
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived; the time for a head begins with its first byte, and ends with its last."""
        super().data_received(data)
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self._wait()
        else:
            self._cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._cancel()
        self._read_again()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is sent to."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(_UNREAD, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read on."""
        self._read_again()
        super().resume_writing()

    def _read_again(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(_PATIENCE, self._give_up)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        self.transport.close()
