"""The files seam: reading the bytes of logged files."""

from __future__ import annotations

from typing import BinaryIO, Protocol

__all__ = ["FileStore"]


class FileStore(Protocol):
    """Gives the bytes of files by key: the path under the root, with forward slashes.

    Promises:

    - *Keys.* A key that leads out of the root (`..`, an absolute path) is refused with ValueError.
    - *Absence.* `FileNotFoundError`, from every method.
    - *Memory.* Only `read` holds what it returns; the others handle files larger than memory.
    - *Threads.* Any number may use one store.
    """

    def size(self, key: str) -> int:
        """Bytes in a file."""
        ...

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """A file's bytes, or some of them: fewer than `length` where the file ends before."""
        ...

    def open(self, key: str) -> BinaryIO:
        """A file to read and seek in; the caller closes it."""
        ...

    def save(self, key: str, target: str) -> int:
        """Copy a file to a local path, whole or not at all; returns its size."""
        ...
