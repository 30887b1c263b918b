"""What an experiment may be called, and which one is meant."""

from __future__ import annotations

import msgspec

__all__ = ["Candidate", "ResolveQuestion", "Resolved"]


class ResolveQuestion(msgspec.Struct, frozen=True):
    """Texts that each mean an experiment: an id, the start of one, a prefix, or a name that only one has."""

    refs: tuple[str, ...]


class Candidate(msgspec.Struct, frozen=True):
    """An experiment that may have been meant."""

    id: str
    prefix: str


class Resolved(msgspec.Struct, frozen=True):
    """What one text means.

    Attributes:
        id: The experiment; None where the text means none, or several.
        candidates: The experiments that it may mean, where there are several. There may be more than are listed.
        by: What the candidates have in common: the start of their ids, or a name.
        nearest: Ids or prefixes that look like the text, where it means none.
        empty: Whether there are no experiments at all.
        moved: Where to the experiments were moved that lay below the text as a prefix; empty where there were none. The prefix that a
            single experiment left means that experiment, as long as no other one is there.
    """

    ref: str
    id: str | None = None
    candidates: tuple[Candidate, ...] = ()
    by: str = ""
    nearest: tuple[str, ...] = ()
    empty: bool = False
    moved: str = ""
