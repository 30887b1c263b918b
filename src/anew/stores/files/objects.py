"""Files through obstore: a local folder now; the same calls reach S3, GCS and Azure."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["ObjectFiles", "local_files"]


class ObjectFiles:
    """A `FileStore` on any store that obstore reaches."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def size(self, key: str) -> int:
        """See `FileStore.size`."""
        import obstore

        return int(obstore.head(self._store, _checked(key))["size"])

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `FileStore.read`."""
        import obstore

        size = self.size(key)
        end = size if length is None else min(size, start + length)
        if start >= end:
            return b""
        return bytes(obstore.get_range(self._store, _checked(key), start=start, end=end))

    def open(self, key: str) -> BinaryIO:
        """See `FileStore.open`."""
        import obstore

        file = obstore.open_reader(self._store, _checked(key))
        return cast(BinaryIO, io.BufferedReader(_Raw(file), 1 << 20))

    def save(self, key: str, target: str) -> int:
        """See `FileStore.save`."""
        import obstore

        temporary = f"{target}.{os.urandom(4).hex()}.tmp"
        size = 0
        try:
            chunks = obstore.get(self._store, _checked(key)).stream(min_chunk_size=1 << 20)
            with open(temporary, "wb") as file:
                for chunk in chunks:
                    size += file.write(chunk)
            os.replace(temporary, target)
        finally:
            if os.path.exists(temporary):
                os.remove(temporary)
        return size


class _Raw(io.RawIOBase):
    """obstore's reader in the clothes of a Python file."""

    def __init__(self, file: object) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = bytes(self._file.read(len(buffer)))  # type: ignore[attr-defined]
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))  # type: ignore[attr-defined]

    def tell(self) -> int:
        return int(self._file.tell())  # type: ignore[attr-defined]


def local_files(root: str) -> ObjectFiles:
    """The files below a local folder."""
    from obstore.store import LocalStore

    return ObjectFiles(LocalStore(root))


def _checked(key: str) -> str:
    if not key or key.startswith("/") or any(part in ("", ".", "..") for part in key.split("/")):
        raise ValueError(f"{key!r} is not a path below the root.")
    return key
