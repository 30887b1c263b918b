"""Whether something is a folder of Sacred's, and opening it."""

from __future__ import annotations

from ....importing.source import Source
from .source import Runs, runs_below

__all__ = ["open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether it is the folder of an observer, or that of one run."""
    return bool(runs_below(path))


def open_source(path: str) -> Source:
    """Open a folder of Sacred's.

    Raises:
        InvalidValue: There are no runs.
    """
    return Runs(path)
