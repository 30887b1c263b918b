"""Logging in and out: links of one use become sessions, which a cookie carries."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from .access import cookie_of
from .callers import Caller, Role
from .identity.accounts import Accounts
from .identity.protocol import Begun
from .replies import Denied, replied
from .routes import Call

__all__ = ["Entrance", "LinkRequest", "LoggedIn", "LoggedOut", "by_link", "entrance", "logout", "path_of", "with_session"]  # fmt: skip


class Entrance(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody comes in, and whether the browser that asks is in already. It says nothing about experiments.

    Attributes:
        user: Who the request belongs to; None for nobody that the server knows.
        session: Whether that is by a session, which can be ended.
        accounts: Whether the server has accounts; else it is the page of one user, whose link is printed where it was started.
        sign_on: The name of the provider of sign-on; None where there is none.
    """

    user: str | None
    session: bool
    accounts: bool
    sign_on: str | None


class LinkRequest(msgspec.Struct, frozen=True):
    """A link of one use.

    Attributes:
        link: Its secret: what stands behind `#link=` in the address.
        name: What the first account is to be called, where the link makes it.
    """

    link: str
    name: str | None = None

    def __repr__(self) -> str:
        return "LinkRequest(…)"


class LoggedIn(msgspec.Struct, frozen=True):
    """Who has logged in, their highest role, and when the session ends if it is not used (seconds since the epoch)."""

    user: str
    role: str
    admin: bool
    ends: float


class LoggedOut(msgspec.Struct, frozen=True):
    """The session has ended, or there was none."""

    done: bool = True


def entrance(call: Call) -> Entrance:
    """How somebody comes in, and whether they are."""
    known = call.caller.role > Role.ANYONE or call.caller.key != ""
    return Entrance(
        user=call.caller.name if known else None,
        session=known and cookie_of(call.request) in call.request.cookies,
        accounts=isinstance(call.identities, Accounts),
        sign_on=None if call.sign_on is None else urlsplit(call.sign_on.provider.issuer).hostname,
    )


async def by_link(call: Call) -> Response:
    """Begin a session with a link of one use."""
    identities = call.identities
    asked: LinkRequest = call.question
    begun = None
    if identities is not None and asked.link:
        begun = await anyio.to_thread.run_sync(identities.redeem, asked.link, asked.name)
    if begun is None:
        raise Denied(
            401,
            "NotAllowed",
            "This link does not hold: it was used already, is too old, or was never made. `anew server user link NAME` makes another.",
        )
    return with_session(call.request, replied(call.request, _told(begun)), begun)


async def logout(call: Call) -> Response:
    """End the session that the request shows."""
    secret = call.request.cookies.get(cookie_of(call.request))
    if secret is not None and call.identities is not None:
        await anyio.to_thread.run_sync(call.identities.end, secret)
    response = replied(call.request, LoggedOut())
    response.delete_cookie(
        cookie_of(call.request), path=path_of(call.request), httponly=True, samesite="lax"
    )
    return response


def with_session(request: Request, response: Response, begun: Begun) -> Response:
    """An answer that also hands over a session."""
    response.set_cookie(
        cookie_of(request),
        begun.secret,
        max_age=int(begun.ends - time.time()),
        path=path_of(request),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _told(begun: Begun) -> LoggedIn:
    caller: Caller = begun.caller
    return LoggedIn(caller.name, caller.role.name.lower(), caller.admin, begun.ends)


def path_of(request: Request) -> str:
    """The path that the server lies at, for cookies."""
    return request.scope.get("root_path") or "/"
