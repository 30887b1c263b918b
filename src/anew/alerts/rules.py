"""Alerts as documents of the store: which experiments, what is watched for, and who is told."""

from __future__ import annotations

import hashlib
import math
from typing import Literal

import msgspec

from ..errors import InvalidValue, NotFound
from ..query.documents import DocumentsQuestion
from ..query.edits import AppendQuestion
from ..query.literals import parse_duration
from ..query.question import ask
from ..reading.backend import Backend
from ..reading.saved_views import project_in, scope_of
from ..record.documents import Document
from ..record.edits import DocumentEdit
from ..record.names import check_label
from .destinations import parse_destination

__all__ = [
    "ALERT",
    "Alert",
    "Condition",
    "add_alert",
    "all_alerts",
    "check_alert",
    "one_alert",
    "parse_condition",
    "remove_alert",
]

ALERT = "alert"
"""The kind of document."""
_PROJECT = "project/"
_ENDS = ("completed", "failed", "cancelled")

Kind = Literal["value", "nan", "stalled", "ended", "verdict"]


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched for.

    Attributes:
        kind: "value": the filter `expression` is true; "nan": a metric has a value that is NaN or infinite; "stalled": it runs, and logged no
            point for `seconds`; "ended": it ended; "verdict": a re-run was judged.
        metric: The metric that is meant; any but those of the system if empty.
        words: The statuses or verdicts that count; all if empty.
    """

    kind: Kind
    expression: str = ""
    metric: str = ""
    seconds: float = 0.0
    words: tuple[str, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A filter, a condition, and who is told.

    Attributes:
        name: What it is called.
        filter: Which experiments, in the filter language; all if empty.
        when: The condition as it was written, see `parse_condition`.
        to: Destinations: `mailto:` addresses, URLs, `slack:` URLs, or names of the destinations that whoever sends knows, as `@ops`.
        project: Only experiments below this prefix; None for all.
        user, time: Who wrote it, and when: what had not changed since then is not told.
    """

    name: str
    filter: str
    when: str
    to: tuple[str, ...]
    project: str | None = None
    user: str = ""
    time: float = 0.0

    @property
    def condition(self) -> Condition:
        """What `when` says."""
        return parse_condition(self.when)

    @property
    def scope(self) -> str:
        """The scope of its document, and of what it finds."""
        return scope_of(self.project)

    @property
    def key(self) -> str:
        """What stays the same as long as filter and condition do."""
        text = "\0".join((self.name, self.scope, self.filter, self.when))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def parse_condition(text: str) -> Condition:
    """A condition as it is written.

    `nan`, `nan train/loss`, `stalled 30m`, `stalled 30m train/loss`, `ended`, `ended failed cancelled`, `verdict diverged`; anything else is an
    expression of the filter language, such as `metrics.loss.last > 10`.

    Raises:
        InvalidValue: A word cannot be there.
        QueryError: The expression cannot be read.
    """
    words = text.split()
    head, rest = (words[0].lower(), words[1:]) if words else ("", [])
    if head == "nan" and len(rest) <= 1:
        return Condition(kind="nan", metric="".join(rest))
    if head == "stalled":
        seconds = parse_duration(rest[0]) if rest else None
        if seconds is None or not 1 <= seconds < math.inf or len(rest) > 2:
            raise InvalidValue(
                f"{text!r} says no length of time: write `stalled 30m`, with the metric after it if one is meant.",
                key="when",
            )
        return Condition(kind="stalled", seconds=seconds, metric="".join(rest[1:]))
    if head == "ended":
        given = tuple(word.strip(",").lower() for word in rest)
        if wrong := [word for word in given if word not in _ENDS]:
            raise InvalidValue(f"{wrong[0]!r} is no way to end: {', '.join(_ENDS)}.", key="when")
        return Condition(kind="ended", words=given)
    if head == "verdict":
        return Condition(
            kind="verdict", words=tuple(word.strip(",").upper().replace("-", " ") for word in rest)
        )
    if not words:
        raise InvalidValue(
            "An alert needs a condition, such as 'nan', 'stalled 30m' or 'metrics.loss.last > 10'.",
            key="when",
        )
    ask(text, now=0.0)
    return Condition(kind="value", expression=text)


def all_alerts(backend: Backend) -> list[Alert]:
    """The alerts of a store, by name; what others wrote otherwise is left out."""
    found = backend.documents(DocumentsQuestion(kind=ALERT)).documents
    return [alert for one in found if (alert := _read(one)) is not None]


def one_alert(backend: Backend, name: str, project: str | None = None) -> Alert:
    """One alert.

    Raises:
        NotFound: There is none of that name.
    """
    asked = DocumentsQuestion(kind=ALERT, name=name, scope=scope_of(project))
    for one in backend.documents(asked).documents:
        if (found := _read(one)) is not None:
            return found
    known = [one.name for one in all_alerts(backend)][:8]
    raise NotFound(f"There is no alert {name!r}.", name=name, nearest=known)


def add_alert(backend: Backend, alert: Alert) -> None:
    """Write an alert down; one of the same name and project is replaced.

    Raises:
        InvalidValue: Its condition or a destination cannot be read.
        InvalidName: Its name or its project cannot be kept.
        QueryError: Its filter cannot be read.
    """
    body = {"filter": alert.filter, "when": alert.when, "to": list(alert.to)}
    edit = DocumentEdit(kind=ALERT, name=alert.name, body=body, scope=alert.scope)
    check_alert(edit)
    backend.append(AppendQuestion((edit,)))


def check_alert(edit: DocumentEdit) -> None:
    """Check an alert that somebody wants to write: what cannot be read would never be evaluated, and nobody would be told.

    Raises:
        InvalidValue: Its condition or a destination cannot be read, or it says otherwise than in texts what is watched and who is told.
        InvalidName: Its name cannot be kept.
        QueryError: Its filter cannot be read.
    """
    if edit.body is None:
        return
    check_label(edit.name, "name")
    filter_, when, to = edit.body.get("filter", ""), edit.body.get("when"), edit.body.get("to", ())
    texts = isinstance(to, (list, tuple)) and all(isinstance(one, str) for one in to)
    if not (isinstance(filter_, str) and isinstance(when, str) and texts):
        raise InvalidValue(
            "An alert has the texts `filter` and `when`, and in `to` a list of destinations.",
            key="alert",
        )
    parse_condition(when)
    ask(filter_ or None, now=0.0)
    for one in to:
        parse_destination(one)


def remove_alert(backend: Backend, name: str, project: str | None = None) -> Alert:
    """Remove an alert; returns it.

    Raises:
        NotFound: There is none of that name.
    """
    found = one_alert(backend, name, project)
    edit = DocumentEdit(kind=ALERT, name=name, body=None, scope=found.scope)
    backend.append(AppendQuestion((edit,)))
    return found


def _read(document: Document) -> Alert | None:
    body, scope = document.body or {}, document.scope
    filter_, when, to = body.get("filter", ""), body.get("when"), body.get("to", ())
    if (
        not (scope == "root" or scope.startswith(_PROJECT))
        or not isinstance(filter_, str)
        or not isinstance(when, str)
    ):
        return None
    if not isinstance(to, (list, tuple)) or not all(isinstance(one, str) for one in to):
        return None
    try:
        parse_condition(when)
        ask(filter_ or None, now=0.0)
    except ValueError:  # written by a newer version, or by hand
        return None
    return Alert(
        name=document.name,
        filter=filter_,
        when=when,
        to=tuple(to),
        project=project_in(scope),
        user=document.user,
        time=document.time,
    )
