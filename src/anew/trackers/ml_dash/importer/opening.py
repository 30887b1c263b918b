"""Whether something is a folder of ml-dash's, and opening it."""

from __future__ import annotations

from ....importing.source import Source
from .source import Folders, is_within_reach

__all__ = ["open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether it is a folder that ml-dash records to, a part of one, or the folder with `.dash` in it."""
    return is_within_reach(path)


def open_source(path: str) -> Source:
    """Open a folder of ml-dash's.

    Raises:
        InvalidValue: There are no experiments.
    """
    return Folders(path)
