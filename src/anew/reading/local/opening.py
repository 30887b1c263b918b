"""From a folder to what answers questions about it, and what looks after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .backend import LocalBackend
from .root import OpenRoot
from .upkeep import LocalUpkeep

__all__ = ["Opened", "open_folder"]


class Opened(NamedTuple):
    """A folder that is open: its backend, its upkeep, what closes both, and the root itself for what writes there."""

    backend: LocalBackend
    upkeep: LocalUpkeep
    close: Callable[[], None]
    root: OpenRoot


def open_folder(
    path: str, *, refresh: bool = True, user: str = "", durable: bool = False
) -> Opened:
    """Open a folder of experiments. One that is not there is empty, and looking does not make it.

    Args:
        refresh: Whether questions first bring the index up to date.
        user: Who asks.
        durable: Whether an edit waits until the disk has it.
    """
    root = OpenRoot(path, refresh=refresh, user=user, durable=durable)
    return Opened(LocalBackend(root, user=user), LocalUpkeep(root), root.close, root)
