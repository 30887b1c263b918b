"""Waiting for something to change."""

from __future__ import annotations

import time

from ...query.changes import Changes, ChangesQuestion
from .seen import Seen

__all__ = ["wait_for_changes"]

_INTERVAL = 0.25
"""Seconds between two looks where nobody tells of what is written."""
_LONGEST = 60.0
"""Seconds that one question may wait; whoever wants to wait longer asks again."""


def wait_for_changes(seen: Seen, question: ChangesQuestion) -> Changes:
    """What has changed since a cursor, as soon as something has."""
    stop = time.monotonic() + min(_LONGEST, question.wait)
    while True:
        seen.root.take_in()  # whoever follows wants what comes, also from an index that is otherwise looked at as it is
        found = seen.ask(lambda catalog: catalog.changed(question.since), fresh=False)
        left = stop - time.monotonic()
        if found.ids or found.gone or found.everything or question.since is None or left <= 0:
            return found
        seen.root.pause(min(_INTERVAL, left))
