"""What happens in one pass: experiments are compared, what is new is sent, and what arrived is remembered."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from ..errors import AnewError
from ..journal.layout import RootLayout
from .edits import fetch_edits
from .files import FileSender, Found, files_in
from .listing import Listed, digest_of, list_segments
from .local import Local
from .memory import Memory, Stood, remember
from .planning import Work
from .pushed import Progress, Pushed, Tally
from .root_events import send_events
from .segments import Flow, send
from .server import Server
from .weights import Came, WeightsSender
from .whole import Parcel, packed
from .wire import Filed, Filing, Lease

__all__ = ["Looked", "Pass"]

_BATCH = 200
_REQUEST = 4 << 20
"""Bytes of small experiments after which a request has enough of them."""
_SETTLE = 10.0
"""Seconds after which a long pass makes good what has arrived."""
_MEANWHILE = 1.0
"""Seconds after which, while files are sent, what was written since goes before them."""


class Looked(NamedTuple):
    """Experiments that were looked at here, their segments, what goes along with the question, and the question."""

    locals: list[Local]
    listed: list[list[Listed]]
    parcels: list[Parcel | None]
    filings: list[Filing]


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
        self._under_way: Sequence[Work] = ()
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
        self._done = Tally()

    def unreadable(self, prefix: str, error: OSError) -> None:
        """An experiment cannot be read here."""
        self._done.behind[prefix] = f"it cannot be read: {error}"

    def events(self) -> None:
        """Send what is new in the root's journal."""
        positions = dict(self._memory.positions)
        self._done.events, _ = send_events(self._layout, self._server, positions, self._stop)
        if positions != self._memory.positions:
            self._memory.positions = positions
            self._memory.events += self._done.events
            self._dirty |= self._done.events > 0
            self._changed = True

    def begin_weights(self, ids: Collection[str] | None) -> None:
        """Look which versions of weights there are."""
        try:
            self._weights.begin(ids)
        except (AnewError, OSError) as error:
            self._done.behind["weights"] = str(error)

    def look(self, found: Iterator[Local]) -> Looked | None:
        """List the segments of the next experiments, as many as make a request; None when there are no more."""
        looked = Looked([], [], [], [])
        size, any_left = 0, False
        for local in islice(found, _BATCH):
            any_left = True
            if self._stop():
                self._done.behind[local.id] = "the pass was ended"
                continue
            try:
                size += self._look_at(local, looked)
            except OSError as error:
                self.unreadable(local.id, error)
            if size > _REQUEST:
                break
        return looked if any_left else None

    def _look_at(self, local: Local, looked: Looked) -> int:
        """Look at one experiment; the bytes of it that go along with the question."""
        listed = list_segments(local.storage)
        stood = self._memory.experiments.get(local.id)
        known, parcel = "", None
        if stood is not None:
            known = stood.there if stood.here == digest_of(listed) else ""
        elif local.id not in self._there and not self._weights.has(local.id):
            parcel = packed(local, listed, self._files, self._server)
        looked.locals.append(local)
        looked.listed.append(listed)
        looked.parcels.append(parcel)
        looked.filings.append(
            Filing(
                id=local.id,
                prefix=local.prefix,
                known=known,
                hashes=stood is None,
                whole=None if parcel is None else parcel.whole,
            )
        )
        return 0 if parcel is None else parcel.bytes + parcel.file_bytes

    def ask(self, looked: Looked) -> tuple[Filed, ...]:
        """Ask what of some experiments is there; another thread may."""
        return self._server.file(self._root_id, looked.filings) if looked.filings else ()

    def send(self, looked: Looked, filed: Sequence[Filed]) -> None:
        """Send what is new of some experiments."""
        self._done.looked += len(looked.locals)
        work = self._compared(looked, filed)
        if work:
            self._send(work)
            self._confirm(work)
        for came in self._weights_of({one.id for one in filed if one.status == "same"}):
            if came.conflict:
                self._done.conflicts[came.id] = ("weights",)
            if came.refused:
                self._done.refused[came.id] = came.refused
            if came.behind:
                self._done.behind[came.id] = came.behind
        self._progress(self._done.progress)
        if time.monotonic() - self._settled_at > _SETTLE:
            self.settle()

    def _compared(self, looked: Looked, answers: Sequence[Filed]) -> list[Work]:
        """The experiments of which something may be new and is still to be sent."""
        work = []
        for local, listed, parcel, _, filed in zip(*looked, answers, strict=True):
            if filed.status == "deleted":
                self._done.deleted.append(local.id)
            elif filed.status == "refused":
                self._done.refused[local.id] = filed.reason
            else:
                if filed.prefix != local.prefix:
                    self._done.filed[local.id] = filed.prefix
                if filed.taken and parcel is not None:
                    self._taken(local, listed, parcel, filed)
                elif filed.status == "filed":
                    met = local.id in self._memory.experiments
                    if filed.digest != self._there.get(local.id, filed.digest):
                        self._files.forget(local.id)
                    work.append(Work(local, listed, filed, met))
        return work

    def _taken(self, local: Local, listed: list[Listed], parcel: Parcel, filed: Filed) -> None:
        """All of a small experiment has arrived with the question for it."""
        self._dirty = True
        self._done.sent += 1
        self._done.bytes += parcel.bytes
        self._done.files += len(parcel.files)
        self._done.file_bytes += parcel.file_bytes
        self._files.arrived(local, parcel.files, parcel.whole.names)
        self._there[local.id] = filed.digest
        self._stood[local.id] = Stood(digest_of(listed), filed.digest)

    # -- sending ------------------------------------------------------------------------------------

    def _send(self, work: Sequence[Work]) -> None:
        """Send segments, then files; then what says that a writer has ended."""
        self._dirty = True
        for one in work:
            one.plan()
        self._flow([flow for one in work for flow in one.flows], work)
        self._send_files(work)
        self._send_weights(work)
        self._flow([flow for one in work for flow in one.closing()], work)

    def _flow(self, flows: Sequence[Flow], work: Sequence[Work]) -> None:
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

    def _send_files(self, work: Sequence[Work]) -> None:
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
                self._done.files += 1
            elif kept.status == "diverged":
                one.conflicts.append(file.path)
            elif kept.status == "refused":
                one.refused = f"{file.path}: {kept.reason}"

    def _send_weights(self, work: Sequence[Work]) -> None:
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
        flows: list[Flow] = []
        for one in self._under_way:
            with contextlib.suppress(OSError):
                flows += one.news()
        if flows:
            self._flow(flows, self._under_way)
            self._leave_signs()
        self._looked_at = time.monotonic()

    def _leave_signs(self) -> None:
        """Tell the server that writers are alive whose events were touched here a moment ago."""
        leases: list[Lease] = []
        for one in self._under_way:
            with contextlib.suppress(OSError):
                leases += one.leases(time.time())
        if leases:
            self._server.lease(leases)

    # -- afterwards ---------------------------------------------------------------------------------

    def _confirm(self, work: Sequence[Work]) -> None:
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
                    self._done.fetched += size - (before.size if before is not None else 0)
                    one.listed[name] = Listed(name, size, 0.0)
            self._done.sent += 1
            self._there[local.id] = filed.digest
            if one.conflicts:
                self._done.conflicts[local.id] = tuple(dict.fromkeys(one.conflicts))
            if one.refused:
                self._done.refused[local.id] = one.refused
            if one.grown:
                one.behind = one.behind or "more was written while its files were sent"
            if one.behind:
                self._done.behind[local.id] = one.behind
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
        return self._done.told()

    def _segment_bytes(self, count: int) -> None:
        self._done.bytes += count
        self._progress(self._done.progress)

    def _file_bytes(self, count: int) -> None:
        self._done.file_bytes += count
        self._progress(self._done.progress)
        self._go_on()
