"""Whether something is a store of MLflow's, and opening it."""

from __future__ import annotations

import os

from ....importing.source import Source
from .database import Database, is_database
from .files import Files, is_folder_of_files

__all__ = ["open_source", "recognises"]

_NAMES = ("mlflow.db", "mlruns.db")


def recognises(path: str) -> bool:
    """Whether it is a database or folder of MLflow's, or a folder with one in it."""
    return is_database(path) or _inside(path) is not None or is_folder_of_files(path)


def open_source(path: str) -> Source:
    """Open a store of MLflow's.

    Raises:
        InvalidValue: It is none.
    """
    found = _inside(path) or path
    return Files(found) if os.path.isdir(found) else Database(found)


def _inside(path: str) -> str | None:
    """The store in a folder that programs were started in."""
    for name in _NAMES:
        if is_database(os.path.join(path, name)):
            return os.path.join(path, name)
    folder = os.path.join(path, "mlruns")
    return folder if is_folder_of_files(folder) else None
