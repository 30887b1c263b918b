"""The one way in which importers open what lies in a source, which may come from anybody.

A path is taken only as it stands: the source itself may be named by a link, which `resolved` follows, and no link within it is followed, wherever in
the path it stands. A pipe or a device is refused and not waited for, and so is a file that is large for its holes alone: it would fill a disk.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO, TextIO

__all__ = [
    "copy_plain",
    "is_hollow",
    "is_plain",
    "is_plain_folder",
    "most_unpacked",
    "names_in",
    "open_plain",
    "open_text",
    "resolved",
    "walk",
]

_HOW = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)  # fmt: skip
_FREE = 1 << 30
_MOST_TIMES = 300


def most_unpacked(size: int) -> int:
    """The bytes that a file of this size may come to when it is unpacked: what unpacks to more was made to fill a disk."""
    return max(_FREE, _MOST_TIMES * size)


def resolved(path: str) -> str:
    """Where a source lies that a person named, links followed; anything below it is named from there."""
    return os.path.realpath(path)


def is_plain(path: str) -> bool:
    """Whether a plain file lies at a path, and no link on the way."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode) and not _leads_elsewhere(path)
    except (OSError, ValueError):  # such as a name that is too long for any file
        return False


def is_plain_folder(path: str) -> bool:
    """Whether a folder lies at a path, and no link on the way."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode) and not _leads_elsewhere(path)
    except (OSError, ValueError):
        return False


def is_hollow(path: str) -> bool:
    """Whether a plain file is large for its holes alone."""
    try:
        about = os.lstat(path)
        if not stat.S_ISREG(about.st_mode) or about.st_size <= _FREE:
            return False
        fd = os.open(path, _HOW)
    except OSError:
        return False  # whoever opens it says why not
    try:
        return _is_hollow(fd, about)
    finally:
        os.close(fd)


def open_plain(path: str) -> BinaryIO:
    """Open a plain file.

    Raises:
        OSError: It is none, a link leads to it, or it cannot be read.
    """
    if _leads_elsewhere(path):
        raise _refused(path, "a link leads to it")
    try:
        fd = os.open(path, _HOW)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _refused(path, "it is a link") from error
        raise
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise _refused(path, "it is no plain file")
        if _is_hollow(fd, about):
            raise _refused(path, "nearly all of it is holes")
        return open(fd, "rb")
    except BaseException:
        os.close(fd)
        raise


def open_text(path: str, *, newline: str | None = None) -> TextIO:
    """Open a plain file of UTF-8; bytes that are none become marks.

    Raises:
        OSError: See `open_plain`.
    """
    return io.TextIOWrapper(open_plain(path), encoding="utf-8", errors="replace", newline=newline)


def copy_plain(path: str, target: str) -> None:
    """Copy the bytes of a plain file into a new one.

    Raises:
        OSError: See `open_plain`; or the new one cannot be written.
    """
    with open_plain(path) as reading, open(target, "xb") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)


def names_in(folder: str) -> list[str]:
    """What lies in a folder, by name; nothing for what is no folder, or is behind a link.

    Raises:
        OSError: It cannot be read.
    """
    return sorted(os.listdir(folder)) if is_plain_folder(folder) else []


def walk(
    folder: str, onerror: Callable[[OSError], object] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk`, but for folders behind a link."""
    if is_plain_folder(folder):
        yield from os.walk(folder, onerror=onerror)


def _leads_elsewhere(path: str) -> bool:
    """Whether a link stands on the way to a path; the last part is not looked at."""
    above = os.path.dirname(os.path.abspath(path))
    return os.path.realpath(above) != above


def _is_hollow(fd: int, about: os.stat_result) -> bool:
    size, there = about.st_size, getattr(about, "st_blocks", None)
    if there is None or size <= most_unpacked(there * 512):
        return False
    if there:
        return True
    try:  # some file systems never say how much of a file is there
        os.lseek(fd, 0, os.SEEK_DATA)
    except OSError as error:
        return error.errno == errno.ENXIO
    finally:
        os.lseek(fd, 0, os.SEEK_SET)
    return False


def _refused(path: str, why: str) -> OSError:
    return OSError(errno.EPERM, f"{why}, and it is left out", path)
