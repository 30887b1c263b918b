"""What one server answers from: the backend, what looks after it, and what waits for changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..query.scope import Scope
from ..reading.backend import Backend
from ..reading.upkeep import Upkeep
from .callers import Role
from .live import Live

if TYPE_CHECKING:
    from .callers import Caller

__all__ = ["Place"]

Within = Callable[[Scope | None, str], tuple[Backend, Upkeep]]


class Place:
    """A store that is served.

    Args:
        backend: What answers.
        upkeep: What looks after the store.
        close: Releases both.
        within: Both for somebody: what they may see, and their name. Without it, the store is for those alone who see everything.

    Attributes:
        live: Tells whoever waits that something has changed.
    """

    def __init__(
        self,
        backend: Backend,
        upkeep: Upkeep,
        close: Callable[[], None] | None = None,
        within: Within | None = None,
    ) -> None:
        self._backend = backend
        self._upkeep = upkeep
        self.live = Live(backend)
        self._close = close
        self._within = within

    def backend(self, caller: Caller, least: Role = Role.READER) -> Backend:
        """The backend as somebody may see it: every handler asks this one and no other.

        Args:
            least: The role that they need: what lies in projects where they have less is not there.
        """
        return self._of(caller, least)[0]

    def upkeep(self, caller: Caller, least: Role = Role.READER) -> Upkeep:
        """What looks after the part of the store that somebody may see; see `backend`."""
        return self._of(caller, least)[1]

    def _of(self, caller: Caller, least: Role) -> tuple[Backend, Upkeep]:
        scope = caller.scope(least)
        if caller.grants is None and scope is None:
            return self._backend, self._upkeep
        if self._within is None:
            raise RuntimeError("This store cannot be shown in part.")
        return self._within(scope, caller.user or caller.name)

    def close(self) -> None:
        """End what waits, and release the store."""
        self.live.close()
        if self._close is not None:
            self._close()
