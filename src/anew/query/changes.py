"""The question for what has changed."""

from __future__ import annotations

import msgspec

__all__ = ["Changes", "ChangesQuestion"]


class ChangesQuestion(msgspec.Struct, frozen=True):
    """What has changed since an earlier answer.

    Attributes:
        since: The cursor of that answer; None asks for a cursor alone.
        wait: Seconds to wait for a change, where there is none yet.
    """

    since: str | None = None
    wait: float = 0.0


class Changes(msgspec.Struct, frozen=True):
    """The answer.

    Attributes:
        cursor: To be given with the next question.
        ids: The experiments that are new or have changed.
        gone: The experiments that are no longer there.
        everything: Whether anything may have changed, because the cursor is too old or from another store.
    """

    cursor: str
    ids: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    everything: bool = False
