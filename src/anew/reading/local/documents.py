"""What a root's journal adds up to, as the answer to a question."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from ...journal.documents import RootJournal
from ...query.documents import Documents, DocumentsQuestion, Says
from ...record.documents import Alias, Document, Version

__all__ = ["answer_documents"]

T = TypeVar("T", Alias, Version)


def answer_documents(
    journal: RootJournal, question: DocumentsQuestion, shows: Callable[[str], bool]
) -> Documents:
    """The documents, versions, aliases or models that are asked for.

    Args:
        shows: Whether what is in a scope may be seen by who asks.

    Raises:
        OSError: The journal cannot be read.
    """
    kind, name, scope = question.kind, question.name, question.scope
    match question.what:
        case "document":
            return _documents(journal, question, shows)
        case "version":
            versions = journal.versions(kind, name, scope=scope)
            return Documents(versions=_meant(versions, question, shows))
        case "alias":
            aliases = journal.aliases(kind, name, scope=scope)
            return Documents(aliases=_meant(aliases, question, shows))
        case "model":
            found = journal.models(name, scope=scope, gone=question.gone, history=question.history)
            return Documents(models=tuple(one for one in found if shows(one.scope)))


def _documents(
    journal: RootJournal, question: DocumentsQuestion, shows: Callable[[str], bool]
) -> Documents:
    names = None if question.names is None else frozenset(question.names)
    scopes = None if question.scopes is None else frozenset(question.scopes)
    beside, lacking = (
        None if kind is None else {(one.scope, one.name) for one in journal.documents(kind)}
        for kind in (question.beside, question.lacking)
    )

    def keep(one: Document) -> bool:
        place = (one.scope, one.name)
        return (
            shows(one.scope)
            and (names is None or one.name in names)
            and (scopes is None or one.scope in scopes)
            and (question.since is None or one.time >= question.since)
            and (beside is None or place in beside)
            and (lacking is None or place not in lacking)
            and all(_says(one.body, asked) for asked in question.says)
        )

    found = journal.documents(
        question.kind, name=question.name, scope=question.scope, gone=question.gone,
        history=question.history, keep=keep,
    )  # fmt: skip
    if question.newest is None:
        return Documents(documents=tuple(found))
    newest = heapq.nlargest(max(0, question.newest), found, key=lambda one: one.time)
    return Documents(documents=tuple(newest), total=len(found))


def _meant(
    found: Sequence[T], question: DocumentsQuestion, shows: Callable[[str], bool]
) -> tuple[T, ...]:
    """Of versions or aliases those that are asked for."""
    return tuple(
        one
        for one in found
        if shows(one.scope)
        and (question.names is None or one.name in question.names)
        and (question.scopes is None or one.scope in question.scopes)
        and (question.since is None or one.time >= question.since)
    )


def _says(body: object, asked: Says) -> bool:
    for name in asked.at:
        body = body.get(name) if isinstance(body, Mapping) else None
    if asked.within:
        return isinstance(body, str) and str(asked.value).casefold() in body.casefold()
    return type(body) is not bool and body == asked.value
