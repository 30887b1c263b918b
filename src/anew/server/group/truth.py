"""What is true in a group's store: one object for the tables and the bucket that hold it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg import Connection

from ...blobs.protocol import Blobs
from ...sync.sealed import Text
from ..intake.protocol import Tail
from .beside import Beside
from .contents import Contents
from .database import Database, Row
from .filing import Filings
from .naming import Naming
from .pieces import Pieces
from .root_lines import GroupLines
from .segments import Segments
from .storage import Files

__all__ = ["MOVING", "RECOVERING", "Truth"]

RECOVERING = "recovering"
"""The claim of who makes the tables again from the objects, until all of it is done."""
MOVING = "moving from "
"""What the claim begins with of who moves a store into these stores, until all of it is there."""


class Truth:
    """The tables and objects of a group's store that nothing else could be made again from. Any thread may use it.

    Args:
        database: Where what changes is.
        blobs: Where what is large is.
    """

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self.database = database
        self.blobs = blobs
        self.segments = Segments(database, Pieces(blobs))
        self.contents = Contents(database, blobs)
        self.files = Files(database, self.segments, self.contents)
        self.filings = Filings(database)
        self.beside = Beside(blobs)
        self.naming = Naming(database, self.segments, self.contents, self.files, self.beside)
        self.lines = GroupLines(database)

    def texts(self, experiment: str) -> dict[str, Text]:
        """What the sealed parts of an experiment stand for, by their paths."""
        rows = self.database.ask(
            "SELECT path, text_size, text_hash FROM file WHERE experiment = %s AND text_size IS NOT NULL",
            (experiment,),
        )
        return {path: Text(size, hash or "") for path, size, hash in rows}

    def sealed(
        self, connection: Connection[Row], experiments: Collection[str]
    ) -> dict[tuple[str, str], int]:
        """The sealed parts of some experiments, and the bytes of text that each stands for."""
        if not experiments:
            return {}
        rows = connection.execute(
            "SELECT experiment, path, text_size FROM file WHERE experiment = ANY(%s) AND text_size IS NOT NULL",
            (list(experiments),),
        )
        return {(experiment, path): size for experiment, path, size in rows}

    def touch(
        self, segments: Sequence[tuple[str, str]], connection: Connection[Row] | None = None
    ) -> None:
        """Note that the writers of some segments are alive, by the clock of the database.

        Args:
            connection: The transaction in which that is noted; one of its own, if not given.
        """
        query = (
            "UPDATE segment SET changed_at = clock_timestamp() WHERE changed_at < clock_timestamp() - interval '1 second' "
            "AND (experiment, name) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
        )
        values = ([one[0] for one in segments], [one[1] for one in segments])
        if connection is not None:
            connection.execute(query, values)
        elif segments:
            self.database.do(query, values)

    def is_lost(self) -> bool:
        """Whether the bucket has experiments and the tables none, or not all yet: the database is not the one that they were accepted with.

        Raises:
            OSError: The database or the bucket cannot be reached.
        """
        ((known, begun),) = self.database.ask(
            "SELECT EXISTS (SELECT FROM experiment), EXISTS (SELECT FROM claim WHERE what = %s)",
            (RECOVERING,),
        )
        return begun or (not known and bool(self.blobs.keys("experiments")))

    def moving_from(self) -> str | None:
        """From where a store is being moved into these stores, or was when that was cut short; None if none is."""
        found = self.database.ask("SELECT what FROM claim WHERE starts_with(what, %s)", (MOVING,))
        return str(found[0][0])[len(MOVING) :] if found else None

    def tail(self) -> Tail:
        """What is in the database alone."""
        ((size, seconds),) = self.database.ask(
            "SELECT coalesce(sum(size), 0)::bigint, coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 FROM ("
            "SELECT length(data) AS size, at FROM chunk UNION ALL SELECT size, at FROM content WHERE data IS NOT NULL) AS waiting"
        )
        return Tail(size, seconds)

    def now(self) -> float:
        """The time of the database's clock, by which all servers go."""
        ((now,),) = self.database.ask("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(now)
