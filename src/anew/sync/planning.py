"""What of an experiment is to be sent: its segments here, held against those on the server."""

from __future__ import annotations

import contextlib
import os

from blake3 import blake3

from .files import Found
from .listing import Listed, is_edit, list_segments
from .local import Local
from .sealed import text_of
from .segments import Flow, closing_at
from .wire import Filed, Lease, SegmentAt

__all__ = ["Work"]

_ALIVE = 60.0
"""Seconds that a sign of life counts for."""


class Work:
    """An experiment that is being sent in a pass.

    Args:
        listed: Its segments here.
        filed: What of it is there.
        met: Whether it was sent before, so that what is there is known to be ours.

    Attributes:
        listed: The segments here as they are sent, by name; `there` those on the server.
        flows: What goes first of its segments; `last` the lines by which writers ended, as name, offset and end.
        parts: Sealed parts, which go as files.
        conflicts: Segments and files of which the server has other bytes.
        refused: What the server does not take; `behind` what has not arrived. Empty for nothing.
        grown: Whether events came after its files were listed: they may name further ones.
    """

    def __init__(self, local: Local, listed: list[Listed], filed: Filed, met: bool) -> None:
        self.local = local
        self.listed = {one.name: one for one in listed}
        self.there = {one.name: one for one in filed.segments}
        self.flows: list[Flow] = []
        self.last: list[tuple[str, int, int]] = []
        self.parts: list[Found] = []
        self.conflicts: list[str] = []
        self.refused: str = ""
        self.behind: str = ""
        self.grown = False
        self._met = met

    def plan(self) -> None:
        """Find out what is to be sent."""
        for name, listed in self.listed.items():
            there = self.there.get(name)
            if listed.sealed:
                if not self._has_part(listed, there):
                    self.parts.append(self._part(listed))
            elif there is not None and there.sealed:
                self._plan_reopened(listed, there)
            else:
                flow = self.flow(listed, self._start(listed, there))
                if flow.at < flow.end:
                    self.flows.append(flow)

    def flow(self, listed: Listed, at: int) -> Flow:
        """A segment from an offset on; the line by which its writer ended goes last."""
        return Flow(self.local.id, self.local.storage, listed.name, at, self._hold_back(listed, at))

    def closing(self) -> list[Flow]:
        """What was held back."""
        return [Flow(self.local.id, self.local.storage, *one) for one in self.last]

    def news(self) -> list[Flow]:
        """What was written since the segments were listed.

        Raises:
            OSError: The folder cannot be read.
        """
        flows = []
        closing = {name for name, _, _ in self.last}
        for listed in list_segments(self.local.storage):
            before, there = self.listed.get(listed.name), self.there.get(listed.name)
            at = before.size if before is not None else 0
            unclear = there is not None and (there.sealed or before is None)
            if listed.sealed or listed.size <= at or listed.name in closing or unclear:
                continue
            self.listed[listed.name] = listed
            self.grown |= listed.name.startswith("journal/")
            flows.append(self.flow(listed, at))
        return flows

    def leases(self, now: float) -> list[Lease]:
        """Says which writers are alive: those whose events were touched here a moment ago.

        Raises:
            OSError: The folder cannot be read.
        """
        alive = [
            listed.path[len("journal/") : -len(".jsonl")]
            for listed in list_segments(self.local.storage)
            if listed.path.startswith("journal/")
            and not is_edit(listed.path)
            and abs(now - listed.changed_at) < _ALIVE
        ]
        return [Lease(id=self.local.id, writers=tuple(alive))] if alive else []

    def _hold_back(self, listed: Listed, at: int) -> int:
        name, end = listed.name, listed.size
        if name.startswith("journal/") and not is_edit(name) and at < end:
            closing = closing_at(self.local.storage, name, end)
            if at <= closing < end:
                self.last.append((name, closing, end))
                return closing
        return end

    def _start(self, listed: Listed, there: SegmentAt | None) -> int:
        """Where to begin with a segment. What an unknown server has of it is compared first."""
        if there is None:
            return 0
        if self._met:
            return min(there.size, listed.size)
        if there.size > listed.size:
            return listed.size if is_edit(listed.name) else 0
        return there.size if self._hash(listed.name, there.size) == there.hash else 0

    def _has_part(self, listed: Listed, there: SegmentAt | None) -> bool:
        """Whether the server has the points of a part that was sealed here."""
        if there is None:
            return False
        with contextlib.suppress(OSError), self.local.storage.local(listed.path) as path:
            text = text_of(path)
            if there.size != text.size:
                return False
            return there.hash == text.hash if there.hash and text.hash else self._met
        return False

    def _plan_reopened(self, listed: Listed, there: SegmentAt) -> None:
        """Lines that the server has sealed: if there are more here, all of them go as one file."""
        other = not self._met and listed.size == there.size
        if listed.size > there.size or (
            other and self._hash(listed.name, there.size) != there.hash
        ):
            self.parts.append(self._part(listed))

    def _part(self, listed: Listed) -> Found:
        """A part of points as a file that goes as a whole."""
        full = os.path.join(self.local.folder, *listed.path.split("/"))
        with contextlib.suppress(OSError):
            about = os.lstat(full)
            mark = (about.st_ino, about.st_size, about.st_mtime_ns)
            return Found(listed.path, full, about.st_size, mark, False)
        return Found(listed.path, full, listed.size, (0, 0, 0), False)

    def _hash(self, name: str, size: int) -> str:
        """The BLAKE3 of the first bytes of a segment here."""
        digest = blake3()
        at = 0
        with contextlib.suppress(OSError):
            while at < size:
                block = self.local.storage.read(name, at, min(1 << 20, size - at))
                if not block:
                    break
                digest.update(block)
                at += len(block)
        return digest.hexdigest()
