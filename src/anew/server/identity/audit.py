"""The record of who changed or deleted what on a server. Nothing removes its entries."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from .database import Connection, Database

__all__ = ["Audit", "AuditEntry"]

_PAGE = 500
_MOST_TEXT = 2000


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody did.

    Attributes:
        number: Counts up; later entries have higher ones.
        time: Seconds since the epoch.
        who: The user or the token.
        through: What they showed, such as `token:3` or `user:1`; "command line" for commands on the server's machine.
        action: What they did, such as `deleted` or `token created`.
        project: Where; "" for what concerns the whole server.
        target: To what.
    """

    number: int
    time: float
    who: str
    through: str
    action: str
    project: str
    target: str


class Audit:
    """The record; any thread may write and read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(
        self, who: str, through: str, action: str, project: str = "", target: str = ""
    ) -> None:
        """Write down that somebody did something."""
        values = (time.time(), who, through, action, project, target[:_MOST_TEXT])
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO audit (time, who, through, action, project, target) VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )

    def entries(
        self,
        *,
        limit: int = 100,
        before: int | None = None,
        seen: Callable[[str], bool] = lambda project: True,
    ) -> list[AuditEntry]:
        """What was done, newest first.

        Args:
            limit: At most this many.
            before: Only entries with a lower number.
            seen: Whether entries of a project are to be told.
        """
        found: list[AuditEntry] = []
        at = 2**62 if before is None else min(before, 2**62)
        with self._database.reading() as connection:
            while len(found) < limit:
                page = _page(connection, at)
                found += [one for one in page if seen(one.project)]
                if len(page) < _PAGE:
                    break
                at = page[-1].number
        return found[: max(0, limit)]


def _page(connection: Connection, before: int) -> list[AuditEntry]:
    query = (
        "SELECT id, time, who, through, action, project, target FROM audit WHERE id < ? "
        "ORDER BY id DESC LIMIT ?"
    )
    return [
        AuditEntry(
            number=number, time=at, who=who, through=through, action=action, project=project or "",
            target=target or "",
        )
        for number, at, who, through, action, project, target in connection.execute(query, (before, _PAGE))
    ]  # fmt: skip
