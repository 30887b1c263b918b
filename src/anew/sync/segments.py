"""Sending segments: frames of many of them in one request, each from where the server is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..journal.storage import Storage
from .server import Receiver
from .wire import Accepted, Frame

__all__ = ["Flow", "closing_at", "send"]

_PIECE = 1 << 20
_REQUEST = 4 << 20
_MOST_FRAMES = 1_000
_BEFORE = 256
"""Bytes before a frame that go along: the server compares them with its own."""
_TRIES = 8
_LAST_LINE = 64 << 10


class Flow:
    """A segment on its way.

    Args:
        id: The experiment.
        storage: Its files.
        name: The segment.
        at: The offset from which on it is to be sent.
        end: The offset up to which it is.

    Attributes:
        sent: Bytes that arrived.
        diverged: Whether other bytes are on the server.
        failed: Why it does not go on: the answer of the server, or "gone" where the file is not there any more.
        size: Its bytes on the server, as far as is known.
    """

    __slots__ = (
        "at",
        "beside",
        "diverged",
        "end",
        "failed",
        "id",
        "name",
        "sent",
        "size",
        "storage",
        "tries",
    )

    def __init__(self, id: str, storage: Storage, name: str, at: int, end: int) -> None:
        self.id = id
        self.storage = storage
        self.name = name
        self.at = at
        self.end = end
        self.sent = 0
        self.size = at
        self.diverged = False
        self.beside = False
        self.failed: Accepted | None = None
        self.tries = 0

    def next(self, server: Receiver, most: int) -> Frame | None:
        """The next frame, of `most` bytes at most; None at the end, or where the file cannot be read."""
        length = min(_PIECE, most, self.end - self.at)
        if length <= 0 or self.failed is not None:
            return None
        ahead = min(_BEFORE, self.at)
        try:
            data = self.storage.read(self.name, self.at - ahead, ahead + length)
        except OSError as error:
            reason = "it is gone" if isinstance(error, FileNotFoundError) else str(error)
            self.failed = Accepted(status="refused", reason=reason)
            return None
        if len(data) <= ahead:  # it is shorter than it was
            self.end = self.at
            return None
        before, data = data[:ahead], data[ahead:]
        made = server.frame(self.id, self.name, self.at, data, before, beside=self.beside)
        self.at += len(data)
        return made

    def answered(self, frame: Frame, answer: Accepted, length: int) -> bool:
        """Take note of what became of a frame; whether those behind it count too."""
        if answer.status == "ok":
            self.size = max(self.size, answer.size)
            self.sent += length
            return True
        if answer.status == "diverged" and frame.beside:
            return True
        if answer.status == "diverged":
            self.diverged = self.beside = True
            self.at = frame.offset + length
            return False
        self.tries += 1
        if answer.status in ("gap", "damaged") and self.tries < _TRIES:
            self.at = answer.size if answer.status == "gap" else frame.offset
            if self.beside:
                self.at = frame.offset
            return False
        self.failed = answer
        return False


class _Sent(NamedTuple):
    flow: Flow
    frame: Frame
    length: int


def send(
    server: Receiver,
    flows: Iterable[Flow],
    *,
    stop: Callable[[], bool],
    told: Callable[[int], object] = lambda sent: None,
) -> None:
    """Send segments to their ends, or until it is to stop.

    What a flow says afterwards tells how far it came.

    Args:
        told: Called with the bytes of each request that arrived.

    Raises:
        OSError: The server cannot be reached, or cannot write.
    """
    waiting = deque(flow for flow in flows if flow.at < flow.end)
    while waiting and not stop():
        request: list[_Sent] = []
        total = 0
        again: dict[Flow, None] = {}
        while waiting and total < _REQUEST and len(request) < _MOST_FRAMES:
            flow = waiting[0]
            begin = flow.at
            frame = flow.next(server, _REQUEST - total)
            if frame is None:
                waiting.popleft()
                continue
            length = flow.at - begin
            total += length
            request.append(_Sent(flow, frame, length))
        if not request:
            continue
        answers = server.append([one.frame for one in request])
        arrived = 0
        for one, answer in zip(request, answers, strict=True):
            if one.flow in again:
                continue
            if one.flow.answered(one.frame, answer, one.length):
                arrived += one.length
            else:
                again[one.flow] = None
        told(arrived)
        waiting.extend(flow for flow in again if flow not in waiting and flow.failed is None)


def closing_at(storage: Storage, name: str, size: int) -> int:
    """Where the line begins by which a writer ended, if it is its last one; otherwise the size.

    That line goes last: once a server has it, everything else is there too.
    """
    try:
        start = max(0, size - _LAST_LINE)
        data = storage.read(name, start, size - start)
    except OSError:
        return size
    begin = data.rfind(b"\n", 0, len(data) - 1) + 1
    line = data[begin:]
    whole = line.endswith(b"\n") and (begin > 0 or start == 0)
    return start + begin if whole and line.startswith(b'{"k":"closed"') else size
