"""Small experiments that a server has never seen: each goes whole, together with the question whether it is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .files import FileSender, Found, files_in
from .listing import Listed
from .local import Local
from .server import Receiver
from .wire import Frame, Named, Whole

__all__ = ["Parcel", "packed"]

_MOST = 256 << 10
"""Bytes of an experiment up to which it is small."""
_MOST_FILES = 100


class Parcel(NamedTuple):
    """A small experiment as it is sent, the files in it, and the bytes of its segments and of its files."""

    whole: Whole
    files: list[Found]
    bytes: int
    file_bytes: int


def packed(
    local: Local, listed: Sequence[Listed], files: FileSender, server: Receiver
) -> Parcel | None:
    """An experiment as one parcel; None if it is not small, or changes just now.

    Raises:
        OSError: It cannot be read.
    """
    size = sum(one.size for one in listed)
    if size > _MOST or local.share is not None or any(one.sealed for one in listed):
        return None
    frames: list[Frame] = []
    for one in listed:  # events name files that are there: the files are looked for afterwards
        if not one.size:
            continue
        data = local.storage.read(one.name, 0, one.size)
        if len(data) != one.size:
            return None
        frames.append(server.frame(local.id, one.name, 0, data, b"", beside=False))
    found: list[Found] = []
    names: list[Named] = []
    file_bytes = 0
    for file in files_in(local):
        named = files.short(file)
        file_bytes += file.size
        if named is None or len(found) == _MOST_FILES or file_bytes > _MOST:
            return None
        found.append(file)
        names.append(named)
    return Parcel(Whole(frames=tuple(frames), names=tuple(names)), found, size, file_bytes)
