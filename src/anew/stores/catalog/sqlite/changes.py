"""Which experiments were saved or forgotten since somebody last asked.

Each save of a complete catalog has a number. A cursor is the catalog's own token, made when it was completed, and the
number of the last save it has seen: a catalog that was made again has another token, and then anything may have changed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable

from ....query.changes import Changes
from ....record.names import natural
from . import schema as s

__all__ = ["begin_changes", "changed", "note_changes", "set_note"]

_TOKEN, _REVISION = "token", "revision"


def begin_changes(connection: sqlite3.Connection) -> None:
    """Number saves from now on, under a token of their own."""
    connection.execute("DELETE FROM changes")
    set_note(connection, _TOKEN, os.urandom(8).hex())
    set_note(connection, _REVISION, "0")


def note_changes(
    connection: sqlite3.Connection, saved: Iterable[str], dropped: Iterable[str]
) -> None:
    """Note that experiments were saved, and others forgotten; not while the catalog is filled for the first time."""
    rows = dict.fromkeys(dropped, True) | dict.fromkeys(saved, False)
    revision = _note(connection, _REVISION) if rows else None
    if revision is None:
        return
    number = int(revision) + 1
    set_note(connection, _REVISION, str(number))
    connection.executemany(
        s.changes.insert(replace=True),
        [{"experiment_id": id_, "revision": number, "gone": gone} for id_, gone in rows.items()],
    )


def changed(connection: sqlite3.Connection, since: str | None) -> Changes:
    """See `Catalog.changed`."""
    token, revision = _note(connection, _TOKEN), _note(connection, _REVISION)
    cursor = f"{token}.{revision}"
    if since is None or since == cursor:
        return Changes(cursor)
    before, _, text = since.partition(".")
    number = natural(text, 15)
    if before != token or number is None:
        return Changes(cursor, everything=True)
    query = "SELECT experiment_id, gone FROM changes WHERE revision > ? ORDER BY revision"
    found = connection.execute(query, (number,)).fetchall()
    return Changes(
        cursor,
        tuple(id_ for id_, gone in found if not gone),
        tuple(id_ for id_, gone in found if gone),
    )


def set_note(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Set one of the catalog's own notes."""
    connection.execute(s.meta.insert(replace=True), {"key": key, "value": value})


def _note(connection: sqlite3.Connection, key: str) -> str | None:
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if found is None else str(found[0])
