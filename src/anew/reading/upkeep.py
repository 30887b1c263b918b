"""Looking after a store: what is asked of a place besides questions, where it can be done at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Deleted", "Finding", "Freed", "Progress", "Refreshed", "Trashed", "Upkeep", "Usage"]

Progress = Callable[[int, int], None]
"""Called now and then with how many were done, and of how many."""


@dataclass(frozen=True)
class Finding:
    """Something on disk that is not as it should be.

    Attributes:
        kind: "broken line", "corrupt file", "unreadable", "no identity", "copy", "not indexed", "gone",
            "trash", "mixed" or "leftover".
        reason: What is wrong, in a sentence.
        path: The file or folder.
        line: The line in it, from 1.
        repaired: Whether it was mended; only what is derived ever is.
    """

    kind: str
    reason: str
    path: str
    experiment_id: str | None = None
    prefix: str | None = None
    line: int | None = None
    repaired: bool = False


@dataclass(frozen=True)
class Deleted:
    """What a deletion did: how many experiments, of how many bytes.

    `freed` says whether the bytes are back already, or come with `gc`.
    """

    count: int
    bytes: int
    freed: bool
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Freed:
    """What freeing files gave back: how many files, of how many experiments, and the bytes of disk.

    `running` has the ids of experiments that were left alone because they are still running.
    """

    files: int
    bytes: int
    experiments: int
    running: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trashed:
    """An experiment in the trash."""

    id: str
    prefix: str
    name: str
    deleted_at: float
    bytes: int


@dataclass(frozen=True)
class Refreshed:
    """What bringing the index up to date took in, and how long it took in seconds."""

    experiments: int
    points: int
    seconds: float
    broken: int = 0


@dataclass(frozen=True)
class Usage:
    """Bytes on disk: `total`, `by_kind` (points, logs, files, …), `by_experiment` (id → bytes)."""

    total: int
    by_kind: dict[str, int]
    by_experiment: dict[str, int]


class Upkeep(Protocol):
    """Looks after the place that a backend answers from.

    Any thread may call; calls wait for each other, and for other processes that look after the same place.
    """

    def trash(self) -> Sequence[Trashed]:
        """What is in the trash, newest first."""
        ...

    def purge(self, ids: Sequence[str]) -> Deleted:
        """Remove experiments at once, with the bytes they take.

        Raises:
            StillRunning: One is being written; then none is removed.
        """
        ...

    def discard(self, prefix: str, *, permanently: bool = False) -> Deleted | None:
        """Move what lies at a prefix and is no experiment that can be shown to the trash; None if nothing does.

        `doctor` names such folders. In the trash each has an id of its own.
        """
        ...

    def gc(self, *, older_than: float = 0.0, dry_run: bool = False) -> int:
        """Empty the trash of what was deleted this many seconds ago, and remove what nothing refers to; the bytes
        freed, or that would be."""
        ...

    def free(
        self, files: Mapping[str, Sequence[str]], *, why: str = "", dry_run: bool = False
    ) -> tuple[int, int]:
        """Give back the bytes of logged files, named by their ids for each experiment; how many files and bytes were
        freed, or would be. That they were logged stays in the record, and so does `why`.

        Raises:
            StillRunning: An experiment is being written; then nothing is freed.
        """
        ...

    def stop(self, ids: Sequence[str], *, firmly: bool = False) -> int:
        """Send the programs of this machine that record experiments the signal of Ctrl-C; how many were sent it.

        Args:
            firmly: Send SIGTERM instead.
        """
        ...

    def du(self, ids: Sequence[str] | None = None) -> Usage:
        """The bytes that experiments take; those of the whole store if None."""
        ...

    def doctor(
        self, *, repair: bool = False, progress: Progress | None = None
    ) -> Sequence[Finding]:
        """What is broken; with `repair`, what is derived is mended."""
        ...

    def seal(self, ids: Sequence[str] | None = None) -> int:
        """Turn finished points files into columns; how many were."""
        ...

    def archive(self, ids: Sequence[str], target: str, *, whole: bool = False) -> None:
        """Write the folders of experiments into a zip file; unpacked into another root they are experiments there.

        What the root's journal says of them goes along.

        Args:
            whole: Also write what it says of no experiment: documents, versions and aliases.

        Raises:
            FileExistsError: There is a file already.
            Incomplete: It was written, without some files that could not be read.
        """
        ...

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        """Take in what was written since the last look."""
        ...

    def rebuild(self, progress: Progress | None = None) -> Refreshed:
        """Make everything derived again from the journals alone."""
        ...
