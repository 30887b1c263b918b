"""A repository that a server keeps: what it is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

__all__ = ["Elsewhere", "Given", "Shown"]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody may see of a repository: the commits that branches and tags are at, and the size of blocks in bytes.

    `head` is the branch that people are on there, or empty.
    """

    block_size: int
    branches: dict[str, str] = {}
    tags: dict[str, str] = {}
    head: str = ""


class Given(msgspec.Struct, frozen=True):
    """An object: its kind (1 a block, 2 a tree, 3 a commit) and its bytes, whose BLAKE3 is its key."""

    kind: int
    data: bytes


class Elsewhere(Protocol):
    """A repository on a server. Any thread may ask.

    All methods raise OSError when the server cannot be reached.

    Attributes:
        where: Its address, for messages.
    """

    where: str

    def shown(self) -> Shown:
        """Its branches and tags.

        Raises:
            NotFound: There is no repository.
        """
        ...

    def objects(self, keys: Sequence[bytes]) -> Sequence[Given]:
        """The first of some objects: at least one, and no more than fit into one answer.

        Raises:
            NotFound: The first one is not there, or not for who asks.
        """
        ...

    def starting(self, digits: str) -> Sequence[str]:
        """The commits whose hash starts with these hexadecimal digits."""
        ...
