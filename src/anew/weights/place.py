"""Where a repository's files are: the seam between the format and a folder or a bucket.

A place is a flat set of named byte strings. The repository relies on these promises and no others:

- `create` is put-if-absent: of any number of writers at once, in any number of processes, exactly
  one gets True, and a reader sees nothing or all of it. Every compare-and-swap is built from it.
- `upload` and `replace` make the whole content visible at once, or nothing.
- What `create`, `upload` or `replace` has returned for survives a crash of this machine (unless the
  place was opened with durable=False), and is seen by every `read` and `list` that starts later.
- Methods may be called from several threads. A name that is absent raises FileNotFoundError.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import os
import secrets
import time
from pathlib import Path
from typing import NamedTuple, Protocol

__all__ = ["Entry", "LocalPlace", "Place"]


class Entry(NamedTuple):
    """One file of a place: its name, size in bytes and time of last change in seconds."""

    path: str
    size: int
    modified: float


class Place(Protocol):
    """A flat set of named files; see the module for what its methods promise."""

    url: str
    durable: bool

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """`length` bytes from `start`, or all that follow."""
        ...

    def tail(self, path: str, length: int) -> tuple[bytes, int]:
        """The last `length` bytes (or all, if fewer) and the size of the file."""
        ...

    def list(self, folder: str) -> builtins.list[Entry]:
        """Every file under a folder, at any depth, in no order; none if there is no such folder."""
        ...

    def names(self, folder: str) -> builtins.list[str]:
        """The paths that `list` gives, where their sizes and times are not needed: cheaper."""
        ...

    def create(self, path: str, data: bytes) -> bool:
        """Put `data` under a new name; False, and no change, when the name is taken."""
        ...

    def replace(self, path: str, data: bytes, *, lasting: bool = True) -> None:
        """Put `data` under a name, whatever was there; a crash may undo what is not `lasting`."""
        ...

    def upload(self, path: str, source: Path) -> None:
        """Move a finished file of this machine into the place; `source` is gone afterwards."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file; no error when it is gone already."""
        ...

    def scratch(self) -> Path:
        """A folder of this machine for files on their way into the place."""
        ...

    def exists(self) -> bool:
        """Whether anything at all is there."""
        ...


class LocalPlace:
    """A folder of a file system, through rename and hard link, with fsync where it matters."""

    def __init__(self, root: str | os.PathLike[str], *, durable: bool = True) -> None:
        self.root = Path(root)
        self.url = str(self.root)
        self.durable = durable

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """See Place."""
        with (self.root / path).open("rb", buffering=0) as file:
            if length is None:
                file.seek(start)
                return file.read()
            data = os.pread(file.fileno(), length, start)
            while len(data) < length and (
                more := os.pread(file.fileno(), length - len(data), start + len(data))
            ):
                data += more
            return data

    def tail(self, path: str, length: int) -> tuple[bytes, int]:
        """See Place."""
        with (self.root / path).open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            return os.pread(file.fileno(), length, max(0, size - length)), size

    def list(self, folder: str) -> builtins.list[Entry]:
        """See Place."""
        found: builtins.list[Entry] = []
        pending = [folder]
        while pending:
            here = pending.pop()
            # A folder may be removed by a garbage collection between two steps of this walk.
            with contextlib.suppress(FileNotFoundError), os.scandir(self.root / here) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(f"{here}/{entry.name}")
                        continue
                    with contextlib.suppress(FileNotFoundError):
                        stat = entry.stat()
                        found.append(Entry(f"{here}/{entry.name}", stat.st_size, stat.st_mtime))
        return found

    def names(self, folder: str) -> builtins.list[str]:
        """See Place."""
        found: builtins.list[str] = []
        pending = [folder]
        while pending:
            here = pending.pop()
            with contextlib.suppress(FileNotFoundError), os.scandir(self.root / here) as entries:
                for entry in entries:
                    into = pending if entry.is_dir(follow_symlinks=False) else found
                    into.append(f"{here}/{entry.name}")
        return found

    def create(self, path: str, data: bytes) -> bool:
        """See Place."""
        target = self.root / path
        temporary = self._write(data)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(temporary, target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
                raise
            # A file system without hard links: O_EXCL keeps "exactly one wins".
            return self._create_exclusively(target, data)
        finally:
            temporary.unlink(missing_ok=True)
        self._sync_folder(target.parent)
        return True

    def replace(self, path: str, data: bytes, *, lasting: bool = True) -> None:
        """See Place."""
        self._move(path, self._write(data, lasting=lasting))
        if lasting:
            self._sync_folder((self.root / path).parent)

    def upload(self, path: str, source: Path) -> None:
        """See Place."""
        self._move(path, source)
        self._sync_folder((self.root / path).parent)

    def _move(self, path: str, source: Path) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)

    def delete(self, path: str) -> None:
        """See Place."""
        (self.root / path).unlink(missing_ok=True)

    def scratch(self) -> Path:
        """See Place."""
        folder = self.root / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def exists(self) -> bool:
        """See Place."""
        # Somebody may be making a repository there at this moment, and has only begun.
        return self.root.is_dir() and any(path.name != "tmp" for path in self.root.iterdir())

    def _write(self, data: bytes, *, lasting: bool = True) -> Path:
        temporary = self.scratch() / f"{time.time_ns():x}-{secrets.token_hex(6)}.part"
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                if self.durable and lasting:
                    os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    def _create_exclusively(self, target: Path, data: bytes) -> bool:
        try:
            with target.open("xb") as file:
                file.write(data)
                file.flush()
                if self.durable:
                    os.fsync(file.fileno())
        except FileExistsError:
            return False
        self._sync_folder(target.parent)
        return True

    def _sync_folder(self, folder: Path) -> None:
        if not self.durable:
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
