"""Who calls, and what they may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from ..query.scope import EVERYTHING, Scope, matches, project_above, project_of

__all__ = ["ROLES", "Caller", "Grant", "Role"]


class Role(IntEnum):
    """What a caller may do; each role may do what the ones before it may."""

    ANYONE = 0
    READER = 1
    """Look at experiments."""
    REPORTER = 2
    """Also write views, reports, tags and notes."""
    WRITER = 3
    """Also record experiments."""
    MAINTAINER = 4
    """Also delete, move and share them."""
    OWNER = 5
    """Also say who has which role."""


ROLES = {role.name.lower(): role for role in Role if role is not Role.ANYONE}
"""The roles that somebody can be given, by name."""


@dataclass(frozen=True)
class Grant:
    """A role on the projects that a pattern names (see `query.scope`)."""

    pattern: str
    role: Role


@dataclass(frozen=True)
class Caller:
    """Who calls, and what they may do.

    Attributes:
        name: The user or the token, as edits name their author.
        role: The highest role that they have in any project.
        grants: Their roles; `role` everywhere if not given.
        admin: Whether they look after the server: its users, tokens and records of who did what.
        user: The account they belong to; "" for a token, which belongs to nobody, and where there are no accounts.
        key: What they showed, such as `token:3`: limits are counted by it.
        limit: What a token of theirs takes their roles down to; None for no less than they have.
    """

    name: str
    role: Role
    grants: tuple[Grant, ...] | None = None
    admin: bool = False
    user: str = ""
    key: str = ""
    limit: Grant | None = None

    @classmethod
    def of(
        cls,
        name: str,
        grants: Sequence[Grant],
        *,
        admin: bool = False,
        user: str = "",
        key: str = "",
        limit: Grant | None = None,
    ) -> Caller:
        """Somebody with these roles."""
        role = max((one.role for one in grants), default=Role.ANYONE)
        if limit is not None:
            role = min(role, limit.role)
        return cls(name, role, tuple(grants), admin, user, key, limit)

    @property
    def project(self) -> str:
        """The project, or pattern of projects, that what they showed is for; "" where it is for a user, or for everything."""
        grants = self.grants or ()
        own = self.limit or (grants[0] if len(grants) == 1 and not self.user else None)
        return "" if own is None or own.pattern == EVERYTHING else own.pattern

    def told(self) -> tuple[tuple[str, str], ...] | None:
        """Their roles by pattern, in words, none above what a token takes them down to; None for the same role everywhere."""
        if self.grants is None:
            return None
        if self.limit is not None and self.limit.pattern != EVERYTHING:
            return ((self.limit.pattern, self.role_in(self.limit.pattern).name.lower()),)
        most = Role.OWNER if self.limit is None else self.limit.role
        return tuple((one.pattern, min(one.role, most).name.lower()) for one in self.grants)

    def capped(self, role: Role) -> Caller:
        """The same caller with no more than a role."""
        if role is Role.OWNER:
            return self
        limit = Grant(EVERYTHING, role)
        if self.limit is not None:
            limit = Grant(self.limit.pattern, min(role, self.limit.role))
        return replace(
            self,
            role=min(role, self.role),
            admin=False,
            limit=None if self.grants is None else limit,
        )

    def role_in(self, project: str) -> Role:
        """The role in a project, as `query.scope.project_of` names it."""
        if self.grants is None:
            return self.role
        fitting = (one.role for one in self.grants if matches(one.pattern, project))
        role = max(fitting, default=Role.ANYONE)
        if self.limit is None:
            return role
        return min(role, self.limit.role) if matches(self.limit.pattern, project) else Role.ANYONE

    def role_at(self, prefix: str, user: str | None = None) -> Role:
        """The role where an experiment lies or is to lie.

        Args:
            user: Who recorded it; the caller, if not given.
        """
        return self.role_in(project_of(prefix, self.user or self.name if user is None else user))

    def role_on(self, document_scope: str) -> Role:
        """The role on documents of a scope: of a project, of a user (who owns their own), or of the whole root."""
        kind, _, rest = document_scope.partition("/")
        if self.grants is None:
            return self.role
        if kind == "user":
            if rest != (self.user or self.name):
                return Role.ANYONE
            most = Role.OWNER if self.user else self.role  # a link that shows something is nobody
            return min(most, self.limit.role) if self.limit else most
        if kind == "project":
            return self.role_in(project_above(rest))
        return self._role_by(EVERYTHING)

    def role_below(self, project: str) -> Role:
        """The role in whatever lies below a prefix: below `lab` lie `lab/vision` and all others that there will be."""
        if self.grants is None:
            return self.role
        above = project_above(project)
        return self.role_in(above) if "/" in above else self._role_by(EVERYTHING, f"{above}/*")

    def _role_by(self, *patterns: str) -> Role:
        """The role that grants of just these patterns give."""
        if self.limit is not None and self.limit.pattern not in patterns:
            return Role.ANYONE
        given = (one.role for one in self.grants or () if one.pattern in patterns)
        role = max(given, default=Role.ANYONE)
        return role if self.limit is None else min(role, self.limit.role)

    def scope(self, least: Role = Role.READER) -> Scope | None:
        """Where they have at least this role; None for everywhere."""
        if self.grants is None:
            return None if self.role >= least else Scope(())
        if self.limit is not None and self.limit.role < least:
            return Scope(())
        patterns = tuple(dict.fromkeys(one.pattern for one in self.grants if one.role >= least))
        scope = Scope(patterns, EVERYTHING if self.limit is None else self.limit.pattern)
        return None if scope.everything else scope
