"""Links that let anybody who has them look at some projects, until they end or are taken back."""

from __future__ import annotations

import time

import msgspec

from ...query.scope import check_pattern
from ..callers import Caller, Grant, Role
from .credentials import digest, new_link, new_session
from .database import Database
from .protocol import Begun

__all__ = ["Share", "Shares"]


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A link as it is listed: never its secret.

    Attributes:
        project: The projects that it shows, as a pattern.
        created_by: Who made it.
    """

    number: int
    project: str
    created_by: str
    created_at: float
    expires_at: float
    used_at: float | None


class Shares:
    """The links of a server; any thread may call. Whoever opens one is a reader, in a session that ends with the link."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, project: str, expires_at: float, by: str) -> tuple[Share, str]:
        """Make a link; its secret is told this one time.

        Raises:
            InvalidName: The pattern names no projects.
        """
        secret, now = new_link(), time.time()
        with self._database.writing() as connection:
            made = connection.execute(
                "INSERT INTO shares (hash, project, created_by, created_at, expires_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
                (digest(secret), check_pattern(project), by, now, expires_at),
            )
            number = int(made.fetchone()[0])
        share = Share(
            number=number, project=check_pattern(project), created_by=by, created_at=now,
            expires_at=expires_at, used_at=None,
        )  # fmt: skip
        return share, secret

    def all(self) -> list[Share]:
        """Those that have not ended, newest first."""
        query = (
            "SELECT id, project, created_by, created_at, expires_at, used_at FROM shares "
            "WHERE expires_at > ? ORDER BY id DESC"
        )
        with self._database.reading() as connection:
            found = connection.execute(query, (time.time(),)).fetchall()
        return [
            Share(number=n, project=p, created_by=by, created_at=c, expires_at=e, used_at=u)
            for n, p, by, c, e, u in found
        ]

    def revoke(self, number: int) -> None:
        """Take a link back, with the sessions that it began."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM shares WHERE id = ?", (number,))

    def redeem(self, secret: str) -> Begun | None:
        """Begin a session with a link; None if it does not hold."""
        now = time.time()
        with self._database.writing() as connection:
            found = connection.execute(
                "SELECT id, project, expires_at FROM shares WHERE hash = ? AND expires_at > ?",
                (digest(secret), now),
            ).fetchone()
            if found is None:
                return None
            number, project, ends = found
            session = new_session()
            connection.execute("DELETE FROM share_sessions WHERE expires_at <= ?", (now,))
            connection.execute(
                "INSERT INTO share_sessions (hash, share_id, expires_at) VALUES (?, ?, ?)",
                (digest(session), number, ends),
            )
            connection.execute("UPDATE shares SET used_at = ? WHERE id = ?", (now, number))
        return Begun(_reader(number, project), session, ends)

    def of_session(self, secret: str) -> Caller | None:
        """Whose session it is, if a link began it."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT s.id, s.project FROM share_sessions x JOIN shares s ON s.id = x.share_id "
                "WHERE x.hash = ? AND x.expires_at > ? AND s.expires_at > ?",
                (digest(secret), time.time(), time.time()),
            ).fetchone()
        return None if found is None else _reader(*found)

    def end(self, secret: str) -> None:
        """End a session."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM share_sessions WHERE hash = ?", (digest(secret),))


def _reader(number: int, project: str) -> Caller:
    return Caller.of(f"share {number}", [Grant(project, Role.READER)], key=f"share:{number}")
