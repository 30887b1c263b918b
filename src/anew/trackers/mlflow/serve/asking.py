"""Who asks, and what they may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ....models.views import Models
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
        check_adding: Raises if they may not, or if the project is full.
        check_beginning: Raises if they may not, or if the project takes no other experiment.
        check_deleting: Raises if they may not delete there.
        registered: The registered models, as they may see and change them.
        models_scope: Whom a registered model concerns that they make; None where they have to say it.
        note: Writes down that they did something: what, in which project, to what.
    """

    backend: Backend
    upkeep: Upkeep
    name: str
    host: str
    sees: Callable[[str], bool]
    check_writing: Callable[[str], object]
    check_adding: Callable[[str], None]
    check_beginning: Callable[[str], None]
    check_deleting: Callable[[str], None]
    registered: Callable[[], Models]
    models_scope: str | None
    note: Callable[[str, str, str], None]

    @property
    def reader(self) -> Reader:
        """Asks the backend."""
        return Reader(self.backend)
