"""One pass of pushing to a server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator

from ..credentials import token_for
from ..reading.remote.connection import Connections
from ..syncing.outbox import Outbox
from .outcome import Outcome, Pass

__all__ = ["pass_to"]


@contextlib.contextmanager
def pass_to(outbox: Outbox) -> Iterator[Pass]:
    connections = Connections(outbox.server)

    def push(ids: Collection[str], live: Collection[str], stop: Callable[[], bool]) -> Outcome:
        headers = {}
        if token := token_for(outbox.server):
            headers["Authorization"] = f"Bearer {token}"
        try:
            reply = connections.send("GET", "/api/v1/about", headers, b"", timeout=10)
            reply.read()
        except OSError as error:
            return Outcome(
                reached=False,
                error=f"{outbox.server} cannot be reached: {error.strerror or error}.",
                waits=True,
            )
        return Outcome()

    try:
        yield push
    finally:
        connections.close()
