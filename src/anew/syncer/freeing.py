"""Freeing the local copies of what a server has: only of experiments that were recorded with its address.

An experiment is pushed once more right before, so that nothing goes that came in the meantime.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ..index.trash import Trash
from ..reading.local.root import OpenRoot
from ..syncing.outbox import Outbox
from .outcome import Outcome
from .standing import copies

__all__ = ["free_copies"]


def free_copies(
    outbox: Outbox,
    push: Callable[[Mapping[str, str]], Outcome],
    *,
    now: float | None = None,
) -> int:
    """Free the copies that have stayed long enough; the bytes that gives back.

    Args:
        push: Pushes what is new of experiments.

    Raises:
        OSError: The folder cannot be read or written.
    """
    now = time.time() if now is None else now
    wanted = {one.id: one.prefix for one in copies(outbox) if one.is_due(now)}
    if not wanted:
        return 0
    outcome = push(wanted)
    if outcome.error:
        return 0
    due = [one for one in wanted if one not in outcome.left]
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
