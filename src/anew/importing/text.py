"""Files of lines that grow by what is new in a source.

What a source says is made into the same lines each time, so what is here already must be the beginning of what the source says
now. Nothing needs to be remembered between two imports: the lines that are here are compared as they are made again, and the
rest is appended. An import that was killed goes on where its last whole line ends.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import TracebackType
from typing import Self

from blake3 import blake3

from ..journal.layout import ExperimentLayout
from ..journal.root import append_block
from ..journal.writer import ROTATE_BYTES
from ..sync.sealed import text_of

__all__ = ["Differs", "GrowingText", "points_text"]

_BLOCK = 1 << 20


class Differs(Exception):
    """What is here is not the beginning of what the source says."""


class GrowingText:
    """Lines that are made again from their beginning: those that are here are compared, the others appended.

    Args:
        path: The file of a part, by its number from 1, and that of the same part as it is sealed; "" where it never is.
        rotate: Bytes after which the next part begins; None for never.
    """

    def __init__(
        self, path: Callable[[int], str], sealed: Callable[[int], str], *, rotate: int | None
    ) -> None:
        self._path = path
        self._sealed = sealed
        self._rotate = rotate
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._part = 0
        self._is_here = True  # what is made again is still compared with what is here
        self._left = b""  # of the part that is compared: what was read and not met yet
        self._reading = -1
        self._hash: blake3 | None = None
        self._hashed_left = 0
        self._expected = ""
        self._size = 0
        self.appended = 0
        """Bytes that were new."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._reading >= 0:
            os.close(self._reading)
            self._reading = -1

    def go_to_end(self) -> None:
        """Take what is here as it is: everything that is added is new."""
        while self._next_part():
            self._hash = None
            if self._reading >= 0:
                os.close(self._reading)
                self._reading = -1
        self._is_here = False

    def add(self, line: bytes) -> None:
        """The next line or lines, with their ends.

        Raises:
            Differs: Another line is here in its place.
            OSError: It cannot be written.
        """
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        if self._waiting_bytes >= _BLOCK:
            self.flush()

    def finish(self) -> None:
        """All lines were given.

        Raises:
            Differs: There is more here than the source has now.
            OSError: It cannot be written.
        """
        self.flush()
        if self._is_here and (self._left or self._hash is not None or self._more()):
            raise Differs

    def flush(self) -> None:
        """Compare or append what waits."""
        data, self._waiting, self._waiting_bytes = b"".join(self._waiting), [], 0
        while data:
            if not self._is_here:
                data = self._append(data)
                continue
            data = self._compare(data)

    # -- what is here ------------------------------------------------------------------------------

    def _compare(self, data: bytes) -> bytes:
        """Meet lines with what is here; what goes beyond it."""
        while data:
            if self._hash is not None:
                data = self._compare_hash(data)
            elif self._left:
                common = min(len(self._left), len(data))
                if self._left[:common] != data[:common]:
                    raise Differs
                self._left, data = self._left[common:], data[common:]
            elif not self._more():
                self._is_here = False
                break
        return data

    def _compare_hash(self, data: bytes) -> bytes:
        """Of a sealed part only a hash of its lines is known."""
        assert self._hash is not None
        taken = data[: self._hashed_left]
        self._hash.update(taken)
        self._hashed_left -= len(taken)
        if self._hashed_left == 0:
            if self._hash.hexdigest() != self._expected:
                raise Differs
            self._hash = None
        return data[len(taken) :]

    def _more(self) -> bool:
        """Read on in what is here, from part to part; False at its end."""
        while True:
            if self._reading >= 0:
                self._left = os.read(self._reading, _BLOCK)
                if self._left:
                    return True
                os.close(self._reading)
                self._reading = -1
            if not self._next_part():
                return False
            if self._hash is not None:
                return True

    def _next_part(self) -> bool:
        part = self._part + 1
        sealed = self._sealed(part)
        if sealed and os.path.exists(sealed):
            text = text_of(sealed)
            if not text.hash:
                raise Differs
            self._part, self._size = part, text.size
            if text.size:
                self._hash, self._hashed_left, self._expected = blake3(), text.size, text.hash
            return True
        path = self._path(part)
        try:
            fd = os.open(
                path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
            )
        except FileNotFoundError:
            return False
        self._reading, self._part = fd, part
        self._size = _whole(fd)
        return True

    # -- what is new -------------------------------------------------------------------------------

    def _append(self, data: bytes) -> bytes:
        """Append whole lines to the last part, or begin the next one; what is left for that."""
        if self._part == 0 or self._is_full():
            self._part += 1
            self._size = 0
        length = len(data)
        if self._rotate is not None and self._size + length > self._rotate:
            end = data.find(b"\n", max(0, self._rotate - self._size))
            length = end + 1 if end >= 0 else length
        path = self._path(self._part)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        append_block(path, data[:length])
        self._size += length
        self.appended += length
        return data[length:]

    def _is_full(self) -> bool:
        if self._rotate is not None and self._size >= self._rotate:
            return True
        sealed = self._sealed(self._part)
        return bool(sealed) and os.path.exists(sealed)


def points_text(layout: ExperimentLayout, writer: str) -> GrowingText:
    """The points of a writer, in parts as a program's are."""
    return GrowingText(
        lambda part: layout.points(writer, part),
        lambda part: layout.sealed(writer, part),
        rotate=ROTATE_BYTES,
    )


def _whole(fd: int) -> int:
    """Bytes of a file up to the end of its last whole line; a line that was cut short by a kill is taken off."""
    size = end = os.fstat(fd).st_size
    while end:
        start = max(0, end - _BLOCK)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(fd, end)
    return end
