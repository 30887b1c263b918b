"""Which experiments were saved or forgotten since somebody last asked.

Each save of a complete catalog has a number. A cursor is the catalog's own token, made when it was completed, and the
number of the last save it has seen: a catalog that was made again has another token, and then anything may have changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from ....query.changes import Changes
from ....record.names import natural
from . import schema as s

__all__ = ["begin_changes", "changed", "note_changes"]

_TOKEN, _REVISION = "token", "revision"


def begin_changes(connection: Connection) -> None:
    """Number saves from now on, under a token of their own."""
    connection.execute(delete(s.changes))
    _set(connection, _TOKEN, os.urandom(8).hex())
    _set(connection, _REVISION, "0")


def note_changes(connection: Connection, saved: Iterable[str], dropped: Iterable[str]) -> None:
    """Note that experiments were saved, and others forgotten; not while the catalog is filled for the first time."""
    rows = dict.fromkeys(dropped, True) | dict.fromkeys(saved, False)
    revision = _get(connection, _REVISION) if rows else None
    if revision is None:
        return
    number = int(revision) + 1
    _set(connection, _REVISION, str(number))
    connection.execute(
        insert(s.changes).prefix_with("OR REPLACE"),
        [{"experiment_id": id_, "revision": number, "gone": gone} for id_, gone in rows.items()],
    )


def changed(connection: Connection, since: str | None) -> Changes:
    """See `Catalog.changed`."""
    token, revision = _get(connection, _TOKEN), _get(connection, _REVISION)
    cursor = f"{token}.{revision}"
    if since is None or since == cursor:
        return Changes(cursor)
    before, _, text = since.partition(".")
    number = natural(text, 15)
    if before != token or number is None:
        return Changes(cursor, everything=True)
    c = s.changes.c
    found = connection.execute(
        select(c.experiment_id, c.gone).where(c.revision > number).order_by(c.revision)
    ).all()
    return Changes(
        cursor,
        tuple(row.experiment_id for row in found if not row.gone),
        tuple(row.experiment_id for row in found if row.gone),
    )


def _get(connection: Connection, key: str) -> str | None:
    found = connection.scalar(select(s.meta.c.value).where(s.meta.c.key == key))
    return None if found is None else str(found)


def _set(connection: Connection, key: str, value: str) -> None:
    connection.execute(delete(s.meta).where(s.meta.c.key == key))
    connection.execute(insert(s.meta), [{"key": key, "value": value}])
