"""Whether something is a repository of Aim's, and opening it."""

from __future__ import annotations

from ....importing.source import Source
from .source import Repository, repository_at

__all__ = ["open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether it is the folder `.aim`, or the folder that it lies in."""
    return repository_at(path) is not None


def open_source(path: str) -> Source:
    """Open a repository of Aim's.

    Raises:
        InvalidValue: It is none, or `aimrocks` is not installed.
    """
    return Repository(path)
