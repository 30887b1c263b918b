"""Which kinds of sources can be imported, and which kind a source is.

A kind is a module `trackers/<tracker>/importer/opening.py` with two functions: `recognises` looks at a path without changing anything, and
`open_source` opens it. Kinds with an entry in `_ADDRESSED` are asked about addresses (`https://…`, `postgresql://…`) as well.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from ..errors import InvalidValue, NotFound
from ..importing.foreign import resolved
from ..importing.importer import Copies
from ..importing.source import Source

__all__ = ["KINDS", "kind_of", "open_source"]

KINDS: dict[str, str] = {
    "anew": "Anew: a store, a part of one, or an experiment's folder, as a folder, zip or tar file",
    "mlflow": "MLflow: a folder of files (mlruns), an SQLite or PostgreSQL database, or a server",
    "trackio": "trackio: a project's database, or the folder with them",
    "aim": "Aim: a repository, .aim or the folder that it lies in; needs the package aimrocks",
    "clearml": "ClearML: offline sessions, folders and zip files",
    "wandb": "W&B: folders of runs, offline or synced, or a project of its service",
    "dvclive": "DVCLive: its folders",
    "ml-dash": "ml-dash: the folders that it records to (.dash)",
    "neptune": "Neptune: what neptune-exporter wrote",
    "sacred": "Sacred: the folder of a FileStorageObserver",
    "swanlab": "SwanLab: folders of runs (swanlog)",
    "tensorboard": "TensorBoard: event files, a folder for each run",
    "table": "CSV, TSV and JSONL files, compressed or not; --map says which column is what",
}
"""What each kind is, for people. The first that recognises a source is taken."""

_ADDRESSED = ("wandb", "mlflow")
"""The kinds that may lie at an address instead of a path, in the order in which they are asked."""
_MAPPED = "table"


class _Kind(Protocol):
    def recognises(self, path: str) -> bool:
        """Whether it can read what lies at a path."""
        ...

    def open_source(self, path: str) -> Source | Copies:
        """Open it."""
        ...

    def open_mapped(self, path: str, mapping: Sequence[str]) -> Source:
        """Open it, given which column is what; of tables alone."""
        ...


def _kind(name: str) -> _Kind:
    return cast("_Kind", import_module(f".{name.replace('-', '_')}.importer.opening", __package__))


def _is_address(where: str) -> bool:
    return "://" in where


def kind_of(where: str) -> str:
    """The kind of source that lies at a path or an address.

    Raises:
        NotFound: Nothing lies there.
        InvalidValue: It is none that is known.
    """
    where = _there(where)
    for name in _ADDRESSED if _is_address(where) else KINDS:
        if _kind(name).recognises(where):
            return name
    raise InvalidValue(
        f"{_told(where)} is nothing that can be imported: it is none of {', '.join(KINDS)}. If it is, say which with --as.",
        key="source",
    )


def open_source(
    where: str, kind: str | None = None, mapping: Sequence[str] = ()
) -> Source | Copies:
    """Open what lies at a path or an address for an import.

    Args:
        kind: One of `KINDS`; by what lies there if not given.
        mapping: Of tables, which column is what; see `trackers.table.importer.mapping`.

    Raises:
        NotFound: Nothing lies there.
        InvalidValue: It is of no known kind, or not of that kind.
    """
    if kind is not None and kind not in KINDS:
        raise InvalidValue(
            f"{kind!r} is no kind of source; there are {', '.join(KINDS)}.", key="as"
        )
    where = _there(where)
    if kind is not None and _is_address(where) and kind not in _ADDRESSED:
        raise InvalidValue(f"{kind} is read from folders and files, not from addresses.", key="as")
    if not mapping:
        return _kind(kind or kind_of(where)).open_source(where)
    if kind not in (None, _MAPPED):
        raise InvalidValue(f"--map is for tables, and not for {kind}.", key="map")
    return _kind(_MAPPED).open_mapped(where, mapping)


def _there(where: str) -> str:
    """An address as it is; where a path leads to."""
    if _is_address(where):
        return where
    if not os.path.lexists(where):
        raise NotFound(f"There is nothing at {where} to import.", name=where)
    return resolved(where)


def _told(where: str) -> str:
    """A path or an address without a password."""
    scheme, found, rest = where.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if found else where
