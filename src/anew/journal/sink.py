"""The protocol of sinks, such as the index or a forwarder; only `drive` passes them records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from .follow import Cursor, Piece, Stream

__all__ = ["Followed", "Sink"]


class Followed(NamedTuple):
    """An experiment that is driven: the prefix at which it lies, and its id; None where no experiment lies any more."""

    prefix: str
    experiment_id: str | None


class Sink(Protocol):
    """Receives what experiments wrote, and remembers how far it has read.

    A sink is driven by one thread at a time. What it takes is *in hand* until `commit` makes it good together with
    its cursors: a crash at any moment leaves what was committed and its cursors, and everything else is offered again. So
    nothing is lost, and nothing is there twice.

    What `take` and `finish` raise is a finding of that one experiment: the driver tells it to `failed` and goes on with
    the others. What `cursors` and `commit` raise is trouble of the sink itself: the driver stops feeding it and raises.
    """

    @property
    def streams(self) -> frozenset[Stream]:
        """The streams it wants."""
        ...

    def cursors(self, experiments: Sequence[Followed]) -> Mapping[str, Cursor]:
        """How far each experiment has been taken, what is in hand included, by prefix.

        Experiments that are left out are not read. An experiment that is no more (without an id) is to be forgotten with the
        next `commit`.
        """
        ...

    def take(self, experiment: Followed, piece: Piece) -> None:
        """Take one piece in hand. Pieces come in order: events, then points as they were written, then logs.

        A piece that does not begin where the cursor ends comes of a file that was replaced.
        """
        ...

    def finish(self, experiment: Followed) -> bool:
        """All that is new of an experiment, or all that its turn allows, was given.

        Returns:
            Whether it is to be looked at again at once, from `cursors` on: a file turned out to have been replaced, or the sink
            has written to the journal itself.
        """
        ...

    def failed(self, experiment: Followed, error: Exception) -> None:
        """The experiment could not be read or taken: what is in hand of it is to be dropped, and the error kept."""
        ...

    def commit(self) -> None:
        """Save everything taken and its cursors, together or not at all."""
        ...

    def close(self) -> None:
        """Release everything held; what was not committed counts as not taken."""
        ...
