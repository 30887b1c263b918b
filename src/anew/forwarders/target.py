"""What a forwarder needs of another tracker: one run there that mirrors one experiment here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ..record.events import Event, LogLine, PointLine
from ..record.status import Status

__all__ = ["Item", "Mirror", "NoPlace", "Refusal", "Target", "needed"]


class Mirror(NamedTuple):
    """The experiment that a run at the target stands for.

    `project` is the folder above its name in the prefix, or None; `folder` is where its files lie (the paths in
    records are relative to it); `created_at` is in seconds since the epoch; `captured` are the facts that were captured
    of it before the target was made.
    """

    experiment_id: str
    prefix: str
    name: str
    project: str | None
    folder: str
    created_at: float
    user: str = ""
    captured: Mapping[str, Any] = {}


class Item(NamedTuple):
    """One record on its way to a target.

    `number` is its place among all that this target is sent of the experiment, from 0: the same record has the
    same number whenever it is offered, also by a later process.
    """

    number: int
    writer: str
    record: Event | PointLine | LogLine


class Refusal(NamedTuple):
    """A record that the target has no place for, and why: a sentence that a user can act upon."""

    number: int
    reason: str


class NoPlace(Exception):
    """A target has no place for a record: becomes the reason of a Refusal."""


def needed(path: str | None) -> str:
    """The file of a value that must have one.

    Raises:
        NoPlace: Its record names none.
    """
    if path is None:
        raise NoPlace("Its record does not name a file.")
    return path


class Target(Protocol):
    """A run at another tracker. `forwarders.mlflow.MLflowTarget` and its like, one a file.

    It is made by `XTarget(address, mirror, memo)`, which finds or makes the run there. `memo` is what `settle` last
    returned, or {} for a target that has not been sent anything; a process killed between making the run and the
    first `settle` must not leave two runs. All calls come from one thread, which need not be the main one.

    Whatever it raises means that nothing is known of the items offered: they are offered again later, by this
    object or by one of another process, with `again` set. An exception must not come of the items themselves:
    what the target has no place for is a Refusal.
    """

    @property
    def url(self) -> str | None:
        """Where a person finds the run, or None."""
        ...

    def send(self, items: Sequence[Item], again: bool) -> list[Refusal]:
        """Take in items, in their order.

        Args:
            items: At most a few thousand.
            again: Some or all of these may have arrived before. None may be there twice afterwards.

        Returns:
            Those the target has no place for.
        """
        ...

    def settle(self) -> dict[str, Any]:
        """Make all that was sent lasting at the target; returns what a later process needs to go on, as plain JSON."""
        ...

    def end(self, status: Status, reason: str | None, ended_at: float) -> None:
        """The experiment has ended and all of it was sent: mark the run so. The experiment may be continued later."""
        ...

    def close(self) -> None:
        """Let go of the target, whether or not the experiment has ended. Never blocks for more than seconds."""
        ...
