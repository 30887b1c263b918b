"""Whether something is a copy of a store of Anew's, or of a part of one, and opening it."""

from __future__ import annotations

import os

from ....merging.archives import holds_experiments, is_archive
from ....merging.finding import is_within_reach
from ....merging.source import Copies

__all__ = ["open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether experiments of Anew's lie in a folder, a zip or a tar file."""
    return (
        is_within_reach(path)
        if os.path.isdir(path)
        else is_archive(path) and holds_experiments(path)
    )


def open_source(path: str) -> Copies:
    """Open a copy.

    Raises:
        InvalidValue: There are no experiments in it.
    """
    return Copies(path)
