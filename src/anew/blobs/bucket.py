"""Blobs in a bucket: S3, Google Cloud Storage or Azure, or in memory, through obstore."""

from __future__ import annotations

import builtins
import contextlib
import errno
import os
import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from ..errors import InvalidValue, MissingDependency
from .blob import Blob, Data
from .keys import check_folder, check_key

__all__ = ["PATIENCE", "BucketBlobs"]

# What lies side by side in a blob is often read one after the other: one request brings the neighbours too.
_WINDOW = 4 * 1024 * 1024
_WINDOWS = 8
_IN_ONE = 64 << 20
"""Bytes of a file up to which it is put with one request."""

PATIENCE: Mapping[str, Any] = {
    "retry_config": {
        "max_retries": 5,
        "retry_timeout": timedelta(seconds=15),
        "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=3), "base": 2},
    },
}  # fmt: skip
"""Options for those whose own callers wait: obstore would try for three minutes before it says that a bucket is away."""


class BucketBlobs:
    """Blobs below a prefix of a bucket; see `anew.blobs.protocol.Blobs` for what its methods promise.

    The service must support conditional puts; S3, Google Cloud Storage and Azure do.

    Args:
        url: The bucket and prefix, such as `s3://lab/weights`, or `memory:`.
        durable: Kept for callers that ask; a bucket has what it has acknowledged.
        options: What obstore needs besides the URL, such as `endpoint` or `region`.
        unchanging: A folder whose blobs are written once and never replaced. Ranges of them are read a few megabytes at
            a time and remembered, so one that was deleted elsewhere may be read a little longer.

    Raises:
        MissingDependency: obstore is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        durable: bool = True,
        options: Mapping[str, Any] | None = None,
        unchanging: str = "",
    ) -> None:
        try:
            from obstore.store import MemoryStore, from_url
        except ImportError as error:
            raise MissingDependency.of("A bucket", "obstore", "s3") from error

        self.url = url
        self.durable = durable
        self._store: Any = (
            MemoryStore() if url.startswith("memory:") else from_url(url, **dict(options or {}))
        )
        self._unchanging = f"{check_key(unchanging)}/" if unchanging else None
        self._folder: str | None = None
        self._windows: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"BucketBlobs({self.url!r})"

    # -- reading ----------------------------------------------------------------------------------

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Blobs.read`."""
        check_key(key)
        if start < 0 or (length is not None and length < 0):
            raise InvalidValue(f"A byte range cannot be negative: start={start}, length={length}.")
        if length == 0:
            self.size(key)  # for the error, if there is no such blob
            return b""
        if length is not None and self._unchanging and key.startswith(self._unchanging):
            return self._through_windows(key, start, length)
        return self._range(key, start, length)

    def tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Blobs.tail`."""
        import obstore

        if length < 0:
            raise InvalidValue(f"A length cannot be negative: {length}.")
        check_key(key)
        if length == 0:
            return b"", self.size(key)
        try:
            with _as_os_errors(key):
                found = obstore.get(self._store, key, options={"range": {"suffix": length}})
                return bytes(found.bytes()), int(found.meta["size"])
        except OSError:
            if self.size(key) == 0:  # an empty blob has no range that could be asked for
                return b"", 0
            raise

    def size(self, key: str) -> int:
        """See `Blobs.size`."""
        import obstore

        with _as_os_errors(check_key(key)):
            return int(obstore.head(self._store, key)["size"])

    def link(self, key: str, seconds: float) -> str | None:
        """An address under which whoever has it can read a blob for some seconds; None where the service makes none.

        Raises:
            OSError: There are no keys to sign it with.
        """
        import obstore

        check_key(key)
        if self.url.startswith("memory:"):
            return None
        with _as_os_errors(key):
            return str(obstore.sign(self._store, "GET", key, expires_in=timedelta(seconds=seconds)))

    @contextlib.contextmanager
    def local(self, key: str) -> Iterator[str]:
        """See `Blobs.local`."""
        data = self.read(key)
        path = os.path.join(self.scratch(), f"{os.urandom(8).hex()}.copy")
        try:
            with open(path, "xb") as file:
                file.write(data)
            yield path
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def list(self, folder: str = "") -> builtins.list[Blob]:
        """See `Blobs.list`."""
        import obstore

        with _as_os_errors(check_folder(folder)):
            return [
                Blob(str(meta["path"]), int(meta["size"]), meta["last_modified"].timestamp())
                for batch in obstore.list(self._store, prefix=folder or None)
                for meta in batch
                if str(meta["path"]) != folder
            ]

    def keys(self, folder: str = "") -> builtins.list[str]:
        """See `Blobs.keys`."""
        return [blob.key for blob in self.list(folder)]

    def is_empty(self) -> bool:
        """See `Blobs.is_empty`."""
        import obstore

        with _as_os_errors(self.url):
            return all(len(batch) == 0 for batch in obstore.list(self._store, chunk_size=1))

    # -- writing ----------------------------------------------------------------------------------

    def create(self, key: str, data: Data) -> bool:
        """See `Blobs.create`."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with _as_os_errors(check_key(key)):
            try:
                obstore.put(self._store, key, bytes(data), mode="create", use_multipart=False)
            except AlreadyExistsError:
                # A put that was answered with an error after it was done is ours all the same.
                with contextlib.suppress(FileNotFoundError):
                    return self.read(key) == data
                return False
        return True

    def replace(self, key: str, data: Data, *, lasting: bool = True) -> None:
        """See `Blobs.replace`."""
        import obstore

        with _as_os_errors(check_key(key)):
            obstore.put(self._store, key, bytes(data), use_multipart=False)
        self._forget(key)

    def upload(self, key: str, source: str | os.PathLike[str]) -> None:
        """See `Blobs.upload`."""
        from pathlib import Path

        import obstore

        size = os.path.getsize(source)
        if size <= _IN_ONE:  # decided by the service, as `create` is
            with open(source, "rb") as file:
                if not self.create(key, file.read()):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), key)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(source)
            return
        # Services have no conditional upload in parts, so the key is looked at before.
        try:
            taken = self.size(key)
        except FileNotFoundError:
            with _as_os_errors(key):
                obstore.put(self._store, key, Path(source), max_concurrency=4)
        else:
            # An upload that was answered with an error after it was done is ours all the same.
            if taken != size or not self._holds(key, source):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), key)
        self._forget(key)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(source)

    def delete(self, key: str) -> None:
        """See `Blobs.delete`."""
        import obstore

        with contextlib.suppress(FileNotFoundError), _as_os_errors(check_key(key)):
            obstore.delete(self._store, key)
        self._forget(key)

    def scratch(self) -> str:
        """See `Blobs.scratch`."""
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.mkdtemp(prefix="anew-blobs-")
                weakref.finalize(self, _remove, self._folder, os.getpid())
            return self._folder

    # -- inside -----------------------------------------------------------------------------------

    def _range(self, key: str, start: int, length: int | None) -> bytes:
        import obstore

        try:
            with _as_os_errors(key):
                if length is not None:
                    return bytes(obstore.get_range(self._store, key, start=start, length=length))
                if start == 0:
                    return bytes(obstore.get(self._store, key).bytes())
                options: Any = {"range": {"offset": start}}
                return bytes(obstore.get(self._store, key, options=options).bytes())
        except FileNotFoundError:
            raise
        except OSError:
            if self.size(key) <= start:  # services refuse a range that begins at or past the end
                return b""
            raise

    def _holds(self, key: str, source: str | os.PathLike[str]) -> bool:
        """Whether a blob has the bytes of a file of the same size."""
        with open(source, "rb") as file:
            at = 0
            while part := file.read(_WINDOW):
                if self._range(key, at, len(part)) != part:
                    return False
                at += len(part)
        return True

    def _through_windows(self, key: str, start: int, length: int) -> bytes:
        with self._lock:
            for (name, begin), data in reversed(self._windows.items()):
                if name == key and begin <= start and start + length <= begin + len(data):
                    return data[start - begin : start - begin + length]
        data = self._range(key, start, max(length, _WINDOW))
        with self._lock:
            self._windows[key, start] = data
            while len(self._windows) > _WINDOWS:
                self._windows.popitem(last=False)
        return data[:length]

    def _forget(self, key: str) -> None:
        with self._lock:
            for window in [window for window in self._windows if window[0] == key]:
                del self._windows[window]


@contextlib.contextmanager
def _as_os_errors(what: str) -> Iterator[None]:
    """obstore's own errors as the OSErrors that the protocol promises."""
    from obstore import exceptions as failed

    try:
        yield
    except failed.NotFoundError as error:
        raise FileNotFoundError(2, "No such blob", what) from error
    except (failed.PermissionDeniedError, failed.UnauthenticatedError) as error:
        raise PermissionError(13, f"The bucket refused access: {error}", what) from error
    except failed.BaseError as error:
        raise OSError(f"The bucket reported an error for {what!r}: {error}") from error


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # a fork that ends must not take it from its parent
        shutil.rmtree(folder, ignore_errors=True)
