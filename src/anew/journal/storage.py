"""Where journals are stored: the operations that reading one needs, for a folder, memory or objects.

Everything else about reading a journal (`follow`, `drive`, `vanished`) is a function over these methods.
"""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol

from .layout import is_missing, split_part

__all__ = [
    "Blob",
    "Fetched",
    "FolderJournal",
    "FolderStorage",
    "Journals",
    "Lies",
    "MemoryJournals",
    "MemoryStorage",
    "Share",
    "SharedStorage",
    "Storage",
]

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # opening a pipe must not wait for whoever writes to it
)


class Blob(NamedTuple):
    """A file of an experiment: its name, its bytes, and when it was last written or touched.

    `file` is another number when another file has taken its name (the inode, in a folder); 0 where that is not known.
    """

    name: str
    size: int
    changed_at: float
    file: int = 0


class Fetched(NamedTuple):
    """A range of a file, and how many bytes all of it has."""

    data: bytes
    size: int


class Storage(Protocol):
    """The files of one experiment. Any number of threads may use it.

    Paths are relative to the experiment, with forward slashes. Links are not followed: nothing that lies in a folder
    makes a reader open what is outside of it.
    """

    def list(self, folder: str) -> list[Blob]:
        """The files in a folder such as "journal", sorted by name; none if there is no such folder.

        Raises:
            OSError: The folder is there and cannot be read, or is a link.
        """
        ...

    def read(self, path: str, start: int, length: int) -> bytes:
        """Up to `length` bytes of a file, fewer only at its end.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be read, or is no plain file.
        """
        ...

    def fetch(self, path: str, start: int, length: int) -> Fetched:
        """As `read`, for anything that the experiment keeps: a logged file, a capture, a document for people.

        A link is followed where it leads to another file of the experiment.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be read; with ELOOP, a link leads out of the experiment; with EINVAL, it is no plain file.
        """
        ...

    def local(self, path: str) -> AbstractContextManager[str]:
        """A path on this machine under which a file's bytes can be read while the `with` block runs.

        For what opens files itself, as the reader of sealed parts does. A folder gives the file that is there, without
        copying it; other storages give a copy, which is removed afterwards.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be read, or is no plain file.
        """
        ...


class Share(NamedTuple):
    """What one of several experiments has of the folder that they lie in: some writers, or all but some."""

    writers: frozenset[str]
    all_but: bool = False

    def has(self, writer: str) -> bool:
        """Whether a writer is one of the experiment's."""
        return (writer in self.writers) != self.all_but


class Lies(NamedTuple):
    """Where an experiment lies: the prefix of the folder, and its share where the folder has several experiments."""

    folder: str
    share: Share | None = None


class Journals(Protocol):
    """The journals of all experiments of a root."""

    def of(self, prefix: str) -> Storage:
        """The files of the experiment that is shown at a (checked) prefix, whether or not there is one."""
        ...

    def lies(self, prefix: str) -> Lies:
        """Where the experiment that is shown at a prefix lies."""
        ...


