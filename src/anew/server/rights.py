"""Which role an edit needs, and where: what the route's own role does not say."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..alerts.firing import FIRED, MENTIONED
from ..alerts.rules import ALERT
from ..errors import NotAllowed, NotFound
from ..journal.author import login_name
from ..query.documents import DocumentsQuestion
from ..query.question import FactsQuestion
from ..query.scope import project_of
from ..reading.backend import Backend
from ..reading.comments import COMMENT, author_of, scope_of, topic_of
from ..reading.upkeep import Upkeep
from ..record import edits
from ..record.models import KIND
from .callers import Caller, Role

__all__ = ["Allowed", "allow", "role_for_document", "role_over"]

_NEEDS: dict[type, Role] = {
    edits.TagsEdit: Role.REPORTER,
    edits.FieldEdit: Role.REPORTER,
    edits.ParamsEdit: Role.WRITER,
    edits.MetricsEdit: Role.WRITER,
    edits.CaptureEdit: Role.WRITER,
    edits.DeleteEdit: Role.MAINTAINER,
    edits.RestoreEdit: Role.MAINTAINER,
    edits.MoveEdit: Role.MAINTAINER,
    edits.DocumentEdit: Role.REPORTER,
    edits.ClaimEdit: Role.WRITER,
    edits.VersionEdit: Role.WRITER,
    edits.AliasEdit: Role.WRITER,
    edits.SinkEdit: Role.OWNER,
}


_DOCUMENTS: dict[str, Role] = {
    KIND: Role.WRITER,  # what a model is called is not said by who may only comment
    ALERT: Role.MAINTAINER,  # the server sends mail and requests to where an alert says
    FIRED: Role.MAINTAINER,  # and to where what is said to have been found says
    MENTIONED: Role.MAINTAINER,
}


def role_for_document(kind: str) -> Role:
    """The role that writing a document of a kind needs."""
    return _DOCUMENTS.get(kind, _NEEDS[edits.DocumentEdit])


def role_over(caller: Caller, kind: str, scope: str) -> Role:
    """The role where a document of a kind and scope counts: an alert also finds what lies in projects below its own."""
    of, _, project = scope.partition("/")
    return caller.role_below(project) if (kind, of) == (ALERT, "project") else caller.role_on(scope)


@dataclass(frozen=True)
class Allowed:
    """An edit that the caller may make, as the record of who did what has it: in which project, of what."""

    edit: edits.Edit
    project: str
    target: str


def allow(
    caller: Caller, given: Sequence[edits.Edit], backend: Backend, upkeep: Upkeep
) -> list[Allowed]:
    """Check that a caller may make edits.

    Args:
        backend: As the caller may see it.
        upkeep: Likewise.

    Raises:
        NotFound: An edit is about an experiment that is not there, or that they may not see.
        NotAllowed: They may see it, and not change it so.
    """
    prefixes = _prefixes(given, backend, upkeep)
    allowed = []
    for one in given:
        needed = _NEEDS[type(one)]
        if isinstance(one, edits.DocumentEdit):
            needed = role_for_document(one.kind)
            if one.kind == COMMENT:
                _check_comment(caller, one, backend)
        match one:
            case edits.DocumentEdit() | edits.ClaimEdit() | edits.VersionEdit() | edits.AliasEdit():
                _require(caller, needed, one.scope, role_over(caller, one.kind, one.scope))
                allowed.append(
                    Allowed(one, one.scope.removeprefix("project/"), f"{one.kind} {one.name}")
                )
            case edits.SinkEdit():
                _require(caller, needed, "the whole store", caller.role_on("root"))
                allowed.append(Allowed(one, "", one.name))
            case _:
                prefix, project = prefixes[one.id]
                _require(caller, needed, prefix, caller.role_in(project))
                target = getattr(one, "prefix", None)
                if target is not None:
                    _require(caller, needed, target, caller.role_at(target))
                allowed.append(Allowed(one, project, f"{one.id} {prefix}"))
    return allowed


def _require(caller: Caller, needed: Role, where: str, role: Role) -> None:
    if role < needed:
        kind, _, project = where.partition("/")
        place = {"root": "the whole store", "project": f"the project {project}"}.get(kind, where)
        raise NotAllowed(
            f"{caller.name or 'You'} may not do that to {place}: it needs the role {needed.name.lower()} there."
        )


def _check_comment(caller: Caller, edit: edits.DocumentEdit, backend: Backend) -> None:
    """Nobody changes what another has said; who maintains a project may remove it."""
    topic = topic_of(edit)
    if topic is not None and scope_of(backend, topic) != edit.scope:
        raise NotAllowed("A comment belongs to the project of what it is about.")
    asked = DocumentsQuestion(
        kind=COMMENT, name=edit.name, scope=edit.scope, gone=True, history=True
    )
    found = backend.documents(asked).documents
    me = caller.user or caller.name
    if (
        caller.grants is None
    ):  # whoever started the server, or who they are where it passes them on to
        me = backend.about().user or login_name()
    if not found or author_of(found[0]) == me:
        return
    if topic is not None or caller.role_on(edit.scope) < Role.MAINTAINER:
        raise NotAllowed(f"{author_of(found[0])} wrote this comment: only they may change it.")


def _prefixes(
    given: Sequence[edits.Edit], backend: Backend, upkeep: Upkeep
) -> dict[str, tuple[str, str]]:
    """By id, the prefix and the project of the experiments that edits are about."""
    restored = {one.id for one in given if isinstance(one, edits.RestoreEdit)}
    ids = {getattr(one, "id", None) for one in given} - restored - {None}
    found = backend.facts(FactsQuestion(ids=tuple(filter(None, ids)), now=time.time()))
    known = {one.id: (one.prefix, project_of(one.prefix, one.user)) for one in found}
    if restored:
        trash = [one for one in upkeep.trash() if one.id in restored]
        known |= {one.id: (one.prefix, project_of(one.prefix)) for one in trash}
    for one in given:
        id_ = getattr(one, "id", None)
        if id_ is not None and id_ not in known:
            raise NotFound(f"There is no experiment {id_!r}.", name=id_)
    return known
