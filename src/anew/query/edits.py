"""The question that changes something."""

from __future__ import annotations

import msgspec

from ..record.edits import Edit, Edited

__all__ = ["AppendQuestion", "Appended"]


class AppendQuestion(msgspec.Struct, frozen=True):
    """Edits to write down, in this order.

    Attributes:
        expect: The ids of the newest events (`Document.event`, with those of its `others`) of all documents, versions
            and aliases that the edits write, as their author saw them; empty for what was not there. If these are not
            the newest any more, nothing is written. None writes in any case.
    """

    edits: tuple[Edit, ...]
    expect: tuple[str, ...] | None = None


class Appended(msgspec.Struct, frozen=True):
    """What each of the edits did."""

    done: tuple[Edited, ...]
