"""Sending what the root's journal holds beside the experiments: documents, versions, aliases, imports."""

from __future__ import annotations

from collections.abc import Callable

from ..journal.layout import RootLayout
from ..journal.root import RootPosition, follow_root
from ..record.root import AliasSet, DocumentSet, Extension, Imported, VersionSet, decode_root
from .server import Receiver

__all__ = ["send_events"]

_SENT = (DocumentSet, VersionSet, AliasSet, Imported, Extension)
_PIECE = 1 << 20


def send_events(
    root: RootLayout, server: Receiver, positions: dict[str, str], stop: Callable[[], bool]
) -> tuple[int, int]:
    """Send what is new since these positions, and move them on.

    Returns:
        How many events the server did not have, and how many it refused.

    Raises:
        OSError: The server cannot be reached, or cannot write.
    """
    taken = refused = 0
    before = {name: RootPosition.from_text(text) for name, text in positions.items()}
    for chunk in follow_root(root, before):
        lines, _ = decode_root(chunk.data, chunk.lines + 1, hints=False)
        waiting = [
            line.raw.rstrip(b"\n") + b"\n" for line in lines if isinstance(line.event, _SENT)
        ]
        while waiting:
            if stop():
                return taken, refused
            piece = b""
            while waiting and len(piece) < _PIECE:
                piece += waiting.pop(0)
            answer = server.events(chunk.name.removesuffix(".jsonl"), piece)
            taken, refused = taken + answer.taken, refused + answer.refused
        positions[chunk.name] = chunk.end.to_text()
    return taken, refused
