"""Requests over HTTP: connections that are used again, and no more than that."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
import threading
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from ...errors import InvalidValue

__all__ = ["Connections", "Reply", "Transport", "bearer", "is_private"]

_HELD = 8
"""Connections that are kept open while nothing is asked."""
_CONNECT = 10.0


def is_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent: it is encrypted, or does not leave this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token.

    Raises:
        InvalidValue: It cannot be a token. It is not repeated.
    """
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidValue(
            "The token for the server has characters that no token has.", key="token"
        )
    return {"Authorization": f"Bearer {token}"}


class Reply(Protocol):
    """An answer whose body is still to be read."""

    @property
    def status(self) -> int:
        """The status, such as 200."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in lower case."""
        ...

    def read(self, size: int = -1) -> bytes:
        """The next bytes of the body, at most `size`; all that are left if it is negative; none at its end."""
        ...

    def close(self) -> None:
        """Give up what was not read."""
        ...


class Transport(Protocol):
    """What carries requests to a server and answers back; any thread may send."""

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout: float,
        afresh: bool = False,
    ) -> Reply:
        """Send a request; the beginning of its answer.

        Args:
            path: Below the server's address, such as `/api/v1/about`.
            timeout: Seconds that nothing may arrive.
            afresh: Use no connection that was used before, which the server may be about to close.

        Raises:
            OSError: The server cannot be reached, or the connection broke.
        """
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class Connections:
    """Requests to one server over HTTP/1.1.

    Args:
        url: Its address; a path is put before the path of every request.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port
        self._below = parts.path.rstrip("/")
        self._context = ssl.create_default_context() if parts.scheme == "https" else None
        self._idle: list[http.client.HTTPConnection] = []
        self._guard = threading.Lock()
        self._closed = False

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout: float,
        afresh: bool = False,
    ) -> Reply:
        """See `Transport.send`."""
        connection = None if afresh else self._free()
        if connection is None:
            connection = self._connect()
        try:
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(timeout)
            connection.request(method, self._below + path, body or None, dict(headers))
            response = connection.getresponse()
            if response.length is None and not response.chunked:
                # The library takes a head that was cut off for a whole one, and then an answer without an end for an empty one.
                raise ConnectionError(
                    "The answer broke off in its head, or does not say how long it is."
                )
            return _Reply(self, connection, response)
        except http.client.HTTPException as error:
            connection.close()
            raise ConnectionError(f"The answer broke off: {error!r}") from error
        except BaseException:
            connection.close()
            raise

    def _connect(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=_CONNECT)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=_CONNECT, context=self._context
        )

    def _free(self) -> http.client.HTTPConnection | None:
        with self._guard:
            return self._idle.pop() if self._idle else None

    def keep(self, connection: http.client.HTTPConnection) -> None:
        """Take back a connection whose answer was read to its end."""
        with self._guard:
            if not self._closed and len(self._idle) < _HELD:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """See `Transport.close`."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


class _Reply:
    """An answer that gives its connection back once it was read to its end."""

    def __init__(
        self,
        pool: Connections,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._response = response
        self._open = True
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def read(self, size: int = -1) -> bytes:
        """See `Reply.read`."""
        try:
            data = self._response.read() if size < 0 else self._response.read(size)
        except (http.client.HTTPException, ValueError) as error:
            self.close()
            raise ConnectionError(f"The answer broke off: {error!r}") from error
        except BaseException:
            self.close()
            raise
        if self._open and (size < 0 or (size > 0 and not data)):
            self._finish()
        return data

    def _finish(self) -> None:
        self._open = False
        if self._response.length:  # it was announced longer than it is
            self._connection.close()
            raise ConnectionError("The answer broke off before its end.")
        if self._response.will_close:
            self._connection.close()
        else:
            self._pool.keep(self._connection)

    def close(self) -> None:
        """See `Reply.close`."""
        if self._open:
            self._open = False
            self._response.close()
            self._connection.close()
