"""What the routes share that give something out: whose accounts it is from, and how long it holds."""

from __future__ import annotations

import time

import msgspec

from .identity.accounts import Accounts
from .replies import Denied
from .routes import Call

__all__ = ["Done", "accounts_of", "until"]

_LONGEST = 400 * 86400.0


class Done(msgspec.Struct, frozen=True):
    """It is done."""

    done: bool = True


def accounts_of(call: Call) -> Accounts:
    """The accounts of the server.

    Raises:
        Denied: It has none.
    """
    if isinstance(call.identities, Accounts):
        return call.identities
    raise Denied(409, "NoAccounts", "This server has no accounts, so it gives nothing out.")


def until(seconds: float) -> float:
    """When something ends that is to hold for so many seconds: in a second at the earliest, and in 400 days at the latest."""
    return time.time() + min(max(seconds, 1.0), _LONGEST)
