"""The objects that segments consist of: written once at their offset, verified and remembered when they are read."""

from __future__ import annotations

import errno
import threading
from collections import OrderedDict

from blake3 import blake3

from ...blobs.protocol import Blobs

__all__ = ["Altered", "Pieces", "key_of"]

_BLOCK = 128 << 10
"""Bytes that are read at least, where a piece is read in part."""
_REMEMBERED = 64 << 20
"""Bytes of pieces that are kept in memory."""


class Altered(OSError):
    """An object does not have the bytes that it was written with."""


def key_of(experiment: str, name: str, start: int) -> str:
    """The key of the piece of a segment that begins at an offset."""
    return f"experiments/{experiment}/segments/{name}/{start:016x}"


class Pieces:
    """Writes and reads pieces. Any thread may use it.

    Pieces never change, so what was read is remembered: whoever goes on with a segment looks at its beginning each time.

    Args:
        blobs: Where they are kept.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()

    def put(self, key: str, data: bytes) -> bytes:
        """Make a piece, if there is none; the bytes that it has, which begin as `data` does or are the beginning of it.

        A server that was killed may have left a shorter one, and one whose database was restored a longer one.

        Raises:
            Altered: It has other bytes.
            OSError: It cannot be written.
        """
        if self._blobs.create(key, data):
            return data
        there = self._blobs.read(key)
        shared = min(len(there), len(data))
        if not shared or there[:shared] != data[:shared]:
            raise Altered(errno.EIO, "the object has other bytes than were sent for its place", key)
        return there

    def read(self, key: str, size: int, hash: str, start: int, length: int) -> bytes:
        """Bytes of a piece.

        Raises:
            Altered: The object is not what was written, or is missing.
            OSError: It cannot be read.
        """
        length = min(length, size - start)
        if size <= 2 * _BLOCK or 2 * length >= size:
            return self._whole(key, size, hash)[start : start + length]
        first = start - start % _BLOCK
        end = min(size, start + length + _BLOCK - 1 - (start + length - 1) % _BLOCK)
        block = self._recall((key, first), end - first)
        if block is None:
            block = self._fetch(key, first, end - first)
            self._keep((key, first), block)
        return block[start - first : start - first + length]

    def _whole(self, key: str, size: int, hash: str) -> bytes:
        data = self._recall((key, -1), size)
        if data is None:
            data = self._fetch(key, 0, size)
            if blake3(data).hexdigest() != hash:
                raise Altered(errno.EIO, "the object has other bytes than were written", key)
            self._keep((key, -1), data)
        return data

    def _fetch(self, key: str, start: int, length: int) -> bytes:
        try:
            data = self._blobs.read(key, start, length)
        except FileNotFoundError:
            raise Altered(errno.EIO, "the object is missing", key) from None
        if len(data) < length:
            raise Altered(errno.EIO, "the object is shorter than what was written", key)
        return data

    def _recall(self, key: tuple[str, int], length: int) -> bytes | None:
        with self._guard:
            data = self._kept.get(key)
            if data is None or len(data) < length:
                return None
            self._kept.move_to_end(key)
            return data

    def _keep(self, key: tuple[str, int], data: bytes) -> None:
        with self._guard:
            before = self._kept.pop(key, b"")
            self._kept[key] = data
            self._bytes += len(data) - len(before)
            while self._bytes > _REMEMBERED:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= len(gone)
