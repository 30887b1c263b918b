"""Waiting for something to change."""

from __future__ import annotations

import os
import re
import time

import msgspec

from ...journal.documents import RootNews
from ...query.changes import (
    Changes,
    ChangesQuestion,
    DocumentRef,
    cursor_of_both,
    cursor_of_documents,
    cursor_of_experiments,
    has_news,
)
from ...query.hiding import hidden, shown
from .seen import Seen

__all__ = ["wait_for_changes"]

_INTERVAL = 0.25
"""Seconds between two looks where nobody tells of what is written."""
_LONGEST = 60.0
"""Seconds that one question may wait; whoever wants to wait longer asks again."""
_MOST = 1000
"""Documents that are told one by one."""
_KEY = os.urandom(16)
"""Whoever sees a part of the documents would learn from numbers how often others are written."""


def wait_for_changes(seen: Seen, question: ChangesQuestion) -> Changes:
    """What has changed since a cursor, as soon as something has."""
    stop = time.monotonic() + min(_LONGEST, question.wait)
    while True:
        seen.root.take_in()  # whoever follows wants what comes, also from an index that is otherwise looked at as it is
        found = _changed(seen, question.since)
        left = stop - time.monotonic()
        if has_news(found) or question.since is None or left <= 0:
            return found
        seen.root.pause(min(_INTERVAL, left))


def _changed(seen: Seen, since: str | None) -> Changes:
    experiments = None if since is None else cursor_of_experiments(since)
    found = seen.ask(lambda catalog: catalog.changed(experiments), fresh=False)
    order, _, text = cursor_of_documents(since or "").partition(".")
    number = shown(int(text, 16), _KEY) if re.fullmatch("[0-9a-f]{16}", text) else 0
    news = seen.root.written(order, number)
    cursor = cursor_of_both(found.cursor, f"{news.order}.{hidden(news.total, _KEY):016x}")
    if since is None:
        return msgspec.structs.replace(found, cursor=cursor)
    documents, unsure = _documents(seen, news)
    return msgspec.structs.replace(found, cursor=cursor, documents=documents, any_document=unsure)


def _documents(seen: Seen, news: RootNews) -> tuple[tuple[DocumentRef, ...], bool]:
    """Those that who asks may see, and whether it may be any."""
    if news.subjects is None:
        return (), True
    refs = tuple(
        DocumentRef(kind, name, scope)
        for what, scope, kind, name in (one for one in news.subjects if len(one) == 4)
        if what == "document" and seen.shows(scope)
    )
    return ((), True) if len(refs) > _MOST else (refs, False)
