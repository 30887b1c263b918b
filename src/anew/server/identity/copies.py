"""Copies of accounts: for a backup, and back out of one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

from ...journal.layout import RootLayout
from .sqlite import FolderDatabase

__all__ = ["copy_accounts"]

_PASSING = ("sessions", "links", "share_sessions")
"""What lets somebody in for a while. A copy has none of it: who was logged out since must not be let in again by it."""


def copy_accounts(source: str, target: str) -> bool:
    """Copy the accounts of one root into another one, as of now, also while a server uses them; whether there are any.

    Users, their roles, tokens, shares and the record of who did what are copied; nobody is logged in by the copy.

    Raises:
        CorruptData: The accounts, or those at the target, may be somebody else's.
        OSError: The copy cannot be written.
    """
    path = os.path.join(RootLayout(source).server, "accounts.db")
    if not os.path.exists(path):
        return False
    # Opened as a server does, which looks at whose they are and makes the file for its owner alone.
    FolderDatabase(source).close()
    made = FolderDatabase(target)
    made.close()
    with closing(sqlite3.connect(path)) as there, closing(sqlite3.connect(made.path)) as here:
        there.backup(here)
        with here:
            for table in _PASSING:
                here.execute(f"DELETE FROM {table}")
        here.execute("VACUUM")
    return True
