"""Which kinds of sources can be imported, and which kind a source is.

A kind is a module `trackers/<tracker>/importer/opening.py` with two functions: `recognises` looks at a path without changing anything, and
`open_source` opens it.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Protocol, cast

from ..errors import InvalidValue, NotFound
from ..importing.importer import Copies
from ..importing.source import Source

__all__ = ["KINDS", "kind_of", "open_source"]

KINDS: dict[str, str] = {
    "anew": "Anew: a store, a part of one, or an experiment's folder, as a folder, zip or tar file",
    "mlflow": "MLflow: a folder of files (mlruns), or an SQLite database",
    "trackio": "trackio: a project's database, or the folder with them",
    "wandb": "W&B: folders of runs, offline or synced",
    "dvclive": "DVCLive: its folders",
    "tensorboard": "TensorBoard: event files, a folder for each run",
}
"""What each kind is, for people. The first that recognises a source is taken."""


class _Kind(Protocol):
    def recognises(self, path: str) -> bool:
        """Whether it can read what lies at a path."""
        ...

    def open_source(self, path: str) -> Source | Copies:
        """Open it."""
        ...


def _kind(name: str) -> _Kind:
    return cast("_Kind", import_module(f".{name.replace('-', '_')}.importer.opening", __package__))


def kind_of(path: str) -> str:
    """The kind of source that lies at a path.

    Raises:
        NotFound: Nothing lies there.
        InvalidValue: It is none that is known.
    """
    if not os.path.lexists(path):
        raise NotFound(f"There is nothing at {path} to import.", name=path)
    for name in KINDS:
        if _kind(name).recognises(path):
            return name
    raise InvalidValue(
        f"{path} is nothing that can be imported: it is none of {', '.join(KINDS)}. If it is, say which with --as.",
        key="source",
    )


def open_source(path: str, kind: str | None = None) -> Source | Copies:
    """Open what lies at a path for an import.

    Args:
        kind: One of `KINDS`; by what lies there if not given.

    Raises:
        NotFound: Nothing lies there.
        InvalidValue: It is of no known kind, or not of that kind.
    """
    if kind is not None and kind not in KINDS:
        raise InvalidValue(
            f"{kind!r} is no kind of source; there are {', '.join(KINDS)}.", key="as"
        )
    if not os.path.lexists(path):
        raise NotFound(f"There is nothing at {path} to import.", name=path)
    return _kind(kind or kind_of(path)).open_source(path)
