"""The state of an experiment, computed by applying its events in order.

`apply` takes events in the order of `in_order`; a reader that sees an event which belongs before one that it
applied (two writers, read at different moments) folds again from the start. So the state depends on the
events alone, never on when somebody looked, or in which order copies of a folder were put together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from .events import (
    BindrsChanged,
    Captured,
    Closed,
    ConfigSet,
    Event,
    FieldSet,
    FileLogged,
    FilesFreed,
    Linked,
    MetricsHidden,
    Opened,
    ParamsSet,
    RecordsLost,
    TagsChanged,
    ValueLogged,
)
from .plain import flatten, merge, remove
from .status import Status

__all__ = [
    "RECIPE",
    "Correction",
    "ExperimentState",
    "Hidden",
    "Opening",
    "OpeningState",
    "WriterState",
    "Written",
    "fold",
    "in_order",
]

RECIPE = frozenset(
    {
        "command", "environment", "git", "hardware", "inputs", "mark", "notebook", "problems", "program", "ran", "seeds", "variables",
        "variables_hashed", "variables_set",
    }
)  # fmt: skip
"""What is captured about how an opening ran; the experiment's are those of the first opening that ran a program."""


_EDITS = "edit-"
"""How the names of writers begin that are no programs, but people who change something afterwards."""


class Written(NamedTuple):
    """An event, who wrote it, and the byte of that writer's events at which its line ends."""

    writer: str
    end: int
    event: Event


class Correction(msgspec.Struct, frozen=True):
    """A parameter that somebody changed afterwards.

    Attributes:
        was: What the program had set; None where it had set nothing (`missing`).
        at, by, why: When it was corrected last, by whom, and why, as they put it.
    """

    was: Any
    missing: bool
    at: float
    by: str
    why: str | None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return msgspec.structs.asdict(self)


class Hidden(msgspec.Struct, frozen=True):
    """That readers do not show a metric: since when, who said so, and why, as they put it."""

    at: float
    by: str
    why: str | None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return msgspec.structs.asdict(self)


class WriterState(msgspec.Struct):
    """One writer of an experiment: who it is, how it ended (if it did), and which later writer went on after that."""

    opened: Opened
    status: Status = Status.RUNNING
    ended_at: float | None = None
    reason: str | None = None
    error: str | None = None
    by: str = "writer"
    superseded_by: str | None = None

    @property
    def decides(self) -> bool:
        """Whether it is one of those whose ends say how its opening ended."""
        return self.opened.role in ("lead", "rank") and self.by != "refused"


class OpeningState(msgspec.Struct, omit_defaults=True):
    """What one opening recorded of its own, where the experiment's is that of another opening.

    `config` is its configuration, if that differs; `captured` is how it ran, if it is not the opening whose recipe
    is the experiment's.
    """

    config: dict[str, Any] | None = None
    captured: dict[str, dict[str, Any]] = {}


class Opening(msgspec.Struct, frozen=True):
    """One opening of an experiment: the processes that opened it together, from their start to their end.

    Attributes:
        id: What its writers name in their `opened` events.
        writers: Their names, in order; the first names the folder of the opening's captured files.
        ended_at: When the last of them ended; None while one runs.
        config: Its configuration, None if it gave none or the experiment's.
        captured: How it ran, None if it is the opening whose recipe is the experiment's.
    """

    id: str
    writers: tuple[str, ...]
    status: Status
    reason: str | None
    started_at: float
    ended_at: float | None
    host: str
    user: str
    config: dict[str, Any] | None
    captured: dict[str, dict[str, Any]] | None


