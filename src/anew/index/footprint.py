"""The files that belong to an experiment, and their size."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator
from typing import NamedTuple

from ..blobs.drafts import DRAFTS
from ..journal.layout import OWN_FOLDERS, is_experiment

__all__ = ["Inode", "Weighing", "Weight", "own_entries", "stored_files"]

Inode = tuple[int, int]
"""Device and number of a file."""


class Weight(NamedTuple):
    """Bytes in files: what they hold, and what the disk sets aside for them."""

    logical: int = 0
    on_disk: int = 0

    def plus(self, other: Weight) -> Weight:
        """Both together."""
        return Weight(self.logical + other.logical, self.on_disk + other.on_disk)


def own_entries(folder: str) -> tuple[list[str], bool]:
    """What in an experiment's folder belongs to it, and whether that is all there is.

    Folders that are other experiments, or lead to some, do not belong to it.
    """
    own: list[str] = []
    everything = True
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder and entry.name not in OWN_FOLDERS and _holds_experiment(entry.path):
                everything = False
            else:
                own.append(entry.path)
    return own, everything


def _holds_experiment(folder: str) -> bool:
    stack = [folder]
    while stack:
        at = stack.pop()
        if is_experiment(at):
            return True
        with os.scandir(at) as entries:
            stack += [e.path for e in entries if e.is_dir(follow_symlinks=False)]
    return False


class Weighing:
    """Weighs files; one that several names lead to (hard links) is weighed once.

    Args:
        stored: Gives the contents that are stored for files to share: the last file that has one takes it along.
    """

    def __init__(self, stored: Callable[[], Container[Inode]] = frozenset) -> None:
        self._stored = stored
        self.links: dict[Inode, int] = {}
        self._files: dict[Inode, os.stat_result] = {}

    def add(self, paths: Iterable[str]) -> Weight:
        """Weigh files and folders with all that is in them; returns what they add."""
        added = Weight()
        for path in paths:
            for stat in _stats(path):
                inode = (stat.st_dev, stat.st_ino)
                if inode not in self._files:
                    added = added.plus(Weight(stat.st_size, stat.st_blocks * 512))
                self._files[inode] = stat
                self.links[inode] = self.links.get(inode, 0) + 1
        return added

    @property
    def freed(self) -> int:
        """Bytes that the disk gets back when all that was weighed goes: other names keep a file."""
        others = {i: stat.st_nlink - self.links[i] for i, stat in self._files.items()}
        kept_by_store = self._stored() if 1 in others.values() else frozenset[Inode]()
        return sum(
            stat.st_blocks * 512
            for inode, stat in self._files.items()
            if others[inode] <= 0 or (others[inode] == 1 and inode in kept_by_store)
        )

    def shared(self) -> frozenset[Inode]:
        """Those of the files that have other names than those that were weighed."""
        return frozenset(i for i, stat in self._files.items() if stat.st_nlink > self.links[i])


def stored_files(folder: str) -> Iterator[tuple[Inode, str]]:
    """The contents that are stored for files to share, with their paths; what is on its way there is left out."""
    for at, folders, names in os.walk(folder):
        if DRAFTS in folders:
            folders.remove(DRAFTS)
        for name in names:
            path = os.path.join(at, name)
            try:
                stat = os.lstat(path)
            except FileNotFoundError:
                continue
            yield (stat.st_dev, stat.st_ino), path


def _stats(path: str) -> Iterator[os.stat_result]:
    """The files at or below a path; what vanishes meanwhile is passed over."""
    try:
        stat = os.lstat(path)
    except FileNotFoundError:
        return
    if not os.path.isdir(path) or os.path.islink(path):
        yield stat
        return
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                yield os.lstat(os.path.join(folder, name))
            except FileNotFoundError:
                continue
