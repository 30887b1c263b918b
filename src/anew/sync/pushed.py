"""What one pass did, and how far it is."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

__all__ = ["Progress", "Pushed", "Tally"]


class Progress(NamedTuple):
    """How far a pass is: experiments looked at, and bytes sent."""

    experiments: int
    bytes: int


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass did, and what it left.

    Attributes:
        looked: Experiments that were looked at.
        sent: Experiments of which something was new.
        bytes: Bytes of segments that arrived; `files` and `file_bytes` of other files.
        events: Events of the root's journal that the server did not have.
        fetched: Bytes of edits that came back.
        filed: Where experiments are filed there, by id, where that is another prefix than here.
        deleted: Experiments that were deleted there: they stay here, and are not sent again.
        refused: By id, what the server does not take, and why.
        conflicts: By id, the segments and files of which the server has other bytes; it kept ours beside them.
        behind: By id, what has not arrived and will be tried again, and why.
    """

    looked: int = 0
    sent: int = 0
    bytes: int = 0
    files: int = 0
    file_bytes: int = 0
    events: int = 0
    fetched: int = 0
    filed: dict[str, str] = {}
    deleted: tuple[str, ...] = ()
    refused: dict[str, str] = {}
    conflicts: dict[str, tuple[str, ...]] = {}
    behind: dict[str, str] = {}

    @property
    def complete(self) -> bool:
        """Whether the server has everything that it may have."""
        return not self.behind


class Tally:
    """What a pass has done so far; the attributes are those of `Pushed`."""

    def __init__(self) -> None:
        self.looked = self.sent = self.bytes = self.files = self.file_bytes = 0
        self.events = self.fetched = 0
        self.filed: dict[str, str] = {}
        self.deleted: list[str] = []
        self.refused: dict[str, str] = {}
        self.conflicts: dict[str, tuple[str, ...]] = {}
        self.behind: dict[str, str] = {}

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(self.looked, self.bytes + self.file_bytes)

    def told(self) -> Pushed:
        """All of it."""
        return Pushed(**{**vars(self), "deleted": tuple(self.deleted)})
