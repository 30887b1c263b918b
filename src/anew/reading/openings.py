"""One opening of an experiment, as views show it."""

from __future__ import annotations

from typing import Any

import msgspec

from ..record.status import Status

__all__ = ["Opening"]


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """One opening: the processes that opened an experiment together, from their start to their end.

    Attributes:
        status, reason: How it ended.
        started_at, ended_at: Seconds since the epoch; `ended_at` is None while it runs, and of a process that vanished
            the time of its last sign of life.
        user, host: Who ran it, and where.
        config: Its configuration where that differs from the experiment's, else None.
        captured: What was captured about how it ran, as `ExperimentView.captured`.
        folder: Where the files of its recipe lie, relative to the experiment's folder.
        writers: The names of the processes that wrote it.
        process: The first of them: its host and boot, its number and when it began.
        ended_by_reader: Whether one of them did not write its end itself.
    """

    status: Status
    reason: str | None
    started_at: float
    ended_at: float | None
    user: str | None
    host: str | None
    config: dict[str, Any] | None
    captured: dict[str, Any]
    folder: str
    writers: tuple[str, ...]
    process: tuple[str, str, int, int]
    ended_by_reader: bool

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None while it runs."""
        return None if self.ended_at is None else max(0.0, self.ended_at - self.started_at)

    @property
    def command(self) -> list[str]:
        """The command line, empty where none was captured."""
        command = self.captured.get("command")
        argv = command.get("argv") if isinstance(command, dict) else None
        return [str(word) for word in argv] if isinstance(argv, list) else []
