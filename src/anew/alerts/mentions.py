"""Comments that name a destination: whoever sends alerts tells it once."""

from __future__ import annotations

from collections.abc import Collection

from ..reading.backend import Backend
from ..reading.comments import Comment, Comments
from .firing import MENTIONED, Delivery, Fired, replace

__all__ = ["fire_mentions"]

_LATELY = 86400.0
"""Seconds for which a comment is news: what was said before somebody set destinations is not told of."""


def fire_mentions(
    backend: Backend, names: Collection[str], known: Collection[str], now: float
) -> list[str]:
    """Write down which comments of the last day name a destination, unless that was done before.

    Args:
        names: What the destinations are called, without `@`.
        known: Names of documents that are there.

    Returns:
        The names of the documents that are there now and were not known.
    """
    called = {name.casefold(): name for name in names}
    found = []
    for one in Comments(backend).list(since=now - _LATELY):
        for mention in one.mentions:
            name = called.get(mention.casefold())
            if name is None or _document(one, name) in known:
                continue
            replace(backend, _fired(one, name, now))
            found.append(_document(one, name))
    return found


def _document(one: Comment, name: str) -> str:
    return f"{one.id}-{name}"[:200]


def _fired(one: Comment, name: str, now: float) -> Fired:
    report = one.about.kind == "report"
    return Fired(
        name=_document(one, name), scope=one.scope, alert=f"{one.user} mentions {name}", when=f"@{name}",
        experiment="" if report else one.about.id, prefix=one.prefix, why=one.text, time=now,
        to={f"@{name}": Delivery()}, kind=MENTIONED,
    )  # fmt: skip
