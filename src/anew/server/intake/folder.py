"""`FolderIntake`: takes uploads into the folder that a server serves."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Collection, Mapping

from blake3 import blake3

from ...blobs.linked import hash_file
from ...errors import InvalidName, InvalidValue, NotFound
from ...journal.edits import edit_writer
from ...journal.layout import ExperimentLayout
from ...journal.root import name_root
from ...journal.storage import FolderStorage, SharedStorage, Storage
from ...reading.local.root import OpenRoot
from ...record.events import FORMAT_VERSION
from ...sync.listing import digest_of, is_edit, list_segments
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
)
from ..callers import Caller, Role
from .contents import Arrivals, is_hash, place
from .filing import Filings, Home
from .following import Following
from .identity import belongs, is_about
from .names import check_path, is_id, is_part_text, is_replaceable, is_segment, prepare
from .parts import part_of, place_lines, place_part
from .protocol import Standing
from .root_events import take_lines
from .segments import append_at, keep_beside, read_at, unpacked
from .settling import Settling
from .stops import Stops

__all__ = ["FolderIntake"]

_SHARED = ("files/", "environment/", "openings/")


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
        return tuple(self._filed(caller, one, there, deleted) for one in request.filings)

    def _filed(
        self, caller: Caller, one: Filing, there: Mapping[str, Home], deleted: Mapping[str, str]
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
                home = self._filings.file(one.id, one.prefix)
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
        deleted = self._filings.deleted()
        asked = dict.fromkeys(one for one in ids if is_id(one) and one not in deleted)
        found = self._filings.find(asked)
        gone = {one for one in ids if one in deleted and _may(caller, deleted[one])}
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
                answer = self._append(home, frame)
                answers.append(answer)
                # The index reads no messages and no console: who shows them reads the files.
                if answer.status == "ok" and frame.data and not frame.name.startswith("logs/"):
                    grown[home.id] = home
        finally:
            self._following.arrived(grown.values())
        return tuple(answers)

    def _append(self, home: Home, frame: Frame) -> Accepted:
        if not is_segment(frame.name) or frame.offset < 0:
            return Accepted(status="refused", reason="this is no segment")
        data = unpacked(frame.data, frame.coding, frame.check)
        if data is None:
            return Accepted(status="damaged")
        if frame.beside:
            return self._beside(home, frame.name, frame.offset, data, 0)
        try:
            path = prepare(home.folder, frame.name)
            if is_part_text(frame.name) and os.path.lexists(f"{path[:-6]}.parquet"):
                return Accepted(status="sealed", size=text_of(f"{path[:-6]}.parquet").size)
            if (
                frame.name.startswith("journal/")
                and frame.offset == 0
                and not os.path.lexists(path)
            ):
                reason = belongs(FolderStorage(home.folder), home.id, frame.name, data)
                if reason is not None:
                    return Accepted(status="refused", reason=reason)
            # A server that was restored gets back its own edits too, and may be writing others now.
            own = is_edit(frame.name) and frame.name == f"journal/{self._own_edits(home)}.jsonl"
            with self._root.guard if own else contextlib.nullcontext():
                status, size = append_at(path, frame.offset, data, frame.before)
        except NotADirectoryError:
            return Accepted(status="refused", reason="a link lies in its place")
        if status == "diverged":
            return self._beside(home, frame.name, frame.offset, data, size)
        if status == "gone":
            return Accepted(status="gap", size=0)
        return Accepted(status="ok" if status == "ok" else "gap", size=size)

    def _beside(self, home: Home, name: str, offset: int, data: bytes, size: int) -> Accepted:
        folder = os.path.join(self._layout.conflicts, home.id)
        kept = keep_beside(folder, name, offset, data)
        reason = "" if kept else "there is no room to keep it beside"
        return Accepted(status="diverged", size=size, reason=reason)

    @staticmethod
    def _own_edits(home: Home) -> str:
        return edit_writer(ExperimentLayout(home.folder), home.id)

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
            answers.append(tuple(self._name(caller, home, one) for one in names))
            changed[home.id] = home
        self._following.arrived(changed.values())
        return tuple(answers)

    def _name(self, caller: Caller, home: Home, one: Named) -> Kept:
        reason = check_path(one.path)
        if reason is not None or not is_hash(one.hash) or one.size < 0:
            return Kept(status="refused", reason=reason or "the hash is no BLAKE3 in hexadecimal")
        if one.data is not None and blake3(one.data).hexdigest() != one.hash:
            return Kept(status="damaged")
        if one.path == "metadata.json" and not (one.data and is_about(one.data, home.id)):
            return Kept(
                status="missing" if one.data is None else "refused", reason="it is of another id"
            )
        try:
            target = prepare(home.folder, one.path)
            if one.path.startswith("metrics/"):
                return self._part(caller, home, one, target)
            return self._file(caller, home, one, target)
        except NotADirectoryError:
            return Kept(status="refused", reason="a link, or a file, lies in its place")

    def _file(self, caller: Caller, home: Home, one: Named, target: str) -> Kept:
        mode = 0o555 if one.executable else 0o444
        try:
            about = os.lstat(target)
        except FileNotFoundError:
            pass
        else:
            plain = stat.S_ISREG(about.st_mode)
            if plain and about.st_size == one.size and hash_file(target) == one.hash:
                return Kept(status="ok")
            if not plain or not is_replaceable(one.path):
                return self._other(caller, home, one)
        shared = one.path.startswith(_SHARED)
        sender = caller.name
        with self._arrivals.taken(sender, one.hash, one.size, one.data) as source:
            if source is not None:
                self._arrivals.note(sender, one.hash)
                own = mode if shared else 0o755 if one.executable else 0o644
                place(self._arrivals.stored, source, target, one.hash, mode=own, shared=shared)
                return Kept(status="ok")
        if not (shared and (_sees_all(caller) or self._arrivals.gave(sender, one.hash))):
            return Kept(status="missing")
        draft = f"{target}.{os.urandom(4).hex()}.part"
        try:
            if not self._arrivals.stored.share(one.hash, one.size, draft, mode):
                return Kept(status="missing")
            os.replace(draft, target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)  # a link to the very file that is there is not moved
        return Kept(status="ok")

    def _part(self, caller: Caller, home: Home, one: Named, target: str) -> Kept:
        """A sealed part, or lines in the place of one."""
        with self._arrivals.taken(caller.name, one.hash, one.size, one.data) as source:
            if source is None:
                return Kept(status="missing")
            # The index seals parts too: not while one is put in place.
            with self._root.guard, self._root.index.exclusive():
                if one.path.endswith(".parquet"):
                    info = part_of(source, one.path)
                    if info is None:
                        return Kept(status="refused", reason="it is no sealed part of this name")
                    done = place_part(source, target, info)
                else:
                    done = place_lines(source, f"{target[:-6]}.parquet")
            if done:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(source)
                return Kept(status="ok")
        return self._other(caller, home, one)

    def _other(self, caller: Caller, home: Home, one: Named) -> Kept:
        """Keep a file whose name has another content."""
        with self._arrivals.taken(caller.name, one.hash, one.size, one.data) as source:
            if source is None:
                return Kept(status="missing")
            if one.size > MOST_BYTES:
                return Kept(status="diverged", reason="there is no room to keep it beside")
            with open(source, "rb") as file:
                data = file.read()
            folder = os.path.join(self._layout.conflicts, home.id)
            kept = keep_beside(folder, one.path, 0, data)
            return Kept(
                status="diverged", reason="" if kept else "there is no room to keep it beside"
            )

    def contents(self, caller: Caller, request: ArrivedRequest) -> ArrivedAnswer:
        """See `Intake.contents`."""
        return ArrivedAnswer(
            tuple(self._arrivals.progress(caller.name, one) for one in request.hashes)
        )

    def receive(self, caller: Caller, request: PieceRequest) -> Accepted:
        """See `Intake.receive`."""
        return self._arrivals.receive(caller.name, request)

    # -- the rest -----------------------------------------------------------------------------------

    def writable(self, caller: Caller, ids: Collection[str]) -> Collection[str]:
        """See `Intake.writable`."""
        return self._homes(caller, ids)[0].keys()

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


def _sees_all(caller: Caller) -> bool:
    """Whether nothing of the store is hidden from somebody: then a hash gives away nothing."""
    return caller.scope() is None


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