class ExperimentState(msgspec.Struct, omit_defaults=True):
    """Everything known about an experiment except its points, logs and files.

    `params` and `config` are nested mappings of plain values (see `record.plain`); `tags` maps a tag to
    its value or None; `captured` maps what was captured to its data; `own` maps the id of an opening to what is its
    own, `recipe_of` is the one whose recipe is the experiment's, and `config_of` the writer of `config`; `files` and `file_bytes`
    count every save, and `freed` maps the ids of files whose bytes were given back to when that was; `folded_to` is the time of the
    newest event applied, and `seen` the bytes of each writer's events that applied events come after.

    `vanished` is what no event says (yet): the writers without an end whose processes the reader found to be gone, each
    with the time of its last sign of life and the reason.

    `contested` has what two people set side by side, neither knowing of the other's change: by what it is ("notes", "tags.best",
    "params.lr"), the value that does not count. Whoever sets it after seeing both settles it. `claims` says of what was edited who
    edited it last, and up to which byte of their edits.

    `corrected` has the parameters that do not have the values which the program set, by dotted name, and `hidden` the metrics that
    readers do not show.
    """

    experiment_id: str = ""
    name: str = ""
    created_at: float = 0.0
    started_at: float | None = None
    description: str | None = None
    notes: str | None = None
    tags: dict[str, str | None] = {}
    bindrs: list[str] = []
    params: dict[str, Any] = {}
    config: dict[str, Any] | None = None
    parent: str | None = None
    relation: str | None = None
    captured: dict[str, dict[str, Any]] = {}
    config_of: str = ""
    own: dict[str, OpeningState] = {}
    recipe_of: str = ""
    writers: dict[str, WriterState] = {}
    files: int = 0
    file_bytes: int = 0
    freed: dict[str, float] = {}
    values: int = 0
    lost: int = 0
    lost_reason: str | None = None
    folded_to: float = 0.0
    seen: dict[str, int] = {}
    vanished: dict[str, tuple[float, str]] = {}
    contested: dict[str, Any] = {}
    claims: dict[str, tuple[str, int]] = {}
    corrected: dict[str, Correction] = {}
    hidden: dict[str, Hidden] = {}

    def apply(self, writer: str, event: Event, end: int = 0) -> None:
        """Apply one event of the writer with that segment name.

        Args:
            end: The byte of the writer's events at which its line ends.
        """
        if writer.startswith(_EDITS):
            self._claim(writer, event, end)
            if isinstance(event, ParamsSet):
                self._correct(event)
        self.folded_to = max(self.folded_to, event.t)
        for other, size in (event.after or {}).items():
            self.seen[other] = max(size, self.seen.get(other, 0))
        _APPLY[type(event)](self, writer, event)

    def _claim(self, writer: str, event: Event, end: int) -> None:
        """Note what an edit sets, and whether somebody else has set it to something else that its author did not know of."""
        for what, old, new in _sets(self, event):
            by, until = self.claims.get(what, (writer, 0))
            if by != writer and (event.after or {}).get(by, 0) < until:
                if old != new:
                    self.contested[what] = old
            else:
                self.contested.pop(what, None)
            self.claims[what] = writer, end

    def _correct(self, event: ParamsSet) -> None:
        """Keep what a correction takes the place of."""
        before = flatten(self.params)
        for name in dict.fromkeys((*flatten(event.params), *event.remove)):
            if (earlier := self.corrected.get(name)) is not None:
                was, missing = earlier.was, earlier.missing
            else:
                was, missing = before.get(name), name not in before
            self.corrected[name] = Correction(was, missing, event.t, event.by, event.why)

    def deciding(self) -> list[WriterState]:
        """The writers whose ends determine the experiment's status: those of the newest opening, or of several
        that ran side by side.

        Edits and forked children never do; a writer that had ended, as far as a later opening knew, when that
        one began has been superseded by it (the experiment was continued).
        """
        return [w for w in self.writers.values() if w.decides and w.superseded_by is None]

    def outcome(self) -> tuple[Status, str | None]:
        """Status and reason: running while a deciding writer is, otherwise the worst end among them."""
        return _worst(self.deciding())

    @property
    def ended_at(self) -> float | None:
        """When the last of the deciding writers ended; None while one runs."""
        return _last_end(self.deciding())

    def opening_of(self, writer: str) -> str:
        """The id of the opening that a writer belongs to; "" for edits."""
        known = self.writers.get(writer)
        return (known.opened.opening or writer) if known is not None else ""

    def is_of_a_rank(self, lead: str) -> bool:
        """Whether the configuration is that of a rank which was quicker than this lead of its launch.

        It has values of that rank's own in it, so the lead's takes its place.
        """
        known, by = self.writers.get(lead), self.writers.get(self.config_of)
        return (
            known is not None
            and by is not None
            and (known.opened.role, by.opened.role) == ("lead", "rank")
            and self.opening_of(lead) == self.opening_of(self.config_of)
        )

    def opened_after(self, writer: str) -> str | None:
        """The first writer of another opening that began after this one.

        It has gone on from what a writer left that vanished, even if it did not know that yet.
        """
        later = False
        for name, known in self.writers.items():
            if later and known.decides and self.opening_of(name) != self.opening_of(writer):
                return name
            later = later or name == writer
        return None

    def openings(self) -> list[Opening]:
        """The openings, in order."""
        together: dict[str, list[str]] = {}
        for name, writer in self.writers.items():
            if writer.decides:
                together.setdefault(self.opening_of(name), []).append(name)
        return [self._opening(id_, names) for id_, names in together.items()]

    def _opening(self, id_: str, names: list[str]) -> Opening:
        writers = [self._as_found(name) for name in names]
        status, reason = _worst(writers)
        if any(w.ended_at is None and w.superseded_by is not None for w in writers):
            status, reason = Status.FAILED, "it vanished without ending, and was continued"
        own = self.own.get(id_, OpeningState())
        mine = id_ == self.recipe_of or not (own.captured or self.recipe_of)
        return Opening(
            id=id_,
            writers=tuple(names),
            status=status,
            reason=reason,
            started_at=min(writer.opened.t for writer in writers),
            ended_at=_last_end(writers),
            host=writers[0].opened.host,
            user=writers[0].opened.user,
            config=own.config,
            captured=None if mine else own.captured,
        )

    def _as_found(self, name: str) -> WriterState:
        """A writer, with the end that the reader found if it has none of its own."""
        writer = self.writers[name]
        if writer.ended_at is not None or name not in self.vanished:
            return writer
        since, reason = self.vanished[name]
        end = {"status": Status.FAILED, "ended_at": since, "reason": reason, "by": "reader"}
        return msgspec.structs.replace(writer, **end)

    def paused(self) -> float:
        """Seconds between the start and the end during which no opening ran."""
        gaps, until = 0.0, None
        for opening in sorted(self.openings(), key=lambda one: one.started_at):
            if until is not None:
                gaps += max(0.0, opening.started_at - until)
            ended = float("inf") if opening.ended_at is None else opening.ended_at
            until = ended if until is None else max(until, ended)
        return gaps


