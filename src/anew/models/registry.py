"""The registry of models over any backend: what `Store.models`, the command line, a server and MLflow's registry share.

Each change is one event of the root's journal, or a few that are written together. One that depends on what is there (a name that must
be free, tags that are added to others) is refused where that has changed meanwhile, and is then tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from ..errors import Ambiguous, Conflict, InvalidName, NotFound
from ..query.documents import DocumentsQuestion
from ..query.edits import Appended, AppendQuestion
from ..query.suggest import nearest
from ..reading.backend import Backend
from ..record.edits import AliasEdit, ClaimEdit, DocumentEdit, Edit, VersionEdit
from ..record.ids import new_id
from ..record.models import KIND, AliasFact, Evidence, ModelFact, PointsTo, VersionFact, target_of
from .names import LATEST, check_alias, check_model_name, parse_ref

__all__ = ["Registry", "Target"]

T = TypeVar("T")
_TRIES = 20


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a version points to; see `record.models.VersionFact`."""

    points_to: PointsTo
    ref: str
    experiment: str | None = None
    digest: str | None = None


class Registry:
    """The models of a store. Any thread may use it.

    A name is looked up in all projects that the caller may see; where several have it, `project/name` says which is
    meant, and so does a `scope`.

    Args:
        append: Writes edits, where that takes more than the backend's own method: a server first checks who may.
    """

    def __init__(
        self, backend: Backend, *, append: Callable[[AppendQuestion], Appended] | None = None
    ) -> None:
        self._backend = backend
        self._append = append or backend.append

    # -- looking -----------------------------------------------------------------------------------

    def models(
        self,
        name: str | None = None,
        *,
        scope: str | None = None,
        gone: bool = False,
        history: bool = False,
    ) -> list[ModelFact]:
        """All models, or those of a name or scope, by name.

        Args:
            gone: Those that were deleted, in place of those that are there.
            history: Also all that happened to them.
        """
        asked = DocumentsQuestion(what="model", name=name, scope=scope, gone=gone, history=history)
        return list(self._backend.documents(asked).models)

    def model(self, ref: str, *, scope: str | None = None, history: bool = False) -> ModelFact:
        """One model, by its name or `project/name`; a version or alias behind it is passed over.

        Raises:
            NotFound: There is none; `nearest` are likely meanings.
            Ambiguous: Models of several projects have that name; `candidates` are their full names.
            InvalidName: It is no name of a model.
        """
        asked = parse_ref(ref)
        found = self.models(asked.name, scope=scope or asked.scope, history=history)
        if len(found) == 1:
            return found[0]
        if found:
            everywhere = [one for one in found if one.scope == "root"]
            if len(everywhere) == 1:
                return everywhere[0]
            names = [_full_name(one) for one in found]
            raise Ambiguous(
                f"{ref!r} can mean several models: {', '.join(names)}.", candidates=names
            )
        known = [one.name for one in self.models()]
        if any(one.name == asked.name for one in self.models(asked.name, gone=True)):
            raise NotFound(
                f"The model {ref!r} was deleted. `anew models restore {asked.name}` brings it back.",
                name=ref,
            )
        near = nearest(asked.name, known)
        raise NotFound(
            f"There is no model {ref!r}." + (f" Did you mean {near[0]!r}?" if near else ""),
            name=ref,
            nearest=near,
        )

    def version(self, ref: str, *, scope: str | None = None) -> VersionFact:
        """The version that `name:3`, `name@alias` or `name` (the newest) means.

        Raises:
            NotFound: There is no such model, alias or version.
            Ambiguous, InvalidName: As `model`.
        """
        asked = parse_ref(ref)
        model = self.model(ref, scope=scope)
        return version_of(
            model, asked.number, asked.alias or (None if asked.number is not None else LATEST)
        )

    # -- models ------------------------------------------------------------------------------------

    def create(
        self,
        name: str,
        *,
        scope: str = "root",
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ModelFact:
        """Make a model without versions.

        Raises:
            Conflict: There is one of that name.
            InvalidName: It cannot be called so.
        """
        check_model_name(name)
        seen = self._seen(name, scope)
        if self.models(name, scope=scope):
            raise Conflict(f"There is a model {name!r} already.")
        key = self._free_key(name, scope)
        self._write(self._document(name, scope, key, description, tags or {}), expect=seen)
        return self.model(name, scope=scope)

    def describe(self, ref: str, description: str | None, *, scope: str | None = None) -> ModelFact:
        """Set a model's description; None removes it."""
        return self._changed(ref, scope, lambda one: (description, one.tags))

    def tag(
        self,
        ref: str,
        add: Mapping[str, str] | None = None,
        remove: Sequence[str] = (),
        *,
        scope: str | None = None,
    ) -> ModelFact:
        """Set and remove tags of a model."""
        return self._changed(
            ref, scope, lambda one: (one.description, _tags(one.tags, add, remove))
        )

    def rename(self, ref: str, name: str, *, scope: str | None = None) -> ModelFact:
        """Give a model another name; its versions, aliases and history stay.

        Raises:
            Conflict: There is a model of that name.
        """
        check_model_name(name)
        model = self.model(ref, scope=scope)
        if name == model.name:
            return model
        seen = self._seen(name, model.scope) + self._seen(model.name, model.scope)
        if self.models(name, scope=model.scope):
            raise Conflict(f"There is a model {name!r} already.")
        # The new name first: whoever looks in between sees the model twice, and not gone.
        self._write(
            self._document(name, model.scope, model.key, model.description, model.tags),
            DocumentEdit(kind=KIND, name=model.name, body=None, scope=model.scope),
            expect=seen,
        )
        return self.model(name, scope=model.scope)

    def delete(self, ref: str, *, scope: str | None = None) -> ModelFact:
        """Delete a model; `restore` brings it back with everything that belongs to it. What its versions point to stays.

        Returns:
            The model as it was.
        """
        model = self.model(ref, scope=scope)
        edits: list[Edit] = []
        if not model.events:  # versions without a document: it needs one to be removed
            edits.append(self._document(model.name, model.scope, model.key, None, {}))
        edits.append(DocumentEdit(kind=KIND, name=model.name, body=None, scope=model.scope))
        self._write(*edits)
        return model

    def restore(self, ref: str, *, name: str | None = None, scope: str | None = None) -> ModelFact:
        """Bring a deleted model back.

        Args:
            ref: Its name, or its key where several of one name were deleted; of several the last one deleted is meant.
            name: What to call it, if its name is another model's by now.

        Raises:
            NotFound: No model of that name was deleted.
            Conflict: Its name is another model's by now.
        """
        gone = [one for one in self.models(scope=scope, gone=True) if ref in (one.name, one.key)]
        if not gone:
            raise NotFound(f"No model {ref!r} was deleted.", name=ref)
        model = max(gone, key=lambda one: (one.key == ref, one.deleted_at or 0.0))
        called = check_model_name(name or model.name)
        seen = self._seen(called, model.scope)
        if self.models(called, scope=model.scope):
            raise Conflict(
                f"There is another model {called!r} by now. Restore this one under another name: "
                f"`anew models restore {model.key} --name NAME`."
            )
        self._write(
            self._document(called, model.scope, model.key, model.description, model.tags),
            expect=seen,
        )
        return self.model(called, scope=model.scope)

    # -- versions ----------------------------------------------------------------------------------

    def register(
        self,
        name: str,
        target: Target,
        *,
        scope: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        why: str | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> VersionFact:
        """Make the next version of a model; the model is made if it is not there.

        Of any number of processes that do so at once, on one folder or through servers, each gets a number of its own.

        Args:
            scope: Where the model is made if it is not there; "root" if not given.

        Raises:
            InvalidName: It cannot be called so.
            Ambiguous: Models of several projects have that name.
        """
        model = self._there(name, scope)
        claim = ClaimEdit(kind=KIND, name=model.key, scope=model.scope)
        number = self._append(AppendQuestion((claim,))).done[0].number
        assert number is not None
        body = _body(target.points_to, target.ref, description, tags or {}, extra or {})
        of = target_of(target.points_to, target.ref, target.experiment)
        self._write(
            VersionEdit(
                kind=KIND, name=model.key, number=number, target=of, digest=target.digest, body=body, why=why,
                scope=model.scope,
            )
        )  # fmt: skip
        return version_of(self.model(model.name, scope=model.scope), number, None)

    def _there(self, name: str, scope: str | None) -> ModelFact:
        """The model of a name; it is made if it is not there."""
        asked = parse_ref(name)
        if asked.number is not None or asked.alias is not None:
            raise InvalidName(
                f"A new version gets its number by itself: register it as {asked.name!r}.",
                name=name,
            )
        try:
            return self.model(name, scope=scope)
        except NotFound:
            try:
                return self.create(asked.name, scope=scope or asked.scope or "root")
            except Conflict:  # another process has made it just now
                return self.model(name, scope=scope)

    def edit_version(
        self,
        ref: str,
        *,
        scope: str | None = None,
        description: str | msgspec.UnsetType | None = msgspec.UNSET,
        add: Mapping[str, str] | None = None,
        remove: Sequence[str] = (),
        extra: Mapping[str, str] | None = None,
    ) -> VersionFact:
        """Set the description, tags or `extra` of a version; what is not given stays."""

        def edited() -> VersionFact:
            model, one = self._version(ref, scope)
            said = one.description if isinstance(description, msgspec.UnsetType) else description
            body = _body(one.points_to, one.ref, said, _tags(one.tags, add, remove), {**one.extra, **(extra or {})})  # fmt: skip
            self._write(self._as(model, one, body=body), expect=one.events)
            return version_of(self.model(model.name, scope=model.scope), one.number, None)

        return _again(edited)

    def withdraw(
        self, ref: str, why: str | None = None, *, scope: str | None = None
    ) -> VersionFact:
        """Withdraw a version: it is no longer listed, and aliases do not mean it; its number is never used again."""
        model, one = self._version(ref, scope)
        body = _body(one.points_to, one.ref, one.description, one.tags, one.extra)
        self._write(self._as(model, one, body=body, target=None, why=why))
        return one

    def restore_version(self, ref: str, *, scope: str | None = None) -> VersionFact:
        """Bring a version back that was withdrawn.

        Raises:
            NotFound: No version of that number was withdrawn.
        """
        asked = parse_ref(ref)
        model = self.model(ref, scope=scope)
        one = next((one for one in model.withdrawn if one.number == asked.number), None)
        if one is None:
            raise NotFound(f"No version {ref!r} was withdrawn.", name=ref)
        body = _body(one.points_to, one.ref, one.description, one.tags, one.extra)
        self._write(self._as(model, one, body=body))
        return version_of(self.model(model.name, scope=model.scope), one.number, None)

    def _version(self, ref: str, scope: str | None) -> tuple[ModelFact, VersionFact]:
        asked = parse_ref(ref)
        model = self.model(ref, scope=scope)
        return model, version_of(model, asked.number, asked.alias)

    # -- aliases -----------------------------------------------------------------------------------

    def point(
        self,
        ref: str,
        alias: str,
        number: int,
        *,
        why: str | None = None,
        scope: str | None = None,
        evidence: Evidence | None = None,
    ) -> AliasFact:
        """Have an alias of a model mean a version from now on.

        Args:
            why: Why, for the history.
            evidence: What that rests on; it is kept with it.

        Raises:
            NotFound: There is no such model or version.
            InvalidName: It is no alias.
        """
        check_alias(alias)
        model = self.model(ref, scope=scope)
        version_of(model, number, None)
        self._write(
            AliasEdit(
                kind=KIND, name=model.key, alias=alias, number=number, why=why, scope=model.scope,
                body={} if evidence is None else msgspec.to_builtins(evidence),
            )
        )  # fmt: skip
        found = self.model(model.name, scope=model.scope).aliases
        return next(one for one in found if one.alias == alias)

    def unpoint(
        self, ref: str, alias: str, *, why: str | None = None, scope: str | None = None
    ) -> None:
        """Take an alias away.

        Raises:
            NotFound: The model has no such alias.
        """
        model = self.model(ref, scope=scope)
        if alias not in {one.alias for one in model.aliases}:
            names = [one.alias for one in model.aliases]
            raise NotFound(
                f"The model {model.name!r} has no alias {alias!r}.", name=alias, nearest=names
            )
        self._write(
            AliasEdit(
                kind=KIND, name=model.key, alias=alias, number=None, why=why, scope=model.scope
            )
        )

    # -- writing -----------------------------------------------------------------------------------

    def _changed(
        self,
        ref: str,
        scope: str | None,
        change: Callable[[ModelFact], tuple[str | None, Mapping[str, str]]],
    ) -> ModelFact:
        def changed() -> ModelFact:
            model = self.model(ref, scope=scope)
            description, tags = change(model)
            edit = self._document(model.name, model.scope, model.key, description, tags)
            self._write(edit, expect=model.events)
            return self.model(model.name, scope=model.scope)

        return _again(changed)

    def _seen(self, name: str, scope: str) -> tuple[str, ...]:
        """The newest events about a name, of one that was removed too."""
        asked = DocumentsQuestion(kind=KIND, name=name, scope=scope, gone=True)
        found = self._backend.documents(asked).documents
        return tuple(e.event for one in found for e in (one, *one.others))

    def _free_key(self, name: str, scope: str) -> str:
        """What the versions of a new model go by: its name, unless another one had that before."""
        used = {one.key for gone in (False, True) for one in self.models(scope=scope, gone=gone)}
        return name if name not in used else f"{name}~{new_id()}"

    def _document(
        self,
        name: str,
        scope: str,
        key: str,
        description: str | None,
        tags: Mapping[str, str],
    ) -> DocumentEdit:
        body: dict[str, Any] = {} if key == name else {"key": key}
        if description is not None:
            body["description"] = description
        if tags:
            body["tags"] = dict(tags)
        return DocumentEdit(kind=KIND, name=name, body=body, scope=scope)

    def _as(
        self,
        model: ModelFact,
        one: VersionFact,
        *,
        body: dict[str, Any],
        target: str | None = "",
        why: str | None = None,
    ) -> VersionEdit:
        """The event that says something else about a version than before."""
        of = target_of(one.points_to, one.ref, one.experiment) if target == "" else target
        return VersionEdit(
            kind=KIND, name=model.key, number=one.number, target=of, digest=one.digest, body=body, why=why,
            scope=model.scope,
        )  # fmt: skip

    def _write(self, *edits: Edit, expect: Sequence[str] | None = None) -> None:
        self._append(AppendQuestion(edits, None if expect is None else tuple(expect)))


def version_of(model: ModelFact, number: int | None, alias: str | None) -> VersionFact:
    """The version of a model that a number or an alias means.

    Raises:
        NotFound: It has none.
    """
    if alias is not None and alias != LATEST:
        number = next((one.number for one in model.aliases if one.alias == alias), None)
    elif alias == LATEST:
        number = model.latest.number if model.latest is not None else None
    for one in model.versions:
        if one.number == number:
            return one
    if alias is not None:
        what, known = f"alias {alias!r}", [one.alias for one in model.aliases]
    else:
        what, known = f"version {number}", [str(one.number) for one in model.versions]
    has = f"it has {', '.join(known)}" if known else "it has none"
    if not model.versions:
        has = "it has no versions"
    elif number is not None and any(one.number == number for one in model.withdrawn):
        has = f"it was withdrawn; `anew models restore {model.name}:{number}` brings it back"
    raise NotFound(
        f"The model {model.name!r} has no {what}: {has}.", name=model.name, nearest=known
    )


def _full_name(model: ModelFact) -> str:
    kind, _, project = model.scope.partition("/")
    return f"{project}/{model.name}" if kind == "project" else model.name


def _body(
    points_to: PointsTo,
    ref: str,
    description: str | None,
    tags: Mapping[str, str],
    extra: Mapping[str, str],
) -> dict[str, Any]:
    body: dict[str, Any] = {"points_to": points_to, "ref": ref}
    if description is not None:
        body["description"] = description
    if tags:
        body["tags"] = dict(tags)
    if extra:
        body["extra"] = dict(extra)
    return body


def _tags(
    before: Mapping[str, str], add: Mapping[str, str] | None, remove: Sequence[str]
) -> dict[str, str]:
    return {
        k: v for k, v in {**before, **(add or {})}.items() if k not in remove or k in (add or {})
    }


def _again(change: Callable[[], T]) -> T:
    """Make a change, and make it again where somebody else has changed the same meanwhile."""
    for tried in range(_TRIES):
        try:
            return change()
        except Conflict:
            time.sleep(0.01 * tried)
    return change()
