"""The routes for who may use the server: tokens of one's own, users and roles, and the record of who did what."""

from __future__ import annotations

import msgspec

from ..errors import NotAllowed
from ..query.scope import check_pattern
from .callers import ROLES, Caller, Grant, Role
from .granting import Done, accounts_of, until
from .identity.accounts import Token, User
from .identity.audit import AuditEntry
from .replies import Denied
from .routes import Call

__all__ = [
    "AuditRequest",
    "Made",
    "NewToken",
    "NewUser",
    "RoleRequest",
    "TokenMade",
    "TokenName",
    "UserName",
    "add_user",
    "audit",
    "create_token",
    "remove_user",
    "revoke_token",
    "set_role",
    "tokens",
    "users",
]


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token to make for oneself: it never does more than its user may.

    Attributes:
        project: The projects it is for, as a pattern such as `lab/*`.
        seconds: How long it is to hold.
    """

    name: str
    role: str
    project: str = "*"
    seconds: float = 90 * 86400.0


class TokenMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new token; this is the only time that it is told."""

    token: str
    name: str
    expires_at: float

    def __repr__(self) -> str:
        return f"TokenMade({self.name!r})"


class TokenName(msgspec.Struct, frozen=True):
    """A token by its name."""

    name: str


class UserName(msgspec.Struct, frozen=True):
    """A user by name."""

    name: str


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user to add, with a role to begin with; `admin` ones look after the server."""

    name: str
    role: str | None = None
    project: str = "*"
    admin: bool = False


class Made(msgspec.Struct, frozen=True):
    """A user was added; `link` is the secret of a link of one use that logs them in."""

    name: str
    link: str

    def __repr__(self) -> str:
        return f"Made({self.name!r})"


class RoleRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The role that a user is to have in the projects of a pattern; none takes it back."""

    user: str
    project: str
    role: str | None = None


class AuditRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, newest first.

    Attributes:
        before: Only entries with a lower number: the last one of an earlier answer.
    """

    limit: int = 100
    before: int | None = None


def _person(caller: Caller) -> str:
    """The user who calls, and not by a token: a token that could make others would outlive itself."""
    if not caller.key.startswith("user:"):
        raise NotAllowed("Log in for that: a token does not do.")
    return caller.user


def _role(name: str) -> Role:
    if name not in ROLES:
        raise Denied(
            400, "InvalidValue", f"There is no role {name!r}; there are {', '.join(ROLES)}."
        )
    return ROLES[name]


def tokens(call: Call) -> tuple[Token, ...]:
    """The caller's tokens; all of them for who looks after the server."""
    accounts = accounts_of(call)
    if call.caller.admin:
        return tuple(accounts.tokens())
    return tuple(accounts.tokens(_person(call.caller)))


def create_token(call: Call) -> TokenMade:
    """Make a token for oneself."""
    accounts, asked = accounts_of(call), call.question
    user = _person(call.caller)
    ends_at = until(asked.seconds)
    project = check_pattern(asked.project)
    made = accounts.create_token(
        asked.name, _role(asked.role), project=project, expires_at=ends_at, user=user
    )
    call.note("token created", "", f"{asked.name}: {asked.role} of {project}")
    return TokenMade(token=made, name=asked.name, expires_at=ends_at)


def revoke_token(call: Call) -> Done:
    """End a token of one's own; any, for who looks after the server."""
    accounts, name = accounts_of(call), call.question.name
    accounts.revoke_token(name, user=None if call.caller.admin else _person(call.caller))
    call.note("token revoked", "", name)
    return Done()


def users(call: Call) -> tuple[User, ...]:
    """The accounts."""
    return tuple(accounts_of(call).users())


def add_user(call: Call) -> Made:
    """Add a user."""
    accounts, asked = accounts_of(call), call.question
    _person(call.caller)
    roles = [] if asked.role is None else [Grant(asked.project, _role(asked.role))]
    link = accounts.add_user(asked.name, roles, admin=asked.admin)
    call.note("user added", "", asked.name)
    return Made(asked.name, link)


def remove_user(call: Call) -> Done:
    """Remove an account."""
    accounts, name = accounts_of(call), call.question.name
    _person(call.caller)
    accounts.remove_user(name)
    call.note("user removed", "", name)
    return Done()


def set_role(call: Call) -> Done:
    """Give a role, or take it back: who owns the projects may, and who looks after the server."""
    accounts, asked = accounts_of(call), call.question
    _person(call.caller)
    pattern = check_pattern(asked.project)
    scope = call.caller.scope(Role.OWNER)
    owns = scope is None or pattern in scope.patterns or ("*" not in pattern and scope.has(pattern))
    if pattern.startswith("~") or not (owns or call.caller.admin):
        raise NotAllowed(f"{call.caller.name} may not say who has which role in {pattern}.")
    accounts.set_role(asked.user, pattern, None if asked.role is None else _role(asked.role))
    call.note("role set", pattern, f"{asked.user}: {asked.role or 'none'}")
    return Done()


def audit(call: Call) -> tuple[AuditEntry, ...]:
    """Who did what: in the projects that the caller owns; everything for who looks after the server."""
    accounts, asked = accounts_of(call), call.question
    scope = None if call.caller.admin else call.caller.scope(Role.OWNER)
    return tuple(
        accounts.audit.entries(
            limit=max(0, min(asked.limit, 10_000)),
            before=asked.before,
            seen=lambda project: scope is None or (project != "" and scope.has(project)),
        )
    )
