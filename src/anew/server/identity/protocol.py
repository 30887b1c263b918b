"""The seam of who there is: what the server asks about credentials that a request shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..callers import Caller

__all__ = ["Begun", "Identities"]


@dataclass(frozen=True)
class Begun:
    """A session that a link began: who it belongs to, the secret for the cookie, and when it ends (seconds since the epoch)."""

    caller: Caller
    secret: str
    ends: float

    def __repr__(self) -> str:
        return f"Begun({self.caller.name!r})"


class Identities(Protocol):
    """Knows who shows which credential.

    Any thread may ask. A credential that is unknown, expired, used up or revoked is answered by None in every case.
    """

    @property
    def open(self) -> bool:
        """Whether callers without credentials act as the user who started the server, since nobody has an account yet."""
        ...

    def of_token(self, token: str) -> Caller | None:
        """Whose token it is."""
        ...

    def of_session(self, secret: str) -> Caller | None:
        """Whose session it is."""
        ...

    def redeem(self, link: str, name: str | None = None) -> Begun | None:
        """Use a link, which works once; the session that it begins.

        Args:
            name: What the first account is to be called, where the link makes it.

        Raises:
            InvalidName: No account can be called so.
        """
        ...

    def end(self, secret: str) -> None:
        """End a session; an unknown one is none already."""
        ...
