"""Whether something is event files of TensorBoard's, and opening them."""

from __future__ import annotations

from ....importing.source import Source
from .source import EventFiles, has_event_files

__all__ = ["open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether it is an event file, or a folder with some."""
    return has_event_files(path)


def open_source(path: str) -> Source:
    """Open event files.

    Raises:
        InvalidValue: There are none.
    """
    return EventFiles(path)
