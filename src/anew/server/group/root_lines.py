"""The journal of a group's root: its lines are rows, in the order in which they were committed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from psycopg import Connection

from ...journal.root import RootChunk, RootPosition, event_line
from ...record.ids import new_id
from .database import Database, Row
from .schema import CHANNEL

__all__ = ["GroupLines"]

_NAME = "group.jsonl"
_LOCK = 5_001_508
"""The advisory lock of who appends: numbers are in the order of commits, so whoever reads on misses none."""


class GroupLines:
    """The `journal.documents.RootLines` of a group."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self) -> Collection[str]:
        """See `RootLines.names`."""
        return (_NAME,)

    def follow(self, positions: Mapping[str, RootPosition]) -> Iterator[RootChunk]:
        """See `RootLines.follow`. An offset counts rows here, and `mark` is the number of the last one."""
        before = positions.get(_NAME) or RootPosition()
        rows = self._database.ask(
            "SELECT number, line FROM root_line WHERE number > %s ORDER BY number", (before.mark,)
        )
        if rows:
            lines = before.lines + len(rows)
            end = RootPosition(before.offset + len(rows), lines, mark=rows[-1][0])
            yield RootChunk(
                _NAME, b"".join(bytes(row[1]) for row in rows), before.lines, end, False
            )

    def append(
        self, kind: str, fields: Mapping[str, Any], *, scope: str, after: Sequence[str], user: str, t: float | None
    ) -> str:  # fmt: skip
        """See `RootLines.append`."""
        with self._database.transaction() as connection:
            return self.append_in(
                connection, kind, fields, scope=scope, after=after, user=user, t=t
            )

    def append_in(
        self, connection: Connection[Row], kind: str, fields: Mapping[str, Any], *, scope: str = "root",
        after: Sequence[str] = (), user: str = "", t: float | None = None,
    ) -> str:  # fmt: skip
        """Append an event in a transaction."""
        event_id, line = event_line(kind, fields, scope=scope, after=after, user=user, t=t)
        self.take(connection, {event_id: line})
        return event_id

    def take(self, connection: Connection[Row], lines: Mapping[str, bytes]) -> int:
        """Append lines of events that are not there, by their ids; how many there were."""
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        taken = 0
        for event_id, line in lines.items():
            done = connection.execute(
                "INSERT INTO root_line (event, line) VALUES (%s, %s) ON CONFLICT DO NOTHING", (event_id, line)
            )  # fmt: skip
            taken += done.rowcount
        connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
        return taken

    def name_root(self) -> None:
        """Give the root an id, unless it has one."""
        event_id, line = event_line("root", {"root_id": new_id()})
        with self._database.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            (there,) = connection.execute(
                "SELECT EXISTS (SELECT FROM claim WHERE what = 'root')"
            ).fetchall()
            if not there[0]:
                connection.execute("INSERT INTO claim (what, number) VALUES ('root', 1)")
                self.take(connection, {event_id: line})

    def claim(self, what: str, at_least: int) -> int:
        """See `RootLines.claim`."""
        ((number,),) = self._database.ask(
            "INSERT INTO claim (what, number) VALUES (%s, %s) ON CONFLICT (what) DO UPDATE "
            "SET number = greatest(claim.number + 1, excluded.number) RETURNING number",
            (f"version {what}".replace("\0", "/"), at_least),
        )
        return int(number)
