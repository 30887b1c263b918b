"""Whether something is a folder of DVCLive's, and opening it."""

from __future__ import annotations

from ....importing.source import Source
from .source import Folders, folders_below

__all__ = ["open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether it is a folder of DVCLive's, or a folder with one in it."""
    return bool(folders_below(path))


def open_source(path: str) -> Source:
    """Open folders of DVCLive's.

    Raises:
        InvalidValue: There are none.
    """
    return Folders(path)
