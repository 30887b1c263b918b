"""Documents, versions and aliases of a root's journal, as frozen structs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from .plain import from_plain
from .root import AliasSet, DocumentSet, RootEvent, RootState, VersionSet

__all__ = ["Alias", "Document", "Version", "aliases_in", "documents_in", "versions_in"]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document of a store: a saved view, a report, a goal, a group of experiments …

    Attributes:
        body: What it says; None once it was removed (only among `others`, and where removed ones were asked for).
        scope: Whom it concerns: "root" (everybody), "project/<prefix>" or "user/<name>".
        time: When this was written.
        user, host: Who wrote it, and where.
        event: The id of the event that wrote it.
        others: What was written side by side with it, where nobody had seen the other, newest first.
        earlier: What it said before, newest first, where that was asked for.
    """

    kind: str
    name: str
    body: Mapping[str, Any] | None
    scope: str
    time: float
    user: str
    host: str
    event: str
    others: tuple[Document, ...] = ()
    earlier: tuple[Document, ...] = ()


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a model or an artifact.

    Attributes:
        target: What it points to, such as the id of an experiment; None once it was withdrawn (only among `others`).
        digest: A hash of what it points to.
        body: What else is said of it.
        why: Why it was made, as its author put it.
        scope, time, user, host, event, others: As of a `Document`.
    """

    kind: str
    name: str
    number: int
    target: str | None
    digest: str | None
    body: Mapping[str, Any]
    why: str | None
    scope: str
    time: float
    user: str
    host: str
    event: str
    others: tuple[Version, ...] = ()


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """An alias of a model or an artifact, and the version it points to.

    Attributes:
        number: The version; None once the alias was taken away (only among `others`).
        why: Why, as its author put it.
        scope, time, user, host, event, others: As of a `Document`.
    """

    kind: str
    name: str
    alias: str
    number: int | None
    why: str | None
    scope: str
    time: float
    user: str
    host: str
    event: str
    others: tuple[Alias, ...] = ()


def documents_in(
    state: RootState,
    kind: str | None = None,
    scope: str | None = None,
    name: str | None = None,
    *,
    gone: bool = False,
    history: bool = False,
    keep: Callable[[Document], bool] | None = None,
) -> list[Document]:
    """The documents of a kind, scope or name, sorted by kind, name and scope.

    One that was changed and removed side by side is still there.

    Args:
        gone: Also those that were removed, without a body.
        history: Also what each said before.
        keep: Which of them, told from what each says now.
    """
    found = _found(
        state, "document", _document, lambda d: d.body is None, scope, kind, name, gone=gone
    )
    if keep is not None:
        found = filter(keep, found)
    if history:
        found = (msgspec.structs.replace(one, earlier=_earlier(state, one)) for one in found)
    return sorted(found, key=lambda d: (d.kind, d.name, d.scope))


def _earlier(state: RootState, now: Document) -> tuple[Document, ...]:
    """What a document said before, newest first."""
    shown = {now.event, *(one.event for one in now.others)}
    events = state.history("document", now.scope, now.kind, now.name)
    return tuple(_document(one) for one in reversed(events) if one.id not in shown)


def versions_in(
    state: RootState,
    kind: str | None = None,
    name: str | None = None,
    scope: str | None = None,
) -> list[Version]:
    """The versions of a kind, name or scope, sorted by kind, name, scope and number."""
    found = _found(state, "version", _version, lambda v: v.target is None, scope, kind, name)
    return sorted(found, key=lambda v: (v.kind, v.name, v.scope, v.number))


def aliases_in(
    state: RootState,
    kind: str | None = None,
    name: str | None = None,
    scope: str | None = None,
) -> list[Alias]:
    """The aliases of a kind, name or scope, sorted by kind, name, scope and alias."""
    found = _found(state, "alias", _alias, lambda a: a.number is None, scope, kind, name)
    return sorted(found, key=lambda a: (a.kind, a.name, a.scope, a.alias))


T = TypeVar("T", Document, Version, Alias)


def _found(
    state: RootState,
    what: str,
    made: Callable[[RootEvent], T],
    is_gone: Callable[[T], bool],
    *wanted: str | None,
    gone: bool = False,
) -> Iterator[T]:
    """What there is of a sort, the newest of each with what was written side by side with it.

    Args:
        wanted: Scope, kind and name, as far as they matter.
        gone: Also what was removed.
    """
    for subject in state.subjects(what):
        if all(one in (None, has) for one, has in zip(wanted, subject[1:], strict=False)):
            first, *others = sorted(map(made, state.heads(*subject)), key=is_gone)
            if gone or not is_gone(first):
                yield msgspec.structs.replace(first, others=tuple(others))


def _written(event: RootEvent) -> dict[str, Any]:
    """Who wrote an event, when, where and for whom."""
    return {
        "scope": event.scope,
        "time": event.t,
        "user": event.user,
        "host": event.host,
        "event": event.id,
    }


def _document(event: RootEvent) -> Document:
    assert isinstance(event, DocumentSet)
    return Document(
        kind=event.kind, name=event.name, body=from_plain(event.body), **_written(event)
    )


def _version(event: RootEvent) -> Version:
    assert isinstance(event, VersionSet)
    return Version(
        kind=event.kind,
        name=event.name,
        number=event.number,
        target=event.target,
        digest=event.digest,
        body=from_plain(event.body),
        why=event.why,
        **_written(event),
    )


def _alias(event: RootEvent) -> Alias:
    assert isinstance(event, AliasSet)
    return Alias(
        kind=event.kind,
        name=event.name,
        alias=event.alias,
        number=event.number,
        why=event.why,
        **_written(event),
    )
