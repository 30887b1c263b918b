"""One experiment out of many by what it is called: id, start of an id, prefix, name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, or_, select

from ..errors import Ambiguous, NotFound
from ..query.suggest import nearest, one_of
from ..stores.catalog.sqlite import schema

__all__ = ["find_key"]

_SHOWN = 8


def find_key(connection: Connection, ref: str) -> int:
    """The key of the experiment that a text means.

    A prefix or a whole id is meant first, then the start of an id, then a name that only one has.

    Raises:
        NotFound: None is called that.
        Ambiguous: Several are.
    """
    e = schema.experiments.c
    text = ref.strip().encode(errors="replace").decode()  # half a character is in no name
    exact = select(e.key).where(or_(e.experiment_id == text, e.prefix == text.strip("/")))
    key = connection.scalar(exact.limit(1)) if text else None
    if key is not None:
        return int(key)
    started: list[Any] = []
    if text and "/" not in text:
        # A range instead of LIKE: it is read off the index, and nothing in the text is a wildcard.
        query = select(e.key, e.experiment_id, e.prefix)
        ids = query.where(e.experiment_id >= text, e.experiment_id < text + "\U0010ffff")
        started = list(connection.execute(ids.order_by(e.experiment_id).limit(_SHOWN + 1)))
        if len(started) == 1:
            return int(started[0].key)
        newest_first = query.where(e.name == text).order_by(e.created_at.desc())
        named = list(connection.execute(newest_first.limit(_SHOWN + 1)))
        if len(named) == 1:
            return int(named[0].key)
        if named and not started:
            raise _ambiguous(f"Several experiments have the name {text!r}", named)
    if started:
        raise _ambiguous(f"Several ids start with {text!r}", started)
    raise _unknown(connection, text)


def _ambiguous(what: str, rows: list[Any]) -> Ambiguous:
    shown = ", ".join(f"{row.experiment_id} ({row.prefix})" for row in rows[:_SHOWN])
    more = ", …" if len(rows) > _SHOWN else ""
    return Ambiguous(
        f"{what}: {shown}{more}. Give more of the id, or the prefix.",
        candidates=[row.experiment_id for row in rows[:_SHOWN]],
    )


def _unknown(connection: Connection, text: str) -> NotFound:
    near = _near(connection, text)
    if near:
        hint = f" Did you mean {one_of(near)}?"
    elif connection.scalar(select(schema.experiments.c.key).limit(1)) is None:
        hint = " The store has no experiments yet."
    else:
        hint = " `store.list()` or `anew list` shows what there is."
    return NotFound(f"There is no experiment {text!r}.{hint}", name=text, nearest=near)


def _near(connection: Connection, text: str) -> list[str]:
    """Ids or prefixes that look like the text, out of those that share a piece with it."""
    e = schema.experiments.c
    if not text:
        return []
    pieces = [text[:4], text[-4:]] + [
        text[at : at + 4] for at in range(2, min(len(text) - 4, 12), 2)
    ]
    pieces = [piece for piece in dict.fromkeys(pieces) if len(piece) >= 3]
    found: dict[str, str] = {}
    for column in (e.prefix, e.name) if "/" in text else (e.experiment_id, e.name, e.prefix):
        for piece in pieces:
            query = select(column, e.experiment_id if column is e.experiment_id else e.prefix)
            like = query.where(column.contains(piece, autoescape=True)).limit(60)
            found.update({row[0]: row[1] for row in connection.execute(like)})
    if not found:
        recent = select(e.name, e.prefix).order_by(e.created_at.desc()).limit(500)
        found = {row[0]: row[1] for row in connection.execute(recent)}
    return list(dict.fromkeys(found[word] for word in nearest(text, found)))
