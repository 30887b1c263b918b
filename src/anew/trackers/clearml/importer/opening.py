"""Whether something is an offline session of ClearML's, and opening it."""

from __future__ import annotations

from ....importing.source import Source
from .container import sessions_at
from .source import Sessions

__all__ = ["open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether it is a session's folder or zip file, or a folder with some."""
    return bool(sessions_at(path))


def open_source(path: str) -> Source:
    """Open sessions of ClearML's.

    Raises:
        InvalidValue: There are none.
    """
    return Sessions(path)
