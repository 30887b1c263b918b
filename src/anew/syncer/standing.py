"""How far the servers are that experiments were recorded for, from what the outboxes say: nothing is asked."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..journal.layout import RootLayout
from ..journal.lock import locked
from ..syncing.outbox import Outbox, outboxes
from .outcome import DELETED

__all__ = [
    "Copy",
    "Pending",
    "Standing",
    "Whereabouts",
    "copies",
    "copies_in",
    "pending",
    "standing",
    "whereabouts",
]


@dataclass(frozen=True)
class Pending:
    """An experiment that a server does not have all of: bytes (0 where that was not counted), and why."""

    id: str
    prefix: str
    bytes: int
    why: str


@dataclass(frozen=True)
class Copy:
    """The local copy of an experiment that a server has all of.

    Attributes:
        since: When the server had all of it.
        keep: Seconds that the copy stays after that; None for ever.
    """

    id: str
    prefix: str
    since: float
    keep: float | None

    def is_due(self, now: float) -> bool:
        """Whether it has stayed long enough."""
        return self.keep is not None and now - self.since >= self.keep


def copies(outbox: Outbox) -> list[Copy]:
    """The local copies of what the server has, the oldest first; what was registered again after that is not among them."""
    done = outbox.done()
    newest = {}
    for one in sorted(outbox.everything(), key=lambda one: one.t):
        newest[one.experiment_id] = one
    found = [
        Copy(id, one.prefix, done[id].t, one.keep)
        for id, one in newest.items()
        if id in done and not (done[id].freed or done[id].deleted) and done[id].t >= one.t
    ]
    return sorted(found, key=lambda one: one.since)


@dataclass(frozen=True)
class Standing:
    """How far one server is behind what was recorded for it here.

    Attributes:
        contact: When it last answered a process on this machine; None if that is not known.
        running: Whether a process pushes now.
        experiments: How many were recorded for it.
        deleted: How many of them were deleted there.
    """

    to: str
    experiments: int
    pending: tuple[Pending, ...]
    error: str
    contact: float | None
    running: bool
    deleted: int = 0


@dataclass(frozen=True)
class Whereabouts:
    """How far one experiment has come to a server.

    Attributes:
        complete: Whether the server had all of it when that was last looked at.
        filed: The prefix that it has there, if that is another one than here; "".
        why: What keeps it from being complete; "".
    """

    to: str
    complete: bool
    filed: str
    why: str


def pending(outbox: Outbox) -> dict[str, str]:
    """The experiments that the server does not have all of as far as is known here, with their prefixes."""
    done = outbox.done()
    return {
        one.experiment_id: one.prefix
        for one in sorted(outbox.everything(), key=lambda one: one.t)
        if one.experiment_id not in done or done[one.experiment_id].t < one.t
    }


def standing(root: str) -> list[Standing]:
    """How far each server is behind what was recorded for it in a root; none where it is no folder of this machine."""
    return [_standing(outbox) for outbox in _outboxes(root)]


def copies_in(root: str) -> list[tuple[str, list[Copy]]]:
    """The local copies in a root of what servers have all of, by server; those with none are left out."""
    found = [(outbox.server, copies(outbox)) for outbox in _outboxes(root)]
    return [(server, those) for server, those in found if those]


def whereabouts(root: str, experiment_id: str) -> list[Whereabouts]:
    """Where an experiment of a root is on servers, and how far that is."""
    found = []
    for outbox in _outboxes(root):
        if any(one.experiment_id == experiment_id for one in outbox.everything()):
            left = pending(outbox)
            filed = outbox.done().get(experiment_id)
            states = [one for one in outbox.states() if experiment_id in one.behind]
            why = states[0].behind[experiment_id].why or states[0].error if states else ""
            complete = experiment_id not in left
            if complete and filed is not None and filed.deleted:
                complete, why = False, DELETED
            found.append(
                Whereabouts(
                    outbox.server, complete, filed.filed if filed else "", "" if complete else why
                )
            )
    return found


def _outboxes(root: str) -> list[Outbox]:
    return list(outboxes(RootLayout(root))) if os.path.isdir(root) else []


def _standing(outbox: Outbox) -> Standing:
    left = pending(outbox)
    states = outbox.states()
    contacts = [one.contact for one in states if one.contact is not None]
    found = []
    for id, prefix in left.items():
        known = next((one.behind[id] for one in states if id in one.behind), None)
        found.append(Pending(id, prefix, known.bytes if known else 0, known.why if known else ""))
    with locked(outbox.lock, 0.0) as free:
        running = not free
    gone = {id for id, one in outbox.done().items() if one.deleted} - left.keys()
    ids = {one.experiment_id for one in outbox.everything()}
    return Standing(
        to=outbox.server,
        experiments=len(ids),
        deleted=len(ids & gone),
        pending=tuple(found),
        error=states[0].error if states and left else "",
        contact=max(contacts, default=None),
        running=running,
    )
