"""One user of this machine, as a page on a folder has: everything is in memory, and ends with the process."""

from __future__ import annotations

import threading
import time

from ..callers import Caller, Role
from .credentials import digest, new_link, new_session
from .protocol import Begun

__all__ = ["LocalUser"]

_LINK = 3600.0
_SESSION = 30 * 86400.0


class LocalUser:
    """`Identities` with one user, who may do everything.

    `link` makes a link of one use. Whoever opens it is the user, in that browser, until the process ends; nobody else on
    the machine is.

    Args:
        name: The user, as edits name their author.
    """

    def __init__(self, name: str) -> None:
        self._caller = Caller(name, Role.OWNER, admin=True, user=name, key="local")
        self._links: dict[str, float] = {}
        self._sessions: dict[str, float] = {}
        self._guard = threading.Lock()

    @property
    def open(self) -> bool:
        """See `Identities.open`: on a machine with several users, reaching a port proves nothing."""
        return False

    def link(self) -> str:
        """The secret of a new link of one use."""
        secret = new_link()
        with self._guard:
            self._links[digest(secret)] = time.time() + _LINK
        return secret

    def of_token(self, token: str) -> Caller | None:
        """See `Identities.of_token`: there are none."""
        del token
        return None

    def of_session(self, secret: str) -> Caller | None:
        """See `Identities.of_session`."""
        ends = self._sessions.get(digest(secret), 0.0)
        return self._caller if ends > time.time() else None

    def redeem(self, link: str, name: str | None = None) -> Begun | None:
        """See `Identities.redeem`."""
        del name
        with self._guard:
            ends = self._links.pop(digest(link), 0.0)
            if ends <= time.time():
                return None
            secret = new_session()
            until = time.time() + _SESSION
            self._sessions[digest(secret)] = until
        return Begun(self._caller, secret, until)

    def end(self, secret: str) -> None:
        """See `Identities.end`."""
        with self._guard:
            self._sessions.pop(digest(secret), None)
