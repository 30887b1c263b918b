"""Connections of the server: thousands of them, and none that waits for ever for its request, or for its answer to be read."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["Connection", "room_for_connections"]

_MOST_HEAD = 64 << 10
"""Bytes of a request's first line and headers, of what follows its body, and of anything else that is not its body; a connection that sends more is closed."""
_MOST_WAITING = 64
"""Requests that may have been sent behind one whose answer is not there yet."""

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


class _Malformed(Exception):
    """A request that can be read in more than one way, or is too long."""


class Connection(HttpToolsProtocol):
    """A connection that is closed if the head of a request does not come or an answer is not read in time, and refused if it is one too many.

    Those that only wait cost a descriptor and no more, so they do not count among the requests that are under way.

    The parser reads what HTTP allows and has no limits. What proxies are known to read in another way is refused here, and so is what has no end.
    """

    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _in_head = False
    _size = 0
    """Bytes of the head and of what follows the body, as far as they were read."""
    _silent = 0
    """Bytes that have arrived since the parser said anything: it keeps half a header until the other half has come."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > _room:
            transport.abort()
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived; the time for a head begins with its first byte, and ends with its last."""
        self._silent += len(data)
        super().data_received(data)
        if self._silent > _MOST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self._wait()
        else:
            self._cancel()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._size = self._silent = 0

    def on_url(self, url: bytes) -> None:
        """Take a part of its address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. What stands behind the body is passed over: it could say another thing than the head, on which the answer rests."""
        self._count(len(name) + len(value) + 4)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._in_head = False
        self._silent = 0
        self._check()
        super().on_headers_complete()
        if (
            self.parser.should_upgrade()
        ):  # nothing else is spoken here, and the parser reads no further
            self.cycle.keep_alive = False
        if len(self.pipeline) > _MOST_WAITING:
            raise _Malformed("Too many requests were sent at once.")

    def on_chunk_header(self) -> None:
        """Go on with the body."""
        self._silent = 0

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._silent = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect another request."""
        self._silent = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read; while another answer is on its way, without a word, which would be taken for a part of that."""
        if self.cycle is None or self.cycle.response_complete:
            super().send_400_response(msg)
        else:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: whoever asks for another protocol is answered in this one."""

    def _count(self, size: int) -> None:
        self._size += size
        self._silent = 0
        if self._size > _MOST_HEAD:
            raise _Malformed("The head of the request is too long.")

    def _check(self) -> None:
        """See that nobody on the way here can have read this request as another one.

        Raises:
            _Malformed: It could be.
        """
        version = self.parser.get_http_version()
        names = [name for name, _ in self.headers]
        coded = [value for name, value in self.headers if name == b"transfer-encoding"]
        if (
            version not in ("1.0", "1.1")
            or names.count(b"host") > 1
            or (version == "1.1" and b"host" not in names)
            or (coded and (version == "1.0" or b"content-length" in names or [one.lower() for one in coded] != [b"chunked"]))
        ):  # fmt: skip
            raise _Malformed("The request can be read in more than one way.")

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
