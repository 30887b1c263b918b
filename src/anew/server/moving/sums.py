"""How much there is of each kind of thing, and a hash of all of it that does not depend on the order."""

from __future__ import annotations

import threading
from typing import NamedTuple

from blake3 import blake3

__all__ = ["Sum", "Sums"]

_BITS = 256


class Sum(NamedTuple):
    """Things of one kind: how many, their bytes, and what stands for them all."""

    things: int = 0
    bytes: int = 0
    hash: str = ""


class Sums:
    """Adds things up, by kind. Any number of threads may add."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, int, int]] = {}
        self._guard = threading.Lock()

    def add(self, kind: str, name: str, size: int, digest: str) -> None:
        """Add a thing.

        Args:
            name: What it is called, with whatever else of it should be the same on both sides.
            digest: The hash of its bytes.
        """
        one = f"{name}\0{size}\0{digest}".encode(errors="surrogateescape")
        number = int.from_bytes(blake3(one).digest())
        with self._guard:
            count, total, hash = self._found.get(kind, (0, 0, 0))
            self._found[kind] = (count + 1, total + size, (hash + number) % (1 << _BITS))

    def all(self) -> dict[str, Sum]:
        """What was added."""
        with self._guard:
            return {
                kind: Sum(count, total, f"{hash:064x}")
                for kind, (count, total, hash) in sorted(self._found.items())
            }
