"""The five states of an experiment."""

from __future__ import annotations

from enum import Enum

__all__ = ["Status"]


class Status(str, Enum):
    """Where an experiment is in its life; equal to and printed as its lower-case name."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    def __str__(self) -> str:
        return self.value

    @property
    def ended(self) -> bool:
        """Whether the experiment has ended, so that nothing more is expected."""
        return self not in (Status.PENDING, Status.RUNNING)
