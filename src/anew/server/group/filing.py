"""Where a group's experiments are filed: one place for each id, and one id at each prefix."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from psycopg import Connection

from ...errors import InvalidName
from ...journal.layout import OWN_FOLDERS
from ...record.decode import decode_events
from ...record.events import Opened
from ...record.names import check_prefix, numbered, split_number
from ...sync.listing import is_edit
from .database import Database, Row
from .schema import CHANNEL

__all__ = ["Filed", "Filings", "arrived"]

_MOST_NUMBER = 100_000
_AT_ONCE = 64


class Filed(NamedTuple):
    """An experiment: where it is filed, who recorded it (where that is known), and whether it is "here", "deleted" or "purged"."""

    id: str
    prefix: str
    owner: str | None
    state: str


class Filings:
    """The experiments of a group by their ids. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self, ids: Collection[str], connection: Connection[Row] | None = None
    ) -> dict[str, Filed]:
        """What is known of some experiments, by id, deleted ones too.

        Args:
            connection: A transaction in which they are asked for: until its end none of them is removed for good.
        """
        query = "SELECT id, prefix, owner, state FROM experiment WHERE id = ANY(%s)"
        if connection is None:
            rows = self._database.ask(query, (list(ids),))
        else:
            held = connection.execute(query + " ORDER BY id FOR KEY SHARE", (list(ids),))
            rows = held.fetchall()
        return {row[0]: Filed(*row) for row in rows}

    def file(self, connection: Connection[Row], experiment_id: str, prefix: str) -> Filed:
        """Make a place for a new experiment: at the prefix, or if that is taken, with `~2`, `~3` … behind it.

        Raises:
            InvalidName, InvalidValue: There can be no experiment at that prefix.
        """
        base, number = split_number(check_prefix(prefix))
        self.check_above(connection, base)
        for first in range(number or 1, _MOST_NUMBER, _AT_ONCE):
            names = [
                numbered(base, nth) for nth in range(first, min(first + _AT_ONCE, _MOST_NUMBER))
            ]
            taken = {
                row[0]
                for row in connection.execute(
                    "SELECT prefix FROM experiment WHERE prefix = ANY(%s) AND state = 'here'",
                    (names,),
                )
            }
            for name in names:
                if name in taken:
                    continue
                done = connection.execute(
                    "INSERT INTO experiment (id, prefix) VALUES (%s, %s) ON CONFLICT DO NOTHING", (experiment_id, name)
                )  # fmt: skip
                known = self.find([experiment_id], connection)
                if done.rowcount:
                    connection.execute(
                        "INSERT INTO lease (experiment) VALUES (%s) ON CONFLICT DO NOTHING", (experiment_id,)
                    )  # fmt: skip
                if known:  # it is ours, or somebody filed the same experiment at the same moment
                    return known[experiment_id]
        raise InvalidName(f"There are {_MOST_NUMBER} experiments at {base!r}.", name=base)

    @staticmethod
    def note_owner(connection: Connection[Row], home: Filed, name: str, data: bytes) -> None:
        """Note who recorded an experiment that lies in its user's own project, by the first bytes of one of its segments."""
        if home.owner is not None or "/" in home.prefix or is_edit(name):
            return
        events, _ = decode_events(data[: data.find(b"\n") + 1])
        opened = events[0][1] if events else None
        if isinstance(opened, Opened) and opened.user:
            connection.execute(
                "UPDATE experiment SET owner = %s, version = version + 1 WHERE id = %s AND owner IS NULL",
                (opened.user, home.id),
            )

    @staticmethod
    def check_above(connection: Connection[Row], prefix: str) -> None:
        """Refuse a prefix that would lie among the files of an experiment.

        Raises:
            InvalidName: It does.
        """
        segments = prefix.split("/")
        above = ["/".join(segments[:n]) for n, s in enumerate(segments) if n and s in OWN_FOLDERS]
        if above and connection.execute(
            "SELECT 1 FROM experiment WHERE prefix = ANY(%s) AND state = 'here' LIMIT 1", (above,)
        ).fetchone():  # fmt: skip
            raise InvalidName(
                f"{prefix!r} would lie among the files of another experiment.", name=prefix
            )


def arrived(connection: Connection[Row], experiments: Iterable[str]) -> None:
    """Note, with what arrived, that there is something to take in; servers hear of it when the transaction is committed."""
    ids = sorted(set(experiments))
    if not ids:
        return
    new = connection.execute(
        "INSERT INTO work (experiment, since) SELECT e, clock_timestamp() FROM unnest(%s::text[]) AS a (e) ORDER BY e "
        "ON CONFLICT (experiment) DO UPDATE SET changed = work.changed + 1, since = coalesce(work.since, excluded.since), "
        "due = least(work.due, excluded.due) RETURNING changed",
        (ids,),
    ).fetchall()
    if any(row[0] == 1 for row in new):  # the others are waited for already
        connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
