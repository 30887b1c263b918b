"""The routes for links that show some projects to whoever has them."""

from __future__ import annotations

import anyio.to_thread
import msgspec
from starlette.responses import Response

from ..errors import NotAllowed, NotFound
from ..query.scope import check_pattern
from .callers import Caller, Role
from .granting import Done, accounts_of, until
from .identity.accounts import Accounts
from .identity.shares import Share
from .login import LoggedIn, with_session
from .replies import Denied, replied
from .routes import Call

__all__ = [
    "NewShare",
    "ShareLink",
    "ShareMade",
    "ShareNumber",
    "by_share",
    "create",
    "revoke",
    "shares",
]


class NewShare(msgspec.Struct, frozen=True, kw_only=True):
    """A link that shows some projects, read-only.

    Attributes:
        project: Which, as a pattern such as `lab/vision`.
        seconds: How long it is to hold.
    """

    project: str
    seconds: float = 30 * 86400.0


class ShareMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new link; `link` is its secret, which belongs behind `#share=` in the address and is told this one time."""

    share: Share
    link: str

    def __repr__(self) -> str:
        return f"ShareMade({self.share!r})"


class ShareNumber(msgspec.Struct, frozen=True):
    """A link by its number."""

    number: int


class ShareLink(msgspec.Struct, frozen=True):
    """The secret of a link: what stands behind `#share=` in the address."""

    share: str

    def __repr__(self) -> str:
        return "ShareLink(…)"


def _maintains(caller: Caller, pattern: str) -> bool:
    scope = caller.scope(Role.MAINTAINER)
    return scope is None or pattern in scope.patterns or ("*" not in pattern and scope.has(pattern))


def create(call: Call) -> ShareMade:
    """Make a link."""
    accounts, asked = accounts_of(call), call.question
    pattern = check_pattern(asked.project)
    if call.caller.key.startswith("share:") or not _maintains(call.caller, pattern):
        raise NotAllowed(
            f"{call.caller.name} may not share {pattern}: it needs the role maintainer."
        )
    share, secret = accounts.shares.create(pattern, until(asked.seconds), call.caller.name)
    call.note("shared", pattern, f"share {share.number}")
    return ShareMade(share=share, link=secret)


def shares(call: Call) -> tuple[Share, ...]:
    """The links to projects that the caller maintains."""
    found = accounts_of(call).shares.all()
    return tuple(one for one in found if _maintains(call.caller, one.project))


def revoke(call: Call) -> Done:
    """Take a link back."""
    accounts = accounts_of(call)
    number = call.question.number
    known = next((one for one in shares(call) if one.number == number), None)
    if known is None:
        raise NotFound(f"There is no share {number}.", name=str(number))
    accounts.shares.revoke(number)
    call.note("unshared", known.project, f"share {number}")
    return Done()


async def by_share(call: Call) -> Response:
    """Begin a session that may look at what a link shows."""
    asked: ShareLink = call.question
    begun = None
    if isinstance(call.identities, Accounts) and asked.share:
        begun = await anyio.to_thread.run_sync(call.identities.shares.redeem, asked.share)
    if begun is None:
        raise Denied(
            401,
            "NotAllowed",
            "This link does not hold: it has ended, was taken back, or was never made.",
        )
    told = LoggedIn(begun.caller.name, "reader", False, begun.ends)
    return with_session(call.request, replied(call.request, told), begun)
