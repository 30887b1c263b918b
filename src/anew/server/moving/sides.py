"""The seam of moving a store: what a folder and the stores of a group both say of what is true, and take of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple, Protocol

from ...blobs.protocol import Blobs

__all__ = ["Held", "Item", "Source", "State", "Target", "kind_of", "lines_of"]

State = Literal["here", "deleted", "purged"]
_KINDS = {
    "journal": "events",
    "metrics": "points",
    "files": "files",
    "values": "values",
    "environment": "captures",
    "openings": "captures",
    "conflicts": "conflicts",
}


class Item(NamedTuple):
    """An experiment, in the trash too; of one that was removed for good there is nothing but this.

    Attributes:
        name: What it was called when it was deleted.
        deleted_at: When that was; seconds since the epoch.
    """

    id: str
    prefix: str
    state: State = "here"
    name: str = ""
    deleted_at: float = 0.0


class Held(NamedTuple):
    """Something that an experiment has: its path as in the experiment's folder, or below `conflicts/` what is kept beside it.

    Attributes:
        segment: Whether it only grows; anything else is put whole.
        changed_at: When it was written last; seconds since the epoch.
    """

    path: str
    size: int
    changed_at: float
    segment: bool = False
    executable: bool = False


class Source(Protocol):
    """A place that a store lies in. Any number of threads may ask about different experiments.

    What cannot be read is an OSError, or an AnewError where it is refused; the others can be asked for.

    Attributes:
        where: The address, without what is secret in it.
        accounts: Where the accounts are, or would be; see `identity.opening`.
    """

    where: str
    accounts: str

    def has_accounts(self) -> bool:
        """Whether there are accounts."""
        ...

    def root_id(self) -> str | None:
        """The id of the store; None where there is no store yet."""
        ...

    def items(self) -> Mapping[str, Item]:
        """The experiments that are there now, by id."""
        ...

    def unreadable(self) -> Mapping[str, str]:
        """What `items` could not read, and why, by where it lies."""
        ...

    def held(self, item: Item) -> Sequence[Held]:
        """What an experiment has now."""
        ...

    def read(self, item: Item, held: Held, start: int, length: int) -> bytes:
        """Bytes of something that an experiment has."""
        ...

    def local(self, item: Item, held: Held) -> AbstractContextManager[str]:
        """A path on this machine under which something can be read that is no segment."""
        ...

    def lines(self) -> Mapping[str, bytes]:
        """The events of the store's own journal as lines, by their ids, in their order."""
        ...

    def weights(self) -> Blobs:
        """The repository of weights."""
        ...

    def close(self) -> None:
        """Release what is open."""
        ...


class Target(Source, Protocol):
    """A place that a store is moved to. Any number of threads may write different experiments.

    What is written may be written again, and is written after what it refers to: a place whose move was cut short has a part of the
    store, each thing in it whole or, of segments, up to a byte. Nothing is removed but what `remove` names.
    """

    def begin(self, source: str) -> None:
        """Take note that a move from there begins: until `finish`, no server starts on a part of a store."""
        ...

    def begun(self) -> str | None:
        """From where a move was begun that has not come to its end."""
        ...

    def take(self, item: Item) -> None:
        """Make a place for an experiment, or file it as the other side does."""
        ...

    def append(self, item: Item, held: Held, at: int, data: bytes) -> None:
        """Append to a segment that has this many bytes."""
        ...

    def put(self, item: Item, held: Held, path: str, hash: str) -> None:
        """Put a file with this content (a path on this machine, which stays as it is, and its BLAKE3) in its place."""
        ...

    def settle(self, item: Item, held: Sequence[Held]) -> None:
        """All of an experiment has come: leave it with the times that it has on the other side."""
        ...

    def remove(self, item: Item, paths: Collection[str]) -> None:
        """Remove what became something else on the other side: lines that were sealed."""
        ...

    def take_lines(self, lines: Mapping[str, bytes]) -> None:
        """Append events of the store's own journal that are not there."""
        ...

    def finish(self) -> None:
        """Make good all that was taken, and forget that a move was begun."""
        ...


def kind_of(path: str) -> str:
    """What kind of thing a path is, in the words that counts are told in."""
    top, _, rest = path.partition("/")
    if top == "logs":
        return "messages" if rest.startswith("logs-") else "console"
    return _KINDS.get(top, "documents") if rest else "documents"


def lines_of(path: str) -> str:
    """The path of the lines that a sealed part stands for; "" for anything else."""
    sealed = path.startswith("metrics/") and path.endswith(".parquet")
    return f"{path[:-8]}.jsonl" if sealed else ""
