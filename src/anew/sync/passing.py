"""What happens in one pass: experiments are compared, what is new is sent, and what arrived is remembered."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import msgspec
from blake3 import blake3

from ..errors import AnewError
from ..journal.layout import RootLayout
from .edits import fetch_edits
from .files import FileSender, Found, files_in
from .listing import Listed, digest_of, is_edit, list_segments
from .local import Local
from .memory import Memory, Stood, remember
from .root_events import send_events
from .sealed import text_of
from .segments import Flow, closing_at, send
from .server import Server
from .weights import Came, WeightsSender
from .wire import Filed, Filing, Lease, SegmentAt

__all__ = ["Looked", "Pass", "Progress", "Pushed"]

_SETTLE = 10.0
"""Seconds after which a long pass makes good what has arrived."""
_MEANWHILE = 1.0
"""Seconds after which, while files are sent, what was written since goes before them."""
_ALIVE = 60.0
"""Seconds that a sign of life counts for."""


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


class Looked(NamedTuple):
    """Experiments that were looked at here, their segments, and what the server is asked about each."""

    locals: list[Local]
    listed: list[list[Listed]]
    filings: list[Filing]


class _Work:
    """An experiment that is being sent in a pass."""

    def __init__(self, local: Local, listed: list[Listed], filed: Filed, met: bool) -> None:
        self.local = local
        self.listed = {one.name: one for one in listed}
        self.there = {one.name: one for one in filed.segments}
        self.met = met  # before, so that what is there is known to be ours
        self.flows: list[Flow] = []
        self.last: list[tuple[str, int, int]] = []
        self.parts: list[Found] = []
        self.conflicts: list[str] = []
        self.refused: str = ""
        self.behind: str = ""
        self.grown = (
            False  # whether events came after its files were listed: they may name further ones
        )


class Pass:
    """One pass over a root."""

    def __init__(
        self,
        layout: RootLayout,
        server: Server,
        root_id: str,
        memory: Memory,
        files: FileSender,
        weights: WeightsSender,
        there: dict[str, str],
        stop: Callable[[], bool],
        progress: Callable[[Progress], object],
    ) -> None:
        self._there = there
        self._files = files
        self._weights = weights
        files.stop, files.told = stop, self._file_bytes
        self._under_way: Sequence[_Work] = ()
        self._looked_at = time.monotonic()
        self._layout = layout
        self._server = server
        self._root_id = root_id
        self._memory = memory
        self._stop = stop
        self._progress = progress
        self._stood: dict[str, Stood] = {}
        self._settled_at = time.monotonic()
        self._dirty = False
        self._changed = False
        self._places = len(memory.places)
        self._looked = self._sent = self._bytes = self._kept = self._of_files = 0
        self._events = self._fetched = 0
        self._filed: dict[str, str] = {}
        self._deleted: list[str] = []
        self._refused: dict[str, str] = {}
        self._conflicts: dict[str, tuple[str, ...]] = {}
        self._behind: dict[str, str] = {}

    def unreadable(self, prefix: str, error: OSError) -> None:
        """An experiment cannot be read here."""
        self._behind[prefix] = f"it cannot be read: {error}"

    def events(self) -> None:
        """Send what is new in the root's journal."""
        positions = dict(self._memory.positions)
        self._events, _ = send_events(self._layout, self._server, positions, self._stop)
        if positions != self._memory.positions:
            self._memory.positions = positions
            self._memory.events += self._events
            self._dirty |= self._events > 0
            self._changed = True

    def begin_weights(self, ids: Collection[str] | None) -> None:
        """Look which versions of weights there are."""
        try:
            self._weights.begin(ids)
        except (AnewError, OSError) as error:
            self._behind["weights"] = str(error)

    def look(self, locals_: Sequence[Local]) -> Looked:
        """List the segments of some experiments."""
        if self._stop():
            self._behind |= {local.id: "the pass was ended" for local in locals_}
            return Looked([], [], [])
        looked = Looked([], [], [])
        for local in locals_:
            try:
                listed = list_segments(local.storage)
            except OSError as error:
                self.unreadable(local.id, error)
                continue
            stood = self._memory.experiments.get(local.id)
            same = stood is not None and stood.here == digest_of(listed)
            known = stood.there if stood is not None and same else ""
            looked.locals.append(local)
            looked.listed.append(listed)
            looked.filings.append(
                Filing(id=local.id, prefix=local.prefix, known=known, hashes=stood is None)
            )
        return looked

    def ask(self, looked: Looked) -> tuple[Filed, ...]:
        """Ask what of some experiments is there; another thread may."""
        return self._server.file(self._root_id, looked.filings) if looked.filings else ()

    def send(self, looked: Looked, filed: Sequence[Filed]) -> None:
        """Send what is new of some experiments."""
        self._looked += len(looked.locals)
        work = self._compared(looked, filed)
        if work:
            self._send(work)
            self._confirm(work)
        for came in self._weights_of({one.id for one in filed if one.status == "same"}):
            if came.conflict:
                self._conflicts[came.id] = ("weights",)
            if came.refused:
                self._refused[came.id] = came.refused
            if came.behind:
                self._behind[came.id] = came.behind
        self._progress(Progress(self._looked, self._bytes + self._of_files))
        if time.monotonic() - self._settled_at > _SETTLE:
            self.settle()

    def _compared(self, looked: Looked, answers: Sequence[Filed]) -> list[_Work]:
        """The experiments of which something may be new."""
        work = []
        for local, listed, filed in zip(looked.locals, looked.listed, answers, strict=True):
            if filed.status == "deleted":
                self._deleted.append(local.id)
            elif filed.status == "refused":
                self._refused[local.id] = filed.reason
            else:
                if filed.prefix != local.prefix:
                    self._filed[local.id] = filed.prefix
                if filed.status == "filed":
                    met = local.id in self._memory.experiments
                    if filed.digest != self._there.get(local.id, filed.digest):
                        self._files.forget(local.id)
                    work.append(_Work(local, listed, filed, met))
        return work

    # -- sending ------------------------------------------------------------------------------------

    def _send(self, work: Sequence[_Work]) -> None:
        """Send segments, then files; then what says that a writer has ended."""
        self._dirty = True
        for one in work:
            self._plan(one)
        self._flow(work)
        self._send_files(work)
        self._send_weights(work)
        for one in work:
            one.flows = [
                Flow(one.local.id, one.local.storage, name, at, end) for name, at, end in one.last
            ]
        self._flow(work)

    def _plan(self, one: _Work) -> None:
        """What of an experiment's segments is to be sent."""
        for name, listed in one.listed.items():
            there = one.there.get(name)
            if listed.sealed:
                if not self._has_part(one, listed, there):
                    one.parts.append(_part(one.local, listed))
                continue
            if there is not None and there.sealed:
                self._plan_reopened(one, listed, there)
                continue
            at = self._start(one, listed, there)
            end = self._hold_back(one, listed, at)
            if at < end:
                one.flows.append(Flow(one.local.id, one.local.storage, name, at, end))

    @staticmethod
    def _hold_back(one: _Work, listed: Listed, at: int) -> int:
        """Up to where a segment is sent now: the line by which its writer ended goes last."""
        name, end = listed.name, listed.size
        if name.startswith("journal/") and not is_edit(name) and at < end:
            closing = closing_at(one.local.storage, name, end)
            if at <= closing < end:
                one.last.append((name, closing, end))
                return closing
        return end

    def _start(self, one: _Work, listed: Listed, there: SegmentAt | None) -> int:
        """Where to begin with a segment. What an unknown server has of it is compared first."""
        if there is None:
            return 0
        if one.met:
            return min(there.size, listed.size)
        if there.size > listed.size:
            return listed.size if is_edit(listed.name) else 0
        return there.size if _hash(one.local, listed.name, there.size) == there.hash else 0

    def _has_part(self, one: _Work, listed: Listed, there: SegmentAt | None) -> bool:
        """Whether the server has the points of a part that was sealed here."""
        if there is None:
            return False
        with contextlib.suppress(OSError), one.local.storage.local(listed.path) as path:
            text = text_of(path)
            if there.size != text.size:
                return False
            return there.hash == text.hash if there.hash and text.hash else one.met
        return False

    def _plan_reopened(self, one: _Work, listed: Listed, there: SegmentAt) -> None:
        """Lines that the server has sealed: if there are more here, all of them go as one file."""
        if listed.size > there.size or (
            not one.met and listed.size == there.size and _hash(one.local, listed.name, there.size) != there.hash
        ):  # fmt: skip
            one.parts.append(_part(one.local, listed))

    def _flow(self, work: Sequence[_Work]) -> None:
        self._flow_of([flow for one in work for flow in one.flows], work)

    def _flow_of(self, flows: Sequence[Flow], work: Sequence[_Work]) -> None:
        send(self._server, flows, stop=self._stop, told=self._segment_bytes)
        again = [
            flow
            for flow in flows
            if flow.failed is not None
            and flow.failed.status == "refused"
            and flow.name.startswith("journal/")
        ]
        for flow in again:  # it may have waited for the opening that goes on from it
            flow.failed, flow.at = None, 0
        if again:
            send(self._server, again, stop=self._stop, told=self._segment_bytes)
        by_id = {one.local.id: one for one in work}
        for flow in flows:
            one = by_id[flow.id]
            if flow.diverged:
                one.conflicts.append(flow.name)
            if flow.failed is not None and flow.failed.status == "refused":
                one.refused = f"{flow.name}: {flow.failed.reason}"
            elif flow.failed is not None or flow.at < flow.end:
                one.behind = one.behind or f"{flow.name} has not arrived whole"

    def _send_files(self, work: Sequence[_Work]) -> None:
        by_id = {one.local.id: one for one in work}
        self._under_way, self._looked_at = work, time.monotonic()
        found: list[tuple[Local, Found]] = []
        for one in work:
            for file in (*one.parts, *files_in(one.local)):
                if self._files.is_done(one.local, file):
                    continue
                found.append((one.local, file))
        for local, file, kept in self._files.send(found):
            one = by_id[local.id]
            if kept is None or kept.status in ("missing", "damaged", "unknown"):
                if kept is not None or self._stop():
                    one.behind = one.behind or f"{file.path} has not arrived"
            elif kept.status == "ok":
                self._kept += 1
            elif kept.status == "diverged":
                one.conflicts.append(file.path)
            elif kept.status == "refused":
                one.refused = f"{file.path}: {kept.reason}"

    def _send_weights(self, work: Sequence[_Work]) -> None:
        by_id = {one.local.id: one for one in work}
        for came in self._weights_of(by_id):
            one = by_id[came.id]
            one.conflicts += ["weights"] if came.conflict else []
            one.refused = one.refused or came.refused
            one.behind = one.behind or came.behind

    def _weights_of(self, ids: Collection[str]) -> Iterator[Came]:
        """Send the weights of some experiments that are new."""
        for came in self._weights.send(ids, self._files.content, self._stop):
            self._dirty = True
            yield came

    def _go_on(self) -> None:
        """While large files are sent: send what was written meanwhile, so that nothing waits for them."""
        if time.monotonic() - self._looked_at < _MEANWHILE:
            return
        flows = []
        for one in self._under_way:
            closing = {name for name, _, _ in one.last}
            with contextlib.suppress(OSError):
                for listed in list_segments(one.local.storage):
                    before = one.listed.get(listed.name)
                    at = before.size if before is not None else 0
                    if listed.sealed or listed.size <= at or listed.name in closing:
                        continue
                    there = one.there.get(listed.name)
                    if (there is not None and there.sealed) or (
                        before is None and there is not None
                    ):
                        continue
                    one.listed[listed.name] = listed
                    one.grown |= listed.name.startswith("journal/")
                    end = self._hold_back(one, listed, at)
                    flows.append(Flow(one.local.id, one.local.storage, listed.name, at, end))
        if flows:
            self._flow_of(flows, self._under_way)
            self._leave_signs()
        self._looked_at = time.monotonic()

    def _leave_signs(self) -> None:
        """Tell the server that writers are alive whose events were touched here a moment ago."""
        leases = []
        for one in self._under_way:
            with contextlib.suppress(OSError):
                alive = [
                    listed.path[len("journal/") : -len(".jsonl")]
                    for listed in list_segments(one.local.storage)
                    if listed.path.startswith("journal/")
                    and not is_edit(listed.path)
                    and abs(time.time() - listed.changed_at) < _ALIVE
                ]
                if alive:
                    leases.append(Lease(id=one.local.id, writers=tuple(alive)))
        if leases:
            self._server.lease(leases)

    # -- afterwards ---------------------------------------------------------------------------------

    def _confirm(self, work: Sequence[_Work]) -> None:
        """Ask what is there now, fetch what others edited, and note what has arrived."""
        filings = [Filing(id=one.local.id, prefix=one.local.prefix) for one in work]
        for one, filed in zip(work, self._server.file(self._root_id, filings), strict=True):
            local = one.local
            if filed.status != "filed":
                one.behind = one.behind or "it was deleted or moved meanwhile"
            else:
                try:
                    grown = fetch_edits(self._layout, local, self._server, filed.segments)
                except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
                    grown = {}
                    one.behind = one.behind or f"edits cannot be written here: {error}"
                for name, size in grown.items():
                    before = one.listed.get(name)
                    self._fetched += size - (before.size if before is not None else 0)
                    one.listed[name] = Listed(name, size, 0.0)
            self._sent += 1
            self._there[local.id] = filed.digest
            if one.conflicts:
                self._conflicts[local.id] = tuple(dict.fromkeys(one.conflicts))
            if one.refused:
                self._refused[local.id] = one.refused
            if one.grown:
                one.behind = one.behind or "more was written while its files were sent"
            if one.behind:
                self._behind[local.id] = one.behind
            else:
                self._stood[local.id] = Stood(digest_of(one.listed.values()), filed.digest)

    def settle(self) -> None:
        """Wait for the server's disk, then remember what has arrived.

        Raises:
            OSError: The server cannot be reached, or its disk reports an error.
        """
        if self._dirty:
            self._server.settle()
        self._dirty = False
        self._settled_at = time.monotonic()
        if self._stood or self._changed or len(self._memory.places) != self._places:
            self._memory.experiments.update(self._stood)
            remember(self._layout, self._memory)
            self._stood.clear()
            self._changed = False
            self._places = len(self._memory.places)

    def told(self) -> Pushed:
        """What was done."""
        return Pushed(
            looked=self._looked,
            sent=self._sent,
            bytes=self._bytes,
            files=self._kept,
            file_bytes=self._of_files,
            events=self._events,
            fetched=self._fetched,
            filed=self._filed,
            deleted=tuple(self._deleted),
            refused=self._refused,
            conflicts=self._conflicts,
            behind=self._behind,
        )

    def _segment_bytes(self, count: int) -> None:
        self._bytes += count
        self._progress(Progress(self._looked, self._bytes + self._of_files))

    def _file_bytes(self, count: int) -> None:
        self._of_files += count
        self._progress(Progress(self._looked, self._bytes + self._of_files))
        self._go_on()


def _part(local: Local, listed: Listed) -> Found:
    """A part of points as a file that goes as a whole."""
    full = os.path.join(local.folder, *listed.path.split("/"))
    with contextlib.suppress(OSError):
        about = os.lstat(full)
        mark = (about.st_ino, about.st_size, about.st_mtime_ns)
        return Found(listed.path, full, about.st_size, mark, False)
    return Found(listed.path, full, listed.size, (0, 0, 0), False)


def _hash(local: Local, name: str, size: int) -> str:
    """The BLAKE3 of the first bytes of a segment here."""
    digest = blake3()
    at = 0
    with contextlib.suppress(OSError):
        while at < size and (block := local.storage.read(name, at, min(1 << 20, size - at))):
            digest.update(block)
            at += len(block)
    return digest.hexdigest()