def _sets(state: ExperimentState, event: Event) -> Iterator[tuple[str, Any, Any]]:
    """What an edit sets, the value before it and the one after it. A plain tag is True, one that is not there False."""
    if isinstance(event, FieldSet):
        if event.field in ("name", "description", "notes"):
            yield event.field, getattr(state, event.field), event.value
    elif isinstance(event, TagsChanged):
        for tag in (*event.add, *event.remove):
            yield f"tags.{tag}", _of_tag(state.tags, tag), _of_tag(event.add, tag)
    elif isinstance(event, ParamsSet):
        before, after = flatten(state.params), flatten(event.params)
        for name in dict.fromkeys((*after, *event.remove)):
            yield f"params.{name}", before.get(name), after.get(name)


def _same(one: Any, other: Any) -> bool:
    """Whether two plain values are one; 1, 1.0 and True are three."""
    return type(one) is type(other) and bool(one == other)


def _of_tag(tags: dict[str, str | None], tag: str) -> str | bool:
    return (tags[tag] or True) if tag in tags else False


def _worst(writers: list[WriterState]) -> tuple[Status, str | None]:
    for status in (Status.RUNNING, Status.FAILED, Status.CANCELLED, Status.COMPLETED):
        for writer in writers:
            if writer.status == status:
                return status, writer.reason
    return Status.PENDING, None


