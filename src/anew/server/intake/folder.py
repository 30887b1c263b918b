"""`FolderIntake`: takes uploads into the folder that a server serves."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Mapping

from blake3 import blake3

from ...errors import InvalidName, InvalidValue, NotFound
from ...journal.root import name_root
from ...journal.storage import FolderStorage, SharedStorage, Storage
from ...query.scope import project_of
from ...reading.local.root import OpenRoot
from ...record.events import FORMAT_VERSION
from ...sync.listing import Listed, digest_of, list_segments
from ...sync.sealed import text_of
from ...sync.wire import (
    MOST_BYTES,
    OLDEST,
    PROTOCOL,
    Accepted,
    ArrivedAnswer,
    ArrivedRequest,
    Coding,
    Filed,
    Filing,
    FilingRequest,
    Frame,
    Kept,
    LeasesRequest,
    Named,
    NamingRequest,
    PieceRequest,
    ReadAnswer,
    ReadRequest,
    Renewed,
    RootEventsAnswer,
    RootEventsRequest,
    SegmentAt,
    Settled,
    Welcome,
    Whole,
)
from ..callers import Caller, Role
from .contents import Arrivals
from .files import Files
from .filing import Filings, Home
from .following import Following
from .frames import Frames
from .identity import is_about
from .names import is_id, is_segment
from .protocol import Standing
from .root_events import take_lines
from .segments import read_at
from .settling import Settling
from .stops import Stops

__all__ = ["FolderIntake"]


class FolderIntake:
    """The `Intake` of a folder.

    Bytes are written at once and are then safe from the end of the process; `settle` waits for the disk. What arrives is
    taken into the index by a thread, a fraction of a second later.

    Args:
        root: The folder, which is open.
    """

    def __init__(self, root: OpenRoot) -> None:
        self._root = root
        self._layout = root.stores.root
        self._filings = Filings(root)
        self._arrivals = Arrivals(self._layout)
        self._frames = Frames(root)
        self._files = Files(root, self._arrivals)
        self._following = Following(root)
        self._settling = Settling(root.path)
        self._stops = Stops()
        self._arrivals.tidy()

    def welcome(self) -> Welcome:
        """See `Intake.welcome`."""
        root_id = self._root.journal.state().root_id()
        if root_id is None:
            name_root(self._layout)
            root_id = self._root.journal.state().root_id()
        assert root_id is not None
        return Welcome(
            protocol=PROTOCOL, oldest=OLDEST, root_id=root_id, format=FORMAT_VERSION, codings=("", "zlib", *_zstd()),
            events=self._root.journal.state().count(),
        )  # fmt: skip

    # -- experiments --------------------------------------------------------------------------------

    def file(self, caller: Caller, request: FilingRequest) -> tuple[Filed, ...]:
        """See `Intake.file`."""
        deleted = self._filings.deleted()
        ids = [one.id for one in request.filings if is_id(one.id) and one.id not in deleted]
        there = self._filings.find(ids)
        taken: list[Home] = []
        try:
            return tuple(self._filed(caller, one, there, deleted, taken) for one in request.filings)
        finally:
            self._following.arrived(taken)

    def _filed(
        self,
        caller: Caller,
        one: Filing,
        there: Mapping[str, Home],
        deleted: Mapping[str, str],
        taken: list[Home],
    ) -> Filed:
        if not is_id(one.id):
            return Filed(id=one.id, status="refused", reason="this cannot be an experiment's id")
        home = there.get(one.id)
        prefix = deleted.get(one.id, one.prefix)
        if not (_may(caller, prefix) if home is None else _may_at(caller, home)):
            return Filed(id=one.id, status="refused", reason="you may not write there")
        if one.id in deleted:
            return Filed(id=one.id, status="deleted")
        try:
            if home is None:
                home = self._filings.file(one.id, one.prefix, _document(one))
                if one.whole is not None:
                    taken.append(home)
                    if (listed := self._take(caller, home, one.whole)) is not None:
                        return Filed(id=one.id, status="filed", prefix=home.prefix, digest=digest_of(listed), taken=True)  # fmt: skip
            storage = self._storage(home)
            listed = list_segments(storage)
            digest = digest_of(listed)
            if digest == one.known:
                return Filed(id=one.id, status="same", prefix=home.prefix, digest=digest)
            segments = tuple(
                self._sealed(home, each.path, each.name)
                if each.sealed
                else SegmentAt(
                    name=each.name,
                    size=each.size,
                    hash=_hash_of(home, each.name, each.size) if one.hashes else "",
                )
                for each in listed
            )
        except (InvalidName, InvalidValue) as error:
            return Filed(id=one.id, status="refused", reason=str(error))
        return Filed(
            id=one.id, status="filed", prefix=home.prefix, digest=digest, segments=segments
        )

    def _take(self, caller: Caller, home: Home, whole: Whole) -> list[Listed] | None:
        """Take all of a small experiment: its segments, or None where something was not taken.

        Its events come last. Without them, nobody is shown an experiment of which a part is missing.
        """
        listed = []
        events = [one for one in whole.frames if one.name.startswith("journal/")]
        others = [one for one in whole.frames if not one.name.startswith("journal/")]
        parts: list[Frame | Named] = [*others, *whole.names, *events]
        for one in parts:
            if isinstance(one, Named):
                if self._files.name(caller, home, one).status != "ok":
                    return None
                continue
            answer = self._frames.append(home, one)  # the experiment is that of the filing
            if answer.status != "ok":
                return None
            listed.append(Listed(one.name, answer.size, 0.0))
        return listed

    @staticmethod
    def _sealed(home: Home, path: str, name: str) -> SegmentAt:
        text = text_of(os.path.join(home.folder, *path.split("/")))
        return SegmentAt(name=name, size=text.size, hash=text.hash, sealed=True)

    def _storage(self, home: Home) -> Storage:
        whole = FolderStorage(home.folder)
        share = self._root.share(home.prefix)
        return whole if share is None else SharedStorage(whole, share)

    def _homes(
        self, caller: Caller, ids: Collection[str]
    ) -> tuple[dict[str, Home], Collection[str]]:
        """Where experiments lie that the caller may write to, and those of them that were deleted."""
        asked = dict.fromkeys(one for one in ids if is_id(one))
        found = self._filings.find(asked)
        deleted = self._filings.deleted(lately=len(found) == len(asked))
        gone = {one for one in ids if one in deleted and _may(caller, deleted[one])}
        found = {one: home for one, home in found.items() if one not in deleted}
        return {i: home for i, home in found.items() if _may_at(caller, home)}, gone

    # -- segments -----------------------------------------------------------------------------------

    def append(self, caller: Caller, frames: tuple[Frame, ...]) -> tuple[Accepted, ...]:
        """See `Intake.append`."""
        homes, deleted = self._homes(caller, {frame.id for frame in frames})
        answers, grown = [], {}
        try:
            for frame in frames:
                home = homes.get(frame.id)
                if home is None:
                    answers.append(Accepted(status="deleted" if frame.id in deleted else "unknown"))
                    continue
                answer = self._frames.append(home, frame)
                answers.append(answer)
                # The index reads no messages and no console: who shows them reads the files.
                if answer.status == "ok" and frame.data and not frame.name.startswith("logs/"):
                    grown[home.id] = home
        finally:
            self._following.arrived(grown.values())
        return tuple(answers)

    def read(self, caller: Caller, request: ReadRequest) -> ReadAnswer:
        """See `Intake.read`."""
        homes, _ = self._homes(caller, [request.id])
        home = homes.get(request.id)
        if home is None or not is_segment(request.name) or request.start < 0:
            raise NotFound("There is no such experiment or segment.", name=request.id)
        path = os.path.join(home.folder, *request.name.split("/"))
        length = max(0, min(request.length, MOST_BYTES))
        try:
            return ReadAnswer(read_at(path, request.start, length))
        except OSError:
            raise NotFound("There is no such experiment or segment.", name=request.id) from None

    # -- files --------------------------------------------------------------------------------------

    def name(self, caller: Caller, request: NamingRequest) -> tuple[tuple[Kept, ...], ...]:
        """See `Intake.name`."""
        homes, deleted = self._homes(caller, request.ids)
        answers: list[tuple[Kept, ...]] = []
        changed = {}
        for experiment_id, names in zip(request.ids, request.names, strict=True):
            home = homes.get(experiment_id)
            if home is None:
                absent = Kept(status="deleted" if experiment_id in deleted else "unknown")
                answers.append((absent,) * len(names))
                continue
            answers.append(tuple(self._files.name(caller, home, one) for one in names))
            changed[home.id] = home
        self._following.arrived(changed.values())
        return tuple(answers)

    def contents(self, caller: Caller, request: ArrivedRequest) -> ArrivedAnswer:
        """See `Intake.contents`."""
        return ArrivedAnswer(
            tuple(self._arrivals.progress(caller.name, one) for one in request.hashes)
        )

    def receive(self, caller: Caller, request: PieceRequest) -> Accepted:
        """See `Intake.receive`."""
        return self._arrivals.receive(caller.name, request)

    # -- the rest -----------------------------------------------------------------------------------

    def writable(self, caller: Caller, ids: Collection[str]) -> Mapping[str, str]:
        """See `Intake.writable`."""
        homes, _ = self._homes(caller, ids)
        return {one: project_of(home.prefix, home.user) for one, home in homes.items()}

    def lines(self, caller: Caller, request: RootEventsRequest) -> RootEventsAnswer:
        """See `Intake.lines`."""
        return take_lines(self._root.journal, self._layout, caller, request)

    def lease(self, caller: Caller, request: LeasesRequest) -> tuple[Renewed, ...]:
        """See `Intake.lease`."""
        homes, deleted = self._homes(caller, {one.id for one in request.leases})
        answers = []
        for one in request.leases:
            home = homes.get(one.id)
            if home is None:
                answers.append(Renewed(status="deleted" if one.id in deleted else "unknown"))
                continue
            for writer in one.writers:
                if is_segment(f"journal/{writer}.jsonl"):
                    path = os.path.join(home.folder, "journal", f"{writer}.jsonl")
                    with contextlib.suppress(OSError):
                        os.utime(path, follow_symlinks=False)
            stop = self._stops.of(FolderStorage(home.folder), home.id, one.writers)
            answers.append(Renewed(status="ok", stop=stop))
        return tuple(answers)

    def standing(self) -> Standing:
        """See `Intake.standing`."""
        count, size = self._arrivals.unfinished()
        return Standing(self._following.lag(), count, size)

    def settle(self) -> Settled:
        """See `Intake.settle`."""
        began = time.monotonic()
        self._settling.wait()
        return Settled(time.monotonic() - began)

    def close(self) -> None:
        """See `Intake.close`."""
        self._following.close()
        self._settling.close()


def _may(caller: Caller, prefix: str) -> bool:
    """Whether somebody may record at a prefix."""
    return caller.role_at(prefix) >= Role.WRITER


def _may_at(caller: Caller, home: Home) -> bool:
    """Whether somebody may write to an experiment."""
    return caller.role_at(home.prefix, home.user) >= Role.WRITER


def _document(one: Filing) -> bytes | None:
    """The document for people that comes along with an experiment."""
    for named in one.whole.names if one.whole is not None else ():
        if named.path == "metadata.json" and named.data and is_about(named.data, one.id):
            return named.data
    return None


def _hash_of(home: Home, name: str, size: int) -> str:
    digest = blake3()
    at = 0
    path = os.path.join(home.folder, *name.split("/"))
    while at < size and (block := read_at(path, at, min(1 << 20, size - at))):
        digest.update(block)
        at += len(block)
    return digest.hexdigest()


def _zstd() -> tuple[Coding, ...]:
    from importlib.util import find_spec

    return ("zstd",) if find_spec("zstandard") else ()
