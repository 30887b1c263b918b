"""Questions to a server: encoded, sent, tried again where that does no harm, and their answers or errors."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from ...errors import AnewError, InvalidSetting, NotAllowed, NotFound, UnknownFormat
from ..problems import Refusal, as_error
from ..wire import decode, encode
from .connection import Reply, Transport, bearer, is_private

__all__ = ["FRAMES", "Calls"]

FRAMES = "application/x-anew-frames"
_API = "/api/v1"
_MSGPACK = "application/msgpack"
_READ = 120.0
"""Seconds that a server may say nothing: a panel of very many points takes a while."""
_WAITS = (0.1, 0.5, 1.0)
_HOPELESS = (ConnectionRefusedError, TimeoutError, socket.gaierror)
"""Errors that trying again at once does not mend."""
_BUSY = (429, 503)
_LONGEST_PAUSE = 5.0
_MOST_FRAME = 1 << 34
T = TypeVar("T")


class Calls:
    """What a server is asked over a transport.

    Args:
        where: Its address, for messages.
        token: What shows the server who asks; it is held back where it would cross a network without encryption.
    """

    def __init__(self, transport: Transport, where: str, *, token: str | None = None) -> None:
        self._transport = transport
        self.where = where
        self._withheld = token is not None and not is_private(where)
        self._shown = {} if token is None or self._withheld else bearer(token)

    def ask(
        self, name: str, question: Any, kind: Any, *, again: bool = True, wait: float = 0.0
    ) -> Any:
        """The answer to a question that a method of the backend takes.

        Args:
            name: The method.
            kind: The type of the answer.
            again: Whether to try again when the connection breaks.
            wait: Seconds that the server is asked to wait.
        """
        return self.call("POST", f"/ask/{name}", question, kind, again=again, wait=wait)

    def call(
        self,
        method: str,
        path: str,
        question: Any,
        kind: Any,
        *,
        again: bool = True,
        wait: float = 0.0,
    ) -> Any:
        """The answer of any route; arguments as of `ask`.

        Raises:
            AnewError: As the server raised it.
            OSError: The server cannot be reached.
            UnknownFormat: The answer is of a version that this one cannot read.
        """
        for left in reversed(range(len(_WAITS) + 1)):
            try:
                reply = self._sent(method, path, question, again=again, wait=wait)
                body = _decoded(reply)
            except OSError as error:
                if not again or not left or isinstance(error, _HOPELESS):
                    raise self._unreachable(error) from error
                time.sleep(_WAITS[-left])
                continue
            if reply.status in _BUSY and again and left:
                time.sleep(_pause(reply, _WAITS[-left]))
                continue
            self._check(reply, body)
            return self._read(body, kind)
        raise AssertionError("unreachable: the last try returns or raises")

    def frames(self, name: str, question: Any, kind: type[T]) -> Iterator[T]:
        """The answer to a question in pieces, each read when it is asked for.

        Raises:
            As `call`; a connection that breaks before the first piece is tried again.
        """
        reply = self._begun(f"/ask/{name}", question)
        if not reply.headers.get("content-type", "").startswith(FRAMES):
            body = self._whole(reply)
            self._check(reply, body)
            yield self._read(body, kind)
            return
        try:
            while length := int.from_bytes(self._exactly(reply, 8), "little"):
                if length > _MOST_FRAME:
                    raise ConnectionError("The answer announces a piece that cannot be.")
                yield self._read(self._exactly(reply, length), kind)
            reply.read(1)  # the end of the answer: the connection can be used again
        except OSError as error:
            raise self._unreachable(error) from error
        finally:
            reply.close()

    def download(self, path: str, question: Any) -> Iterator[bytes]:
        """The body of an answer that is bytes, piece by piece."""
        reply = self._begun(path, question)
        try:
            if reply.status != 200:
                self._check(reply, self._whole(reply))
            left = int(reply.headers.get("content-length", "0"))
            while piece := reply.read(1 << 20):
                left -= len(piece)
                yield piece
            if left > 0:
                raise ConnectionError("The answer broke off before its end.")
        except NotAllowed:
            raise
        except OSError as error:
            raise self._unreachable(error) from error
        finally:
            reply.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _begun(self, path: str, question: Any) -> Reply:
        for left in reversed(range(len(_WAITS) + 1)):
            try:
                reply = self._sent("POST", path, question, again=True, wait=0.0)
            except OSError as error:
                if not left or isinstance(error, _HOPELESS):
                    raise self._unreachable(error) from error
            else:
                if reply.status not in _BUSY or not left:
                    return reply
                reply.close()
                time.sleep(_pause(reply, _WAITS[-left]))
                continue
            time.sleep(_WAITS[-left])
        raise AssertionError("unreachable: the last try returns or raises")

    def _sent(self, method: str, path: str, question: Any, *, again: bool, wait: float) -> Reply:
        headers = {"Accept": f"{_MSGPACK}, {FRAMES}", "Accept-Encoding": "gzip", **self._shown}
        body = b""
        if method == "POST":
            headers["Content-Type"] = _MSGPACK
            body = encode(question)
        return self._transport.send(
            method, _API + path, headers, body, timeout=_READ + wait, afresh=not again
        )

    def _whole(self, reply: Reply) -> bytes:
        try:
            return _decoded(reply)
        except OSError as error:
            raise self._unreachable(error) from error

    @staticmethod
    def _exactly(reply: Reply, length: int) -> bytes:
        pieces = []
        while length:
            piece = reply.read(min(length, 1 << 22))
            if not piece:
                raise ConnectionError("The answer broke off before its end.")
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)

    def _check(self, reply: Reply, body: bytes) -> None:
        if reply.status == 200:
            if reply.headers.get("content-type", "").startswith("text/html"):
                # Such as the page on which a network asks for a login: what is there later may be the server.
                raise OSError(f"What answers at {self.where} is a web page, and no server of Anew.")
            return
        try:
            problem = msgspec.json.decode(body, type=Refusal).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            if reply.status in (404, 405):
                raise NotFound(
                    f"There is no server of Anew at {self.where}: it answers with status {reply.status}.",
                    name=self.where,
                ) from None
            raise OSError(
                f"The server at {self.where}, or a proxy before it, answers with status {reply.status}."
            ) from None
        if problem.code == "NoSuchRoute":
            server, slash, _ = self.where.partition("://")[2].partition("/")
            path = (
                f", or what follows {server} in the address is wrong: it is the path at which a proxy serves it, and no project"
                if slash
                else ""
            )
            raise UnknownFormat(
                f"The server at {self.where} does not know this question. It is of another version of Anew than this "
                f"program: update the older of the two{path}."
            )
        if reply.status == 429:
            raise OSError(f"{problem.message} (The server is {self.where}.)")
        if problem.code == "NotAllowed" and self._withheld:
            raise NotAllowed(
                f"{problem.message} There is a token for {self.where}, but it was not sent: over http:// everybody on the way "
                "could read it. Use the server's https:// address, or reach it through SSH."
            )
        error = as_error(problem)
        if type(error) is AnewError and reply.status == 421:
            raise InvalidSetting(problem.message, setting="root")
        if isinstance(error, OSError) and not isinstance(error, AnewError):
            raise OSError(f"{problem.message} (The server is {self.where}.)")
        raise error

    def _read(self, body: bytes, kind: Any) -> Any:
        try:
            return decode(body, kind)
        except (msgspec.DecodeError, ValueError) as error:
            raise UnknownFormat(
                f"The answer of the server at {self.where} cannot be read ({error}). It may be of another version of "
                "Anew than this program: update the older of the two."
            ) from None

    def _unreachable(self, error: OSError) -> OSError:
        """The error to raise for one that the system or the connection raised."""
        kind = TimeoutError if isinstance(error, TimeoutError) else ConnectionError
        reason = error.strerror or str(error) or type(error).__name__
        return kind(
            f"The server at {self.where} cannot be reached: {reason}. Is it running (`anew server`), and is the address "
            "right?"
        )


def _pause(reply: Reply, seconds: float) -> float:
    """How long to wait before asking a busy server again: what it says, within reason."""
    said = reply.headers.get("retry-after", "")
    return max(seconds, min(_LONGEST_PAUSE, float(said))) if said.isdecimal() else seconds


def _decoded(reply: Reply) -> bytes:
    body = reply.read()
    if reply.headers.get("content-encoding") == "gzip":
        try:
            return gzip.decompress(body)
        except (OSError, EOFError) as error:
            raise ConnectionError(f"The answer is damaged: {error}") from error
    return body
