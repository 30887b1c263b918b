"""Finding the writers that vanished without ending their experiment, and recording their ends."""

from __future__ import annotations

import random
import time

from .layout import ExperimentLayout, RootLayout, split_part
from .liveness import HEARTBEATS_MISSED, host_name, is_this_process, seems_gone
from .storage import FolderStorage, Storage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..record.fold import ExperimentState

__all__ = ["Gone", "gone_writers", "judged_again", "settle", "write_down"]

_DICE = (
    random.Random()
)  # of its own: a program that seeded its generator draws the same numbers as without us
_RECHECKED = 60.0
"""Seconds after which it is looked again, whatever was found; less for some, so that not all of them come at once."""


class Gone:
    """A writer whose process has vanished: since when, why, and whether that is certain.

    Only a certain end may be recorded in the journal; any other is only shown.
    """

    __slots__ = ("certain", "reason", "since", "writer")

    def __init__(self, writer: str, since: float, reason: str, certain: bool) -> None:
        self.writer = writer
        self.since = since
        self.reason = reason
        self.certain = certain


def gone_writers(
    where: Storage | str,
    state: ExperimentState,
    now: float | None = None,
    *,
    replaced: bool = False,
) -> list[Gone]:
    """The writers that recorded no end and whose process is gone or has long been silent.

    Args:
        where: The experiment's files; a text is the path of its folder.
        replaced: This process has no writer in it. One that was of this very process was then the writer of a program that this
            one has replaced (`execv`).
    """
    now = time.time() if now is None else now
    gone = []
    signs: dict[str, float] | None = None
    for name, writer in state.writers.items():
        opened = writer.opened
        if writer.ended_at is not None or opened.role == "edit":
            continue
        if signs is None:
            signs = _signs(FolderStorage(where) if isinstance(where, str) else where)
        since = max(signs.get(name, 0.0), opened.t)
        if (
            opened.t > now and name in signs
        ):  # its clock is ahead; the times of files are of this side
            since = signs[name]
        if replaced and is_this_process(
            host=opened.host,
            boot=opened.boot,
            pid=opened.pid,
            pid_started=opened.pid_started,
            space=opened.pid_space,
        ):
            replacement = (
                f"its process {opened.pid} became another program (exec) without ending it"
            )
            gone.append(Gone(name, min(since, now), replacement, True))
            continue
        found = seems_gone(
            host=opened.host,
            machine=opened.machine,
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


def judged_again(
    storage: Storage, state: ExperimentState, gone: list[Gone], now: float
) -> float | None:
    """When the next writer may turn out to have vanished if nothing is written meanwhile, a minute from now at most.

    Args:
        gone: Those that are gone now.

    Returns:
        None if that may be at any time: a process of this machine may end at once.
    """
    until = now + _RECHECKED * _DICE.uniform(0.5, 1.0)
    silent = {one.writer for one in gone}
    signs: dict[str, float] | None = None
    for name, writer in state.writers.items():
        opened = writer.opened
        if writer.ended_at is not None or opened.role == "edit":
            continue
        if opened.boot and opened.host == host_name():
            return None
        if name in silent or not opened.heartbeat:
            continue
        if signs is None:
            signs = _signs(storage)
        since = signs.get(name, opened.t)
        until = min(until, since + opened.heartbeat * HEARTBEATS_MISSED)
    return until


def settle(state: ExperimentState, gone: list[Gone]) -> None:
    """Mark vanished writers as failed, at the time of their last sign of life.

    A later opening that continued the experiment decides its status, not one that fell silent before.
    """
    from ..record.status import Status

    for found in gone:
        writer = state.writers[found.writer]
        writer.status, writer.ended_at = Status.FAILED, found.since
        writer.reason, writer.by = found.reason, "reader"
        if writer.superseded_by is None:
            writer.superseded_by = state.opened_after(found.writer)


def write_down(
    root: RootLayout, layout: ExperimentLayout, experiment_id: str, gone: list[Gone]
) -> None:
    """Record the ends of the writers that have certainly vanished in the journal, for all later readers.

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


def _signs(storage: Storage) -> dict[str, float]:
    """When each writer last wrote anything, or touched its events as a sign of life."""
    signs: dict[str, float] = {}
    for folder, stem, suffix in (
        ("journal", "", ".jsonl"),
        ("metrics", "", ".jsonl"),
        ("logs", "logs-", ".jsonl"),
        ("logs", "train-", ".log"),
    ):
        for blob in storage.list(folder):
            if blob.name.startswith(stem) and blob.name.endswith(suffix):
                name = blob.name[len(stem) : -len(suffix)]
                writer = split_part(name)[0] if folder == "metrics" else name
                signs[writer] = max(blob.changed_at, signs.get(writer, 0.0))
    return signs