def _last_end(writers: list[WriterState]) -> float | None:
    ends = [w.ended_at for w in writers]
    return max((e for e in ends if e is not None), default=None) if None not in ends else None


def _opened(state: ExperimentState, writer: str, event: Opened) -> None:
    if not state.experiment_id or event.fork_of == state.experiment_id:
        state.experiment_id, state.name, state.created_at = event.experiment_id, event.name, event.t
        state.started_at = None
    if event.role in ("lead", "rank"):
        if state.started_at is None:
            state.started_at = event.t
        opening = event.opening or writer
        known = {state.opening_of(name) for name, w in state.writers.items() if w.decides}
        # The first of an opening continues what had ended; the others only join it.
        if opening not in known:
            for name, earlier in state.writers.items():
                if earlier.ended_at is not None or name in event.over:
                    earlier.superseded_by = earlier.superseded_by or writer
    state.writers[writer] = WriterState(event)


def _closed(state: ExperimentState, writer: str, event: Closed) -> None:
    name = event.writer or writer
    target = state.writers.get(name)
    # An end that a reader found never overrides the one that the writer recorded.
    if target is None or (event.by == "reader" and target.ended_at is not None):
        return
    target.status, target.ended_at = event.status, event.t
    target.reason, target.error, target.by = event.reason, event.error, event.by
    if event.by == "refused":
        for earlier in state.writers.values():
            if earlier.superseded_by == name:
                earlier.superseded_by = None
    elif event.by in ("writer", "exit"):
        target.superseded_by = None  # it lived on, if a later opening had gone on without it
    elif target.superseded_by is None:
        target.superseded_by = state.opened_after(name)


def _field(state: ExperimentState, writer: str, event: FieldSet) -> None:
    if event.field == "name":
        state.name = event.value or state.name
    elif event.field == "description":
        state.description = event.value
    elif event.field == "notes":
        state.notes = event.value


def _tags(state: ExperimentState, writer: str, event: TagsChanged) -> None:
    state.tags = {k: v for k, v in state.tags.items() if k not in event.remove} | event.add


def _bindrs(state: ExperimentState, writer: str, event: BindrsChanged) -> None:
    kept = [b for b in state.bindrs if b not in event.remove]
    state.bindrs = kept + [b for b in event.add if b not in kept]


def _params(state: ExperimentState, writer: str, event: ParamsSet) -> None:
    merge(state.params, event.params)
    for name in event.remove:
        remove(state.params, name)
    for name in [*flatten(event.params), *event.remove] if state.corrected else ():
        now, known = flatten(state.params), state.corrected.get(name)
        # What the program sets itself is no correction any more, and what is as it was is none.
        if known is not None and (
            not writer.startswith(_EDITS)
            or ((name not in now) if known.missing else _same(now.get(name), known.was))
        ):
            del state.corrected[name]


def _hidden(state: ExperimentState, writer: str, event: MetricsHidden) -> None:
    for name in event.show:
        state.hidden.pop(name, None)
    for name in event.hide:
        state.hidden[name] = Hidden(event.t, event.by, event.why)


def _config(state: ExperimentState, writer: str, event: ConfigSet) -> None:
    if state.config is None or state.is_of_a_rank(writer):
        state.config, state.config_of = event.config, writer
    elif opening := state.opening_of(writer):
        state.own.setdefault(opening, OpeningState()).config = event.config


def _linked(state: ExperimentState, writer: str, event: Linked) -> None:
    state.parent, state.relation = event.parent, event.relation


def _captured(state: ExperimentState, writer: str, event: Captured) -> None:
    opening = state.opening_of(writer)
    if event.what in RECIPE and opening and opening != (state.recipe_of or opening):
        state.own.setdefault(opening, OpeningState()).captured[event.what] = event.data
        return
    if event.what == "command" and opening:
        state.recipe_of = opening
    state.captured[event.what] = event.data


