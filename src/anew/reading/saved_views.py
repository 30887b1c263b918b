"""Saved views: what the page shows (a filter, columns, panels and how they are drawn), kept under a name.

What a view shows is a mapping from the parts of the page's state to their values, as `web/src/state.ts` lists them; a
part that a page does not know is passed over there and said. Nothing here depends on what the parts are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import yaml

from ..errors import InvalidValue, NotFound
from ..query.documents import DocumentsQuestion
from ..query.edits import AppendQuestion
from ..record.documents import Document
from ..record.edits import DocumentEdit
from ..record.plain import to_plain
from ..record.yaml_text import load_guarded
from .backend import Backend
from .own import own_scope
from .source import who_asks

__all__ = [
    "SavedView",
    "SavedViews",
    "concerns",
    "project_in",
    "read_yaml",
    "scope_of",
    "scopes_around",
    "to_yaml",
]

KIND = "view"
DEFAULT = "default-view"
_PAGE = "page"
_PROJECT = "project/"
_USER = "user/"
_MOST = 256 << 10
"""Characters of a view as text."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A view as somebody saved it.

    Attributes:
        name: What it is called.
        project: The project that it is for; None for all.
        mine: Whether it is for who asks alone.
        shows: What the page shows, by the names of its parts; empty for one that was removed (only among `earlier`).
        default: Whether the page of its project, or of all, opens on it.
        user, time: Who saved it, and when (seconds since 1970).
        event: The id of what was written, for who saves it again.
        others: What was saved side by side with it, where nobody had seen the other, newest first.
        earlier: What it showed before, newest first, where that was asked for.
    """

    name: str
    project: str | None
    shows: dict[str, Any]
    default: bool
    user: str
    time: float
    event: str
    mine: bool = False
    others: tuple[SavedView, ...] = ()
    earlier: tuple[SavedView, ...] = ()


class SavedViews:
    """The saved views of a store: `store.saved_views.save("overview", {...})`, `store.saved_views.get("overview")`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __repr__(self) -> str:
        return f"<the saved views of {self._backend.about().where}>"

    def list(self, project: str | None = None) -> tuple[SavedView, ...]:
        """All views, by name, with those of one's own; or those for everybody and for the projects that `project` lies in."""
        scopes = (
            None if project is None else (*scopes_around(project), _USER + who_asks(self._backend))
        )
        return tuple(self._read(DocumentsQuestion(kind=KIND, scopes=scopes)))

    def get(
        self, name: str, project: str | None = None, *, mine: bool = False, history: bool = False
    ) -> SavedView:
        """One view.

        Args:
            project: The project that it is for; None for one that is for all.
            mine: One of one's own.
            history: Also tell what it showed before.

        Raises:
            NotFound: There is none.
        """
        scope = self._scope(project, mine)
        asked = DocumentsQuestion(kind=KIND, name=name, scope=scope, history=history)
        found = self._read(asked)
        if not found:
            every = self._read(DocumentsQuestion(kind=KIND, scope=scope))
            of = f" for {project}" if project else ""
            raise NotFound(
                f"There is no saved view {name!r}{of}.", name=name, nearest=[one.name for one in every][:8]
            )  # fmt: skip
        return found[0]

    def save(
        self,
        name: str,
        shows: Mapping[str, Any] | str,
        project: str | None = None,
        *,
        mine: bool = False,
        seen: SavedView | None = None,
    ) -> SavedView:
        """Save a view, in the place of one of this name if there is one; that stays in its history.

        Args:
            shows: What the page is to show, as a mapping or as YAML.
            project: The project that it is for; None for all.
            mine: For oneself alone, in every browser and on every machine.
            seen: The view as its author saw it. If somebody else has saved it since, nothing is written.

        Raises:
            Conflict: Somebody else has saved it meanwhile.
            InvalidName: The name or the project cannot be kept.
            InvalidValue: `shows` is no mapping, or no YAML.
        """
        body = read_yaml(shows) if isinstance(shows, str) else _checked(shows)
        expect = None if seen is None else (seen.event, *(one.event for one in seen.others))
        edit = DocumentEdit(
            kind=KIND,
            name=name,
            body=to_plain(body),
            scope=self._scope(project, mine),
            after=expect,
        )
        self._backend.append(AppendQuestion((edit,), expect))
        return self.get(name, project, mine=mine)

    def remove(self, name: str, project: str | None = None, *, mine: bool = False) -> SavedView:
        """Remove a view; returns what it was.

        Raises:
            NotFound: There is none.
        """
        found = self.get(name, project, mine=mine)
        scope = self._scope(project, mine)
        edits = [DocumentEdit(kind=KIND, name=name, body=None, scope=scope)]
        if found.default:
            edits.append(_default(None, scope))
        self._backend.append(AppendQuestion(tuple(edits)))
        return found

    def default(self, project: str | None = None) -> SavedView | None:
        """The view that the page of a project opens on, or of all: one of one's own first, else that of an outer project where it has none."""
        found = [one for one in self.list() if one.default]
        own = next((one for one in found if one.mine), None)
        if own is not None:
            return own
        if project is None:
            return next((one for one in found if one.project is None), None)
        near = [one for one in found if concerns(one.project, project)]
        return max(near, key=lambda one: len(one.project or ""), default=None)

    def set_default(
        self, name: str | None, project: str | None = None, *, mine: bool = False
    ) -> SavedView | None:
        """Have the page of a project, or of all, open on one of its views; with None, on what it chooses by itself.

        Raises:
            NotFound: It has no such view.
        """
        if name is not None:
            self.get(name, project, mine=mine)
        self._backend.append(AppendQuestion((_default(name, self._scope(project, mine)),)))
        return None if name is None else self.get(name, project, mine=mine)

    def _scope(self, project: str | None, mine: bool) -> str:
        if not mine:
            return scope_of(project)
        if project is not None:
            raise InvalidValue("A view of one's own is for no project.", key="project")
        return own_scope(self._backend)

    def _read(self, question: DocumentsQuestion) -> Sequence[SavedView]:
        asked = DocumentsQuestion(
            kind=DEFAULT, name=_PAGE, scope=question.scope, scopes=question.scopes
        )
        defaults = {
            (one.scope, (one.body or {}).get("view"))
            for one in self._backend.documents(asked).documents
        }
        found = self._backend.documents(question).documents
        me = who_asks(self._backend)
        return [
            _view(one, (one.scope, one.name) in defaults)
            for one in found
            if not one.scope.startswith(_USER) or one.scope == _USER + me
        ]


