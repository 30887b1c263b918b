"""Who asks, and what they may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ....reading.backend import Backend
from ....reading.upkeep import Upkeep
from .reading import Reader

__all__ = ["Asker"]


@dataclass(frozen=True)
class Asker:
    """Who asks, and what they may.

    Attributes:
        backend: What they may see.
        upkeep: Looks after what they may see.
        name: The user.
        host: The address that the request came from.
        sees: Whether they may see what lies at a prefix.
        check_writing: Raises if they may not write to a prefix.
        check_deleting: Raises if they may not delete there.
    """

    backend: Backend
    upkeep: Upkeep
    name: str
    host: str
    sees: Callable[[str], bool]
    check_writing: Callable[[str], None]
    check_deleting: Callable[[str], None]

    @property
    def reader(self) -> Reader:
        """Asks the backend."""
        return Reader(self.backend)
