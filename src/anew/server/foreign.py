"""What the routes for clients of other trackers share: who may write and delete, and files that arrive in pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.to_thread

from ..query.scope import project_of
from .callers import Role
from .replies import Denied
from .routes import Call

__all__ = ["feed", "needing"]

_MOST_FILE = 64 << 30
"""Bytes of a file with what surrounds it."""
_FEED = 1 << 20


def needing(call: Call, role: Role, what: str) -> Callable[[str], None]:
    """A check of the caller's role at a prefix, which refuses what it does not allow.

    Args:
        call: Who calls; what needs a maintainer is noted as deleted there.
        role: The role that is needed.
        what: What there is not, for those who may not know of it.
    """

    def check(prefix: str) -> None:
        has = call.caller.role_at(prefix)
        if has < Role.READER:
            # Whether there is anything is not for them to know.
            raise Denied(404, "NotFound", f"There is no such {what}.")
        if has < role:
            raise Denied(
                403, "NotAllowed", f"That needs the role {role.name.lower()} in the project."
            )
        if role >= Role.MAINTAINER:
            call.note("deleted", project_of(prefix), prefix)

    return check


async def feed(call: Call, write: Callable[[bytes], Any]) -> None:
    """Give the body of a request to `write`, in a thread, a piece of about a megabyte at a time.

    Raises:
        Denied: The body is longer than a file may be.
        ClientDisconnect: The client went away before the end.
    """
    length = 0
    waiting = bytearray()
    async for piece in call.request.stream():
        length += len(piece)
        if length > _MOST_FILE:
            raise Denied(413, "TooLarge", f"The file is longer than {_MOST_FILE} bytes.")
        waiting += piece
        if len(waiting) >= _FEED:
            await anyio.to_thread.run_sync(write, bytes(waiting))
            waiting.clear()
    await anyio.to_thread.run_sync(write, bytes(waiting))
