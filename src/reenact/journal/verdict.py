"""Which writers of an experiment have vanished without ending it."""

from __future__ import annotations

import os
import time

from .layout import ExperimentLayout
from .liveness import seems_gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..record.fold import ExperimentState

__all__ = ["Verdict", "last_sign", "settle"]


class Verdict:
    """A writer that is gone: when it was last heard of, why it must be gone, and whether that is certain."""

    __slots__ = ("certain", "last_sign", "reason", "writer")

    def __init__(self, writer: str, last_sign: float, reason: str, certain: bool) -> None:
        self.writer = writer
        self.last_sign = last_sign
        self.reason = reason
        self.certain = certain


def last_sign(layout: ExperimentLayout, writer: str, opened_at: float) -> float:
    """When the writer last touched or wrote its files; its opening if they cannot be asked."""
    newest = opened_at
    for path in (layout.events(writer), layout.points(writer), layout.console(writer)):
        try:
            newest = max(newest, os.stat(path).st_mtime)
        except OSError:
            continue
    return newest


def settle(layout: ExperimentLayout, state: ExperimentState) -> list[Verdict]:
    """Mark the vanished writers of a state as failed when they were last heard of, and say which they are.

    Only verdicts that are certain may be written into the journal; the others hold for this look.
    """
    from ..record.status import Status

    verdicts = []
    for name, writer in state.writers.items():
        opened = writer.opened
        if writer.ended_at is not None or opened.role == "edit":
            continue
        heard = last_sign(layout, name, opened.t)
        gone = seems_gone(
            host=opened.host,
            boot=opened.boot,
            pid=opened.pid,
            pid_started=opened.pid_started,
            space=opened.pid_space,
            silent_for=time.time() - heard,
            heartbeat=opened.heartbeat,
        )
        if gone is None:
            continue
        reason, certain = gone
        writer.status, writer.ended_at, writer.reason, writer.by = (
            Status.FAILED,
            heard,
            reason,
            "reader",
        )
        verdicts.append(Verdict(name, heard, reason, certain))
    return verdicts
