"""Identifying the experiment that a journal belongs to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ..record.decode import decode_events
from ..record.events import Opened
from .storage import Storage

__all__ = ["identify", "last_opened", "openings"]

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FIRST_BYTES = 4 << 10
_MOST_BYTES = (
    16 << 20
)  # of an opening that names ten thousand writers; what has no line end by then is no opening


def identify(storage: Storage) -> str | None:
    """The id of the experiment with these files, as its journal says; None if there is none.

    Raises:
        OSError: They are there and cannot be read.
    """
    for opened in openings(storage):
        return _checked(opened.experiment_id)
    if not storage.list("journal"):
        return None
    try:  # no opening can be read; the document for people repeats the id
        return _checked(json.loads(storage.read("metadata.json", 0, _MOST_BYTES))["experiment_id"])
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return None


def openings(storage: Storage) -> Iterator[Opened]:
    """What the writers said when they began, by the writers' names; what is no opening is passed over.

    Raises:
        OSError: The files are there and cannot be read.
    """
    for blob in storage.list("journal"):
        if blob.name.endswith(".jsonl"):
            events, _ = decode_events(_first_line(storage, f"journal/{blob.name}"))
            if events and isinstance(events[0][1], Opened):
                yield events[0][1]


def last_opened(storage: Storage) -> float:
    """When the experiment was opened last.

    Raises:
        OSError: The files are there and cannot be read.
    """
    return max((opened.t for opened in openings(storage)), default=0.0)


def _first_line(storage: Storage, path: str) -> bytes:
    want = _FIRST_BYTES
    while want <= _MOST_BYTES:
        try:
            data = storage.read(path, 0, want)
        except FileNotFoundError:
            return b""
        end = data.find(b"\n") + 1
        if end or len(data) < want:
            return data[:end]
        want *= 8
    return b""


def _checked(experiment_id: object) -> str | None:
    """The id, if it is one: it becomes the name of a folder."""
    if isinstance(experiment_id, str) and _ID.fullmatch(experiment_id):
        return experiment_id
    return None
