"""Whether something is a folder of W&B's, and opening it."""

from __future__ import annotations

import os

from ....importing.source import Source
from .source import Folders, logs_below

__all__ = ["open_source", "recognises"]


def recognises(path: str) -> bool:
    """Whether it is a folder of a run, W&B's folder, or a folder that it lies in."""
    return bool(logs_below(path))


def open_source(path: str) -> Source:
    """Open folders of W&B's.

    Raises:
        InvalidValue: There are no runs.
    """
    return Folders(path, _caches())


def _caches() -> list[str]:
    """Where W&B keeps contents of artifacts on this machine, by its own settings."""
    home = os.path.expanduser("~")
    given = [os.environ.get("WANDB_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME")]
    places = [
        given[0],
        given[1] and os.path.join(given[1], "wandb"),
        os.path.join(home, ".cache", "wandb"),
    ]
    return [place for place in places if place]
