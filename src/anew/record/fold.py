"""The state of an experiment as the fold of its events.

`apply` takes events in the order of their times; a reader that sees an event older than the last one
applied (two writers, read at different moments) folds again from the start. So the state depends on the
events alone, never on when somebody looked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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

__all__ = ["ExperimentState", "WriterState", "fold", "in_order"]


class WriterState(msgspec.Struct):
    """One writer of an experiment: who it is, and how it ended (if it did)."""

    opened: Opened
    status: Status = Status.RUNNING
    ended_at: float | None = None
    reason: str | None = None
    error: str | None = None
    by: str = "writer"


class ExperimentState(msgspec.Struct, omit_defaults=True):
    """All that is known of an experiment but its points, logs and files.

    `params` and `config` are nested mappings of plain values (see `record.plain`); `tags` maps a tag to
    its value or None; `captured` maps what was captured to its data; `folded_to` is the time of the
    newest event applied.
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

    def apply(self, writer: str, event: Event) -> None:
        """Take in one event of the writer with that segment name."""
        self.folded_to = max(self.folded_to, event.t)
        _APPLY[type(event)](self, writer, event)

    def deciding(self) -> list[WriterState]:
        """The writers whose ends make the experiment's status.

        Edits and forked children never do; a writer that had ended when a later lead writer opened
        has been superseded by it (the experiment was continued).
        """
        writers = [w for w in self.writers.values() if w.opened.role in ("lead", "rank")]
        newest = max((w.opened.t for w in writers if w.opened.role == "lead"), default=0.0)
        return [
            w for w in writers if w.ended_at is None or w.ended_at > newest or w.opened.t >= newest
        ]

    def outcome(self) -> tuple[Status, str | None]:
        """Status and reason: running while a writer is, else the worst end among those deciding."""
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
    if not state.experiment_id:
        state.experiment_id, state.name, state.created_at = event.experiment_id, event.name, event.t
    if state.started_at is None and event.role in ("lead", "rank"):
        state.started_at = event.t
    state.writers[writer] = WriterState(event)


def _closed(state: ExperimentState, writer: str, event: Closed) -> None:
    target = state.writers.get(event.writer or writer)
    # A reader's verdict never outweighs the writer's own word.
    if target is None or (event.by == "reader" and target.ended_at is not None):
        return
    target.status, target.ended_at = event.status, event.t
    target.reason, target.error, target.by = event.reason, event.error, event.by


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


def in_order(events: Iterable[tuple[str, Event]]) -> list[tuple[str, Event]]:
    """`(writer, event)` in the order in which they count: that of their times.

    Each writer's events must come in the order it wrote them, and keep it: where its clock was set back, an
    event counts as of the latest time written before it.
    """
    latest: dict[str, float] = {}
    ordered = []
    for writer, event in events:
        at = latest[writer] = max(event.t, latest.get(writer, event.t))
        ordered.append((at, writer, event))
    return [(writer, event) for _, writer, event in sorted(ordered, key=lambda item: item[:2])]


def fold(events: Iterable[tuple[str, Event]]) -> ExperimentState:
    """The state after all of `(writer, event)`, taken as `in_order` has them."""
    state = ExperimentState()
    for writer, event in in_order(events):
        state.apply(writer, event)
    return state
