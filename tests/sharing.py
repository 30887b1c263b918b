"""One server for all processes of a suite: the first that asks starts it, and the last one to leave ends it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


@contextlib.contextmanager
def shared_by_all(
    places: pytest.TempPathFactory,
    name: str,
    start: Callable[[], T],
    attach: Callable[[str], T],
    remove: Callable[[T], None],
    folder_of: Callable[[T], Path],
    leave: Callable[[T], None] = lambda _: None,
) -> Iterator[T]:
    """The server of this suite.

    Each process that uses it holds a lock, which ends with the process however that ends.

    Args:
        places: Where this process of the suite keeps its files.
        name: What is shared.
        start: Starts a server.
        attach: Gives a server that another process has started, by its folder.
        remove: Ends a server and removes what it kept.
        folder_of: Where a server lies.
        leave: Lets go of a server that others go on with, and end.
    """
    place = places.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    note, change = place / name, place / f"{name}-change"
    with open(place / f"{name}-users", "ab") as users:
        with _locked(change):
            if note.exists():
                server = attach(note.read_text())
            else:
                server = start()
                note.write_text(str(folder_of(server)))
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server
        finally:
            with _locked(change):
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    leave(server)
                else:
                    note.unlink()
                    remove(server)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
