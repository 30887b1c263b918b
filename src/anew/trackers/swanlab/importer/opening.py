"""Whether something is a folder of SwanLab's, and opening it."""

from __future__ import annotations

from ....importing.source import Source
from .source import Folders, logs_below

__all__ = ["open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether it is a folder of a run, SwanLab's folder, or a folder that it lies in."""
    return bool(logs_below(path))


def open_source(path: str) -> Source:
    """Open folders of SwanLab's.

    Raises:
        InvalidValue: There are no runs.
    """
    return Folders(path)
