"""The question for what a store keeps beside its experiments."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..record.documents import Alias, Document, Version
from ..record.models import ModelFact

__all__ = ["Documents", "DocumentsQuestion", "Says"]


class Says(msgspec.Struct, frozen=True, kw_only=True):
    """What the body of a document has to say to be among those that are asked for.

    Attributes:
        at: The names that lead to a value in it, such as `("about", "id")`.
        value: What stands there; None where nothing may.
        within: Whether `value` only has to be in the text that stands there, in capitals or not.
    """

    at: tuple[str, ...]
    value: str | int | float | None
    within: bool = False


class DocumentsQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Documents, versions, aliases or registered models; all of them where nothing narrows it down.

    Attributes:
        what: Which of the four.
        kind: What they are, such as "view" or "model".
        name: Only those of this name.
        names: Only those of these names.
        scope: Only those that concern everybody ("root"), a project ("project/<prefix>") or a user ("user/<name>").
        scopes: Only those of these scopes.
        since: Only those written at this time or later (of a document: written last). Not of models.
        says: Of documents: only those whose bodies say all of this.
        beside, lacking: Of documents: only those in whose scope there is a document of this kind and the same name, or is none.
        newest: Of documents: only so many, those that were written last.
        gone: Of documents: also those that were removed, without a body. Of models: those that were deleted, in place of
            those that are there.
        history: Of models: also all that happened to each. Of documents: also what each said before.
    """

    what: Literal["document", "version", "alias", "model"] = "document"
    kind: str | None = None
    name: str | None = None
    names: tuple[str, ...] | None = None
    scope: str | None = None
    scopes: tuple[str, ...] | None = None
    since: float | None = None
    says: tuple[Says, ...] = ()
    beside: str | None = None
    lacking: str | None = None
    newest: int | None = None
    gone: bool = False
    history: bool = False


class Documents(msgspec.Struct, frozen=True):
    """The answer; those that were not asked for are empty.

    Where something was written in two places at once, the newer has the other in its `others`.

    Attributes:
        total: Of documents: how many there are, where only the newest were asked for.
    """

    documents: tuple[Document, ...] = ()
    versions: tuple[Version, ...] = ()
    aliases: tuple[Alias, ...] = ()
    models: tuple[ModelFact, ...] = ()
    total: int | None = None
