"""The protocol of what takes in uploads; only a server has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from ...stores.series.protocol import Health
from ...sync.wire import (
    Accepted,
    ArrivedAnswer,
    ArrivedRequest,
    Filed,
    FilingRequest,
    Frame,
    Kept,
    LeasesRequest,
    NamingRequest,
    PieceRequest,
    ReadAnswer,
    ReadRequest,
    Renewed,
    RootEventsAnswer,
    RootEventsRequest,
    Settled,
    Welcome,
)
from ..callers import Caller

__all__ = ["Intake", "Standing", "Tail"]


class Tail(NamedTuple):
    """What a group's server has accepted and is not an object in its bucket yet: it is in the database alone.

    Attributes:
        bytes: How much it is.
        seconds: How long the oldest of it has waited.
    """

    bytes: int
    seconds: float


class Standing(NamedTuple):
    """How far a server is behind.

    Attributes:
        index_lag: Seconds since the oldest arrival that the index has not taken in.
        unfinished: Contents of files that have arrived in part, and `unfinished_bytes` how much of them.
        tail: What waits to become objects, in a group.
        series: Whether ClickHouse can be used, where it has the points of a group.
    """

    index_lag: float
    unfinished: int
    unfinished_bytes: int
    tail: Tail | None = None
    series: Health | None = None


class Intake(Protocol):
    """Appends what clients send to the server's own journals. Any thread may call it.

    *Repetition.* Every call may be repeated, also when its answer was lost: nothing is there twice. Bytes that are there are
    never overwritten; other bytes for the same place are kept beside them.

    *Durability.* What was accepted survives the end of the server's process at any moment. It survives the end of the
    machine once `settle` has returned, or a second later at the latest; a client counts it as arrived only then.

    *Isolation.* What is wrong with one experiment, frame or name is in its answer, and the others are taken. An OSError says
    that the store cannot be written at all, for instance because its disk is full: what was accepted before stays, and the
    client tries again later.

    *Rights.* A caller who may not write where an experiment lies is answered as if there was none.
    """

    def welcome(self) -> Welcome:
        """What a client has to know first."""
        ...

    def file(self, caller: Caller, request: FilingRequest) -> tuple[Filed, ...]:
        """Make room for experiments, and tell what of them is there."""
        ...

    def append(self, caller: Caller, frames: tuple[Frame, ...]) -> tuple[Accepted, ...]:
        """Take bytes of segments."""
        ...

    def read(self, caller: Caller, request: ReadRequest) -> ReadAnswer:
        """Bytes of a segment.

        Raises:
            NotFound: There is no such experiment or segment.
        """
        ...

    def name(self, caller: Caller, request: NamingRequest) -> tuple[tuple[Kept, ...], ...]:
        """Give names to contents that have arrived. A sealed part takes the place of the lines that it stands for."""
        ...

    def contents(self, caller: Caller, request: ArrivedRequest) -> ArrivedAnswer:
        """How much of some contents has arrived."""
        ...

    def receive(self, caller: Caller, request: PieceRequest) -> Accepted:
        """Take a piece of a large content."""
        ...

    def writable(self, caller: Caller, ids: Collection[str]) -> Mapping[str, str]:
        """The projects of those of some experiments that are here and that the caller may write to."""
        ...

    def lines(self, caller: Caller, request: RootEventsRequest) -> RootEventsAnswer:
        """Take events of a client's root journal."""
        ...

    def lease(self, caller: Caller, request: LeasesRequest) -> tuple[Renewed, ...]:
        """Note that writers are alive, and tell which experiments are to stop."""
        ...

    def standing(self) -> Standing:
        """How far what works in the background is behind what has arrived."""
        ...

    def settle(self) -> Settled:
        """Wait until everything that was accepted is on the disk."""
        ...

    def close(self) -> None:
        """Stop what works in the background."""
        ...