def read_yaml(text: str) -> dict[str, Any]:
    """What a view shows, from YAML.

    Raises:
        InvalidValue: It is no YAML, or no mapping.
    """
    if len(text) > _MOST:
        raise InvalidValue(f"A view has at most {_MOST} characters.", key="shows")
    try:
        found = load_guarded(text, _LOADER, aliases=False)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidValue(f"This is no view as YAML: {error}", key="shows") from None
    return _checked({} if found is None else found)


def to_yaml(view: SavedView) -> str:
    """What a view shows, as YAML that `read_yaml` takes."""
    return yaml.safe_dump(view.shows, sort_keys=False, allow_unicode=True, width=120)


def _checked(shows: object) -> dict[str, Any]:
    if not isinstance(shows, Mapping) or not all(isinstance(key, str) for key in shows):
        raise InvalidValue(
            "What a view shows is a mapping, such as `filter: status == 'completed'`.", key="shows"
        )
    return dict(shows)


def _default(name: str | None, scope: str) -> DocumentEdit:
    body = None if name is None else {"view": name}
    return DocumentEdit(kind=DEFAULT, name=_PAGE, body=body, scope=scope)


def scope_of(project: str | None) -> str:
    """The scope of a document that is for a project, or for all."""
    return "root" if project is None else _PROJECT + project


def project_in(scope: str) -> str | None:
    """The project of a document's scope; None for one that is for all."""
    return scope[len(_PROJECT) :] if scope.startswith(_PROJECT) else None


def scopes_around(project: str) -> tuple[str, ...]:
    """The scopes of what concerns a project: everybody's, its own, and those of the projects that it lies in."""
    parts = project.split("/")
    return ("root", *(_PROJECT + "/".join(parts[:n]) for n in range(1, len(parts) + 1)))


def concerns(of: str | None, project: str) -> bool:
    """Whether what is for one project, or for all, concerns another one: that project itself, or one in it."""
    return of is None or project == of or project.startswith(of + "/")


def _view(one: Document, default: bool) -> SavedView:
    return SavedView(
        name=one.name,
        project=project_in(one.scope),
        shows=dict(one.body or {}),
        default=default,
        mine=one.scope.startswith(_USER),
        user=one.user,
        time=one.time,
        event=one.event,
        others=tuple(_view(other, False) for other in one.others),
        earlier=tuple(_view(other, False) for other in one.earlier),
    )
