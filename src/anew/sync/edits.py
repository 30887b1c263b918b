"""Fetching the changes that were made elsewhere: segments of edits, which come back to where the experiment is from."""

from __future__ import annotations

import errno
import os
import re
import stat

from ..journal.edits import edit_writer
from ..journal.layout import ExperimentLayout, RootLayout
from ..journal.root import announce
from .local import Local
from .server import Server
from .wire import MOST_BYTES, SegmentAt

__all__ = ["fetch_edits"]

_NAME = re.compile(r"journal/edit-\w[\w.-]{0,240}\.jsonl")
_MOST = 64 << 20
_BEFORE = 64


def fetch_edits(
    root: RootLayout, local: Local, server: Server, segments: tuple[SegmentAt, ...]
) -> dict[str, int]:
    """Append what the server has of others' edits to their segments here.

    Returns:
        The sizes of the segments that grew.

    Raises:
        OSError: The server cannot be reached, or the folder cannot be written.
    """
    own = f"journal/{edit_writer(ExperimentLayout(local.folder), local.id)}.jsonl"
    grown: dict[str, int] = {}
    for segment in segments:
        name = segment.name
        mine = name.startswith(f"journal/edit-{local.id}-") and _NAME.fullmatch(name) is not None
        if not mine or name == own or segment.size > _MOST:
            continue
        size = _fetch(local, server, segment)
        if size:
            grown[name] = size
    if grown:
        announce(root, "changed", local.id, local.prefix)
    return grown


def _fetch(local: Local, server: Server, segment: SegmentAt) -> int:
    """The new size of a segment; 0 if nothing was to be fetched."""
    path = os.path.join(local.folder, *segment.name.split("/"))
    try:
        size = os.lstat(path).st_size
    except FileNotFoundError:
        size = 0
    grown = 0
    while size < segment.size:
        ahead = min(_BEFORE, size)
        data = server.read(local.id, segment.name, size - ahead, MOST_BYTES)
        lines = data[: data.rfind(b"\n") + 1]
        if len(lines) <= ahead or not _append(path, size, lines[:ahead], lines[ahead:]):
            break
        size = grown = size + len(lines) - ahead
    return grown


def _append(path: str, size: int, before: bytes, data: bytes) -> bool:
    """Append to a file that has this size and ends so; whether it was as expected."""
    flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    fd = os.open(path, flags | os.O_CREAT, 0o666)
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        if about.st_size != size or os.pread(fd, len(before), size - len(before)) != before:
            return False
        if os.write(fd, data) != len(data):
            raise OSError(errno.ENOSPC, "only part of the edits could be written", path)
        return True
    finally:
        os.close(fd)
