"""Telling readers in this very process that something was written to an experiment: they need not find it out from its folder."""

from __future__ import annotations

import os
import threading
from collections import deque
from weakref import WeakSet

__all__ = ["Nudges", "nudge"]

_MOST = 100_000
_listening: dict[str, WeakSet[Nudges]] = {}
_lock = threading.Lock()


class Nudges:
    """What was told of a root since it was asked last. Any thread may use it.

    Args:
        root: The root's folder.
    """

    def __init__(self, root: str) -> None:
        self._told: deque[str] = deque(maxlen=_MOST)
        with _lock:
            _listening.setdefault(os.path.abspath(root), WeakSet()).add(self)

    def take(self) -> set[str]:
        """The prefixes that were told."""
        found = set()
        while self._told:
            found.add(self._told.popleft())
        return found

    def tell(self, prefix: str) -> None:
        """Something was written to the experiment at a prefix."""
        self._told.append(prefix)


def nudge(root: str, prefix: str) -> None:
    """Say that something was written to the experiment at a prefix of a root."""
    if _listening:
        with _lock:
            listening = list(_listening.get(os.path.abspath(root), ()))
        for one in listening:
            one.tell(prefix)
