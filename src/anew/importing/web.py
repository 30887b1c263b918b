"""Questions to another tracker's server over HTTP: asked again while it is busy or away, and never for more than fits in memory."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from ..errors import CorruptData, NotAllowed, NotFound
from ..reading.remote.connection import Connections, Reply

__all__ = ["Web", "shown"]

_TIMEOUT = 60.0
_MOST_BYTES = 256 << 20
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_PAUSE = 60.0
_MOST_TOLD = 2_000
_BLOCK = 1 << 20
_random = Random()
"""Its own: who has seeded the global one finds it as it was."""


def shown(url: str) -> str:
    """An address for people: without user, password and what follows the path."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


class Web:
    """One server, asked by one thread at a time.

    Args:
        url: Its address; a path in it is put before that of every question. User and password in it are not used.
        headers: Sent with every question, such as who asks. They go to no other server.
        attempts: How often a question is asked until an answer comes.
        pause: Waits for some seconds; for tests.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        attempts: int = 7,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = shown(url)
        self._connections = Connections(self.url)
        self._headers = {"Accept": "application/json", "User-Agent": "anew", **headers}
        self._attempts = attempts
        self._pause = pause
        self._is_away = False

    def ask(self, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """The answer to a question, plain JSON; it is posted if it has a body.

        Raises:
            NotFound: The server has no such thing.
            NotAllowed: It does not let us.
            CorruptData: The answer is no JSON, or longer than 256 MiB.
            OSError: It did not answer, or refuses the question.
        """
        reply = self._send(path, query, body)
        data = _read(reply, _MOST_BYTES)
        if data is None:
            raise CorruptData(
                f"{self.url}{path} gave an answer of more than {_MOST_BYTES:,} bytes."
            )
        try:
            return msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise CorruptData(f"{self.url}{path} gave no JSON: {error}.") from error

    def open(self, path: str, query: Mapping[str, Any] | None = None) -> BinaryIO:
        """The bytes at a path, read as they come.

        Raises:
            NotFound: There is nothing.
            NotAllowed: The server does not let us.
            OSError: It did not answer.
        """
        return io.BufferedReader(_Body(self._send(path, query, None)), _BLOCK)

    def close(self) -> None:
        """Close what is open."""
        self._connections.close()

    def _send(self, path: str, query: Mapping[str, Any] | None, body: Any) -> Reply:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{path}?{urlencode(given)}" if given else path
        data = b"" if body is None else msgspec.json.encode(body)
        headers = (
            self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        )
        failure: OSError | None = None
        attempts = 1 if self._is_away else self._attempts  # it was waited for already
        for attempt in range(attempts):
            wait = min(_LONGEST_PAUSE, 0.5 * 2**attempt) * _random.uniform(0.75, 1.25)
            try:
                reply = self._connections.send(
                    "GET" if body is None else "POST", target, headers, data, timeout=_TIMEOUT, afresh=attempt > 0,
                )  # fmt: skip
            except OSError as error:
                failure = error
            else:
                self._is_away = False
                if reply.status < 300:
                    return reply
                failure = self._refusal(reply, path)
                if reply.status not in _BUSY:
                    raise failure
                wait = max(wait, min(_LONGEST_PAUSE, _seconds(reply.headers.get("retry-after"))))
            if attempt + 1 < attempts:
                self._pause(wait)
        if isinstance(failure, ConnectionError | TimeoutError) or failure is None:
            self._is_away = True
            raise OSError(f"{self.url} does not answer: {failure}.")
        raise failure

    def _refusal(self, reply: Reply, path: str) -> Any:
        """What a server says when it does not answer, as an error."""
        told = (_read(reply, _MOST_TOLD, cut=True) or b"").decode("utf-8", "replace")
        try:
            found = msgspec.json.decode(told)
            told = str(found.get("message") or found) if isinstance(found, dict) else told
        except (msgspec.DecodeError, RecursionError):
            pass
        text = f"{self.url}{path}: {reply.status} {' '.join(told.split())[:300]}".rstrip()
        if reply.status in (401, 403):
            return NotAllowed(text)
        if reply.status in (404, 410):
            return NotFound(text, name=path)
        return OSError(text)


def _read(reply: Reply, most: int, *, cut: bool = False) -> bytes | None:
    """A body to its end; None, or with `cut` its beginning, if it is longer than `most` bytes."""
    parts, size = [], 0
    while data := reply.read(_BLOCK):
        parts.append(data)
        size += len(data)
        if size > most:
            reply.close()
            return b"".join(parts)[:most] if cut else None
    return b"".join(parts)


def _seconds(text: str | None) -> float:
    """Seconds of a `Retry-After`; 0 for none, and for a date, which nobody sends."""
    return float(text) if text is not None and text.isdecimal() else 0.0


class _Body(io.RawIOBase):
    """The body of an answer as a file."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._reply.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._reply.close()
        super().close()
