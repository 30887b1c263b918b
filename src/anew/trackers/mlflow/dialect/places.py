"""Where the records go: what a tracking URI means here, and the store behind it."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import anew

if TYPE_CHECKING:
    from anew import Store

__all__ = [
    "get_tracking_uri",
    "is_tracking_uri_set",
    "root",
    "sampling",
    "set_tracking_uri",
    "store",
]

TRACKING_URI = "MLFLOW_TRACKING_URI"
_uri: str | None = None
_told: set[str] = set()
_stores: dict[str, Store] = {}
sampling: dict[str, float | None] = {"interval": None}
"""Seconds between samples of the machine in the runs that follow; None is as Anew does by itself, 0 takes none."""


def set_tracking_uri(uri: str | Path | None) -> None:
    """Choose where runs are recorded from now on.

    A folder, as a path or a `file:` URI, is the store's root. Any other URI (a server, a database) is not contacted:
    records go to the usual store, and a warning says so once. As with MLflow, the programs that this one starts record there too: the
    environment says so, in `MLFLOW_TRACKING_URI`.
    """
    global _uri
    text = str(uri) if uri is not None else ""
    _uri = text or None
    if _uri is None:
        os.environ.pop(TRACKING_URI, None)
        return
    folder = _folder(_uri)
    os.environ[TRACKING_URI] = _uri if folder is None else Path(folder).absolute().as_uri()
    _tell(_uri)


def is_tracking_uri_set() -> bool:
    """Whether the program or the environment (`MLFLOW_TRACKING_URI`) named one."""
    return bool(_uri or os.environ.get(TRACKING_URI))


def get_tracking_uri() -> str:
    """The tracking URI that was set, or that of the store."""
    return _uri or os.environ.get(TRACKING_URI) or Path(root()).as_uri()


def _tell(uri: str) -> None:
    if _folder(uri) is None and uri not in _told:
        _told.add(uri)
        usual = anew.Experiment("-").root
        warnings.warn(
            f"The tracking URI {uri!r} is not contacted: runs are recorded in {usual}. "
            f"ANEW_FORWARD_TO=mlflow:{uri} in the environment sends them there as well.",
            stacklevel=4,
        )


def _folder(uri: str) -> str | None:
    """The folder that a tracking URI names; None for anything else."""
    if uri.startswith("file:"):
        path = uri.removeprefix("file:")
        if path.startswith("//"):
            from urllib.parse import unquote

            path = unquote("/" + path[2:].partition("/")[2])
        return path
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", uri) or uri in ("databricks", "databricks-uc", "uc"):
        return None
    return uri


def root() -> str:
    """The root of the store that runs are recorded in."""
    uri = _uri or os.environ.get(TRACKING_URI)
    if uri:
        _tell(uri)
        folder = _folder(uri)
        if folder is not None:
            return anew.Experiment("-", root=folder).root
    return anew.Experiment("-").root


def store() -> Store | None:
    """The store to ask; None while nothing was recorded there."""
    where = root()
    if not os.path.isdir(where):
        return None
    if where not in _stores:
        _stores[where] = anew.Store(where)
    return _stores[where]
