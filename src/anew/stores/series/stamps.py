"""Whether the points of an experiment are still those that were copied: of a folder, and of files that lie elsewhere."""

from __future__ import annotations

import os
from typing import Protocol

from ...journal.layout import ExperimentLayout
from ...journal.storage import Blob
from .pack_file import Stamp

__all__ = ["FolderState", "ListedState", "PointsState"]


class PointsState(Protocol):
    """What an experiment's points look like now."""

    def fits(self, stamp: Stamp) -> bool:
        """Whether they still look as they did."""
        ...

    def stamp(self) -> Stamp | None:
        """How they look; None if there are none that can be read."""
        ...


class FolderState:
    """A `PointsState` that looks at an experiment's folder each time it is asked.

    Args:
        folder: The experiment's folder.
    """

    __slots__ = ("_folder",)

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def fits(self, stamp: Stamp) -> bool:
        """See `PointsState.fits`."""
        metrics = ExperimentLayout(self._folder).path("metrics")
        try:
            if os.stat(metrics).st_mtime_ns != stamp.changed:
                return False
            for name, size, changed in stamp.files:
                stat = os.stat(f"{metrics}/{name}")
                if stat.st_size != size or stat.st_mtime_ns != changed:
                    return False
        except OSError:
            return False
        return True

    def stamp(self) -> Stamp | None:
        """See `PointsState.stamp`."""
        metrics = ExperimentLayout(self._folder).path("metrics")
        try:
            changed = os.stat(metrics).st_mtime_ns
            with os.scandir(metrics) as entries:
                found = [(entry.name, entry.stat()) for entry in entries]
        except OSError:
            return None
        return Stamp(changed, sorted((name, s.st_size, s.st_mtime_ns) for name, s in found))


class ListedState:
    """A `PointsState` of files that were listed a moment ago.

    Args:
        blobs: What is in the experiment's folder of points.
    """

    __slots__ = ("_stamp",)

    def __init__(self, blobs: list[Blob]) -> None:
        files = sorted((blob.name, blob.size, int(blob.changed_at * 1e9)) for blob in blobs)
        self._stamp = Stamp(0, files) if files else None

    def fits(self, stamp: Stamp) -> bool:
        """See `PointsState.fits`."""
        return self._stamp == stamp

    def stamp(self) -> Stamp | None:
        """See `PointsState.stamp`."""
        return self._stamp
