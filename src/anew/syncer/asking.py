"""Asking a server who a token belongs to."""

from __future__ import annotations

from ..reading.remote.opening import open_server

__all__ = ["user_of"]


def user_of(server: str, token: str) -> str:
    """Whom the server takes the owner of a token for.

    Raises:
        AnewError: It does not know the token, or is no server of Anew.
        OSError: It cannot be reached.
    """
    opened = open_server(server, token=token)
    try:
        return opened.backend.about().user
    finally:
        opened.close()
