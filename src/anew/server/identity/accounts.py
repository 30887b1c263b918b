"""The accounts of a served folder: users, their roles and sessions, tokens of programs, links of one use."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from ...errors import InvalidName, InvalidValue, NotAllowed, NotFound
from ...query.scope import EVERYTHING, check_pattern
from ..callers import ROLES, Caller, Grant, Role
from .audit import Audit
from .credentials import TOKEN, digest, new_link, new_session, new_token
from .database import Connection
from .oidc import Identity
from .opening import open_database
from .protocol import Begun
from .shares import Shares

__all__ = ["LINK", "SESSION", "Accounts", "Token", "User"]

LINK = 86400.0
"""Seconds that a link of one use holds."""
SESSION = 30 * 86400.0
"""Seconds that a session lasts without being used."""
_NOTED = 60.0
"""Seconds after which it is noted again that a credential is used."""
_ASKED_AGAIN = 0.05
"""Seconds after which the file is asked again whether there is an account, for another process may have made one."""
_MOST_NAME = 200
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class User(msgspec.Struct, frozen=True, kw_only=True):
    """An account.

    Attributes:
        name: What it is called, and how edits name their author.
        admin: Whether it looks after the server.
        roles: The role by the pattern of projects it holds in.
        used_at: When one of its sessions was last used.
    """

    name: str
    admin: bool
    roles: dict[str, str]
    created_at: float
    used_at: float | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it is listed: never the token itself.

    Attributes:
        user: The account it belongs to; None for one that stands for itself.
        project: The pattern of projects that it holds in.
    """

    name: str
    role: str
    project: str
    user: str | None
    created_at: float
    expires_at: float | None
    used_at: float | None


