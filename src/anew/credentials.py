"""The token that this user has for a server."""

from __future__ import annotations

from .settings import token_in_environment

__all__ = ["token_for"]


def token_for(location: str) -> str | None:
    """The token to show a server; None where there is none.

    Args:
        location: The server's address, as `parse_address` has it.
    """
    del location  # the variable holds for every server that is asked
    return token_in_environment()
