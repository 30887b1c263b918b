"""Whom alerts tell is for who may set them: others see that they are told, and not where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import msgspec

from ..alerts.destinations import hidden
from ..alerts.firing import FIRED, MENTIONED
from ..alerts.rules import ALERT
from ..query.documents import Documents, DocumentsQuestion
from ..reading.backend import Backend
from ..record.documents import Document
from .callers import Caller, Role

__all__ = ["discreet"]

_KINDS = frozenset({ALERT, FIRED, MENTIONED})
_WHERE = "to"


def discreet(backend: Backend, caller: Caller) -> Backend:
    """The backend as somebody sees it who does not maintain every project."""
    if caller.scope(Role.MAINTAINER) is None:
        return backend
    return cast(Backend, _Discreet(backend, caller))


class _Discreet:
    """Whatever is asked but for documents, the backend below answers."""

    def __init__(self, backend: Backend, caller: Caller) -> None:
        self._backend = backend
        self._caller = caller

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def documents(self, question: DocumentsQuestion) -> Documents:
        """See `Backend.documents`."""
        found = self._backend.documents(question)
        if _KINDS.isdisjoint(one.kind for one in found.documents):
            return found
        # That some text is in a destination cannot be found out by asking for it: conditions are about texts, and destinations a list.
        shown = (one if self._tells(one) else _without(one) for one in found.documents)
        return msgspec.structs.replace(found, documents=tuple(shown))

    def _tells(self, one: Document) -> bool:
        return one.kind not in _KINDS or self._caller.role_on(one.scope) >= Role.MAINTAINER


def _without(one: Document) -> Document:
    """A document as it may be seen, with what was written beside it and before it."""
    body = one.body
    to = None if body is None else body.get(_WHERE)
    if body is not None and isinstance(to, Sequence):
        known: dict[str, int] = {}
        body = {**body, _WHERE: [_told(each, known) for each in to]}
    return msgspec.structs.replace(
        one,
        body=body,
        others=tuple(map(_without, one.others)),
        earlier=tuple(map(_without, one.earlier)),
    )


def _told(each: Any, known: dict[str, int]) -> Any:
    """A destination, or how far telling it has come, without where it is and what it answered."""
    if not isinstance(each, dict):
        return _numbered(str(each), known)
    at = _numbered(str(each.get("at", "")), known)
    return {**each, "at": at, "error": ""}


def _numbered(to: str, known: dict[str, int]) -> str:
    """Two that look alike stay two."""
    shown = hidden(to)
    known[shown] = known.get(shown, 0) + 1
    return shown if known[shown] == 1 else f"{shown} ({known[shown]})"
