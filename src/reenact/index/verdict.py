"""A reader's verdict on writers that stopped without saying so."""

from __future__ import annotations

import os

import msgspec

from ..journal.layout import ExperimentLayout, split_part
from ..journal.liveness import seems_gone
from ..record.fold import ExperimentState, WriterState
from ..record.status import Status

__all__ = ["GIVE_UP_SECONDS", "Gone", "gone_writers", "shown"]

GIVE_UP_SECONDS = 7 * 86400.0
"""A writer elsewhere that was silent this long is no longer looked for, until it is announced again."""


class Gone(msgspec.Struct, frozen=True):
    """A writer whose process is gone: since when, why, and whether that is certain."""

    writer: str
    since: float
    reason: str
    certain: bool


def gone_writers(layout: ExperimentLayout, state: ExperimentState, now: float) -> list[Gone]:
    """The writers that have not ended and yet must be gone, or have long given no sign of life."""
    gone = []
    for name, writer in state.writers.items():
        opened = writer.opened
        if writer.ended_at is not None or opened.role == "edit":
            continue
        since = max(_last_sign(layout, name), opened.t)
        found = seems_gone(
            host=opened.host,
            boot=opened.boot,
            pid=opened.pid,
            pid_started=opened.pid_started,
            space=opened.pid_space,
            silent_for=now - since,
            heartbeat=opened.heartbeat,
        )
        if found is not None:
            gone.append(Gone(name, min(since, now), *found))
    return gone


def _last_sign(layout: ExperimentLayout, writer: str) -> float:
    """When the writer last wrote anything, or touched its events as a sign of life."""
    paths = [layout.events(writer), layout.logs(writer)]
    try:
        names = os.listdir(layout.path("metrics"))
    except (FileNotFoundError, NotADirectoryError):
        names = []
    paths += [
        layout.path("metrics", n)
        for n in names
        if n.endswith(".jsonl") and split_part(n[:-6])[0] == writer
    ]
    signs = [0.0]
    for path in paths:
        try:
            signs.append(os.stat(path).st_mtime)
        except FileNotFoundError:
            continue
    return max(signs)


def shown(state: ExperimentState, gone: list[Gone]) -> tuple[Status, str | None, float | None]:
    """Status, reason and end to show: running only while somebody who decides may be there."""
    status, reason = state.outcome()
    if status is not Status.RUNNING:
        return status, reason, state.ended_at
    silent = {g.writer: g for g in gone}
    open_writers = [name for name in deciding_names(state) if _is_open(state.writers[name])]
    if not open_writers or any(name not in silent for name in open_writers):
        return status, reason, None
    last = max((silent[name] for name in open_writers), key=lambda g: g.since)
    return Status.FAILED, last.reason, last.since


def deciding_names(state: ExperimentState) -> list[str]:
    """The names of the writers whose ends make the experiment's status."""
    deciding = {id(writer) for writer in state.deciding()}
    return [name for name, writer in state.writers.items() if id(writer) in deciding]


def _is_open(writer: WriterState) -> bool:
    return writer.ended_at is None
