"""Freeing the local copies of what a server has: only of experiments that were recorded with its address.

An experiment is pushed once more right before, so that nothing goes that came in the meantime.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ..index.trash import Trash
from ..reading.local.root import OpenRoot
from ..syncing.outbox import Outbox
from .outcome import Outcome

__all__ = ["Copy", "copies", "free_copies"]


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
        if id in done and not done[id].freed and done[id].t >= one.t
    ]
    return sorted(found, key=lambda one: one.since)


def free_copies(
    outbox: Outbox,
    push: Callable[[Collection[str]], Outcome],
    *,
    now: float | None = None,
) -> int:
    """Free the copies that have stayed long enough; the bytes that gives back.

    Args:
        push: Pushes what is new of experiments.

    Raises:
        OSError: The folder cannot be read or written.
    """
    due = [one.id for one in copies(outbox) if one.is_due(time.time() if now is None else now)]
    if not due:
        return 0
    outcome = push(due)
    if outcome.error:
        return 0
    due = [one for one in due if one not in outcome.left]
    root = OpenRoot(outbox.root.root)
    try:
        root.refresh()
        with root.guard:
            freed = Trash(root.index).free_copies(due)
    finally:
        root.close()
    for one in due:
        outbox.note_done(one, outcome.filed.get(one, ""), freed=True)
    return freed.bytes
