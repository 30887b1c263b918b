"""The question for what a store keeps beside its experiments."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..record.documents import Alias, Document, Version
from ..record.models import ModelFact

__all__ = ["Documents", "DocumentsQuestion"]


class DocumentsQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Documents, versions, aliases or registered models; all of them where nothing narrows it down.

    Attributes:
        what: Which of the four.
        kind: What they are, such as "view" or "model".
        name: Only those of this name.
        scope: Only those that concern everybody ("root"), a project ("project/<prefix>") or a user ("user/<name>").
        gone: Of documents: also those that were removed, without a body. Of models: those that were deleted, in place of
            those that are there.
        history: Of models: also all that happened to each. Of documents: also what each said before.
    """

    what: Literal["document", "version", "alias", "model"] = "document"
    kind: str | None = None
    name: str | None = None
    scope: str | None = None
    gone: bool = False
    history: bool = False


class Documents(msgspec.Struct, frozen=True):
    """The answer; those that were not asked for are empty.

    Where something was written in two places at once, the newer has the other in its `others`.
    """

    documents: tuple[Document, ...] = ()
    versions: tuple[Version, ...] = ()
    aliases: tuple[Alias, ...] = ()
    models: tuple[ModelFact, ...] = ()