def _file(state: ExperimentState, writer: str, event: FileLogged) -> None:
    state.files += 1
    state.file_bytes += event.size


def _freed(state: ExperimentState, writer: str, event: FilesFreed) -> None:
    for file_id in event.file_ids:
        state.freed.setdefault(file_id, event.t)


def _value(state: ExperimentState, writer: str, event: ValueLogged) -> None:
    state.values += 1


def _lost(state: ExperimentState, writer: str, event: RecordsLost) -> None:
    state.lost += event.count
    state.lost_reason = event.reason


_APPLY: dict[type, Any] = {
    Opened: _opened,
    Closed: _closed,
    FieldSet: _field,
    TagsChanged: _tags,
    BindrsChanged: _bindrs,
    ParamsSet: _params,
    MetricsHidden: _hidden,
    ConfigSet: _config,
    Linked: _linked,
    Captured: _captured,
    FileLogged: _file,
    FilesFreed: _freed,
    ValueLogged: _value,
    RecordsLost: _lost,
}


def in_order(events: Iterable[Written]) -> list[Written]:
    """The events in the order in which they apply, whatever order they are given in.

    What an event's writer had written or seen before (`after`) comes first. What was written side by side goes by
    the clock, then by the writer's name: an event counts as of the latest time among its own and of all that comes
    before it, so a clock that is wrong or was set back turns nothing around.

    Each writer's own events must be given in the order it wrote them.
    """
    by_writer: dict[str, list[Written]] = {}
    for written in events:
        by_writer.setdefault(written.writer, []).append(written)
    if len(by_writer) == 1:
        return next(iter(by_writer.values()))
    places = _places(dict(sorted(by_writer.items())))
    keyed = [
        (key, written)
        for writer, mine in by_writer.items()
        for key, written in zip(places[writer], mine, strict=True)
    ]
    return [w for _, w in sorted(keyed, key=lambda item: (*item[0], item[1].writer))]


_Place = tuple[
    float, int
]  # when an event counts, and how many events of that moment come before it


def _places(by_writer: dict[str, list[Written]]) -> dict[str, list[_Place]]:
    ends = {writer: [written.end for written in mine] for writer, mine in by_writer.items()}
    places: dict[str, list[_Place]] = {writer: [] for writer in by_writer}
    left = sum(map(len, by_writer.values()))
    while left:
        before = left
        for writer, mine in by_writer.items():
            while len(places[writer]) < len(mine):
                earlier = _earlier(writer, mine[len(places[writer])], ends, places)
                if earlier is None:
                    break
                places[writer].append(_place(mine[len(places[writer])].event.t, earlier))
                left -= 1
        if (
            left == before
        ):  # they claim to have seen each other: only a damaged or forged journal does
            waiting = [w for w, mine in by_writer.items() if len(places[w]) < len(mine)]
            writer = min(waiting, key=lambda w: (by_writer[w][len(places[w])].event.t, w))
            t = by_writer[writer][len(places[writer])].event.t
            places[writer].append(_place(t, places[writer][-1:]))
            left -= 1
    return places


def _earlier(
    writer: str, written: Written, ends: dict[str, list[int]], places: dict[str, list[_Place]]
) -> list[_Place] | None:
    """The places of the last events that come before this one; None while one of them has none yet."""
    found = places[writer][-1:]
    for other, size in (written.event.after or {}).items():
        if other == writer or other not in ends:
            continue
        count = bisect_right(ends[other], size)
        if count > len(places[other]):
            return None
        if count:
            found.append(places[other][count - 1])
    return found


def _place(t: float, earlier: list[_Place]) -> _Place:
    latest, depth = max(earlier, default=(t, -1))
    return (latest, depth + 1) if latest >= t else (t, 0)


def fold(events: Iterable[Written]) -> ExperimentState:
    """The state after all of these events, applied in the order of `in_order`."""
    state = ExperimentState()
    for writer, end, event in in_order(events):
        state.apply(writer, event, end)
    return state