class Accounts:
    """`Identities` that are kept in a folder's `.anew/server`, or in the database of a group for any number of servers at once.

    Args:
        where: The folder of the experiments, or a `postgresql://` address; see `open_database`.
        first: What the first account is called if whoever makes it says nothing else.
        trusting: Whether callers without credentials are let in for as long as nobody has an account.

    Attributes:
        audit: The record of who did what.
        shares: Links that show some projects to whoever has them.
    """

    def __init__(self, where: str, *, first: str = "admin", trusting: bool = True) -> None:
        self.database = open_database(where)
        self.audit = Audit(self.database)
        self.shares = Shares(self.database)
        self._first = first or "admin"
        self._trusting = trusting
        self._was_empty = (False, 0, 0.0)

    @property
    def empty(self) -> bool:
        """Whether there is neither an account nor a token."""
        with self.database.reading() as connection:
            query = "SELECT EXISTS (SELECT 1 FROM users) OR EXISTS (SELECT 1 FROM tokens)"
            return not connection.execute(query).fetchone()[0]

    @property
    def open(self) -> bool:
        """See `Identities.open`. Every request wants to know it, so what other processes write shows a moment later."""
        if not self._trusting:
            return False
        was, writes, until = self._was_empty
        now = time.monotonic()
        if now >= until or writes != self.database.writes:
            writes = (
                self.database.writes
            )  # before the question: what is written meanwhile shows next time
            was = self.empty
            self._was_empty = (was, writes, now + _ASKED_AGAIN)
        return was

    def close(self) -> None:
        """Release the file or the connections."""
        self.database.close()

    # -- who calls ---------------------------------------------------------------------------------

    def of_token(self, token: str) -> Caller | None:
        """See `Identities.of_token`. A token of a user never does more than its user may."""
        now = time.time()
        with self.database.reading() as connection:
            found = connection.execute(
                "SELECT t.id, t.name, t.user_id, t.pattern, t.role, t.used_at, u.name FROM tokens t "
                "LEFT JOIN users u ON u.id = t.user_id WHERE t.hash = ? AND (t.expires_at IS NULL OR t.expires_at > ?)",
                (digest(token), now),
            ).fetchone()
            if found is None:
                return None
            id_, name, user_id, pattern, role, used_at, user = found
            own = Grant(pattern, ROLES[role])
            grants = [own] if user_id is None else _grants(connection, user_id)
        if now - (used_at or 0.0) > _NOTED:
            self.database.note("UPDATE tokens SET used_at = ? WHERE id = ?", (now, id_))
        key, limit = f"token:{id_}", None if user is None else own
        return Caller.of(user or name, grants, user=user or "", key=key, limit=limit)

    def of_session(self, secret: str) -> Caller | None:
        """See `Identities.of_session`."""
        now, hashed = time.time(), digest(secret)
        with self.database.reading() as connection:
            found = connection.execute(
                "SELECT u.id, u.name, u.admin, s.used_at FROM sessions s JOIN users u ON u.id = s.user_id "
                "WHERE s.hash = ? AND s.expires_at > ?",
                (hashed, now),
            ).fetchone()
            grants = [] if found is None else _grants(connection, found[0])
        if found is None:
            return self.shares.of_session(secret)
        id_, name, admin, used_at = found
        if now - (used_at or 0.0) > _NOTED:
            self.database.note(
                "UPDATE sessions SET used_at = ?, expires_at = ? WHERE hash = ?",
                (now, now + SESSION, hashed),
            )
        return Caller.of(name, grants, admin=bool(admin), user=name, key=f"user:{id_}")

    def redeem(self, link: str, name: str | None = None) -> Begun | None:
        """See `Identities.redeem`; of many who use one link at once, one has used it."""
        now = time.time()
        with self.database.writing() as connection:
            found = connection.execute(
                "DELETE FROM links WHERE hash = ? RETURNING user_id, expires_at", (digest(link),)
            ).fetchone()
            if found is None or found[1] <= now:
                return None
            user_id = found[0]
            if user_id is None:  # the link for the first account
                if connection.execute("SELECT 1 FROM users").fetchone():
                    return None
                user_id = _add_user(connection, name or self._first, admin=True)
                _grant(connection, user_id, EVERYTHING, "owner")
            return self._begin(connection, user_id)

    def begin(self, name: str) -> Begun:
        """A session of a user who has proved elsewhere who they are.

        Raises:
            NotFound: There is no such user.
        """
        with self.database.writing() as connection:
            return self._begin(connection, _user_id(connection, name))

    def _begin(self, connection: Connection, user_id: int) -> Begun:
        now, secret = time.time(), new_session()
        connection.execute("DELETE FROM sessions WHERE expires_at <= ?", (now,))
        connection.execute(
            "INSERT INTO sessions (hash, user_id, created_at, expires_at, used_at) VALUES (?, ?, ?, ?, ?)",
            (digest(secret), user_id, now, now + SESSION, now),
        )
        query = "SELECT name, admin FROM users WHERE id = ?"
        name, admin = connection.execute(query, (user_id,)).fetchone()
        grants = _grants(connection, user_id)
        key = f"user:{user_id}"
        return Begun(
            Caller.of(name, grants, admin=bool(admin), user=name, key=key), secret, now + SESSION
        )

    def sign_on(self, identity: Identity, user: str = "") -> Begun:
        """A session of whom a provider vouches for; who comes for the first time gets an account without roles.

        Args:
            user: The account to connect the identity with.

        Raises:
            NotAllowed: Somebody else is called so, or the identity belongs to another account.
        """
        who = (identity.issuer, identity.subject)
        with self.database.writing() as connection:
            known = connection.execute(
                "SELECT user_id FROM identities WHERE issuer = ? AND subject = ?", who
            ).fetchone()
            user_id = None if known is None else known[0]
            if user and user_id is None:
                user_id = _user_id(connection, user)
            elif user and user_id != _user_id(connection, user):
                raise NotAllowed("This identity belongs to another account already.")
            elif user_id is None:
                try:
                    user_id = _add_user(connection, identity.name, admin=False)
                except InvalidName:
                    # Who is called so already may be somebody else.
                    raise NotAllowed(
                        f"There is an account {identity.name!r} already, or none can be called so. If it is yours, log in with a link, and "
                        "then sign on once to connect both."
                    ) from None
            if known is None:
                connection.execute(
                    "INSERT INTO identities (issuer, subject, user_id) VALUES (?, ?, ?)",
                    (*who, user_id),
                )
            return self._begin(connection, user_id)

    def end(self, secret: str) -> None:
        """See `Identities.end`."""
        with self.database.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE hash = ?", (digest(secret),))
        self.shares.end(secret)

    # -- users -------------------------------------------------------------------------------------

    def first_link(self) -> str:
        """The secret of a link that makes the first account; it takes the place of earlier ones."""
        with self.database.writing() as connection:
            connection.execute("DELETE FROM links WHERE user_id IS NULL")
            return _add_link(connection, None)

    def link_for(self, name: str) -> str:
        """The secret of a link of one use that logs a user in.

        Raises:
            NotFound: There is no such user.
        """
        with self.database.writing() as connection:
            return _add_link(connection, _user_id(connection, name))

    def add_user(self, name: str, roles: Sequence[Grant] = (), *, admin: bool = False) -> str:
        """Add a user; the secret of a link of one use that logs them in.

        Raises:
            InvalidName: No account can be called so, or there is one already.
        """
        with self.database.writing() as connection:
            user_id = _add_user(connection, name, admin=admin)
            for one in roles:
                _grant(connection, user_id, check_pattern(one.pattern), one.role.name.lower())
            connection.execute("DELETE FROM links WHERE user_id IS NULL")
            return _add_link(connection, user_id)

    def set_role(self, name: str, pattern: str, role: Role | None) -> None:
        """Give a user a role on the projects that a pattern names; None takes it back.

        Raises:
            NotFound: There is no such user.
            InvalidName: The pattern names no projects.
        """
        with self.database.writing() as connection:
            user_id = _user_id(connection, name)
            if role is None or role is Role.ANYONE:
                query = "DELETE FROM grants WHERE user_id = ? AND pattern = ?"
                connection.execute(query, (user_id, check_pattern(pattern)))
            else:
                _grant(connection, user_id, check_pattern(pattern), role.name.lower())

    def users(self) -> list[User]:
        """All accounts, by name."""
        with self.database.reading() as connection:
            found = connection.execute(
                "SELECT id, name, admin, created_at, (SELECT max(used_at) FROM sessions WHERE user_id = users.id) "
                "FROM users ORDER BY lower(name)"
            ).fetchall()
            return [
                User(
                    name=name,
                    admin=bool(admin),
                    created_at=created_at,
                    used_at=used_at,
                    roles={one.pattern: one.role.name.lower() for one in _grants(connection, id_)},
                )
                for id_, name, admin, created_at, used_at in found
            ]

    def remove_user(self, name: str) -> None:
        """Remove an account with its sessions, tokens and links. What it recorded stays.

        Raises:
            NotFound: There is no such user.
            InvalidValue: It is the last one that looks after the server.
        """
        with self.database.writing() as connection:
            user_id = _user_id(connection, name)
            others = "SELECT count(*) FROM users WHERE admin AND id <> ?"
            if not connection.execute(others, (user_id,)).fetchone()[0]:
                raise InvalidValue(
                    f"{name!r} is the only one who looks after this server. Add another first: `anew server user add NAME --admin`.",
                    key="name",
                )
            connection.execute("DELETE FROM users WHERE id = ?", (user_id,))

    # -- tokens ------------------------------------------------------------------------------------

    def create_token(
        self,
        name: str,
        role: Role,
        *,
        project: str = EVERYTHING,
        expires_at: float | None = None,
        user: str | None = None,
    ) -> str:
        """A new token: the only time that it is told.

        Args:
            project: The projects that it holds in, as a pattern.
            user: The account it belongs to: it then never does more than that one may.

        Raises:
            InvalidName: There is a token of that name, or it cannot be one; or the pattern names no projects.
        """
        token = new_token()
        values = (_checked(name, "token"), digest(token), check_pattern(project), role.name.lower())
        with self.database.writing() as connection:
            if connection.execute(
                "SELECT 1 FROM tokens WHERE lower(name) = ?", (_folded(name),)
            ).fetchone():
                raise InvalidName(
                    f"There is a token {name!r} already. Revoke it first, or choose another name.",
                    name=name,
                )
            user_id = None if user is None else _user_id(connection, user)
            connection.execute(
                "INSERT INTO tokens (name, hash, pattern, role, created_at, expires_at, user_id) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*values, time.time(), expires_at, user_id),
            )
        return token

    def tokens(self, user: str | None = None) -> list[Token]:
        """All tokens, by name; or those of one user."""
        with self.database.reading() as connection:
            found = connection.execute(
                "SELECT t.name, role, pattern, u.name, t.created_at, expires_at, used_at FROM tokens t "
                "LEFT JOIN users u ON u.id = t.user_id ORDER BY lower(t.name)"
            ).fetchall()
        known = [
            Token(
                name=name, role=role, project=pattern, user=whose, created_at=created_at,
                expires_at=expires_at, used_at=used_at,
            )
            for name, role, pattern, whose, created_at, expires_at, used_at in found
        ]  # fmt: skip
        return [one for one in known if user is None or one.user == user]

    def revoke_token(self, name: str, *, user: str | None = None) -> None:
        """End a token.

        Args:
            user: Only if it belongs to this account.

        Raises:
            NotFound: There is no such token.
        """
        with self.database.writing() as connection:
            done = connection.execute(
                "DELETE FROM tokens WHERE lower(name) = ? AND (? OR user_id = (SELECT id FROM users WHERE lower(name) = ?))",
                (_folded(name), user is None, _folded(user or "")),
            )
            if not done.rowcount:
                raise NotFound(
                    f"There is no token {name!r}. `anew server token list` shows them.", name=name
                )


