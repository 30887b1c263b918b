"""The routes of sign-on by OpenID Connect: to the provider, and back from it."""

from __future__ import annotations

import anyio.to_thread
from starlette.responses import RedirectResponse, Response

from .access import cookie_of
from .identity.accounts import Accounts
from .identity.oidc import SignOn
from .login import path_of, with_session
from .replies import SECURITY, Denied
from .routes import Call

__all__ = ["back", "to_provider"]

_SECONDS = 600


def _ready(call: Call) -> tuple[SignOn, Accounts]:
    if call.sign_on is None or not isinstance(call.identities, Accounts):
        raise Denied(
            401, "NotAllowed", "This server has no provider of sign-on: log in with a link."
        )
    return call.sign_on, call.identities


async def to_provider(call: Call) -> Response:
    """Send the browser to the provider. Who is logged in already connects that identity with their account."""
    sign_on, _ = _ready(call)
    user = call.caller.user if call.caller.key.startswith("user:") else ""
    started = await anyio.to_thread.run_sync(sign_on.begin, user)
    response = RedirectResponse(
        started.address, 303, headers={**SECURITY, "Cache-Control": "no-store"}
    )
    response.set_cookie(
        _cookie(call), started.secret, max_age=_SECONDS, path=path_of(call.request),
        secure=sign_on.provider.url.startswith("https:"), httponly=True, samesite="lax",
    )  # fmt: skip
    return response


async def back(call: Call) -> Response:
    """Log in whom the provider vouches for."""
    sign_on, accounts = _ready(call)
    asked = call.request.query_params
    secret = call.request.cookies.get(_cookie(call), "")
    if "code" not in asked or "state" not in asked:
        raise Denied(401, "NotAllowed", "The provider of sign-on let nobody in.")
    identity, user = await anyio.to_thread.run_sync(
        sign_on.finish, asked["state"], secret, asked["code"]
    )
    begun = await anyio.to_thread.run_sync(accounts.sign_on, identity, user)
    call.note("signed on", "", f"{begun.caller.name}, by {identity.issuer}")
    response = RedirectResponse(sign_on.provider.url.rstrip("/") + "/", 303, headers=SECURITY)
    response.delete_cookie(_cookie(call), path=path_of(call.request), httponly=True, samesite="lax")
    return with_session(call.request, response, begun)


def _cookie(call: Call) -> str:
    return f"{cookie_of(call.request)}_sign_on"
