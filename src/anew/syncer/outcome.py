"""What one pass of pushing came to, as the process beside the programs and the command line look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["DELETED", "Asked", "Left", "Outcome", "Pass"]

DELETED = "it was deleted on the server; the copy here stays"
"""Why an experiment is not pushed that somebody deleted for everybody."""


@dataclass(frozen=True)
class Left:
    """What a pass did not push of an experiment, in bytes, and why; "" if there was no time."""

    bytes: int
    why: str = ""


@dataclass(frozen=True)
class Asked:
    """Somebody asks on the server that an experiment be stopped: who, and when."""

    by: str
    t: float


@dataclass(frozen=True)
class Outcome:
    """What one pass came to.

    Attributes:
        reached: Whether the server answered.
        error: Why nothing at all could be pushed; "".
        waits: Whether that may pass by itself, as when the server cannot be reached.
        left: What is still to be pushed, by the ids of the experiments.
        deleted: Those of `left` that were deleted on the server. That is its answer, and not a failure: they stay here, and are not
            pushed again.
        filed: Under which prefix the server has an experiment, for those that it was asked about.
        stops: The experiments that are to be stopped.
        pushed: How many bytes went to the server.
    """

    reached: bool = True
    error: str = ""
    waits: bool = False
    left: Mapping[str, Left] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    filed: Mapping[str, str] = field(default_factory=dict)
    stops: Mapping[str, Asked] = field(default_factory=dict)
    pushed: int = 0


class Pass(Protocol):
    """Pushes what is new of some experiments, once, and says to the server which of them are being recorded."""

    def __call__(
        self,
        experiments: Mapping[str, str],
        live: Mapping[str, str],
        stop: Callable[[], bool],
        told: Callable[[int], object] = lambda count: None,
    ) -> Outcome:
        """One pass.

        Args:
            experiments: Which, by id, and the prefix where each was last.
            live: Those of them that processes of this machine record.
            stop: Whether to end early.
            told: Called with how many were looked at so far.
        """
        ...
