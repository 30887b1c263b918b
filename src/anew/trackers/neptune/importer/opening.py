"""Whether something was written by Neptune's exporter, and opening it."""

from __future__ import annotations

from ....importing.source import Source
from .source import Exports, parts_below

__all__ = ["open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether it is the folder of an export, that of its data, or that of one project."""
    return bool(parts_below(path))


def open_source(path: str) -> Source:
    """Open an export.

    Raises:
        InvalidValue: There are no runs.
    """
    return Exports(path)
