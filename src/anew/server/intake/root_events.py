"""Events of clients' root journals: views, reports, versions, aliases; each is taken once, by its id."""

from __future__ import annotations

import os
import re

from ...journal.documents import RootJournal
from ...journal.layout import RootLayout
from ...journal.root import append_line, make_private
from ...reading.comments import COMMENT, author_of
from ...record.root import (
    AliasSet,
    DocumentSet,
    Extension,
    Imported,
    RootEvent,
    VersionSet,
    decode_root,
)
from ...sync.wire import MOST_BYTES, RootEventsAnswer, RootEventsRequest
from ..callers import Caller, Role
from ..rights import role_for_document, role_over

__all__ = ["new_lines", "take_lines"]

_AUTHOR = re.compile(r"[\w-]{1,200}")
_SENT = (DocumentSet, VersionSet, AliasSet, Imported, Extension)
"""What travels. Which experiments are deleted or moved, and which sinks a root has, concerns that root alone."""


def take_lines(
    journal: RootJournal, layout: RootLayout, caller: Caller, request: RootEventsRequest
) -> RootEventsAnswer:
    """Append the events that are new to a file of their author, and pass over the others.

    Raises:
        OSError: They cannot be written.
    """
    taken, refused = new_lines(journal, caller, request)
    if taken:
        make_private(layout, layout.journal)
        path = os.path.join(layout.journal, f"sent-{request.author}.jsonl")
        append_line(path, b"".join(taken.values()))
    return RootEventsAnswer(taken=len(taken), refused=refused)


def new_lines(
    journal: RootJournal, caller: Caller, request: RootEventsRequest
) -> tuple[dict[str, bytes], int]:
    """The lines that are new here, by the ids of their events, and how many nobody may send."""
    if _AUTHOR.fullmatch(request.author) is None or len(request.lines) > MOST_BYTES:
        return {}, request.lines.count(b"\n")
    decoded, broken = decode_root(request.lines, 1, hints=False)
    state = journal.state()
    taken, refused = {}, len(broken)
    said: dict[tuple[str, ...], str] = {}
    for line in decoded:
        event = line.event
        if (
            not isinstance(event, RootEvent)
            or not isinstance(event, _SENT)
            or not _may(caller, event)
            or not _is_own(journal, caller, event, said)
        ):
            refused += 1
        elif not state.has(event.id):
            taken[event.id] = line.raw.rstrip(b"\n") + b"\n"
    return taken, refused


def _is_own(
    journal: RootJournal, caller: Caller, event: RootEvent, said: dict[tuple[str, ...], str]
) -> bool:
    """Whether an event changes no comment of somebody else: who sends a store says who wrote what in it, but not of what is here.

    Args:
        said: By subject, who wrote the comments that these lines have begun.
    """
    if not isinstance(event, DocumentSet) or event.kind != COMMENT or caller.grants is None:
        return True
    if journal.state().has(event.id):
        return True
    there = journal.documents(COMMENT, name=event.name, scope=event.scope, gone=True, history=True)
    if there:
        return event.user == author_of(there[0]) and event.user in (caller.user, caller.name)
    return said.setdefault(event.subject, event.user) == event.user


def _may(caller: Caller, event: RootEvent) -> bool:
    """Whether somebody may write an event of this scope."""
    kind_of = ""
    match event:
        case VersionSet() | AliasSet():
            needed = Role.WRITER
        case DocumentSet():
            kind_of, needed = event.kind, role_for_document(event.kind)
        case _:
            needed = Role.REPORTER
    kind, _, name = event.scope.partition("/")
    if caller.scope(Role.OWNER if kind == "user" else needed) is None:
        return True
    if kind == "project":
        return role_over(caller, kind_of, event.scope) >= needed
    return kind == "user" and name in (caller.user, caller.name)
