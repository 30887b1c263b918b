"""Captures stored once: named by their content under the root, hard-linked into each experiment."""

from __future__ import annotations

import os
import stat

from ..journal.permissions import set_mode
from ..record.ids import new_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..journal.layout import RootLayout

__all__ = ["digest", "place"]


def digest(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


def place(root: RootLayout, target: str, data: bytes, *, executable: bool = False) -> str:
    """Put `data` at the path `target`, sharing its bytes with every experiment that has the same; its SHA-256.

    The shared file is read-only: a change made in one experiment would show in all. What lies there is read before it
    is relied on: a file that a power cut emptied, or that somebody changed, is replaced and never spreads. Where the
    file system has no hard links, or the shared file cannot be replaced, the bytes are copied.

    Raises:
        OSError: It cannot be written.
    """
    hexdigest = digest(data)
    source = os.path.join(root.shared, f"{hexdigest[:32]}{'.x' if executable else ''}")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    # A link in place of the folder, which a received folder may hold, would lead out of the root.
    elsewhere = os.path.islink(root.shared) or os.path.islink(root.private)
    try:
        if not elsewhere and (not _link(source, target) or not _holds(target, data)):
            _write(source, data, 0o555 if executable else 0o444, lasting=True)
            _link(source, target)
    except OSError:  # no hard links here, too many of one file, or another user's folder
        pass
    if not _holds(target, data):
        _write(target, data, 0o755 if executable else 0o644)
    return hexdigest


def _link(source: str, target: str) -> bool:
    """Give the shared file the name `target`, whatever has it; whether there is a shared file."""
    try:
        try:
            os.link(source, target)
        except FileExistsError:
            _link_over(source, target)
    except FileNotFoundError:
        return False
    return True


def _holds(path: str, data: bytes) -> bool:
    """Whether a path is a regular file of exactly these bytes."""
    try:
        fd = os.open(
            path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        )
    except OSError:
        return False
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size != len(data):
            return False
        at = 0
        while piece := os.pread(fd, 1 << 20, at):
            if piece != data[at : at + len(piece)]:
                return False
            at += len(piece)
        return at == len(data)
    finally:
        os.close(fd)


def _link_over(source: str, target: str) -> None:
    temporary = f"{target}.{new_id()}.tmp"
    os.link(source, temporary)
    # A rename onto a link of the same file does nothing and leaves the temporary name.
    os.replace(temporary, target)
    if os.path.lexists(temporary):
        os.unlink(temporary)


def _write(path: str, data: bytes, mode: int, *, lasting: bool = False) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{new_id()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            if lasting:  # or the name would survive a power cut, and the bytes would not
                file.flush()
                os.fsync(file.fileno())
        set_mode(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
