"""A repository in a bucket: S3, GCS, Azure, or memory, through obstore."""

from __future__ import annotations

import builtins
import os
import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from pathlib import Path
from typing import Any

from anew.weights.place import Entry

__all__ = ["BucketPlace"]

# Small objects of one pack lie side by side: one request brings their neighbours too.
_WINDOW = 4 * 1024 * 1024
_WINDOWS = 8


class BucketPlace:
    """A prefix of a bucket. Needs conditional puts (S3, GCS, Azure and memory have them)."""

    def __init__(
        self, url: str, *, durable: bool = True, options: dict[str, Any] | None = None
    ) -> None:
        from obstore.store import MemoryStore, from_url

        self.url = url
        self.durable = durable
        self._store: Any = (
            MemoryStore() if url.startswith("memory:") else from_url(url, **(options or {}))
        )
        self._folder: Path | None = None
        self._windows: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """See Place."""
        import obstore

        if length is None:
            data = bytes(obstore.get(self._store, path).bytes())
            return data[start:]
        if length == 0:
            return b""
        if not path.startswith("packs/"):
            return bytes(obstore.get_range(self._store, path, start=start, length=length))
        return self._through_windows(path, start, length)

    def tail(self, path: str, length: int) -> tuple[bytes, int]:
        """See Place."""
        import obstore

        result = obstore.get(self._store, path, options={"range": {"suffix": length}})
        return bytes(result.bytes()), int(result.meta["size"])

    def list(self, folder: str) -> builtins.list[Entry]:
        """See Place."""
        import obstore

        return [
            Entry(str(meta["path"]), int(meta["size"]), meta["last_modified"].timestamp())
            for batch in obstore.list(self._store, prefix=folder)
            for meta in batch
        ]

    def names(self, folder: str) -> builtins.list[str]:
        """See Place."""
        return [entry.path for entry in self.list(folder)]

    def create(self, path: str, data: bytes) -> bool:
        """See Place."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        try:
            obstore.put(self._store, path, data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            # A put that was answered with an error after it was done is ours all the same:
            # what it carries is unique to its writer.
            return self.read(path) == data
        return True

    def replace(self, path: str, data: bytes, *, lasting: bool = True) -> None:
        """See Place."""
        import obstore

        obstore.put(self._store, path, data, use_multipart=False)

    def upload(self, path: str, source: Path) -> None:
        """See Place."""
        import obstore

        obstore.put(self._store, path, source, max_concurrency=4)
        source.unlink(missing_ok=True)

    def delete(self, path: str) -> None:
        """See Place."""
        import obstore

        try:
            obstore.delete(self._store, path)
        except FileNotFoundError:
            return

    def scratch(self) -> Path:
        """See Place."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="anew-weights-"))
            weakref.finalize(self, _remove, self._folder, os.getpid())
        return self._folder

    def exists(self) -> bool:
        """See Place."""
        import obstore

        return any(len(batch) > 0 for batch in obstore.list(self._store, chunk_size=1))

    def _through_windows(self, path: str, start: int, length: int) -> bytes:
        import obstore

        with self._lock:
            for (name, begin), data in reversed(self._windows.items()):
                if name == path and begin <= start and start + length <= begin + len(data):
                    return data[start - begin : start - begin + length]
        data = bytes(obstore.get_range(self._store, path, start=start, length=max(length, _WINDOW)))
        with self._lock:
            self._windows[path, start] = data
            while len(self._windows) > _WINDOWS:
                self._windows.popitem(last=False)
        return data[:length]


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # A fork that ends must not take it from its parent.
        shutil.rmtree(folder, ignore_errors=True)
