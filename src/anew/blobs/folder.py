"""Blobs in a folder of a file system, through rename and hard link, with fsync where it matters.

This loads nothing but the standard library's smallest parts, so that the write side may use it.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import os
import stat
import time

from ..errors import InvalidName, InvalidValue
from .blob import Blob
from .keys import check_folder, check_key, is_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .blob import Data

__all__ = ["FolderBlobs"]

_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | os.O_CLOEXEC
# What the system says of a name on whose way, or at whose end, there is no file of ours.
_ABSENT = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EMLINK, errno.ENXIO}
)
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS})
_MOST_CHECKED = 4096


class FolderBlobs:
    """Blobs below a folder; see `anew.blobs.protocol.Blobs` for what its methods promise.

    On a file system without hard links `create` still lets one writer win, but a reader may see the blob before it is
    whole, and a crash may leave a part of it.

    Args:
        root: The folder; it is made by the first blob.
        durable: Whether writing waits for the disk.
        scratch: The folder below the root for files on their way; no key lies below it.
    """

    def __init__(
        self, root: str | os.PathLike[str], *, durable: bool = True, scratch: str = "tmp"
    ) -> None:
        self.root = os.path.abspath(root)
        self.url = self.root
        self.durable = durable
        self._scratch = scratch
        self._checked: set[str] = set()

    def __repr__(self) -> str:
        return f"FolderBlobs({self.root!r})"

    # -- reading ----------------------------------------------------------------------------------

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Blobs.read`."""
        if start < 0 or (length is not None and length < 0):
            raise InvalidValue(f"A byte range cannot be negative: start={start}, length={length}.")
        with self._open(key) as fd:
            if length is None:
                length = max(0, os.fstat(fd).st_size - start)
            return _range(fd, start, length)

    def tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Blobs.tail`."""
        if length < 0:
            raise InvalidValue(f"A length cannot be negative: {length}.")
        with self._open(key) as fd:
            size = os.fstat(fd).st_size
            start = max(0, size - length)
            return _range(fd, start, size - start), size

    def size(self, key: str) -> int:
        """See `Blobs.size`."""
        with self._open(key) as fd:
            return os.fstat(fd).st_size

    @contextlib.contextmanager
    def local(self, key: str) -> Iterator[str]:
        """See `Blobs.local`."""
        with self._open(key):
            pass
        yield self._path(key)

    def list(self, folder: str = "") -> builtins.list[Blob]:
        """See `Blobs.list`."""
        found = []
        for key, entry in self._walk(folder):
            # A blob may be deleted between two steps of this walk.
            with contextlib.suppress(FileNotFoundError):
                about = entry.stat(follow_symlinks=False)
                found.append(Blob(key, about.st_size, about.st_mtime))
        return found

    def keys(self, folder: str = "") -> builtins.list[str]:
        """See `Blobs.keys`."""
        return [key for key, _ in self._walk(folder)]

    def is_empty(self) -> bool:
        """See `Blobs.is_empty`."""
        try:
            with os.scandir(self.root) as entries:
                return all(entry.name == self._scratch for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return not os.path.lexists(self.root)

    # -- writing ----------------------------------------------------------------------------------

    def create(self, key: str, data: Data) -> bool:
        """See `Blobs.create`."""
        target = self._path(key)
        if os.path.lexists(target):
            return False
        temporary = self._write(data, lasting=True)
        try:
            self._make_folder(os.path.dirname(target))
            os.link(temporary, target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return self._create_exclusively(target, data)
        finally:
            _unlink(temporary)
        self._sync(os.path.dirname(target))
        return True

    def replace(self, key: str, data: Data, *, lasting: bool = True) -> None:
        """See `Blobs.replace`."""
        target = self._path(key)
        temporary = self._write(data, lasting=lasting)
        try:
            self._make_folder(os.path.dirname(target))
            os.replace(temporary, target)
        except BaseException:
            _unlink(temporary)
            raise
        if lasting:
            self._sync(os.path.dirname(target))

    def upload(self, key: str, source: str | os.PathLike[str]) -> None:
        """See `Blobs.upload`."""
        target = self._path(key)
        if self.durable:
            self._sync(source)
        self._make_folder(os.path.dirname(target))
        try:
            os.link(source, target)
        except FileExistsError:
            if not os.path.samefile(source, target):  # it is, where an earlier try was interrupted
                raise
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
            os.rename(source, target)
        _unlink(os.fspath(source))
        self._sync(os.path.dirname(target))

    def delete(self, key: str) -> None:
        """See `Blobs.delete`."""
        try:
            os.unlink(self._path(key))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return

    def scratch(self) -> str:
        """See `Blobs.scratch`."""
        folder = os.path.join(self.root, self._scratch)
        os.makedirs(folder, exist_ok=True)
        return folder

    # -- inside -----------------------------------------------------------------------------------

    def _path(self, key: str) -> str:
        """The path of a key, none of whose folders is a link that leads out of the root."""
        check_key(key)
        folder = key.rpartition("/")[0]
        if key.partition("/")[0] == self._scratch:
            raise InvalidName(
                f"The key {key!r} is in {self._scratch!r}, which is reserved for files that are still being written. Choose another key.",
                name=key,
            )
        self._check_inside(folder)
        return os.path.join(self.root, key)

    def _check_inside(self, folder: str) -> None:
        if folder in self._checked:
            return
        path, root = os.path.join(self.root, folder), os.path.realpath(self.root)
        real = os.path.realpath(path)
        if real != root and not real.startswith(root.rstrip(os.sep) + os.sep):
            raise PermissionError(errno.EACCES, "A symbolic link leads out of the folder", path)
        if len(self._checked) >= _MOST_CHECKED:
            self._checked.clear()
        self._checked.add(folder)

    @contextlib.contextmanager
    def _open(self, key: str) -> Iterator[int]:
        path = self._path(key)
        try:
            fd = os.open(path, _OPEN)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise FileNotFoundError(errno.ENOENT, "Something else with this name exists", path)
            yield fd
        finally:
            os.close(fd)

    def _walk(self, folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        check_folder(folder)
        if folder.partition("/")[0] != self._scratch:
            self._check_inside(folder)
            yield from self._below(folder)

    def _below(self, folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        pending = [folder]
        while pending:
            here = pending.pop()
            # A folder may be removed between two steps of this walk.
            with (
                contextlib.suppress(FileNotFoundError, NotADirectoryError),
                os.scandir(os.path.join(self.root, here)) as entries,
            ):
                for entry in entries:
                    key = f"{here}/{entry.name}" if here else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if key != self._scratch:
                            pending.append(key)
                    elif entry.is_file(follow_symlinks=False) and is_key(key):
                        yield key, entry

    def _write(self, data: Data, *, lasting: bool) -> str:
        name = f"{time.time_ns():x}-{os.urandom(6).hex()}.part"
        temporary = os.path.join(self.scratch(), name)
        try:
            self._fill(temporary, data, sync=lasting)
        except BaseException:
            _unlink(temporary)
            raise
        return temporary

    def _create_exclusively(self, target: str, data: Data) -> bool:
        """Put if absent on a file system without hard links."""
        try:
            self._fill(target, data, sync=True)
        except FileExistsError:
            return False
        except BaseException:
            _unlink(target)
            raise
        self._sync(os.path.dirname(target))
        return True

    def _fill(self, path: str, data: Data, *, sync: bool) -> None:
        with open(path, "xb") as file:
            file.write(data)
            file.flush()
            if sync and self.durable:
                os.fsync(file.fileno())

    def _make_folder(self, folder: str) -> None:
        """Make a folder and those above it, and let the disk know of each."""
        if os.path.isdir(folder):
            return
        above = os.path.dirname(folder)
        if above != folder:
            self._make_folder(above)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
            self._sync(above)

    def _sync(self, path: str | os.PathLike[str]) -> None:
        if not self.durable:
            return
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _range(fd: int, start: int, length: int) -> bytes:
    """Bytes of a file; one call gives at most two gigabytes, and fewer at the end."""
    parts = []
    while length > 0 and (part := os.pread(fd, min(length, 1 << 30), start)):
        parts.append(part)
        start += len(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
