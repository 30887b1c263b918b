"""Who calls, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Caller", "Role"]


class Role(IntEnum):
    """What a caller may do; each role may do what the ones before it may."""

    ANYONE = 0
    READER = 1
    REPORTER = 2
    WRITER = 3
    MAINTAINER = 4
    OWNER = 5


@dataclass(frozen=True)
class Caller:
    """Who calls, and what they may see.

    Attributes:
        name: The user, as edits name their author.
        role: What they may do.
    """

    name: str
    role: Role
