"""Which files of a folder belong to one of several experiments in it: those of its writers, and those that these logged."""

from __future__ import annotations

import os

from .storage import FolderStorage, Share, SharedStorage

__all__ = ["files_of"]

_NAMES_FOR_PEOPLE = ("logs.jsonl", "train.log")


def files_of(folder: str, share: Share) -> list[str]:
    """The files that an experiment has to itself in a folder that it shares with others; its journal last.

    What names no writer, such as the documents and the captures of the first experiment, is not among them.
    """
    from ..record.events import FileLogged, ValueLogged
    from .follow import read_events

    storage = SharedStorage(FolderStorage(folder), share)
    logged: list[str] = []
    for written in read_events(storage):
        event = written.event
        if isinstance(event, (FileLogged, ValueLogged)) and event.path is not None:
            parts = event.path.split("/")
            if parts[0] in ("files", "values") and not {"", ".", ".."}.intersection(parts):
                logged.append(os.path.join(folder, *parts))
    of_openings = [
        os.path.join(at, name)
        for blob in storage.list("journal")
        for at, _, names in os.walk(os.path.join(folder, "openings", blob.name.rpartition(".")[0]))
        for name in names
    ]
    of_writers = [
        os.path.join(folder, inside, blob.name)
        for inside in ("metrics", "logs", "journal")
        for blob in storage.list(inside)
        if blob.name not in _NAMES_FOR_PEOPLE
    ]
    there = [path for path in dict.fromkeys([*logged, *of_openings]) if _is_inside(path, folder)]
    return [*there, *of_writers]


def _is_inside(path: str, folder: str) -> bool:
    """Whether it is a plain file in the folder, and no link leads to it."""
    real = os.path.join(os.path.realpath(folder), os.path.relpath(path, folder))
    return os.path.isfile(path) and os.path.realpath(path) == real