class FolderStorage:
    """A `Storage` in a folder.

    Args:
        folder: The experiment's folder.
    """

    __slots__ = ("folder",)

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def list(self, folder: str) -> list[Blob]:
        """See `Storage.list`."""
        path = os.path.join(self.folder, folder)
        found = []
        try:
            if modes.S_ISLNK(os.lstat(path).st_mode):
                raise OSError(
                    errno.ELOOP, "it is a symbolic link, and links are not followed", path
                )
            with os.scandir(path) as entries:
                for entry in entries:
                    stat = entry.stat(follow_symlinks=False)
                    if not modes.S_ISDIR(stat.st_mode):
                        found.append(Blob(entry.name, stat.st_size, stat.st_mtime, entry.inode()))
        except OSError as error:
            if is_missing(error, path):
                return []
            raise
        return sorted(found)

    def read(self, path: str, start: int, length: int) -> bytes:
        """See `Storage.read`."""
        full = os.path.join(self.folder, *path.split("/"))
        fd = os.open(full, _FLAGS)
        try:
            if not modes.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file", full)
            pieces = []
            while length > 0 and (data := os.pread(fd, length, start)):
                pieces.append(data)
                start, length = start + len(data), length - len(data)
            return b"".join(pieces)
        finally:
            os.close(fd)

    def fetch(self, path: str, start: int, length: int) -> Fetched:
        """See `Storage.fetch`."""
        full = os.path.join(self.folder, *path.split("/"))
        real, own = os.path.realpath(full), os.path.realpath(self.folder)
        if os.path.commonpath([real, own]) != own:
            raise OSError(errno.ELOOP, "it is a symbolic link that leads out of the folder", full)
        try:
            fd = os.open(real, _FLAGS)
        except OSError as error:
            if is_missing(error, real):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), full) from None
            raise
        try:
            found = os.fstat(fd)
            if not modes.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file", full)
            pieces = []
            while length > 0 and (data := os.pread(fd, length, start)):
                pieces.append(data)
                start, length = start + len(data), length - len(data)
            return Fetched(b"".join(pieces), found.st_size)
        finally:
            os.close(fd)

    @contextmanager
    def local(self, path: str) -> Iterator[str]:
        """See `Storage.local`."""
        full = os.path.join(self.folder, *path.split("/"))
        if not modes.S_ISREG(os.lstat(full).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", full)
        yield full


class FolderJournal:
    """The `Journals` of one experiment's folder alone, whatever its prefix.

    Args:
        folder: The experiment's folder.
    """

    __slots__ = ("_storage",)

    def __init__(self, folder: str) -> None:
        self._storage = FolderStorage(folder)

    def of(self, prefix: str) -> FolderStorage:
        """See `Journals.of`."""
        return self._storage

    def lies(self, prefix: str) -> Lies:
        """See `Journals.lies`."""
        return Lies(prefix)


class SharedStorage:
    """What one experiment has of a `Storage` that it shares with others."""

    __slots__ = ("_share", "_whole")

    def __init__(self, whole: Storage, share: Share) -> None:
        self._whole = whole
        self._share = share

    def list(self, folder: str) -> list[Blob]:
        """See `Storage.list`."""
        return [b for b in self._whole.list(folder) if self._is_ours(folder, b.name)]

    def _is_ours(self, folder: str, name: str) -> bool:
        stem, _, suffix = name.rpartition(".")
        if folder == "journal":
            return suffix != "jsonl" or self._share.has(stem)
        if folder == "metrics":
            return self._share.has(split_part(stem)[0])
        if folder == "logs":
            label, dash, writer = stem.partition("-")
            return not dash or label not in ("logs", "train") or self._share.has(writer)
        return True

    def read(self, path: str, start: int, length: int) -> bytes:
        """See `Storage.read`."""
        return self._whole.read(path, start, length)

    def fetch(self, path: str, start: int, length: int) -> Fetched:
        """See `Storage.fetch`."""
        return self._whole.fetch(path, start, length)

    def local(self, path: str) -> AbstractContextManager[str]:
        """See `Storage.local`."""
        return self._whole.local(path)


class MemoryStorage:
    """A `Storage` in memory: `files` maps paths to bytes, `changed_at` to times where they matter."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.changed_at: dict[str, float] = {}

    def append(self, path: str, data: bytes) -> None:
        """Append to a file, as a writer does."""
        self.files[path] = self.files.get(path, b"") + data

    def list(self, folder: str) -> list[Blob]:
        """See `Storage.list`."""
        return sorted(
            Blob(path.rpartition("/")[2], len(data), self.changed_at.get(path, 0.0))
            for path, data in self.files.items()
            if path.rpartition("/")[0] == folder
        )

    def read(self, path: str, start: int, length: int) -> bytes:
        """See `Storage.read`."""
        if path not in self.files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self.files[path][start : start + length]

    def fetch(self, path: str, start: int, length: int) -> Fetched:
        """See `Storage.fetch`."""
        return Fetched(self.read(path, start, length), len(self.files[path]))

    @contextmanager
    def local(self, path: str) -> Iterator[str]:
        """See `Storage.local`."""
        import tempfile

        data = self.read(path, 0, len(self.files.get(path, b"")))
        with tempfile.TemporaryDirectory(prefix="anew-") as folder:
            copy = os.path.join(folder, path.rpartition("/")[2])
            with open(copy, "xb") as file:
                file.write(data)
            yield copy


class MemoryJournals:
    """`Journals` in memory, by prefix."""

    def __init__(self) -> None:
        self.experiments: dict[str, MemoryStorage] = {}

    def of(self, prefix: str) -> MemoryStorage:
        """See `Journals.of`."""
        return self.experiments.setdefault(prefix, MemoryStorage())

    def lies(self, prefix: str) -> Lies:
        """See `Journals.lies`."""
        return Lies(prefix)
