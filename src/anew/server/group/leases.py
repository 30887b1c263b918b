"""Which server takes in which experiment: leases that end by themselves, and numbers that tell an old one from a new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from psycopg import Connection

from .database import Database, Row
from .schema import CHANNEL, SCHEMA

__all__ = ["Lease", "LeaseLost", "Leases"]

_RETRY = 30.0
_SILENT = 62.0
"""Seconds after the last sign of life at which an experiment is looked at, whether it has fallen silent."""


class LeaseLost(Exception):
    """A lease has ended and somebody else may hold it: what was done under it must not be saved."""


class Lease(NamedTuple):
    """That one server alone takes in an experiment for a while.

    Attributes:
        fence: Another number for each lease: by it, a server that slept is told from the one that went on.
        changed: What had arrived when it began.
    """

    experiment: str
    fence: int
    changed: int


class Leases:
    """Leases of one server. Any thread may use it.

    A lease is a row. It is taken and renewed by the clock of the database, so the servers' clocks do not matter. Whoever saves
    something holds its row meanwhile: nobody can take the lease between the check and the end of saving.

    Args:
        holder: The name of this server.
        seconds: How long a lease lasts if it is not renewed.
    """

    def __init__(self, database: Database, holder: str, *, seconds: float = 60.0) -> None:
        self._database = database
        self._holder = holder
        self._seconds = seconds

    def take(self, most: int, only: Sequence[str] | None = None) -> list[Lease]:
        """Lease experiments of which something is to be taken in, and that nobody else holds.

        Args:
            only: Which may be among them; any if None.
        """
        with self._database.transaction() as connection:
            taken = connection.execute(
                "UPDATE lease SET holder = %s, until = clock_timestamp() + make_interval(secs => %s), fence = fence + 1 "
                "WHERE experiment IN (SELECT l.experiment FROM work w JOIN lease l USING (experiment) "
                "WHERE w.due <= clock_timestamp() AND l.until <= clock_timestamp() AND (%s::text[] IS NULL OR l.experiment = ANY(%s)) "
                "ORDER BY w.due LIMIT %s FOR UPDATE OF l SKIP LOCKED) RETURNING experiment, fence",
                (self._holder, self._seconds, only, only, most),
            ).fetchall()
        if not taken:
            return []
        # Read after the lease is there: what arrives from here on counts as new.
        changed: dict[str, int] = dict(
            self._database.ask(
                "SELECT experiment, changed FROM work WHERE experiment = ANY(%s)",
                ([row[0] for row in taken],),
            )
        )
        return [Lease(row[0], row[1], changed.get(row[0], 0)) for row in taken]

    @contextmanager
    def held(self, leases: Sequence[Lease]) -> Iterator[Connection[Row]]:
        """Hold the rows of leases while something is saved, and renew them.

        Raises:
            LeaseLost: One of them is somebody else's by now.
        """
        with self._database.transaction() as connection:
            self.hold(connection, leases)
            yield connection

    def hold(self, connection: Connection[Any], leases: Sequence[Lease]) -> None:
        """Hold the rows of leases until a transaction ends, and renew them with it.

        Args:
            connection: A connection to the same database, in the transaction.

        Raises:
            LeaseLost: One of them is somebody else's by now.
        """
        columns = ([one.experiment for one in leases], [one.fence for one in leases])
        there = connection.execute(
            f"SELECT 1 FROM {SCHEMA}.lease WHERE (experiment, fence) IN (SELECT * FROM unnest(%s::text[], %s::bigint[])) "
            "ORDER BY experiment FOR UPDATE",
            columns,
        ).fetchall()
        if len(there) < len(leases):
            raise LeaseLost
        connection.execute(
            f"UPDATE {SCHEMA}.lease SET until = clock_timestamp() + make_interval(secs => %s) WHERE experiment = ANY(%s)",
            (self._seconds, columns[0]),
        )

    def end(
        self, leases: Sequence[Lease], follow: Mapping[str, bool], failed: Sequence[str]
    ) -> None:
        """Give leases back, with what was done: what arrived meanwhile is still to be taken in.

        Args:
            follow: Whether an experiment is to be looked at again when its writers have fallen silent.
            failed: Those that could not be taken in: they are tried again later.

        Raises:
            LeaseLost: One of them is somebody else's by now; nothing was noted.
        """
        done = [one for one in leases if one.experiment not in failed]
        with self.held(leases) as connection:
            places = (
                [one.experiment for one in done],
                [one.changed for one in done],
                [follow.get(one.experiment, False) for one in done],
            )
            connection.execute(
                "DELETE FROM work USING unnest(%s::text[], %s::bigint[], %s::boolean[]) AS a (e, c, f) "
                "WHERE experiment = e AND changed = c AND NOT f",
                places,
            )
            connection.execute(
                "UPDATE work SET changed = 0, since = NULL, due = clock_timestamp() + make_interval(secs => CASE "
                "WHEN s.silent IS NULL OR s.silent > %s THEN 3600 ELSE greatest(2, %s - s.silent) END) "
                "FROM unnest(%s::text[], %s::bigint[], %s::boolean[]) AS a (e, c, f), LATERAL (SELECT extract(epoch FROM clock_timestamp() - "
                "max(changed_at))::float8 AS silent FROM segment WHERE segment.experiment = e AND name LIKE 'journal/%%') AS s "
                "WHERE work.experiment = e AND changed = c AND f",
                (_SILENT, _SILENT, *places),
            )
            if failed:
                connection.execute(
                    "UPDATE work SET due = clock_timestamp() + make_interval(secs => %s) WHERE experiment = ANY(%s)",
                    (_RETRY, list(failed)),
                )
            connection.execute("SELECT pg_notify(%s, 'done')", (CHANNEL,))
        self.give_back(leases)

    def give_back(self, leases: Sequence[Lease]) -> None:
        """Give leases back as they are: whoever comes next takes in what is left."""
        self._database.do(
            "UPDATE lease SET until = '-infinity' WHERE (experiment, fence) IN (SELECT * FROM unnest(%s::text[], %s::bigint[]))",
            ([one.experiment for one in leases], [one.fence for one in leases]),
        )

    def alone(self, what: str) -> bool:
        """Whether this server alone does something for the whole group now: takes the lease for it, or renews it."""
        name = f"@{what}"  # no experiment has such an id
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO lease (experiment) VALUES (%s) ON CONFLICT DO NOTHING", (name,)
            )
            held = connection.execute(
                "UPDATE lease SET until = clock_timestamp() + make_interval(secs => %s), holder = %s, "
                "fence = fence + (CASE WHEN holder = %s THEN 0 ELSE 1 END) "
                "WHERE experiment = %s AND (holder = %s OR until <= clock_timestamp()) RETURNING fence",
                (self._seconds, self._holder, self._holder, name, self._holder),
            ).fetchone()
        return held is not None

    def waiting(self) -> int:
        """How many experiments have something that is to be taken in now."""
        ((count,),) = self._database.ask(
            "SELECT count(*) FROM work WHERE since IS NOT NULL AND due <= clock_timestamp()"
        )
        return int(count)

    def lag(self) -> float:
        """Seconds since the oldest arrival that was not taken in."""
        ((seconds,),) = self._database.ask(
            "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0)::float8 FROM work"
        )
        return float(seconds)
