"""What the routes for clients of other trackers share: what they may write and delete, and files that arrive in pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.to_thread

from ..query.scope import project_of
from . import rationing
from .access import counted_as
from .callers import Role
from .replies import Denied
from .routes import Call

__all__ = ["Checks", "feed"]

_FEED = 1 << 20


class Checks:
    """What one request may do at a prefix, by the caller's role there and by what its project may have. All methods raise `Denied`.

    Args:
        call: Who calls; what needs a maintainer is noted as deleted there.
        what: What there is not, for those who may not know of it.
    """

    def __init__(self, call: Call, what: str) -> None:
        self._call = call
        self._what = what
        self._counted: set[str] = set()

    def writing(self, prefix: str) -> str:
        """See that they may write; the project. What a request sends is counted once for each project."""
        self._needs(Role.WRITER, prefix)
        project = project_of(prefix, self._call.caller.user or self._call.caller.name)
        if project not in self._counted:
            rationing.send(self._call, project)
            self._counted.add(project)
        return project

    def adding(self, prefix: str) -> None:
        """See that they may write, and that the project is not full."""
        rationing.add(self._call, self.writing(prefix))

    def beginning(self, prefix: str) -> None:
        """See that they may write, and that the project takes another experiment."""
        rationing.add(self._call, self.writing(prefix), experiments=1)

    def deleting(self, prefix: str) -> None:
        """See that they may delete."""
        self._needs(Role.MAINTAINER, prefix)
        self._call.note("deleted", project_of(prefix), prefix)

    def _needs(self, role: Role, prefix: str) -> None:
        has = self._call.caller.role_at(prefix)
        if has < Role.READER:
            # Whether there is anything is not for them to know.
            raise Denied(404, "NotFound", f"There is no such {self._what}.")
        if has < role:
            raise Denied(
                403, "NotAllowed", f"That needs the role {role.name.lower()} in the project."
            )


async def feed(call: Call, write: Callable[[bytes], Any]) -> None:
    """Give the body of a request to `write`, in a thread, a piece of about a megabyte at a time.

    Raises:
        Denied: The body is longer than a file may be.
        ClientDisconnect: The client went away before the end.
    """
    length = 0
    waiting = bytearray()
    try:
        async for piece in call.request.stream():
            length += len(piece)
            if length > rationing.MOST_FILE:
                raise Denied(
                    413, "TooLarge", f"The file is longer than {rationing.MOST_FILE} bytes."
                )
            waiting += piece
            if len(waiting) >= _FEED:
                await anyio.to_thread.run_sync(write, bytes(waiting))
                waiting.clear()
    finally:
        rest = max(0, length - rationing.announced(call.request))
        rationing.more(call, counted_as(call.request, call.caller), rest)
    await anyio.to_thread.run_sync(write, bytes(waiting))
