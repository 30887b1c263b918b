"""Permissions of files, where the file system has any."""

from __future__ import annotations

import os

__all__ = ["set_mode"]


def set_mode(path: str, mode: int) -> None:
    """Set a file's permissions where that can be done.

    Mounted buckets, SMB shares and exFAT refuse it; what is written there counts without it.
    """
    try:
        os.chmod(path, mode)
    except OSError:
        pass
