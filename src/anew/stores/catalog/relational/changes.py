"""Which experiments were saved or forgotten since somebody last asked.

Each save of a complete catalog has a number. A cursor is the catalog's own token, made when it was completed, and the
number of the last save it has seen: a catalog that was made again has another token, and then anything may have changed. Numbers
are enciphered in cursors: whoever sees a part of the experiments would learn from them how often the others are saved.

What is noted of a save is kept for each project that the experiment was in: for who sees the project that it left, it is gone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from ....query.changes import Changes
from ....query.hiding import hidden, shown
from . import schema as s
from .engine import Connection

__all__ = ["REVISION", "TOKEN", "begin_changes", "changed", "note_changes", "revision", "set_note"]

TOKEN, REVISION = "token", "revision"
_SECRET = "secret"


def begin_changes(connection: Connection) -> None:
    """Number saves from now on, under a token of their own."""
    connection.execute("DELETE FROM changes")
    set_note(connection, TOKEN, os.urandom(8).hex())
    set_note(connection, _SECRET, os.urandom(16).hex())
    set_note(connection, REVISION, "0")


def note_changes(
    connection: Connection, saved: Iterable[str], dropped: Iterable[tuple[str, str]]
) -> None:
    """Note that experiments were saved, and others forgotten; not while the catalog is filled for the first time.

    Args:
        saved: Their ids; they are in the catalog.
        dropped: The ids of those that are gone, or have left an area, and the areas that they were in.
    """
    ids, gone = list(dict.fromkeys(saved)), list(dropped)
    revision = _note(connection, REVISION) if ids or gone else None
    if revision is None:
        return
    number = int(revision) + 1
    set_note(connection, REVISION, str(number))
    replace = s.changes.replace()
    dialect = connection.dialect
    connection.executemany(replace, [(id_, area, number, 1) for id_, area in gone])
    both = dialect.listed(ids + [id_ for id_, _ in gone])
    connection.execute(  # of the areas that one was in before, too
        f"UPDATE changes SET revision = ?, gone = 1 WHERE gone = 0 AND experiment_id IN ({dialect.texts})",
        (number, both),
    )
    query = f"SELECT experiment_id, area FROM experiments WHERE experiment_id IN ({dialect.texts})"
    there = connection.execute(query, (dialect.listed(ids),)).fetchall()
    connection.executemany(replace, [(id_, area, number, 0) for id_, area in there])


def changed(connection: Connection, since: str | None) -> Changes:
    """See `Catalog.changed`."""
    token, secret = _note(connection, TOKEN), _note(connection, _SECRET)
    newest = connection.execute(
        "SELECT revision FROM changes ORDER BY revision DESC LIMIT 1"
    ).fetchone()
    key = bytes.fromhex(secret or "")
    cursor = f"{token}.{hidden(newest[0] if newest else 0, key):016x}"
    if since is None or since == cursor:
        return Changes(cursor)
    before, _, text = since.partition(".")
    number = shown(int(text, 16), key) if re.fullmatch("[0-9a-f]{16}", text) else -1
    if before != token or not 0 <= number <= int(_note(connection, REVISION) or 0):
        return Changes(cursor, everything=True)
    query = "SELECT experiment_id, gone FROM changes WHERE revision > ? ORDER BY revision, experiment_id, area"
    found = connection.execute(query, (number,)).fetchall()
    ids = dict.fromkeys(id_ for id_, gone in found if not gone)
    lost = dict.fromkeys(id_ for id_, gone in found if gone and id_ not in ids)
    return Changes(cursor, tuple(ids), tuple(lost))


def revision(connection: Connection) -> tuple[str, str] | None:
    """The catalog's token and the number of its last save; None while it is filled for the first time."""
    token, number = _note(connection, TOKEN), _note(connection, REVISION)
    return None if token is None or number is None else (token, number)


def set_note(connection: Connection, key: str, value: str) -> None:
    """Set one of the catalog's own notes."""
    connection.execute(s.meta.replace(), (key, value))


def _note(connection: Connection, key: str) -> str | None:
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if found is None else str(found[0])
