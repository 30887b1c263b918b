"""What has changed in a store since a time, newest first."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec

from ..query.documents import DocumentsQuestion
from ..query.question import FactsQuestion, ask
from ..query.syntax import Or
from ..record.documents import Document
from .backend import Backend
from .comments import Comments, is_among
from .given import since
from .own import PIN, Marks
from .source import who_asks

__all__ = ["News", "NewsItem", "news"]

_DOCUMENTS = {"view": "view", "report": "report", "alerted": "alert"}
"""Kinds of document that are told of, and how."""


class NewsItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that has changed.

    Attributes:
        kind: "created", "ended", "comment", "mention" (a comment that names who asks), "resolved", "alert", "view", "report", "pin" or "alias" (of
            a model).
        id: The experiment, or the comment; what it is called where it is another document.
        experiment: The experiment that it is about; None where it is about none.
        what: Its prefix or name.
        said: The status of what ended, the text of a comment, why an alert told.
        user, time: Who did it, and when.
        project: The project that a view or a report is for.
    """

    kind: str
    id: str
    time: float
    experiment: str | None = None
    what: str = ""
    said: str = ""
    user: str = ""
    project: str | None = None


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What has changed.

    Attributes:
        since, until: The time that is told of.
        counts: How much of each kind there is.
        items: The newest of it.
        looked: When who asks said last that they had seen everything; None if they never did.
    """

    since: float
    until: float
    counts: dict[str, int]
    items: tuple[NewsItem, ...]
    looked: float | None = None


def news(backend: Backend, at: float, most: int = 200) -> News:
    """What has changed since a time: experiments that came and ended, comments, what alerts found, views, reports, pins, aliases.

    Args:
        most: Tell no more than so many; all are counted.
    """
    now = time.time()
    found = [*_comments(backend, at), *_documents(backend, at)]
    counts: dict[str, int] = {}
    for one in found:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    for kind, field in (("created", "created_at"), ("ended", "ended_at")):
        asked = ask(given=[since(field, at)], limit=0, total=True, now=now)  # type: ignore[arg-type]  # one of the two
        counts[kind] = backend.select(asked).total or 0
    found += _experiments(backend, at, most, now)
    found.sort(key=lambda one: -one.time)
    told = {kind: count for kind, count in counts.items() if count}
    return News(since=at, until=now, counts=told, items=tuple(found[:most]))


def _experiments(backend: Backend, at: float, most: int, now: float) -> Iterator[NewsItem]:
    either = Or((since("created_at", at), since("ended_at", at)))
    newest = backend.select(ask(given=[either], sort="-updated_at", limit=most, now=now)).ids
    for one in backend.facts(FactsQuestion(ids=tuple(newest), now=now)):
        by = one.user or ""
        if one.ended_at is not None and one.ended_at >= at:
            said = f"{one.status}: {one.reason}" if one.reason else str(one.status)
            yield NewsItem(
                kind="ended", id=one.id, experiment=one.id, what=one.prefix, said=said, user=by, time=one.ended_at
            )  # fmt: skip
        if one.created_at >= at:
            yield NewsItem(
                kind="created", id=one.id, experiment=one.id, what=one.prefix, user=by, time=one.created_at
            )  # fmt: skip


def _comments(backend: Backend, at: float) -> Iterator[NewsItem]:
    me = who_asks(backend)
    comments = Comments(backend)
    changed = {one.id: one for one in (*comments.list(since=at), *comments.settled(at))}
    for one in changed.values():
        about = None if one.about.kind == "report" else one.about.id
        if (one.edited or one.time) >= at and one.user != me:
            yield NewsItem(
                kind="mention" if is_among(me, one.mentions) else "comment", id=one.id, experiment=about,
                what=one.prefix, said=one.text[:500], user=one.user, time=one.edited or one.time,
                project=one.about.project,
            )  # fmt: skip
        if one.resolved_at is not None and one.resolved_at >= at and one.resolved_by != me:
            yield NewsItem(
                kind="resolved", id=one.id, experiment=about, what=one.prefix, said=one.text[:500],
                user=one.resolved_by or "", time=one.resolved_at, project=one.about.project,
            )  # fmt: skip


def _documents(backend: Backend, at: float) -> Iterator[NewsItem]:
    for kind, word in _DOCUMENTS.items():
        for one in backend.documents(DocumentsQuestion(kind=kind, since=at)).documents:
            yield _of_document(one, word)
    for pin in Marks(backend, PIN).list(at):
        yield NewsItem(
            kind="pin", id=pin.id, experiment=pin.id, what=pin.prefix, user=pin.user, time=pin.time
        )  # fmt: skip
    for alias in backend.documents(DocumentsQuestion(what="alias", since=at)).aliases:
        said = f"version {alias.number}" + (f": {alias.why}" if alias.why else "")
        yield NewsItem(
            kind="alias", id=alias.name, what=f"{alias.name}@{alias.alias}", said=said, user=alias.user,
            time=alias.time, project=_project(alias.scope),
        )  # fmt: skip


def _of_document(one: Document, word: str) -> NewsItem:
    body = one.body or {}
    if word == "alert":
        return NewsItem(
            kind=word, id=str(body.get("alert", "")), experiment=_text(body.get("experiment")),
            what=str(body.get("prefix", "")), said=str(body.get("why", "")), time=_time(body.get("time"), one.time),
        )  # fmt: skip
    return NewsItem(
        kind=word, id=one.name, what=one.name, user=one.user, time=one.time,
        project=_project(one.scope),
    )  # fmt: skip


def _project(scope: str) -> str | None:
    return scope.removeprefix("project/") if scope.startswith("project/") else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: object, other: float) -> float:
    return float(value) if isinstance(value, (int, float)) else other
