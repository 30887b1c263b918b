"""The question that changes something."""

from __future__ import annotations

import msgspec

from ..record.edits import Edit, Edited

__all__ = ["AppendQuestion", "Appended"]


class AppendQuestion(msgspec.Struct, frozen=True):
    """Edits to write down, in this order."""

    edits: tuple[Edit, ...]


class Appended(msgspec.Struct, frozen=True):
    """What each of the edits did."""

    done: tuple[Edited, ...]
