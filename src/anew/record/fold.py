"""The state of an experiment, computed by applying its events in order.

`apply` takes events in the order of `in_order`; a reader that sees an event which belongs before one that it
applied (two writers, read at different moments) folds again from the start. So the state depends on the
events alone, never on when somebody looked, or in which order copies of a folder were put together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
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
    Linked,
    Opened,
    ParamsSet,
    RecordsLost,
    TagsChanged,
    ValueLogged,
)
from .plain import merge
from .status import Status

__all__ = ["ExperimentState", "WriterState", "Written", "fold", "in_order"]


class Written(NamedTuple):
    """An event, who wrote it, and the byte of that writer's events at which its line ends."""

    writer: str
    end: int
    event: Event


class WriterState(msgspec.Struct):
    """One writer of an experiment: who it is, how it ended (if it did), and whether a later lead went on after that."""

    opened: Opened
    status: Status = Status.RUNNING
    ended_at: float | None = None
    reason: str | None = None
    error: str | None = None
    by: str = "writer"
    superseded: bool = False


class ExperimentState(msgspec.Struct, omit_defaults=True):
    """Everything known about an experiment except its points, logs and files.

    `params` and `config` are nested mappings of plain values (see `record.plain`); `tags` maps a tag to
    its value or None; `captured` maps what was captured to its data; `folded_to` is the time of the
    newest event applied, and `seen` the bytes of each writer's events that applied events come after.
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
    writers: dict[str, WriterState] = {}
    files: int = 0
    file_bytes: int = 0
    values: int = 0
    lost: int = 0
    lost_reason: str | None = None
    folded_to: float = 0.0
    seen: dict[str, int] = {}

    def apply(self, writer: str, event: Event) -> None:
        """Apply one event of the writer with that segment name."""
        self.folded_to = max(self.folded_to, event.t)
        for other, size in (event.after or {}).items():
            self.seen[other] = max(size, self.seen.get(other, 0))
        _APPLY[type(event)](self, writer, event)

    def deciding(self) -> list[WriterState]:
        """The writers whose ends determine the experiment's status.

        Edits and forked children never do; a writer that had ended when a later lead writer opened
        has been superseded by it (the experiment was continued).
        """
        writers = [w for w in self.writers.values() if w.opened.role in ("lead", "rank")]
        writers = [w for w in writers if not w.superseded]
        # One that fell silent is given an end by a reader, after the lead that continued had opened.
        newest = max((w.opened.t for w in writers if w.opened.role == "lead"), default=0.0)
        return [
            w for w in writers if w.ended_at is None or w.ended_at > newest or w.opened.t >= newest
        ]

    def outcome(self) -> tuple[Status, str | None]:
        """Status and reason: running while a deciding writer is, otherwise the worst end among them."""
        deciding = self.deciding()
        if not deciding:
            return Status.PENDING, None
        for status in (Status.RUNNING, Status.FAILED, Status.CANCELLED, Status.COMPLETED):
            for writer in deciding:
                if writer.status == status:
                    return status, writer.reason
        return Status.PENDING, None

    @property
    def ended_at(self) -> float | None:
        """When the last of the deciding writers ended; None while one runs."""
        ends = [w.ended_at for w in self.deciding()]
        return max((e for e in ends if e is not None), default=None) if None not in ends else None


def _opened(state: ExperimentState, writer: str, event: Opened) -> None:
    if not state.experiment_id or event.fork_of == state.experiment_id:
        state.experiment_id, state.name, state.created_at = event.experiment_id, event.name, event.t
        state.started_at = None
    if state.started_at is None and event.role in ("lead", "rank"):
        state.started_at = event.t
    if event.role == "lead":
        for earlier in state.writers.values():
            earlier.superseded |= earlier.ended_at is not None
    state.writers[writer] = WriterState(event)


def _closed(state: ExperimentState, writer: str, event: Closed) -> None:
    target = state.writers.get(event.writer or writer)
    # An end that a reader found never overrides the one that the writer recorded.
    if target is None or (event.by == "reader" and target.ended_at is not None):
        return
    target.status, target.ended_at = event.status, event.t
    target.reason, target.error, target.by = event.reason, event.error, event.by
    target.superseded = False  # it lived on, if a lead had gone on without it


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


def _config(state: ExperimentState, writer: str, event: ConfigSet) -> None:
    if state.config is None:
        state.config = event.config


def _linked(state: ExperimentState, writer: str, event: Linked) -> None:
    state.parent, state.relation = event.parent, event.relation


def _captured(state: ExperimentState, writer: str, event: Captured) -> None:
    state.captured[event.what] = event.data


def _file(state: ExperimentState, writer: str, event: FileLogged) -> None:
    state.files += 1
    state.file_bytes += event.size


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
    ConfigSet: _config,
    Linked: _linked,
    Captured: _captured,
    FileLogged: _file,
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
    for writer, _, event in in_order(events):
        state.apply(writer, event)
    return state
