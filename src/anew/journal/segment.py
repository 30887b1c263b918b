"""One append-only file of one writer; a write that has returned survives `kill -9`.

Every record is one `os.write` of a whole line to a file opened for appending: the bytes are the kernel's
when the call returns, threads need no lock, and a process that dies leaves at most one line cut short.

The file's descriptor number never changes while the segment lives. Rotation, an error and the end each put
another file behind the same number with `dup2`, which is atomic, so a thread in the middle of a write
reaches the old file or the new one, never a number that has come to mean something else. The *door* is a
descriptor that refuses writing: after an error or at the end it stands behind the number, so the fast path
needs no check of its own. It fails, and the slow path asks why.
"""

from __future__ import annotations

import errno
import os
import time
from _thread import RLock
from collections import deque

from ..descriptors import open_apart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Segment"]

RETRY_EVERY = 1.0
PENDING_BYTES = 1 << 20

# A line this long or shorter is written at once by every file system we know of.
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


class Segment:
    """An append-only file that keeps accepting lines while the disk fails.

    While writing fails, up to 1 MiB of lines is kept in memory and written when the disk recovers; what
    does not fit is counted in `lost`. Nothing is raised by `append`: `trouble` holds the last error.
    Any thread may append.

    Args:
        path: The file; it is created, its folder too.
        exclusive: Fail where the file exists already or cannot be made; otherwise a file that cannot be opened
            is a trouble like any other, and is tried again.
        on_trouble: Called with the error each time writing starts to fail.

    Raises:
        OSError: The file is exclusive and cannot be made.
    """

    __slots__ = (
        "__weakref__",
        "_closed",
        "_flushing",
        "_lock",
        "_made",
        "_on_trouble",
        "_pending",
        "_pending_bytes",
        "_retry_at",
        "fd",
        "lost",
        "path",
        "trouble",
    )

    def __init__(
        self,
        path: str,
        *,
        exclusive: bool = False,
        on_trouble: Callable[[OSError], None] | None = None,
    ) -> None:
        self.path = path
        self.lost = 0
        self.trouble: OSError | None = None
        self.fd = -1
        self._on_trouble = on_trouble
        self._pending: deque[bytes] = deque()
        self._pending_bytes = 0
        self._retry_at = 0.0
        self._lock = RLock()  # a signal handler may log while this very thread holds it
        self._flushing = False
        self._made = True
        self._closed = False
        try:
            self.fd = _open(path, _FLAGS | (os.O_EXCL if exclusive else 0))
        except OSError as error:
            if exclusive:
                raise
            self.fd = open_apart(os.devnull, os.O_RDONLY)
            self._made = False
            self._begin_trouble(error)

    def append(self, line: bytes) -> bool:
        """Write one line (or several whole ones); whether it is in the file now."""
        if self._pending or self.trouble:
            return self._append_slow(line)
        try:
            if os.write(self.fd, line) == len(line):
                return True
            error = OSError(errno.ENOSPC, "only part of a record could be written", self.path)
        except OSError as caught:
            error = caught
        return self.failed(line, error)

    def failed(self, line: bytes, error: OSError) -> bool:
        """Take over a line whose write failed or was cut short: keep it for later or count it."""
        with self._lock:
            if not self._closed:  # a background write that came too late is no trouble
                self._keep(line)
                self._begin_trouble(error)
        return False

    def recover(self) -> bool:
        """Try to write what is waiting; whether all of it is in the file now. Called now and then."""
        with self._lock:
            return self._flush(force=True)

    @property
    def pending(self) -> int:
        """How many lines wait in memory for the disk to recover."""
        return len(self._pending)

    def rotate(self, path: str) -> None:
        """Continue in a new file, behind the same descriptor."""
        fd = _open(path, _FLAGS | os.O_EXCL)
        os.dup2(fd, self.fd, inheritable=False)
        os.close(fd)
        self.path = path

    def size(self) -> int:
        """Bytes in the file; 0 when it cannot be asked."""
        try:
            return os.fstat(self.fd).st_size if not self.trouble else 0
        except OSError:
            return 0

    def is_gone(self) -> bool:
        """Whether the file was deleted while open: writes to it succeed, but nobody will ever see them."""
        try:
            behind = os.fstat(self.fd)
            there = os.stat(self.path)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return (behind.st_ino, behind.st_dev) != (there.st_ino, there.st_dev)

    def abandon(self, error: OSError) -> int:
        """Give the file up after it was deleted: count its lines as lost, refuse further writes."""
        with self._lock:
            lines = _count_lines(self.fd) + len(self._pending)
            self._pending.clear()
            self._pending_bytes = 0
            self.lost += lines
            self._begin_trouble(error)
            self._retry_at = float("inf")
        return lines

    def close(self) -> None:
        """Write what waits, then refuse further writes. The descriptor goes with the object."""
        with self._lock:
            self._closed = True
            if self._pending:
                self._flush(force=True)
                self.lost += len(self._pending)
                self._pending.clear()
            _put_door(self.fd)

    def forget(self) -> None:
        """After a fork, in the child: give up the descriptor, and leave the parent's file alone.

        A daemon closes every descriptor it inherited and opens files of its own under the same numbers. So the number
        is not kept, and whatever still knows it must be told first.
        """
        self._lock = RLock()  # the parent may have held it
        self._closed = True
        self._pending, self._pending_bytes = deque(), 0
        fd, self.fd = self.fd, -1
        try:
            os.close(fd)
        except OSError:
            pass

    @classmethod
    def ended(cls, path: str) -> Segment:
        """A segment that takes nothing and holds no descriptor: what stands in for one that was closed."""
        segment = cls.__new__(cls)
        segment.path, segment.fd, segment.lost, segment.trouble = path, -1, 0, None
        segment._lock, segment._flushing, segment._closed, segment._made = (
            RLock(),
            False,
            True,
            True,
        )
        segment._on_trouble = None
        segment._pending, segment._pending_bytes, segment._retry_at = deque(), 0, 0.0
        return segment

    def __del__(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            try:
                os.close(fd)
            except OSError:
                pass

    # -- under the lock ---------------------------------------------------------------------------

    def _append_slow(self, line: bytes) -> bool:
        with self._lock:
            if self._closed:
                return False
            self._keep(line)
            return self._flush()

    def _keep(self, line: bytes) -> None:
        if self._pending_bytes + len(line) <= PENDING_BYTES:
            self._pending.append(line)
            self._pending_bytes += len(line)
        else:
            self.lost += line.count(b"\n")

    def _begin_trouble(self, error: OSError) -> None:
        first = self.trouble is None
        self.trouble = error
        self._retry_at = time.monotonic() + RETRY_EVERY
        _put_door(self.fd)
        if first and self._on_trouble is not None:
            self._on_trouble(error)

    def _flush(self, *, force: bool = False) -> bool:
        if (
            self._flushing
        ):  # called by a signal handler in the midst of it: the line waits with the others
            return False
        self._flushing = True
        try:
            return self._write_pending(force)
        finally:
            self._flushing = False

    def _write_pending(self, force: bool) -> bool:
        if self.trouble is not None:
            now = time.monotonic()
            if self._retry_at == float("inf") or (now < self._retry_at and not force):
                return False
            self._retry_at = now + RETRY_EVERY
            try:
                # What was made and is gone was deleted on purpose: it is not made again.
                fd = _open(self.path, _FLAGS & ~os.O_CREAT if self._made else _FLAGS)
                self._made = True
                os.dup2(fd, self.fd, inheritable=False)
                os.close(fd)
                # Ends a line that was cut short; the whole line follows again (see record.decode).
                _end_line(self.fd)
            except OSError as error:
                self.trouble = error
                return False
            self.trouble = None
        while self._pending:
            line = self._pending[0]
            try:
                if os.write(self.fd, line) != len(line):
                    raise OSError(errno.ENOSPC, "only part of a record could be written", self.path)
            except OSError as error:
                self._begin_trouble(error)
                return False
            self._pending.popleft()
            self._pending_bytes -= len(line)
        return True


def _open(path: str, flags: int) -> int:
    try:
        return open_apart(path, flags)
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
        try:
            os.mkdir(os.path.dirname(path))  # one level: a deleted experiment stays deleted
        except FileExistsError:
            pass
        return open_apart(path, flags)


def _put_door(fd: int) -> None:
    """Put a descriptor that refuses writing behind the number."""
    if fd < 0:
        return
    door = open_apart(os.devnull, os.O_RDONLY)
    os.dup2(door, fd, inheritable=False)
    os.close(door)


def _end_line(fd: int) -> None:
    size = os.fstat(fd).st_size
    if size and os.pread(fd, 1, size - 1) != b"\n":
        os.write(fd, b"\n")


def _count_lines(fd: int) -> int:
    count = offset = 0
    try:
        while data := os.pread(fd, 1 << 20, offset):
            count += data.count(b"\n")
            offset += len(data)
    except OSError:
        pass
    return count
