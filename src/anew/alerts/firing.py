"""What alerts found: a document for each experiment and condition, which also says who has been told.

A document is written only where nobody has written it before, so of several processes that find the same one does. It is
claimed the same way before something is sent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ..errors import Conflict
from ..query.documents import DocumentsQuestion, Says
from ..query.edits import AppendQuestion
from ..query.scope import project_of
from ..reading.backend import Backend
from ..reading.saved_views import scope_of
from ..record.documents import Document
from ..record.edits import DocumentEdit
from ..record.facts import ExperimentFacts
from .rules import Alert

__all__ = [
    "FIRED",
    "MENTIONED",
    "Delivery",
    "Fired",
    "all_fired",
    "count_fired",
    "fire",
    "fired_name",
    "newest_fired",
    "one_fired",
    "replace",
    "waiting",
]

FIRED = "alerted"
MENTIONED = "mentioned"
"""The kinds of document: what alerts found, and comments that name a destination."""

State = Literal["pending", "sending", "sent", "failed"]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """How far telling one destination has come.

    Attributes:
        state: "sending" is claimed by somebody until `next`.
        tried: How often it was tried.
        next: When it may be tried (again), or when the claim ends.
        error: Why it failed last.
    """

    state: State = "pending"
    tried: int = 0
    next: float = 0.0
    error: str = ""


class Fired(msgspec.Struct, frozen=True, kw_only=True):
    """That an alert found an experiment, or that somebody was named in a comment: then `alert` says by whom, and `why` is the comment.

    Attributes:
        name: The name of the document, which is also the id of the message.
        alert, when: The alert's name, and its condition.
        experiment, prefix: The experiment.
        why: What was found, in words.
        time: When.
        to: The destinations.
        project: The project of the alert; None for all.
        kind: The kind of the document.
        seen: The events of the document as it was read: what a change of it expects.
    """

    name: str
    scope: str
    alert: str
    when: str
    experiment: str
    prefix: str
    why: str
    time: float
    to: dict[str, Delivery] = {}
    project: str | None = None
    kind: str = FIRED
    seen: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """How telling went: "seen here only", "sent", "waiting" or "failed"."""
        states = {one.state for one in self.to.values()}
        if not states:
            return "seen here only"
        if "failed" in states:
            return "failed"
        return "sent" if states == {"sent"} else "waiting"

    @property
    def error(self) -> str:
        """Why somebody has not been told, or not yet; "" if nothing went wrong."""
        failed = (one.error for one in self.to.values() if one.state != "sent" and one.error)
        return next(failed, "")


def fired_name(alert: Alert, experiment: str) -> str:
    """What the document is called: the same for the same experiment and condition."""
    return f"{experiment}-{alert.key}"


def fire(
    backend: Backend, alert: Alert, one: ExperimentFacts, why: str, now: float
) -> Fired | None:
    """Write down that an alert found an experiment; None if somebody had done so before.

    What an alert of a project found belongs to the project of the experiment, which may lie below: others may not see that one.
    """
    scope = alert.scope
    if alert.project is not None:
        scope = scope_of(project_of(one.prefix, one.user))
    found = Fired(
        name=fired_name(alert, one.id), scope=scope, alert=alert.name, when=alert.when, experiment=one.id,
        prefix=one.prefix, why=why, time=now, to={to: Delivery() for to in alert.to}, project=alert.project,
    )  # fmt: skip
    return one_fired(backend, found.name, scope) if replace(backend, found) else None


def replace(backend: Backend, fired: Fired) -> bool:
    """Write a document if it still is as it was seen; False if it is not."""
    body = msgspec.to_builtins(fired)
    for field in ("name", "scope", "kind", "seen"):
        del body[field]
    # A destination is a value and no key: a key with "token" in it would have what it says masked.
    body["to"] = [{"at": at, **how} for at, how in body["to"].items()]
    edit = DocumentEdit(
        kind=fired.kind, name=fired.name, body=body, scope=fired.scope, after=fired.seen or None
    )
    try:
        backend.append(AppendQuestion((edit,), expect=fired.seen))
    except Conflict:
        return False
    return True


def one_fired(backend: Backend, name: str, scope: str, kind: str = FIRED) -> Fired | None:
    """One of them, as it is now."""
    found = backend.documents(DocumentsQuestion(kind=kind, name=name, scope=scope)).documents
    return _read(found[0]) if found else None


def all_fired(
    backend: Backend, kind: str = FIRED, names: Sequence[str] | None = None
) -> list[Fired]:
    """All that was found, newest first; or those of some names."""
    asked = DocumentsQuestion(kind=kind, names=None if names is None else tuple(names))
    found = backend.documents(asked).documents
    read = [one for document in found if (one := _read(document)) is not None]
    return sorted(read, key=lambda one: -one.time)


def newest_fired(backend: Backend, most: int) -> tuple[list[Fired], int]:
    """The newest of what was found, and how many there are in all; no more of them are read than that."""
    # A document is written again each time somebody is told: what was found last is among those written last.
    found = backend.documents(DocumentsQuestion(kind=FIRED, newest=most))
    read = [one for document in found.documents if (one := _read(document)) is not None]
    return sorted(read, key=lambda one: -one.time), found.total or 0


def count_fired(backend: Backend, name: str, project: str | None = None) -> int:
    """How many experiments an alert has found; none of what it found is read."""
    says = (Says(at=("alert",), value=name), Says(at=("project",), value=project))
    asked = DocumentsQuestion(kind=FIRED, says=says, newest=0)
    return backend.documents(asked).total or 0


def waiting(fired: Sequence[Fired]) -> list[Fired]:
    """Those of which somebody is still to be told."""
    return [
        one
        for one in fired
        if one.told == "waiting" or any(d.state in ("pending", "sending") for d in one.to.values())
    ]


def _read(document: Document) -> Fired | None:
    body: dict[str, Any] = dict(document.body or {})
    seen = (document.event, *(one.event for one in document.others))
    with contextlib.suppress(msgspec.ValidationError, TypeError, KeyError):
        body["to"] = {one["at"]: one for one in body["to"]}
        return msgspec.convert(
            {
                **body,
                "name": document.name,
                "scope": document.scope,
                "kind": document.kind,
                "seen": seen,
            },
            Fired,
            strict=False,
        )
    return None
