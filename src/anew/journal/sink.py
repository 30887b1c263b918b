"""What a follower of the journal fills: the index, a server, another tracker."""

from __future__ import annotations

from typing import Protocol

from .follow import Chunk, Cursor, Stream

__all__ = ["Sink"]


class Sink(Protocol):
    """Takes in what experiments wrote, and remembers how far it has come.

    A sink is driven by one thread at a time. It owns its cursors: `take` must save the chunk's end
    together with what it made of the chunk, so that a crash between the two can neither lose nor double
    anything. An error raised by `take` leaves the cursor where it was, and the chunk is offered again.
    """

    streams: frozenset[Stream]

    def cursor(self, experiment_id: str) -> Cursor:
        """How far this experiment has been taken in."""
        ...

    def take(self, experiment_id: str, folder: str, chunk: Chunk) -> None:
        """Take in one chunk of whole lines and move the cursor past it."""
        ...

    def close(self) -> None:
        """Finish what is under way and release everything held."""
        ...
