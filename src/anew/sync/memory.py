"""What is remembered of a server: how each experiment stood on both sides when all of it had arrived.

It only saves looking: without it, a pass compares everything again. So it can be thrown away at any time.
"""

from __future__ import annotations

import contextlib
import os

import msgspec
from blake3 import blake3

from ..journal.layout import RootLayout
from ..journal.root import make_private
from ..record.ids import new_id

__all__ = ["Memory", "Place", "Stood", "recall", "remember"]

_VERSION = 1


class Stood(msgspec.Struct, frozen=True, array_like=True):
    """How an experiment stood: the digests of its segments here and there, when all of it had arrived."""

    here: str
    there: str


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A folder with one experiment: the time and inode of its journal when it was looked into, and the id."""

    changed_ns: int
    inode: int
    id: str


class Memory(msgspec.Struct):
    """What is remembered of one server.

    Attributes:
        experiments: By id.
        positions: How far the files of the root's journal were sent, by name.
        events: How many events of its root's journal the server had then.
        places: Which experiment lies where, by prefix.
    """

    server: str
    version: int = _VERSION
    experiments: dict[str, Stood] = {}
    positions: dict[str, str] = {}
    events: int = 0
    places: dict[str, Place] = {}


def recall(root: RootLayout, server: str) -> Memory:
    """What is remembered of the server whose root has this id; nothing if that cannot be read."""
    with contextlib.suppress(OSError, msgspec.DecodeError), open(_path(root, server), "rb") as file:
        memory = msgspec.msgpack.decode(file.read(), type=Memory)
        if memory.version == _VERSION and memory.server == server:
            return memory
    return Memory(server)


def remember(root: RootLayout, memory: Memory) -> None:
    """Keep what is remembered; where it cannot be written, the next pass compares again."""
    with contextlib.suppress(OSError):
        make_private(root, root.sync)
        path = _path(root, memory.server)
        draft = f"{path}.{new_id()}.part"
        try:
            with open(draft, "xb") as file:
                file.write(msgspec.msgpack.encode(memory))
            os.replace(draft, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)


def _path(root: RootLayout, server: str) -> str:
    return os.path.join(root.sync, f"{blake3(server.encode()).hexdigest()[:16]}.msgpack")
