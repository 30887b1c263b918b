"""Copies of files that were recorded and lie elsewhere: what was asked about once lies here for the next question."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from ..blobs.cached import CachedBlobs
from ..reading.files import Stored

if TYPE_CHECKING:
    from ..blobs.protocol import Blobs

__all__ = ["Copies", "copies"]

MOST_BYTES = 1 << 30
"""Bytes on the disk that all copies of this process take, about."""


class Copies:
    """A bounded copy of files of values, which are written once and never change. Any thread may use it.

    Args:
        most: The bytes that they may take; those that were used longest ago give way.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._recorded = _Recorded()
        # Of blobs, copying reads ranges and the end.
        self._kept = CachedBlobs(cast("Blobs", self._recorded), most=most)

    @contextmanager
    def of(self, stored: Stored) -> Iterator[str]:
        """The path of a copy, for the time of the block.

        Raises:
            NotFound: The file is gone, or who asks may not see it, whether there is a copy or not.
        """
        _, size = stored.part(0, 1)
        key = f"{stored.experiment}/{size}/{stored.name}"
        with self._recorded.held(key, stored), self._kept.local(key) as path:
            yield path


class _Recorded:
    """Recorded files as blobs, while somebody holds them."""

    url = "recorded:"
    durable = False

    def __init__(self) -> None:
        self._held: dict[str, list[Stored]] = {}
        self._guard = threading.Lock()

    @contextmanager
    def held(self, key: str, stored: Stored) -> Iterator[None]:
        with self._guard:
            self._held.setdefault(key, []).append(stored)
        try:
            yield
        finally:
            with self._guard:
                self._held[key].remove(stored)
                if not self._held[key]:
                    del self._held[key]

    def _one(self, key: str) -> Stored:
        with self._guard:
            return self._held[key][0]

    def read(self, key: str, start: int, length: int) -> bytes:
        found, stored = bytearray(), self._one(key)
        while len(found) < length:  # a server gives no more than so much at once
            data, _ = stored.part(start + len(found), length - len(found))
            if not data:
                break
            found += data
        return bytes(found)

    def tail(self, key: str, length: int) -> tuple[bytes, int]:
        _, size = self._one(key).part(0, 1)
        start = max(0, size - length)
        return self.read(key, start, size - start), size


copies = Copies()
"""Those of this process."""
