"""Whether what a client sends belongs to the experiment that it is sent for: a record must not speak for another one."""

from __future__ import annotations

import json

from ...journal.storage import Storage
from ...record.decode import decode_events
from ...record.events import Opened

__all__ = ["belongs", "is_about"]

_MOST_OPENING = 16 << 20


def belongs(storage: Storage, experiment_id: str, name: str, data: bytes) -> str | None:
    """Why a new segment of events may not begin with these bytes; None if it may.

    Args:
        storage: What of the experiment is there.
        data: The first bytes, with the whole of the first line.
    """
    writer = name.rpartition("/")[2].removesuffix(".jsonl")
    if writer.startswith("edit-"):
        own = writer.startswith(f"edit-{experiment_id}-")
        return None if own else "it holds edits of another experiment"
    opened = _opening(data)
    if opened is None:
        return "its first bytes are not a whole line that says who writes it"
    if opened.experiment_id == experiment_id or _went_on(storage, experiment_id, opened, writer):
        return None
    return "it belongs to another experiment"


def _went_on(storage: Storage, experiment_id: str, opened: Opened, writer: str) -> bool:
    """Whether the experiment goes on from a copy of the one that a writer belongs to, and had seen what the writer wrote."""
    for blob in storage.list("journal"):
        own = _opening(storage.read(f"journal/{blob.name}", 0, _MOST_OPENING))
        if (
            own is not None
            and own.experiment_id == experiment_id
            and own.fork_of == opened.experiment_id
            and writer in (own.after or {})
        ):
            return True
    return False


def _opening(data: bytes) -> Opened | None:
    events, _ = decode_events(data[: data.find(b"\n") + 1])
    return events[0][1] if events and isinstance(events[0][1], Opened) else None


def is_about(document: bytes, experiment_id: str) -> bool:
    """Whether a document for people, `metadata.json`, is of this experiment."""
    try:
        return bool(json.loads(document)["experiment_id"] == experiment_id)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False
