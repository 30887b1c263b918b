"""One experiment being taken in: from what the catalog has of it to what its folder says now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from ..errors import CorruptData, UnknownFormat
from ..journal.follow import (
    Chunk,
    Cursor,
    Piece,
    Position,
    SealedPart,
    Stream,
    follow,
    follow_pieces,
)
from ..journal.sealing import may_seal
from ..journal.storage import Lies, Storage
from ..journal.vanished import Gone, gone_writers, judged_again, write_down
from ..record.decode import decode_written
from ..record.events import FORMAT_VERSION, Captured, Event, FileLogged, Opened, ValueLogged
from ..record.facts import ExperimentFacts, FileFact, ProblemFact, ValueFact
from ..record.fold import ExperimentState, Written, in_order
from ..record.inputs import READ, inputs_of
from ..record.packed import pack
from ..record.plain import flatten, from_plain
from ..record.status import Status
from ..stores.catalog.protocol import Entry, Known
from ..stores.catalog.summary import Tallies
from ..stores.catalog.tallying import add_block
from ..stores.series.columns import Block
from ..stores.series.parquet import PartFile
from ..stores.series.points import decode_block
from ..stores.series.protocol import ExperimentFolder, Source
from .filling import Filled
from .state import awaited_by, decode_state
from .status import GIVE_UP_SECONDS, shown

__all__ = ["STREAMS", "Visit"]

STREAMS = frozenset({Stream.EVENTS, Stream.POINTS})
MAX_PROBLEMS = 100  # of one chunk: a file of garbage is one finding, not a million

_cursors = msgspec.msgpack.Decoder(Cursor)


class Visit:
    """Takes in what an experiment's writers wrote; `entry` is what to save then, once it is `settled`.

    Args:
        experiment_id: Its id, in case its events do not say.
        known: What the catalog has of it, or None.
        storage: The experiment's files.
        lies: Where they lie.
        sinks: Tells the sinks that are registered for the root, and since when.
    """

    def __init__(
        self,
        stores: Filled,
        storage: Storage,
        lies: Lies,
        prefix: str,
        experiment_id: str,
        known: Known | None,
        sinks: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._sinks = sinks
        self._storage = storage
        self.layout = stores.root.experiment(lies.folder)
        self.prefix = prefix
        self.experiment_id = experiment_id
        self.place = ExperimentFolder(experiment_id, self.layout.folder, lies.share)
        self.key = known.key if known else None
        self.points = 0
        self._root = stores.root
        self._series = stores.series
        self._catalog = stores.catalog
        self._judge = stores.writable
        self._known = known
        self._gone: list[Gone] = []
        self._replaced = False
        try:
            self._begin(known)
        except msgspec.MsgspecError:  # bytes of the catalog that are not what they should be
            self._series.drop(experiment_id)
            self._begin(None)

    def _begin(self, known: Known | None) -> None:
        self._whole = known is None
        self._took = known is None or known.prefix != self.prefix
        self._changed = self._took  # whether events came
        self._read = self._whole  # whether events came that say what was read
        self.state = decode_state(known.state) if known else ExperimentState()
        self.cursor: Cursor = _cursors.decode(known.cursor) if known else {}
        self._tallies: Tallies | None = None if known else {}
        self._touched: set[str] = set()  # metrics with new points
        self._hidden_before = frozenset(self.state.hidden)
        self._events: list[Written] = []  # all of them, when this is the first look
        self._last_writer: str | None = None
        self._files: list[FileLogged] = []
        self._values: list[ValueLogged] = []
        self._files_before, self._values_before = self.state.files, self.state.values
        self._refold = self._events_replaced = False
        self.problems: list[ProblemFact] = []

    @property
    def tallies(self) -> Tallies:
        """What the points add up to so far."""
        if self._tallies is None:
            (known,) = self._catalog.known(ids=[self.experiment_id], tallies=True)
            self._tallies = known.tallies or {}
        return self._tallies

    # -- taking in --------------------------------------------------------------------------------

    def take(self, piece: Piece) -> None:
        """Take in one piece, in the order that the driver gives them.

        When its file is not the one that was read before, everything counts as not yet taken in: the rest is passed
        over, and `settled` says that all is to be given again.
        """
        if self._replaced:
            return
        before = self.cursor.get(piece.path, Position())
        if isinstance(piece, SealedPart):
            if not before.offset:
                self._take_sealed(piece)
                return
        elif before.offset == piece.offset:
            self._take_lines(piece)
            return
        self._series.drop(self.experiment_id)
        self._begin(None)
        self._replaced = True

    def _take_lines(self, chunk: Chunk) -> None:
        end = chunk.end
        if chunk.stream == Stream.EVENTS:
            events, broken = decode_written(chunk.data, chunk.writer, chunk.offset, chunk.lines + 1)
            for written in events:
                self._event(written)
        else:
            block, broken = decode_block(chunk.data, chunk.lines + 1)
            source = Source(
                chunk.writer,
                chunk.part,
                chunk.offset,
                end.offset,
                chunk.lines + 1,
                end.lines - chunk.lines,
                tuple((b.line, b.reason) for b in broken),
            )
            self._series.take(self.place, source, block)
            self._add(chunk.writer, block)
        self._took = True
        self._found(ProblemFact(chunk.path, b.line, b.reason) for b in broken[:MAX_PROBLEMS])
        self.cursor[chunk.path] = end

    def _take_sealed(self, part: SealedPart) -> None:
        """Take in what a sealed part has beyond the lines that were taken in before it was sealed."""
        taken = self.cursor.get(part.text, Position())
        self._took = True
        self.cursor[part.path] = part.end
        try:
            with self._storage.local(part.path) as path, PartFile(path) as file:
                if file.info.lines > taken.lines:
                    block = file.read(range(len(file.info.names)))
                    self._add(part.writer, block.select(block.row > taken.lines))
                    self.cursor[part.text] = Position(file.info.end, file.info.lines)
        except (CorruptData, UnknownFormat) as error:
            if not self._has(part.text):
                self._found([ProblemFact(part.path, 0, str(error))])

    def _has(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return any(blob.name == name for blob in self._storage.list(folder))

    def _note_sealed(self) -> None:
        """Move the cursor to the parts that were sealed just now: what is in them was taken in as text."""
        for piece in follow_pieces(self._storage, self.cursor, frozenset({Stream.POINTS})):
            if isinstance(piece, SealedPart):
                self._take_sealed(piece)

    def _add(self, writer: str, block: Block) -> None:
        self._touched |= add_block(self.tallies, writer, block)
        self.points += len(block)

    def _found(self, problems: Iterable[ProblemFact]) -> None:
        self.problems += problems

    def _event(self, written: Written) -> None:
        self._changed = True
        # The state is the fold of the events in their order: one that belongs before what was applied means
        # folding again, and so may one of the same time from another writer.
        writer, end, event = written
        to = self.state.folded_to
        self._refold |= event.t < to or (event.t == to and writer != self._last_writer)
        self._refold |= end <= self.state.seen.get(writer, 0)
        self._last_writer = writer
        if self._whole:
            self._events.append(written)
        if not self._refold:
            self._apply(writer, event, end)
        if isinstance(event, Opened) and event.version > FORMAT_VERSION:
            reason = (
                f"it was written in format {event.version}, and this version of Anew reads format "
                f"{FORMAT_VERSION}: upgrade Anew"
            )
            self.problems.append(ProblemFact(f"journal/{writer}.jsonl", 0, reason))

    def _apply(self, writer: str, event: Event, end: int) -> None:
        self.state.apply(writer, event, end)
        if isinstance(event, FileLogged):
            self._files.append(event)
        elif isinstance(event, ValueLogged):
            self._values.append(event)
        elif isinstance(event, Captured):
            self._read |= event.what in READ

    def _fold_again(self) -> None:
        """Fold all events up to the cursor."""
        events = self._events if self._whole else list(self._all_events())
        self.state = ExperimentState()
        self._files, self._values = [], []
        self._files_before = self._values_before = 0
        self._refold, self._events_replaced, self._last_writer = False, True, None
        self._read = True
        for writer, end, event in in_order(events):
            self._apply(writer, event, end)

    def _all_events(self) -> Iterator[Written]:
        for chunk in follow(self._storage, {}, frozenset({Stream.EVENTS})):
            taken = self.cursor.get(chunk.path, Position()).offset - chunk.offset
            yield from decode_written(chunk.data[: max(0, taken)], chunk.writer, chunk.offset)[0]

    # -- coming to an end -------------------------------------------------------------------------

    def settled(self, now: float | None = None) -> bool:
        """Whether `entry` can be made; if not, there is more to be taken, from `cursor` on.

        The ends of writers that have certainly vanished are recorded first, as events, and then read like all others.
        """
        if self._replaced:
            self._replaced = False
            return False
        if self._refold:
            self._fold_again()
        self._gone = gone_writers(self._storage, self.state, now)
        if not self._judge or not any(g.certain for g in self._gone):
            return True
        self._judge = False
        try:
            write_down(self._root, self.layout, self.experiment_id, self._gone)
        except OSError:  # it holds for this look, and the next reader says it again
            return True
        return False

    def entry(self, now: float | None = None) -> Entry | None:
        """What to save, once `settled`; None when nothing has changed since the catalog was last told."""
        now = time.time() if now is None else now
        ended = [n for n, w in self.state.writers.items() if w.ended_at is not None]
        awaited = may_seal(self._storage, lambda: awaited_by(self.state, self._sinks()), now)
        if self._series.flush(self.place, ended, may_seal=awaited).files:
            self._note_sealed()
        vanished = {g.writer: (g.since, g.reason) for g in self._gone}
        if vanished != self.state.vanished:
            self.state.vanished = vanished
            self._changed = self._took = True
        status, reason, ended_at, paused = shown(self.state, self._gone)
        given_up = {g.writer for g in self._gone if now - g.since > GIVE_UP_SECONDS}
        live = any(
            w.ended_at is None and w.opened.role != "edit" and name not in given_up
            for name, w in self.state.writers.items()
        )
        if not self._took and live and self._known and self._known.status == status:
            return None
        return self._entry(self._facts(status, reason, ended_at, paused), live)

    def rests_until(self, now: float) -> float | None:
        """Until when nothing can become known of it unless something in its folder changes; None if that may be at any time."""
        if self.place.share is not None:  # what is whose may change with a neighbour
            return None
        return judged_again(self._storage, self.state, self._gone, now)

    def _entry(self, facts: ExperimentFacts, live: bool) -> Entry:
        entry = Entry(
            key=self.key,
            facts=facts,
            cursor=msgspec.msgpack.encode(self.cursor),
            live=live,
            whole=self._whole,
            events_replaced=self._events_replaced,
            problems=self.problems,
        )
        turned = self._hidden_before.symmetric_difference(self.state.hidden)
        if turned:
            self._touched |= turned.intersection(self.tallies)
        if self._touched:
            metrics = {name: self.tallies[name] for name in sorted(self._touched)}
            entry = msgspec.structs.replace(
                entry, metrics=metrics, hidden=frozenset(self.state.hidden)
            )
        if self._changed:
            entry = msgspec.structs.replace(
                entry,
                state=pack(self.state),
                params={k: from_plain(v) for k, v in flatten(self.state.params).items()},
                config={k: from_plain(v) for k, v in flatten(self.state.config or {}).items()},
                tags=self.state.tags,
                bindrs=self.state.bindrs,
                inputs=inputs_of(self.state) if self._read else None,
                files=[FileFact.of(event) for event in self._files],
                files_before=self._files_before,
                values=[ValueFact.of(event) for event in self._values],
                values_before=self._values_before,
            )
        return entry

    def _facts(
        self, status: Status, reason: str | None, ended_at: float | None, paused: float
    ) -> ExperimentFacts:
        state = self.state
        segments = self.prefix.split("/")
        first = next((w.opened for w in state.writers.values() if w.opened.role == "lead"), None)
        git = state.captured.get("git", {})
        told = {name: of for name, of in self.tallies.items() if name not in state.hidden}
        tallies = [t for writers in self.tallies.values() for t in writers.values()]
        points_to = max((t.last_time for t in tallies), default=0.0)
        if ended_at is not None and state.started_at is not None:
            ended_at = max(ended_at, state.started_at)  # the clock may have been set back between
        return ExperimentFacts(
            id=self.experiment_id,
            prefix=self.prefix,
            name=state.name or segments[-1],
            owner=segments[0] if len(segments) > 2 else None,
            project=segments[-2 if len(segments) == 2 else 1] if len(segments) > 1 else None,
            status=status,
            reason=reason,
            created_at=state.created_at,
            started_at=state.started_at,
            ended_at=ended_at,
            paused=paused,
            updated_at=max(state.folded_to, points_to),
            user=first.user or None if first else None,
            host=first.host or None if first else None,
            git_commit=_text(git.get("commit")),
            git_branch=_text(git.get("branch")),
            git_dirty=git.get("dirty") if isinstance(git.get("dirty"), bool) else None,
            parent=state.parent,
            relation=state.relation,
            description=state.description,
            notes=state.notes,
            metric_count=len(told),
            point_count=sum(t.count for of in told.values() for t in of.values()),
            file_count=state.files,
            file_bytes=state.file_bytes,
            value_count=state.values,
            lost=state.lost,
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
