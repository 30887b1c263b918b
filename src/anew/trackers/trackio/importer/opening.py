"""Whether something is a store of trackio's, and opening it."""

from __future__ import annotations

from ....importing.source import Source
from .source import Projects, databases_in

__all__ = ["open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether it is a project's database, or trackio's folder with them."""
    return bool(databases_in(path))


def open_source(path: str) -> Source:
    """Open a store of trackio's.

    Raises:
        InvalidValue: It is none.
    """
    return Projects(path)
