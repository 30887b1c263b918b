"""Descriptors for files that stay open: never one of the three standard ones.

A program may have been started with its standard descriptors closed (daemons, cron, some launchers). The next file that is
opened then gets the number 0, 1 or 2, and C libraries print into it. SQLite avoids these numbers for the same reason.
"""

from __future__ import annotations

import os

__all__ = ["open_apart"]

_FIRST_OWN = 3


def open_apart(path: str, flags: int, mode: int = 0o666) -> int:
    """Open a file as `os.open` does, under a number that is none of the standard descriptors'.

    Raises:
        OSError: It cannot be opened.
    """
    fd = os.open(path, flags, mode)
    if fd >= _FIRST_OWN:
        return fd
    low = [fd]
    try:
        while (fd := os.dup(low[-1])) < _FIRST_OWN:
            low.append(fd)
    finally:
        for number in low:  # closed, as the program was started with them
            os.close(number)
    return fd
