"""What is still to be sent of an experiment, as far as the training process can tell without reading columns."""

from __future__ import annotations

from typing import NamedTuple

from ..journal.follow import Chunk, Cursor, Stream, follow_pieces

__all__ = ["STREAMS", "Waiting", "waiting"]

STREAMS = frozenset({Stream.EVENTS, Stream.POINTS, Stream.LOGS})


class Waiting(NamedTuple):
    """Lines that were not sent yet: `lines` of text, and those of `sealed` parts, which only their footers count."""

    lines: int
    sealed: int

    def __str__(self) -> str:
        return f"at least {self.lines} records" if self.sealed else f"{self.lines} records"


def waiting(folder: str, cursor: Cursor) -> Waiting:
    """What lies after the cursor in an experiment's folder.

    Raises:
        OSError: A file exists but cannot be read.
    """
    lines = sealed = 0
    for piece in follow_pieces(folder, cursor, STREAMS):
        if isinstance(piece, Chunk):
            lines += piece.end.lines - piece.lines
        else:
            sealed += 1
    return Waiting(lines, sealed)
