"""Which writers of an experiment have vanished without ending it, and what that makes of its status."""

from __future__ import annotations

import os
import time

from .layout import ExperimentLayout, RootLayout, split_part
from .liveness import seems_gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..record.fold import ExperimentState

__all__ = ["Gone", "gone_writers", "settle", "write_down"]


class Gone:
    """A writer whose process is gone: since when, why, and whether that is certain.

    Only what is certain may be written into the journal; the rest holds for this look.
    """

    __slots__ = ("certain", "reason", "since", "writer")

    def __init__(self, writer: str, since: float, reason: str, certain: bool) -> None:
        self.writer = writer
        self.since = since
        self.reason = reason
        self.certain = certain


def gone_writers(
    layout: ExperimentLayout, state: ExperimentState, now: float | None = None
) -> list[Gone]:
    """The writers that have not ended and yet must be gone, or have long given no sign of life."""
    now = time.time() if now is None else now
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


def settle(state: ExperimentState, gone: list[Gone]) -> None:
    """Mark vanished writers as failed when they were last heard of.

    A writer that fell silent before a later one continued the experiment is thereby superseded by it.
    """
    from ..record.status import Status

    for found in gone:
        writer = state.writers[found.writer]
        writer.status, writer.ended_at = Status.FAILED, found.since
        writer.reason, writer.by = found.reason, "reader"


def write_down(
    root: RootLayout, layout: ExperimentLayout, experiment_id: str, gone: list[Gone]
) -> None:
    """Write the ends of those that are certainly gone into the journal, for every reader to come.

    Raises:
        OSError: The folder cannot be written.
    """
    from .edits import append_event

    for found in gone:
        if found.certain:
            append_event(
                root,
                layout,
                experiment_id,
                "closed",
                t=found.since,
                status="failed",
                reason=found.reason,
                by="reader",
                writer=found.writer,
            )


def _last_sign(layout: ExperimentLayout, writer: str) -> float:
    """When the writer last wrote anything, or touched its events as a sign of life."""
    paths = [layout.events(writer), layout.logs(writer), layout.console(writer)]
    try:
        names = os.listdir(layout.path("metrics"))
    except (FileNotFoundError, NotADirectoryError):
        names = []
    paths += [
        layout.path("metrics", n)
        for n in names
        if n.endswith(".jsonl") and split_part(n[:-6])[0] == writer
    ]
    newest = 0.0
    for path in paths:
        try:
            newest = max(newest, os.stat(path).st_mtime)
        except FileNotFoundError:
            continue
    return newest
