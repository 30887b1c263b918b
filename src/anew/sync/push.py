"""One pass of sending a root to a server: everything that is new, from where the server is."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec
from blake3 import blake3

from ..address import parse_address
from ..errors import InvalidSetting
from ..journal.documents import RootJournal
from ..journal.layout import RootLayout
from ..journal.residents import FolderJournals
from ..journal.root import name_root
from ..reading.remote.calls import Calls
from ..reading.remote.connection import Connections, Transport
from .edits import fetch_edits
from .files import FileSender, Found, files_in
from .listing import Listed, digest_of, is_edit, list_segments
from .local import Local, find
from .memory import Memory, Stood, recall, remember
from .root_events import send_events
from .sealed import text_of
from .segments import Flow, closing_at, send
from .server import Server
from .wire import Filed, Filing, SegmentAt

__all__ = ["Progress", "Pushed", "Pusher", "push"]

_BATCH = 200
_SETTLE = 10.0
"""Seconds after which a long pass makes good what has arrived."""
_MOST_SEALED = 1 << 40


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


def push(
    root: str | os.PathLike[str],
    address: str,
    *,
    token: str | None = None,
    ids: Collection[str] | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], object] = lambda progress: None,
    transport: Transport | None = None,
) -> Pushed:
    """Send what is new in a root to a server, and fetch what was edited there. It may be broken off at any time and repeated.

    When it returns, the server's disk has what it reports as sent.

    Args:
        root: The folder of the experiments.
        address: The server, such as `https://lab.example.org`.
        token: What the server is shown.
        ids: The experiments to send; all if not given.
        stop: Asked often; when it says so, the pass ends early, and what is left is in `behind`.
        progress: Called after each request.
        transport: What carries the requests; HTTP connections of our own if not given.

    Raises:
        OSError: The server cannot be reached, or cannot write. What arrived stays, and the next pass goes on from there.
        InvalidSetting: The folder is the server's own, or the address is no server's.
        UnknownFormat: Program and server are too far apart in version.
        AnewError: The server refuses this client.
    """
    pusher = open_pusher(root, address, token=token, transport=transport)
    try:
        return pusher.run(ids=ids, stop=stop, progress=progress)
    finally:
        if transport is None:
            pusher.close()


def open_pusher(
    root: str | os.PathLike[str],
    address: str,
    *,
    token: str | None = None,
    transport: Transport | None = None,
) -> Pusher:
    """What sends a root to a server, for several passes.

    Raises:
        InvalidSetting: The address is no server's.
    """
    parsed = parse_address(address)
    if parsed.kind != "server":
        raise InvalidSetting(
            f"{address!r} is not the address of a server; write one such as 'https://lab.example.org'.", setting="root"
        )  # fmt: skip
    calls = Calls(transport or Connections(parsed.location), parsed.location, token=token)
    return Pusher(os.fspath(root), Server(calls, compress=not _is_near(parsed.location)))


def _is_near(url: str) -> bool:
    from urllib.parse import urlsplit

    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


class Pusher:
    """Sends a root to one server, pass after pass. For one thread at a time.

    Args:
        root: The folder of the experiments.
        server: Where they are sent to; it is closed with this.
    """

    def __init__(self, root: str, server: Server) -> None:
        self.layout = RootLayout(root)
        self.journals = FolderJournals(self.layout)
        self.server = server
        self._root_id = ""
        self._memory: Memory | None = None

    def run(
        self,
        *,
        ids: Collection[str] | None = None,
        prefixes: Iterable[str] | None = None,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[Progress], object] = lambda progress: None,
    ) -> Pushed:
        """One pass; see `push`.

        Args:
            prefixes: Where to look for experiments; everywhere if not given.
        """
        memory = self._greet()
        work = _Pass(self.layout, self.server, self._root_id, memory, stop, progress)
        try:
            found = find(
                self.layout, self.journals, prefixes=prefixes, ids=ids, failed=work.unreadable
            )
            work.events()
            batch: list[Local] = []
            for local in found:
                batch.append(local)
                if len(batch) >= _BATCH:
                    work.batch(batch)
                    batch = []
            work.batch(batch)
        finally:
            work.settle()
        return work.told()

    def _greet(self) -> Memory:
        if not self._root_id and os.path.isdir(self.layout.root):
            journal = RootJournal(self.layout)
            if journal.state().root_id() is None:
                with contextlib.suppress(OSError):
                    name_root(self.layout)
            self._root_id = journal.state().root_id() or ""
        told = self.server.welcome(self._root_id)
        if self._memory is None or self._memory.server != told.root_id:
            self._memory = recall(self.layout, told.root_id)
        if told.events < self._memory.events:  # it was restored from a backup
            self._memory.positions = {}
        self._memory.events = told.events
        return self._memory

    def close(self) -> None:
        """Close the connections."""
        self.server.close()


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


class _Pass:
    """One pass over a root."""

    def __init__(
        self,
        layout: RootLayout,
        server: Server,
        root_id: str,
        memory: Memory,
        stop: Callable[[], bool],
        progress: Callable[[Progress], object],
    ) -> None:
        self._layout = layout
        self._server = server
        self._root_id = root_id
        self._memory = memory
        self._stop = stop
        self._progress = progress
        self._files = FileSender(server, stop, self._file_bytes)
        self._stood: dict[str, Stood] = {}
        self._settled_at = time.monotonic()
        self._dirty = False
        self._changed = False
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

    def batch(self, locals_: Sequence[Local]) -> None:
        """Send what is new of some experiments."""
        if self._stop():
            self._behind |= {local.id: "the pass was ended" for local in locals_}
            return
        listed: dict[str, list[Listed]] = {}
        for local in locals_:
            try:
                listed[local.id] = list_segments(local.storage)
            except OSError as error:
                self.unreadable(local.id, error)
        asked = [one for one in locals_ if one.id in listed]
        self._looked += len(asked)
        work = self._compare(asked, listed)
        if work:
            self._send(work)
            self._confirm(work)
        self._progress(Progress(self._looked, self._bytes + self._of_files))
        if time.monotonic() - self._settled_at > _SETTLE:
            self.settle()

    def _compare(self, asked: Sequence[Local], listed: dict[str, list[Listed]]) -> list[_Work]:
        """Ask what is there; the experiments of which something may be new."""
        if not asked:
            return []
        filings = []
        for local in asked:
            stood = self._memory.experiments.get(local.id)
            same = stood is not None and stood.here == digest_of(listed[local.id])
            known = stood.there if stood is not None and same else ""
            filings.append(
                Filing(id=local.id, prefix=local.prefix, known=known, hashes=stood is None)
            )
        work = []
        for local, filed in zip(asked, self._server.file(self._root_id, filings), strict=True):
            if filed.status == "deleted":
                self._deleted.append(local.id)
            elif filed.status == "refused":
                self._refused[local.id] = filed.reason
            else:
                if filed.prefix != local.prefix:
                    self._filed[local.id] = filed.prefix
                if filed.status == "filed":
                    met = local.id in self._memory.experiments
                    work.append(_Work(local, listed[local.id], filed, met))
        return work

    # -- sending ------------------------------------------------------------------------------------

    def _send(self, work: Sequence[_Work]) -> None:
        """Send segments, then files; then what says that a writer has ended."""
        self._dirty = True
        for one in work:
            self._plan(one)
        self._flow(work)
        self._send_files(work)
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
            end = listed.size
            if name.startswith("journal/") and not is_edit(name) and at < end:
                closing = closing_at(one.local.storage, name, end)
                if at <= closing < end:
                    one.last.append((name, closing, end))
                    end = closing
            if at < end:
                one.flows.append(Flow(one.local.id, one.local.storage, name, at, end))

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
        flows = [flow for one in work for flow in one.flows]
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
        for one in work:
            for flow in one.flows:
                if flow.diverged:
                    one.conflicts.append(flow.name)
                if flow.failed is not None and flow.failed.status == "refused":
                    one.refused = f"{flow.name}: {flow.failed.reason}"
                elif flow.failed is not None or flow.at < flow.end:
                    one.behind = one.behind or f"{flow.name} has not arrived whole"

    def _send_files(self, work: Sequence[_Work]) -> None:
        by_id = {one.local.id: one for one in work}
        found = [
            (one.local, file) for one in work for file in (*one.parts, *reversed([*files_in(one.local)]))
        ]  # fmt: skip
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
            if one.conflicts:
                self._conflicts[local.id] = tuple(dict.fromkeys(one.conflicts))
            if one.refused:
                self._refused[local.id] = one.refused
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
        if self._stood or self._changed:
            self._memory.experiments.update(self._stood)
            self._stood.clear()
            self._changed = False
            remember(self._layout, self._memory)

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
