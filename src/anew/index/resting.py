"""Experiments that are followed and need no look just now: a server may have ten thousand of which few write at any time.

Taking a look at one costs half a millisecond, comparing the times and sizes of its files a few hundredths. Where even
comparing all of them takes long, it is done now and then, and what this process itself writes is told at once.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..journal.layout import RootLayout
from ..journal.nudges import Nudges

__all__ = ["Resting"]

_FEW = 100
"""Experiments that are compared at every look."""
_REST = 20.0
"""How many times as long as comparing took, the next looks go without, where they are more."""
_READ = ("journal", "metrics")
_Files = tuple[tuple[str, int, int, int], ...]


class _Looked(NamedTuple):
    files: _Files
    at: float
    until: float


class Resting:
    """What a process remembers of its looks at experiments that are followed. One thread at a time uses it.

    Args:
        root: Where they lie.
    """

    def __init__(self, root: RootLayout) -> None:
        self._root = root
        self._looked: dict[str, _Looked] = {}
        self._coming: dict[str, _Files] = {}
        self._nudges = Nudges(root.root)
        self._compared_until = 0.0
        self._followed: Sequence[str] = ()
        self._restless: set[str] = set()
        self._from, self._until = 0.0, 0.0

    def awake(self, followed: Sequence[str]) -> list[str]:
        """The prefixes among these that need a look: something changed in their folders, or a writer may have vanished.

        Args:
            followed: The same object as before, where they are the same: then those alone are gone through of which something is known.
        """
        now, began = time.time(), time.monotonic()
        told, compares = self._nudges.take(), began >= self._compared_until
        if followed is self._followed and not compares and self._from <= now < self._until:
            return self._woken(told)
        before, self._looked, self._coming = self._looked, {}, {}
        found = []
        for prefix in followed:
            known = before.get(prefix)
            rests = known is not None and known.at <= now < known.until
            if known is not None and rests and not compares and prefix not in told:
                self._looked[prefix] = known
                continue
            files = _files(self._root.experiment(prefix).folder)
            if known is not None and rests and known.files == files:
                self._looked[prefix] = known
            else:
                self._coming[prefix] = files
                found.append(prefix)
        self._followed, self._restless = followed, set(found)
        self._from = max((one.at for one in self._looked.values()), default=now)
        self._until = min((one.until for one in self._looked.values()), default=math.inf)
        took = time.monotonic() - began
        if compares and len(self._looked) + len(found) > _FEW:
            self._compared_until = began + took * (1 + _REST)
        return found

    def _woken(self, told: set[str]) -> list[str]:
        """Those that need a look among those of which something was told, and those that never rest."""
        self._coming = {}
        for prefix in self._restless | (told & self._looked.keys()):
            files = _files(self._root.experiment(prefix).folder)
            known = self._looked.get(prefix)
            if known is None or known.files != files:
                self._looked.pop(prefix, None)
                self._coming[prefix] = files
        self._restless |= self._coming.keys()
        return list(self._coming)

    def note(self, until: Mapping[str, float]) -> None:
        """Remember that what `awake` told was looked at, and until when each needs no look if nothing changes."""
        now = time.time()
        for prefix, files in self._coming.items():
            if prefix in until and files:
                self._looked[prefix] = _Looked(files, now, until[prefix])
                self._restless.discard(prefix)
                self._from, self._until = max(self._from, now), min(self._until, until[prefix])
        self._coming = {}

    def forget(self) -> None:
        """Have all of them looked at again."""
        self._looked, self._coming, self._compared_until = {}, {}, 0.0
        self._followed = ()


def _files(folder: str) -> _Files:
    """Name, size, time and inode of each file that is taken in; nothing where they cannot be told."""
    found: list[tuple[str, int, int, int]] = []
    for name in _READ:
        try:
            with os.scandir(f"{folder}/{name}") as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    found.append((entry.name, status.st_size, status.st_mtime_ns, status.st_ino))
        except FileNotFoundError:
            if name == "journal":
                return ()
        except OSError:
            return ()
    return tuple(found)
