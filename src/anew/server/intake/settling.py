"""Waiting until the disk has what was written: one flush of the file system for all who wait."""

from __future__ import annotations

import contextlib
import os
import threading

__all__ = ["Settling"]


class Settling:
    """Flushes a file system. Those who ask while a flush runs share the next one.

    Args:
        folder: A folder on it.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._changed = threading.Condition()
        self._begun = 0
        self._done = 0
        self._running = False

    def wait(self) -> None:
        """Return when everything that was written before the call is on the disk.

        Raises:
            OSError: The disk reports an error.
        """
        with self._changed:
            wanted = self._begun + 1
            while self._done < wanted and self._running:
                self._changed.wait(1.0)
            if self._done >= wanted:
                return
            self._running = True
            self._begun = mine = self._begun + 1
        try:
            flush(self._folder)
        finally:
            with self._changed:
                self._running = False
                self._done = max(self._done, mine)
                self._changed.notify_all()

    def close(self) -> None:
        """Flush a last time."""
        with contextlib.suppress(OSError):
            flush(self._folder)


def flush(folder: str) -> None:
    """Write a file system's changes to its disk.

    Raises:
        OSError: The disk reports an error.
    """
    import ctypes

    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError, TypeError):  # no Linux
        os.sync()
        return
    try:
        fd = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        if syncfs(fd):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), folder)
    finally:
        os.close(fd)
