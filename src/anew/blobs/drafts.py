"""Files on their way into a store: each is locked while its writer lives, so what a killed one left can be told and removed."""

from __future__ import annotations

import contextlib
import os
import stat
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

__all__ = ["DRAFTS", "leftovers", "open_draft", "remove_leftover"]

DRAFTS = "tmp"  # the folder of drafts among the contents; `FolderBlobs` keeps keys out of it
UNLOCKED_SECONDS = 86_400.0  # after which a draft is left over where the file system has no locks
_NOT_FOLLOWED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@contextlib.contextmanager
def open_draft(folder: str) -> Iterator[tuple[FileIO, str]]:
    """A new file to write, and its path; whoever finishes it moves it away, and otherwise it is removed.

    Raises:
        OSError: It cannot be made.
    """
    while True:
        path = os.path.join(folder, f"{os.urandom(8).hex()}.part")
        file = open(path, "xb", buffering=0)  # noqa: SIM115  (closed below)
        # In the moment before it is locked, it can be looked at as a leftover, or removed.
        if _lock(file.fileno()) is not False and os.fstat(file.fileno()).st_nlink:
            break
        file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    try:
        with file:
            yield file, path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def leftovers(folder: str) -> Iterator[str]:
    """The drafts whose writers are gone: nobody has them locked.

    A draft that cannot be tested counts after a day without a change: the file system has no locks, or it is another
    user's.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                with _left(entry.path) as left:
                    found = left
                if found:
                    yield entry.path


def remove_leftover(path: str) -> bool:
    """Remove a draft if it is left over still; whether it was."""
    with _left(path) as left:
        if left:
            os.unlink(path)
        return left


@contextlib.contextmanager
def _left(path: str) -> Iterator[bool]:
    """Whether a draft's writer is gone; nobody can lock it within the block."""
    try:
        fd = os.open(path, os.O_RDONLY | _NOT_FOLLOWED)
    except FileNotFoundError:
        yield False
        return
    except OSError:
        yield _is_old(path)
        return
    try:
        locked = _lock(fd)
        yield stat.S_ISREG(os.fstat(fd).st_mode) and (_is_old(path) if locked is None else locked)
    finally:
        os.close(fd)


def _is_old(path: str) -> bool:
    try:
        about = os.lstat(path)
    except FileNotFoundError:
        return False
    return time.time() - max(about.st_mtime, about.st_ctime) > UNLOCKED_SECONDS


def _lock(fd: int) -> bool | None:
    """Whether the file is locked by us now; None where there are no locks. The lock goes with the process."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
