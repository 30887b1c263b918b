"""Credentials: random texts that are shown once and kept as hashes alone.

Each has 256 random bits, so a plain hash is as good as a slow one: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import secrets

__all__ = ["TOKEN", "digest", "new_link", "new_session", "new_token"]

TOKEN = "anew_"
"""What the tokens of programs begin with, so that they are recognised where they do not belong."""
_BYTES = 32


def new_token() -> str:
    """A token for a program."""
    return TOKEN + secrets.token_urlsafe(_BYTES)


def new_session() -> str:
    """The secret of a session, for a cookie."""
    return secrets.token_urlsafe(_BYTES)


def new_link() -> str:
    """The secret of a link of one use."""
    return secrets.token_urlsafe(_BYTES)


def digest(secret: str) -> str:
    """What is kept of a credential."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
