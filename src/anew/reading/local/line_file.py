"""One writer's log, read in blocks from any place towards either end."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from ...journal.storage import Storage

__all__ = ["BLOCK", "LONGEST", "LineFile", "Piece"]

BLOCK = 64 << 10
LONGEST = 4 << 20  # bytes of one line that are kept; the rest of a longer one is passed over

_NO_FILE = frozenset({errno.ENOENT, errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EACCES})


class Piece(NamedTuple):
    """One line without its newline, and the bytes of the file that it takes with it."""

    start: int
    end: int
    data: bytes


class LineFile:
    """One writer's file, as long as it was when it was listed.

    Attributes:
        size: Bytes that it had then; 0 once something else was in its place.
        scanned: Bytes that were worked on so far.
    """

    def __init__(self, storage: Storage, path: str, writer: str, size: int) -> None:
        self._storage = storage
        self._path = path
        self.writer = writer
        self.size = size
        self.scanned = 0

    def bytes(self, start: int, stop: int, *, effort: int | None = None) -> bytes:
        """The bytes of a range; fewer where the file has become shorter, none where something else has taken its place.

        Args:
            effort: How many bytes the work on them counts as; as many as they are if None.
        """
        self.scanned += stop - start if effort is None else effort
        try:
            return self._storage.read(self._path, start, stop - start)
        except OSError as error:
            if error.errno in _NO_FILE:
                self.size = 0
                return b""
            raise

    def whole(self) -> int:
        """The end of the last line that is complete."""
        at = self.size
        while at > 0:
            begin = max(0, at - BLOCK)
            newline = self.bytes(begin, at).rfind(b"\n")
            if newline >= 0:
                return begin + newline + 1
            at = begin
        return 0

    def aligned(self, position: int) -> int:
        """Where the first line begins at a position or after it; 0 where the file is not that long."""
        if not 0 < position <= self.size:
            return 0
        if self.bytes(position - 1, position) == b"\n":
            return position
        return next((piece.end for piece in self.forward(position)), self.whole())

    def forward(self, start: int) -> Iterator[Piece]:
        """The complete lines from the position `start` on."""
        at = begin = start
        kept = b""
        while at < self.size:
            data = self.bytes(at, min(at + BLOCK, self.size))
            if not data:
                return
            cut = 0
            while (newline := data.find(b"\n", cut)) >= 0:
                line = kept if len(kept) >= LONGEST else kept + data[cut:newline]
                yield Piece(begin, at + newline + 1, line)
                kept, cut, begin = b"", newline + 1, at + newline + 1
            if len(kept) < LONGEST:
                kept += data[cut:]
            at += len(data)

    def backward(self, stop: int) -> Iterator[Piece]:
        """The lines before the position `stop`, which is the end of one; the last of them first."""
        at = end = stop
        kept: deque[bytes] = (
            deque()
        )  # of the line that `end` ends, as far as its beginning is wanted
        size = 0
        while at > 0:
            begin = max(0, at - BLOCK)
            data = self.bytes(begin, at)
            if len(data) < at - begin:
                return
            cut = len(data) - (at == stop)  # the newline of the last line ends no other
            while (newline := data.rfind(b"\n", 0, cut)) >= 0:
                line = b"".join((data[newline + 1 : cut], *kept))[:LONGEST]
                yield Piece(begin + newline + 1, end, line)
                kept.clear()
                size, cut, end = 0, newline, begin + newline + 1
            kept.appendleft(data[:cut])
            size += cut
            while size - len(kept[-1]) >= LONGEST:
                size -= len(kept.pop())
            at = begin
        if end > 0:
            yield Piece(0, end, b"".join(kept)[:LONGEST])
