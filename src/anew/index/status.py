"""The status that readers show when a writer may have vanished without recording its end."""

from __future__ import annotations

import msgspec

from ..journal.vanished import Gone, settle
from ..record.fold import ExperimentState
from ..record.status import Status

__all__ = ["GIVE_UP_SECONDS", "shown"]

GIVE_UP_SECONDS = 7 * 86400.0
"""A writer elsewhere that was silent this long is no longer looked for, until it is announced again."""


def shown(
    state: ExperimentState, gone: list[Gone]
) -> tuple[Status, str | None, float | None, float]:
    """The status, reason and end time to show, and the seconds in between in which no opening ran.

    The state itself is not changed.
    """
    if gone:
        writers = {name: msgspec.structs.replace(w) for name, w in state.writers.items()}
        state = msgspec.structs.replace(state, writers=writers)
        settle(state, gone)
    status, reason = state.outcome()
    ended_at = None if status is Status.RUNNING else state.ended_at
    return status, reason, ended_at, state.paused()
