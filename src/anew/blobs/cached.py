"""Blobs that never change, kept on a disk of this machine while they are used: whole, or the ranges that were read."""

from __future__ import annotations

import builtins
import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import IO, Protocol

from .blob import Blob, Data
from .protocol import Blobs

__all__ = ["MOST_BYTES", "CachedBlobs", "Ranged"]

MOST_BYTES = 4 << 30
"""Bytes on the disk that a cache takes, unless it is told another number."""
_END = 256 << 10
"""Bytes at the end of a blob that come with the question for its size: the description of a Parquet file."""
_CLOSE = 256 << 10
"""Bytes between two ranges up to which they are read as one: a request takes longer than reading these."""
_AT_ONCE = 8 << 20
"""Bytes of one request, about; of more, several run side by side."""
_REQUESTS = 4

Span = tuple[int, int]
"""The first byte, and the one after the last."""


class Ranged(Protocol):
    """A blob as a file of which some ranges are there, and the rest reads as zeros.

    Attributes:
        path: Where the file is, while the blob is held.
        size: The bytes of the whole blob.
    """

    path: str
    size: int

    def need(self, spans: Sequence[Span]) -> None:
        """Bring some ranges here.

        Raises:
            FileNotFoundError: The blob is gone.
            OSError: It cannot be read.
        """
        ...


