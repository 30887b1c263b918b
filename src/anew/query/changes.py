"""The question for what has changed."""

from __future__ import annotations

import msgspec

__all__ = ["Changes", "ChangesQuestion", "DocumentRef", "cursor_of_both", "cursor_of_documents", "cursor_of_experiments", "has_news"]  # fmt: skip

_BETWEEN = "+"
"""What stands in a cursor between its part for experiments and the one for documents."""


class ChangesQuestion(msgspec.Struct, frozen=True):
    """What has changed since an earlier answer.

    Attributes:
        since: The cursor of that answer; None asks for a cursor alone.
        wait: Seconds to wait for a change, where there is none yet.
    """

    since: str | None = None
    wait: float = 0.0


class DocumentRef(msgspec.Struct, frozen=True):
    """A document that was written or removed."""

    kind: str
    name: str
    scope: str


class Changes(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer. What has its usual value is not written: whoever follows a training is told every second.

    Attributes:
        cursor: To be given with the next question.
        ids: The experiments that are new or have changed.
        gone: The experiments that are no longer there.
        everything: Whether anything may have changed, because the cursor is too old or from another store.
        documents: The documents that were written or removed, such as comments.
        any_document: Whether any document may have been, because the cursor is from another process or they are very many.
    """

    cursor: str
    ids: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    everything: bool = False
    documents: tuple[DocumentRef, ...] = ()
    any_document: bool = False


def has_news(changes: Changes) -> bool:
    """Whether anything has changed."""
    return bool(
        changes.ids
        or changes.gone
        or changes.everything
        or changes.documents
        or changes.any_document
    )


def cursor_of_experiments(cursor: str) -> str:
    """The part of a cursor that stays as it is while no experiment changes."""
    return cursor.partition(_BETWEEN)[0]


def cursor_of_documents(cursor: str) -> str:
    """The part of a cursor that stays as it is while no document changes."""
    return cursor.partition(_BETWEEN)[2]


def cursor_of_both(experiments: str, documents: str) -> str:
    """The cursor of two parts."""
    return f"{experiments}{_BETWEEN}{documents}"
