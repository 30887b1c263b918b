"""What one session of a re-run leaves in its checkout for the next: its checkpoints, and whatever else it wrote."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

__all__ = ["Carried", "Seen", "written"]

_LEFT = frozenset({".git", "__pycache__"})
"""What is not carried: compiled modules may be those of another version of the code, with the same size and time."""

Seen = dict[str, tuple[int, int, int]]
"""By path relative to the checkout: size, time and inode of each file."""


def written(work: str) -> Seen:
    """What is in a checkout now."""
    return {path: _state(os.path.join(work, path)) for path in _files(work)}


def _files(work: str) -> Iterator[str]:
    for folder, names, files in os.walk(work):
        names[:] = [name for name in names if name not in _LEFT]
        for name in (*files, *(n for n in names if os.path.islink(os.path.join(folder, n)))):
            if name not in _LEFT:
                yield os.path.relpath(os.path.join(folder, name), work)


def _state(path: str) -> tuple[int, int, int]:
    try:
        found = os.lstat(path)
    except OSError:
        return (-1, -1, -1)
    return found.st_size, found.st_mtime_ns, found.st_ino


class Carried:
    """The files that a session wrote, kept aside while the checkout of the next one is made.

    Args:
        work: The checkout.
        before: What was in it when the session began.
        aside: A folder for them, on the same file system.
    """

    def __init__(self, work: str, before: Seen, aside: str) -> None:
        self._aside = aside
        now = written(work)
        self.paths = sorted(path for path, state in now.items() if before.get(path) != state)
        for path in self.paths:
            _move(os.path.join(work, path), os.path.join(aside, path))

    def put_into(self, work: str) -> None:
        """Place them in a checkout, over what it has."""
        for path in self.paths:
            target = os.path.join(work, path)
            if os.path.isdir(target) and not os.path.islink(target):
                continue
            _move(os.path.join(self._aside, path), target)
        shutil.rmtree(self._aside, ignore_errors=True)


def _move(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    os.replace(source, target)
