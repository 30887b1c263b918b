"""From a folder to what answers questions about it, and what looks after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...query.scope import Scope
from .backend import LocalBackend
from .root import OpenRoot
from .seen import Seen
from .upkeep import LocalUpkeep

__all__ = ["Opened", "open_folder"]


class Opened(NamedTuple):
    """A folder that is open: its backend, its upkeep, what closes both, and the root itself for what writes there.

    `within` gives backend and upkeep for somebody else: what they may see, and who they are.
    """

    backend: LocalBackend
    upkeep: LocalUpkeep
    close: Callable[[], None]
    root: OpenRoot
    within: Callable[[Scope | None, str], tuple[LocalBackend, LocalUpkeep]]


def open_folder(
    path: str,
    *,
    refresh: bool = True,
    user: str = "",
    durable: bool = False,
    seconds: float | None = None,
    patience: float | None = None,
) -> Opened:
    """Open a folder of experiments. One that is not there is empty, and looking does not make it.

    Args:
        refresh: Whether questions first bring the index up to date.
        user: Who asks.
        durable: Whether an edit waits until the disk has it.
        seconds: How long one question to the catalog may take; as long as it takes if None.
        patience: How long an answer waits until what was written is taken in; as long as it takes if None.
    """
    root = OpenRoot(path, refresh=refresh, user=user, durable=durable, patience=patience)
    seen = Seen(root, seconds=seconds)

    def within(scope: Scope | None, name: str) -> tuple[LocalBackend, LocalUpkeep]:
        theirs = Seen(root, scope, name, seconds)
        return LocalBackend(theirs, user=name), LocalUpkeep(root, theirs)

    return Opened(LocalBackend(seen, user=user), LocalUpkeep(root, seen), root.close, root, within)
