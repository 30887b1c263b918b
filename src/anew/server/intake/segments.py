"""Appending bytes to segments at their offsets, so that a repeated request doubles nothing and a wrong one breaks nothing."""

from __future__ import annotations

import errno
import os
import stat
import zlib
from typing import NamedTuple

from blake3 import blake3

from ...sync.wire import DIGEST_CHARS, MOST_BYTES

__all__ = ["MOST_BESIDE", "Outcome", "append_at", "keep_beside", "read_at", "unpacked"]

_FLAGS = (
    os.O_RDWR
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
MOST_BESIDE = 256 << 20
"""Bytes that are kept of one experiment beside what they differ from."""


class Outcome(NamedTuple):
    """What became of bytes for a segment ("ok", "gap", "diverged" or "gone"), and its size now."""

    status: str
    size: int


def unpacked(data: bytes, coding: str, check: str) -> bytes | None:
    """The bytes of a frame as they were; None if they are damaged, or more than a frame may have.

    No more than that is ever decompressed, whatever the frame says.
    """
    try:
        if coding == "zlib":
            inflater = zlib.decompressobj()
            plain = inflater.decompress(data, MOST_BYTES + 1)
            if not inflater.eof and len(plain) <= MOST_BYTES:
                return None
            data = plain
        elif coding == "zstd":
            import zstandard

            reader = zstandard.ZstdDecompressor(max_window_size=MOST_BYTES).stream_reader(data)
            data = reader.read(MOST_BYTES + 1)
    except (zlib.error, ImportError):
        return None
    except Exception as error:
        if type(error).__name__ == "ZstdError":
            return None
        raise
    if len(data) > MOST_BYTES or blake3(data).hexdigest()[:DIGEST_CHARS] != check:
        return None
    return data


def append_at(path: str, offset: int, data: bytes, before: bytes = b"") -> Outcome:
    """Make a file have these bytes at an offset, if it can without changing any that are there.

    Args:
        before: What must stand before the offset.

    Raises:
        OSError: The file cannot be written, or is no plain file. Of the bytes, a beginning may have been written.
    """
    try:
        fd = os.open(path, _FLAGS)
    except FileNotFoundError:
        if offset:
            return Outcome("gap", 0)
        fd = os.open(path, _FLAGS | os.O_CREAT, 0o666)
    try:
        _lock(fd)
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        size = about.st_size
        if not about.st_nlink:
            return Outcome("gone", size)
        if offset > size:
            return Outcome("gap", size)
        start = max(0, offset - len(before))
        overlap = min(size - offset, len(data))
        there = os.pread(fd, offset - start + overlap, start)
        if there != before[len(before) - (offset - start) :] + data[:overlap]:
            return Outcome("diverged", size)
        rest = memoryview(data)[overlap:]
        while rest:
            written = os.pwrite(fd, rest, size)
            size, rest = size + written, rest[written:]
        return Outcome("ok", size)
    finally:
        os.close(fd)


def read_at(path: str, start: int, length: int) -> bytes:
    """Bytes of a plain file.

    Raises:
        OSError: It cannot be read, or is no plain file.
    """
    fd = os.open(path, (_FLAGS & ~os.O_RDWR) | os.O_RDONLY)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        return os.pread(fd, length, start)
    finally:
        os.close(fd)


def keep_beside(folder: str, name: str, offset: int, data: bytes) -> bool:
    """Keep bytes that differ from those of a segment or file; whether there was room for them.

    They are named by where they belong and what they are, so the same ones are kept once and none is overwritten.

    Args:
        folder: Where such bytes of the experiment lie.
    """
    path = os.path.join(
        folder, f"{name.replace('/', '!')[:150]}@{offset}-{blake3(data).hexdigest()[:16]}"
    )
    if os.path.lexists(path):
        return True
    os.makedirs(folder, exist_ok=True)
    with os.scandir(folder) as entries:
        kept = sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
    if kept + len(data) > MOST_BESIDE:
        return False
    draft = f"{path}.{os.urandom(4).hex()}.part"
    with open(draft, "xb") as file:
        file.write(data)
    os.replace(draft, path)
    return True


def _lock(fd: int) -> None:
    """Wait until nobody else appends to the file; where there are no locks, the server's one process is alone."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
    except OSError:
        return