class CachedBlobs:
    """A `Blobs` whose blobs are written once and never replaced, with a bounded copy of what was read lately.

    The copy belongs to this process, and goes with it. What is held is not dropped, so it may take a little more than
    it should. A blob that was deleted elsewhere may be read a little longer.

    Args:
        blobs: The blobs.
        folder: Where to keep the copy; several processes may name the same. A temporary folder if not given.
        most: The bytes that the copy may take.
    """

    def __init__(self, blobs: Blobs, folder: str | None = None, most: int = MOST_BYTES) -> None:
        self._blobs = blobs
        self._most = most
        self._parent = folder
        self._own: str | None = None
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._guard = threading.Lock()
        self.url = blobs.url
        self.durable = blobs.durable

    def __repr__(self) -> str:
        return f"CachedBlobs({self._blobs!r})"

    # -- reading ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def ranged(self, key: str) -> Iterator[Ranged]:
        """A blob as a file whose ranges are brought here when they are needed; its end is there."""
        entry = self._held(key)
        try:
            entry.begin()
            yield entry
        finally:
            self._let_go(entry)

    @contextlib.contextmanager
    def local(self, key: str) -> Iterator[str]:
        """See `Blobs.local`."""
        with self.ranged(key) as file:
            file.need([(0, file.size)])
            yield file.path

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Blobs.read`: out of the copy where it is there, and without making one."""
        with self._guard:
            entry = self._entries.get(key)
        if entry is not None:
            data = entry.known(start, length)
            if data is not None:
                return data
        return self._blobs.read(key, start, length)

    def tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Blobs.tail`."""
        return self._blobs.tail(key, length)

    def size(self, key: str) -> int:
        """See `Blobs.size`."""
        return self._blobs.size(key)

    def list(self, folder: str = "") -> builtins.list[Blob]:
        """See `Blobs.list`."""
        return self._blobs.list(folder)

    def keys(self, folder: str = "") -> builtins.list[str]:
        """See `Blobs.keys`."""
        return self._blobs.keys(folder)

    def is_empty(self) -> bool:
        """See `Blobs.is_empty`."""
        return self._blobs.is_empty()

    # -- writing ----------------------------------------------------------------------------------

    def create(self, key: str, data: Data) -> bool:
        """See `Blobs.create`."""
        return self._blobs.create(key, data)

    def replace(self, key: str, data: Data, *, lasting: bool = True) -> None:
        """See `Blobs.replace`: for blobs of this process alone, as others keep what they have read."""
        self._blobs.replace(key, data, lasting=lasting)
        self.forget(key)

    def upload(self, key: str, source: str | os.PathLike[str]) -> None:
        """See `Blobs.upload`."""
        self._blobs.upload(key, source)

    def delete(self, key: str) -> None:
        """See `Blobs.delete`."""
        self._blobs.delete(key)
        self.forget(key)

    def scratch(self) -> str:
        """See `Blobs.scratch`."""
        return self._blobs.scratch()

    # -- the copy ---------------------------------------------------------------------------------

    def forget(self, key: str) -> None:
        """Drop the copy of a blob, for instance because it turned out to be damaged."""
        with self._guard:
            entry = self._entries.pop(key, None)
        if entry is not None:
            entry.remove()

    def kept(self) -> int:
        """How many bytes the copy takes."""
        with self._guard:
            return sum(entry.bytes for entry in self._entries.values())

    def _held(self, key: str) -> _Entry:
        with self._guard:
            entry = self._entries.get(key)
            if entry is None:
                path = os.path.join(self._folder(), os.urandom(8).hex() + os.path.splitext(key)[1])
                entry = self._entries[key] = _Entry(self._blobs, key, path)
            self._entries.move_to_end(key)
            entry.holders += 1
            return entry

    def _let_go(self, entry: _Entry) -> None:
        dropped = []
        with self._guard:
            entry.holders -= 1
            if not entry.bytes and not entry.holders and self._entries.get(entry.key) is entry:
                del self._entries[entry.key]  # it could not be read at all
            left = sum(one.bytes for one in self._entries.values())
            for one in list(self._entries.values()) if left > self._most else ():
                if left > self._most and not one.holders:
                    left -= one.bytes
                    dropped.append(self._entries.pop(one.key))
        for one in dropped:
            one.remove()

    def _folder(self) -> str:
        if self._own is None:
            with contextlib.ExitStack() as alone:
                if self._parent is not None:
                    os.makedirs(self._parent, mode=0o700, exist_ok=True)
                    one = alone.enter_context(open(os.path.join(self._parent, "lock"), "a"))
                    fcntl.flock(one, fcntl.LOCK_EX)
                    _clear(self._parent)
                self._own = tempfile.mkdtemp(prefix="anew-blobs-", dir=self._parent)
                lock = open(os.path.join(self._own, "lock"), "a")  # noqa: SIM115  (held while the cache is)
                fcntl.flock(lock, fcntl.LOCK_EX)
            weakref.finalize(self, _remove, self._own, os.getpid(), lock)
        return self._own


class _Entry:
    """A blob of which some ranges are in a file: a `Ranged`."""

    def __init__(self, blobs: Blobs, key: str, path: str) -> None:
        self._blobs = blobs
        self.key = key
        self.path = path
        self.size = -1
        self.bytes = 0
        self.holders = 0
        self._spans: list[Span] = []  # that are there, ascending and apart
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Find out the size, and bring the end here."""
        with self._lock:
            if self.size >= 0:
                return
            end, size = self._blobs.tail(self.key, _END)
            with open(self.path, "xb") as file:
                file.truncate(size)
                file.seek(size - len(end))
                file.write(end)
            self.size = size
            self._note((size - len(end), size))

    def need(self, spans: Sequence[Span]) -> None:
        """See `Ranged.need`."""
        with self._lock:
            missing = self._missing(spans)
            if not missing:
                return
            if len(missing) == 1:
                self._bring(missing[0])
            else:
                with ThreadPoolExecutor(_REQUESTS) as pool:
                    list(pool.map(self._bring, missing))
            for span in missing:
                self._note(span)

    def known(self, start: int, length: int | None) -> bytes | None:
        """A range, if all of it is there."""
        with self._lock:
            stop = self.size if length is None else min(self.size, start + length)
            if not 0 <= start < stop or not any(a <= start and stop <= b for a, b in self._spans):
                return None
            try:
                with open(self.path, "rb") as file:
                    file.seek(start)
                    return file.read(stop - start)
            except OSError:
                return None

    def remove(self) -> None:
        """Remove the file; whoever has it open reads on."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def _bring(self, span: Span) -> None:
        data = self._blobs.read(self.key, span[0], span[1] - span[0])
        if len(data) != span[1] - span[0]:
            raise OSError(errno.EIO, "the blob is shorter than it was", self.key)
        with open(self.path, "r+b") as file:
            file.seek(span[0])
            file.write(data)

    def _missing(self, spans: Sequence[Span]) -> list[Span]:
        """What of some ranges is not there, in requests of a good size."""
        gaps: list[Span] = []
        for start, stop in sorted(spans):
            at = max(0, start)
            for a, b in self._spans:
                if a < stop and b > at:
                    if a > at:
                        gaps.append((at, a))
                    at = b
            if at < min(stop, self.size):
                gaps.append((at, min(stop, self.size)))
        found: list[Span] = []
        for start, stop in gaps:
            if found and start - found[-1][1] <= _CLOSE:
                found[-1] = (found[-1][0], max(stop, found[-1][1]))
            else:
                found.append((start, stop))
        cut: list[Span] = []
        for start, stop in found:
            parts = max(1, (stop - start) // _AT_ONCE)
            edges = [start + (stop - start) * n // parts for n in range(parts + 1)]
            cut += pairwise(edges)
        return cut

    def _note(self, span: Span) -> None:
        apart = [one for one in self._spans if one[1] < span[0] or one[0] > span[1]]
        joined = [span, *(one for one in self._spans if one not in apart)]
        whole = (min(a for a, _ in joined), max(b for _, b in joined))
        self._spans = sorted([*apart, whole])
        self.bytes = max(1, sum(b - a for a, b in self._spans))


def _clear(parent: str) -> None:
    """Remove what processes left that ended without doing so."""
    for name in os.listdir(parent):
        folder = os.path.join(parent, name)
        if not name.startswith("anew-blobs-"):
            continue
        with contextlib.suppress(OSError), open(os.path.join(folder, "lock"), "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def _remove(folder: str, owner: int, lock: IO[str]) -> None:
    lock.close()
    if os.getpid() == owner:  # a fork that ends must not take it from its parent
        shutil.rmtree(folder, ignore_errors=True)
