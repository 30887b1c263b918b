"""`GroupIntake`: takes uploads into the stores of a group, as any number of servers at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from blake3 import blake3
from psycopg import Connection

from ...errors import InvalidName, InvalidValue, NotFound
from ...journal.documents import RootJournal
from ...query.scope import project_of
from ...record.events import FORMAT_VERSION
from ...stores.series.protocol import Health
from ...sync.listing import Listed, digest_of, list_segments
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
from ..intake.identity import belongs
from ..intake.names import is_id, is_part_text, is_segment
from ..intake.protocol import Standing
from ..intake.root_events import new_lines
from ..intake.segments import unpacked
from ..intake.stops import Stops
from .database import Row
from .filing import Filed as Home
from .filing import arrived
from .segments import Append
from .storage import GroupStorage
from .truth import Truth

__all__ = ["GroupIntake"]

_TOGETHER = 32
"""Small experiments that are taken in one transaction."""


class GroupIntake:
    """The `Intake` of a group's stores.

    What was accepted is in the database's log on disk before it is answered, so `settle` has nothing to wait for. Nothing is
    kept in this process: any server may be asked next.

    Args:
        truth: The stores.
        journal: The root's journal.
        lag: Tells how many seconds the index is behind.
        health: Tells whether ClickHouse can be used, where it has the points.
        close: Ends what works in the background.
    """

    def __init__(
        self,
        truth: Truth,
        journal: RootJournal,
        *,
        lag: Callable[[], float] = lambda: 0.0,
        health: Callable[[], Health] | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._truth = truth
        self._journal = journal
        self._lag = lag
        self._health = health
        self._close = close
        self._stops = Stops()

    def welcome(self) -> Welcome:
        """See `Intake.welcome`."""
        root_id = self._journal.state().root_id()
        if root_id is None:
            self._truth.lines.name_root()
            root_id = self._journal.state().root_id()
        assert root_id is not None
        return Welcome(
            protocol=PROTOCOL, oldest=OLDEST, root_id=root_id, format=FORMAT_VERSION, codings=("", "zlib", *_zstd()),
            events=self._journal.state().count(),
        )  # fmt: skip

    # -- experiments ----------------------------------------------------------------------------------

    def file(self, caller: Caller, request: FilingRequest) -> tuple[Filed, ...]:
        """See `Intake.file`."""
        answers: dict[int, Filed] = {}
        known = self._truth.filings.find([one.id for one in request.filings if is_id(one.id)])
        new = [
            (at, one)
            for at, one in enumerate(request.filings)
            if is_id(one.id) and one.id not in known
        ]
        for first in range(0, len(new), _TOGETHER):
            answers |= self._file_new(caller, new[first : first + _TOGETHER])
        # What is there of all the others is listed in one question.
        left = {at: one for at, one in enumerate(request.filings) if at not in answers}
        known |= self._truth.filings.find([one.id for at, one in new if at in left])
        storages = self._truth.files.storages({one.id for one in left.values() if one.id in known})
        for at, one in left.items():
            answers[at] = self._standing_of(caller, one, known.get(one.id), storages)
        return tuple(answers[at] for at in range(len(request.filings)))

    def _file_new(self, caller: Caller, filings: Sequence[tuple[int, Filing]]) -> dict[int, Filed]:
        """Make places for experiments; the answers for those that are refused, and those of which all was taken."""
        answers: dict[int, Filed] = {}
        taken = []
        with self._truth.database.transaction() as connection:
            for at, one in filings:
                if not _may(caller, one.prefix):
                    answers[at] = _refused(one.id)
                    continue
                try:
                    with connection.transaction():
                        home = self._truth.filings.file(connection, one.id, one.prefix)
                except (InvalidName, InvalidValue) as error:
                    answers[at] = Filed(id=one.id, status="refused", reason=str(error))
                    continue
                if one.whole is None or not _may_at(caller, home):
                    continue
                try:
                    with connection.transaction():
                        listed = self._take(connection, caller, home, one.whole)
                except _Untaken:
                    continue
                taken.append(home.id)
                answers[at] = Filed(id=one.id, status="filed", prefix=home.prefix, digest=digest_of(listed), taken=True)  # fmt: skip
            arrived(connection, taken)
        return answers

    def _take(
        self, connection: Connection[Row], caller: Caller, home: Home, whole: Whole
    ) -> list[Listed]:
        """Take all of a small experiment, its segments of events last.

        Raises:
            _Untaken: A part of it cannot be taken.
        """
        events = [one for one in whole.frames if one.name.startswith("journal/")]
        others = [one for one in whole.frames if not one.name.startswith("journal/")]
        for named in whole.names:
            if self._truth.naming.name(connection, caller, home.id, named).status != "ok":
                raise _Untaken
        frames = [*others, *events]
        answers = self._appended(connection, {home.id: home}, frames)
        if any(one.status != "ok" for one in answers):
            raise _Untaken
        return [Listed(f.name, a.size, 0.0) for f, a in zip(frames, answers, strict=True)]

    def _standing_of(
        self, caller: Caller, one: Filing, home: Home | None, storages: dict[str, GroupStorage]
    ) -> Filed:
        """What of an experiment is there."""
        if not is_id(one.id):
            return Filed(id=one.id, status="refused", reason="this cannot be an experiment's id")
        if home is None or not _may_at(caller, home):
            return _refused(one.id)
        if home.state != "here":
            return Filed(id=one.id, status="deleted")
        listed = list_segments(storages[one.id])
        digest = digest_of(listed)
        if digest == one.known:
            return Filed(id=one.id, status="same", prefix=home.prefix, digest=digest)
        texts = self._truth.texts(one.id) if any(each.sealed for each in listed) else {}
        segments = tuple(
            SegmentAt(name=each.name, size=texts[each.path].size, hash=texts[each.path].hash, sealed=True)
            if each.sealed
            else SegmentAt(name=each.name, size=each.size, hash=self._hash_of(one, each))
            for each in listed
        )  # fmt: skip
        return Filed(
            id=one.id, status="filed", prefix=home.prefix, digest=digest, segments=segments
        )

    def _hash_of(self, one: Filing, segment: Listed) -> str:
        if not one.hashes:
            return ""
        digest, at = blake3(), 0
        while at < segment.size:
            length = min(MOST_BYTES, segment.size - at)
            data = self._truth.segments.read(one.id, segment.name, at, length)
            digest.update(data)
            at += len(data)
        return digest.hexdigest()

    def _homes(
        self, caller: Caller, ids: Collection[str], connection: Connection[Row] | None = None
    ) -> tuple[dict[str, Home], Collection[str]]:
        """Where experiments are filed that the caller may write to, and those of them that were deleted."""
        known = self._truth.filings.find({one for one in ids if is_id(one)}, connection)
        mine = {one: home for one, home in known.items() if _may_at(caller, home)}
        gone = {one for one, home in mine.items() if home.state != "here"}
        return {one: home for one, home in mine.items() if one not in gone}, gone

    # -- segments ---------------------------------------------------------------------------------------

    def append(self, caller: Caller, frames: tuple[Frame, ...]) -> tuple[Accepted, ...]:
        """See `Intake.append`."""
        with self._truth.database.transaction() as connection:
            homes, deleted = self._homes(caller, {frame.id for frame in frames}, connection)
            mine = [frame for frame in frames if frame.id in homes]
            answers = iter(self._appended(connection, homes, mine))
            grown = set()
            told = []
            for frame in frames:
                if frame.id not in homes:
                    told.append(Accepted(status="deleted" if frame.id in deleted else "unknown"))
                    continue
                answer = next(answers)
                told.append(answer)
                # The index reads no messages and no console: who shows them reads the segments.
                if answer.status == "ok" and frame.data and not frame.name.startswith("logs/"):
                    grown.add(frame.id)
            arrived(connection, grown)
        return tuple(told)

    def _appended(
        self, connection: Connection[Row], homes: dict[str, Home], frames: Sequence[Frame]
    ) -> list[Accepted]:
        answers: dict[int, Accepted] = {}
        appends: dict[int, Append] = {}
        sealed = self._truth.sealed(connection, {f.id for f in frames if is_part_text(f.name)})
        for at, frame in enumerate(frames):
            if not is_segment(frame.name) or frame.offset < 0:
                answers[at] = Accepted(status="refused", reason="this is no segment")
                continue
            data = unpacked(frame.data, frame.coding, frame.check)
            text = sealed.get((frame.id, f"{frame.name[:-6]}.parquet"))
            if data is None:
                answers[at] = Accepted(status="damaged")
            elif frame.beside:
                answers[at] = self._beside(connection, frame, data, 0)
            elif text is not None and is_part_text(frame.name):
                answers[at] = Accepted(status="sealed", size=text)
            else:
                appends[at] = Append(frame.id, frame.name, frame.offset, data, frame.before)

        def refuse(one: Append) -> str | None:
            if not one.name.startswith("journal/"):
                return None
            storage = self._truth.files.storage(one.experiment, connection)
            reason = belongs(storage, one.experiment, one.name, one.data)
            if reason is None:
                self._truth.filings.note_owner(
                    connection, homes[one.experiment], one.name, one.data
                )
            return reason

        done = self._truth.segments.append(connection, list(appends.values()), refuse)
        for at, one in zip(appends, done, strict=True):
            if one.status == "diverged":
                answers[at] = self._beside(connection, frames[at], appends[at].data, one.size)
            else:
                answers[at] = Accepted(status=one.status, size=one.size, reason=one.reason)  # type: ignore[arg-type]  # "ok", "gap" or "refused"
        return [answers[at] for at in range(len(frames))]

    def _beside(
        self, connection: Connection[Row], frame: Frame, data: bytes, size: int
    ) -> Accepted:
        kept = self._truth.beside.keep(connection, frame.id, frame.name, frame.offset, data)
        reason = "" if kept else "there is no room to keep it beside"
        return Accepted(status="diverged", size=size, reason=reason)

    def read(self, caller: Caller, request: ReadRequest) -> ReadAnswer:
        """See `Intake.read`."""
        homes, _ = self._homes(caller, [request.id])
        if request.id not in homes or not is_segment(request.name) or request.start < 0:
            raise NotFound("There is no such experiment or segment.", name=request.id)
        length = max(0, min(request.length, MOST_BYTES))
        try:
            return ReadAnswer(
                self._truth.segments.read(request.id, request.name, request.start, length)
            )
        except FileNotFoundError:
            raise NotFound("There is no such experiment or segment.", name=request.id) from None

    # -- files ------------------------------------------------------------------------------------------

    def name(self, caller: Caller, request: NamingRequest) -> tuple[tuple[Kept, ...], ...]:
        """See `Intake.name`."""
        answers: list[tuple[Kept, ...]] = []
        for experiment_id, names in zip(request.ids, request.names, strict=True):
            with self._truth.database.transaction() as connection:
                homes, deleted = self._homes(caller, [experiment_id], connection)
                if experiment_id not in homes:
                    absent = Kept(status="deleted" if experiment_id in deleted else "unknown")
                    answers.append((absent,) * len(names))
                    continue
                naming = self._truth.naming
                answers.append(
                    tuple(naming.name(connection, caller, experiment_id, one) for one in names)
                )
                arrived(connection, [experiment_id])
        return tuple(answers)

    def contents(self, caller: Caller, request: ArrivedRequest) -> ArrivedAnswer:
        """See `Intake.contents`."""
        return ArrivedAnswer(self._truth.contents.progress(caller.name, request.hashes))

    def receive(self, caller: Caller, request: PieceRequest) -> Accepted:
        """See `Intake.receive`."""
        return self._truth.contents.receive(caller.name, request)

    # -- the rest ---------------------------------------------------------------------------------------

    def writable(self, caller: Caller, ids: Collection[str]) -> Mapping[str, str]:
        """See `Intake.writable`."""
        homes, _ = self._homes(caller, ids)
        return {one: project_of(home.prefix, home.owner) for one, home in homes.items()}

    def lines(self, caller: Caller, request: RootEventsRequest) -> RootEventsAnswer:
        """See `Intake.lines`."""
        taken, refused = new_lines(self._journal, caller, request)
        if taken:
            with self._truth.database.transaction() as connection:
                return RootEventsAnswer(
                    taken=self._truth.lines.take(connection, taken), refused=refused
                )
        return RootEventsAnswer(taken=0, refused=refused)

    def lease(self, caller: Caller, request: LeasesRequest) -> tuple[Renewed, ...]:
        """See `Intake.lease`."""
        homes, deleted = self._homes(caller, {one.id for one in request.leases})
        alive: list[tuple[Any, ...]] = [
            (one.id, f"journal/{writer}.jsonl")
            for one in request.leases
            if one.id in homes
            for writer in one.writers
            if is_segment(f"journal/{writer}.jsonl")
        ]
        self._truth.touch(alive)
        storages = self._truth.files.storages(homes)
        answers = []
        for one in request.leases:
            if one.id not in homes:
                answers.append(Renewed(status="deleted" if one.id in deleted else "unknown"))
                continue
            stop = self._stops.of(storages[one.id], one.id, one.writers)
            answers.append(Renewed(status="ok", stop=stop))
        return tuple(answers)

    def standing(self) -> Standing:
        """See `Intake.standing`."""
        health = None if self._health is None else self._health()
        return Standing(self._lag(), *self._truth.contents.unfinished(), self._truth.tail(), health)

    def settle(self) -> Settled:
        """See `Intake.settle`."""
        return Settled(0.0)

    def close(self) -> None:
        """See `Intake.close`."""
        self._close()


class _Untaken(Exception):
    """A small experiment that came along cannot be taken whole."""


def _may(caller: Caller, prefix: str) -> bool:
    """Whether somebody may record at a prefix."""
    return caller.role_at(prefix) >= Role.WRITER


def _may_at(caller: Caller, home: Home) -> bool:
    """Whether somebody may write to an experiment."""
    return caller.role_at(home.prefix, home.owner) >= Role.WRITER


def _refused(id: str) -> Filed:
    return Filed(id=id, status="refused", reason="you may not write there")


def _zstd() -> tuple[Coding, ...]:
    from importlib.util import find_spec

    return ("zstd",) if find_spec("zstandard") else ()