def _grants(connection: Connection, user_id: int) -> list[Grant]:
    query = "SELECT pattern, role FROM grants WHERE user_id = ? ORDER BY pattern"
    return [Grant(pattern, ROLES[role]) for pattern, role in connection.execute(query, (user_id,))]


def _grant(connection: Connection, user_id: int, pattern: str, role: str) -> None:
    connection.execute(
        "INSERT INTO grants (user_id, pattern, role) VALUES (?, ?, ?) ON CONFLICT (user_id, pattern) DO UPDATE SET role = excluded.role",
        (user_id, pattern, role),
    )


def _folded(name: str) -> str:
    """A name as `lower` makes it in both engines, which leaves letters beyond ASCII as they are."""
    return name.strip().translate(_LOWER)


def _checked(name: str, what: str) -> str:
    text = name.strip()
    if not text or len(text) > _MOST_NAME or not text.isprintable() or text.startswith(TOKEN):
        raise InvalidName(f"A {what} cannot be called {name!r}.", name=name)
    return text


def _add_user(connection: Connection, name: str, *, admin: bool) -> int:
    text = _checked(name, "user")
    if "/" in text or "*" in text:
        raise InvalidName(f"A user cannot be called {name!r}: leave out / and *.", name=name)
    if connection.execute("SELECT 1 FROM users WHERE lower(name) = ?", (_folded(text),)).fetchone():
        raise InvalidName(f"There is a user {name!r} already.", name=name)
    values = (text, admin, time.time())
    made = connection.execute(
        "INSERT INTO users (name, admin, created_at) VALUES (?, ?, ?) RETURNING id", values
    )
    user_id = int(made.fetchone()[0])
    _grant(connection, user_id, f"~{text}", "owner")  # what lies in no project is its recorder's
    return user_id


def _user_id(connection: Connection, name: str) -> int:
    found = connection.execute(
        "SELECT id FROM users WHERE lower(name) = ?", (_folded(name),)
    ).fetchone()
    if found is None:
        raise NotFound(f"There is no user {name!r}. `anew server user list` shows them.", name=name)
    return int(found[0])


def _add_link(connection: Connection, user_id: int | None) -> str:
    now, secret = time.time(), new_link()
    connection.execute("DELETE FROM links WHERE expires_at <= ?", (now,))
    connection.execute(
        "INSERT INTO links (hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
        (digest(secret), user_id, now, now + LINK),
    )
    return secret
