"""What is known of a blob without reading it."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    Data = bytes | bytearray | memoryview

    class Blob(NamedTuple):
        """A blob's key, its size in bytes, and when it was last changed, in seconds since the epoch."""

        key: str
        size: int
        modified: float

else:  # `typing` takes longer to load than everything that the write side needs of this room
    Data = bytes
    Blob = namedtuple("Blob", ("key", "size", "modified"))

__all__ = ["Blob", "Data"]
