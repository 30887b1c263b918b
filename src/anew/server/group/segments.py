"""The segments of a group's experiments: bytes that are appended at offsets to the hot tail, and become objects later."""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from blake3 import blake3
from psycopg import Connection

from ...journal.storage import Blob
from ...sync.wire import MOST_BYTES
from .database import Database, Row
from .pieces import Altered, Pieces, key_of

__all__ = ["ENDING", "Append", "Appended", "Segments", "Unflushed"]

ENDING = 256
"""Last bytes of a segment that its row has."""
_AT_ONCE = 4
_MOST_PIECE = MOST_BYTES
"""Bytes of an object or a row, at most: by that, the ones that hold an offset are found."""


class Append(NamedTuple):
    """Bytes for a segment, as `server.intake.segments.append_at` takes them."""

    experiment: str
    name: str
    offset: int
    data: bytes
    before: bytes = b""


class Appended(NamedTuple):
    """What became of them ("ok", "gap", "diverged" or "refused"), the size of the segment now, and why they were refused."""

    status: str
    size: int
    reason: str = ""


class Unflushed(NamedTuple):
    """What is not an object yet: bytes, and how many seconds the oldest has waited."""

    bytes: int
    seconds: float


class Segments:
    """Appends to segments, reads them, and makes objects of them. Any thread may use it.

    Args:
        database: Where the hot tail is.
        pieces: The objects.
    """

    def __init__(self, database: Database, pieces: Pieces) -> None:
        self._database = database
        self._pieces = pieces

    # -- appending ----------------------------------------------------------------------------------

    def append(
        self,
        connection: Connection[Row],
        appends: Sequence[Append],
        refuse: Callable[[Append], str | None],
    ) -> list[Appended]:
        """Append in a transaction, in the order given. Nothing that is there is changed.

        Args:
            refuse: Asked before a segment is begun: why it may not be. It may read on the same connection.
        """
        if not appends:
            return []
        sizes = self._locked(connection, appends)
        writing = _Writing(connection)
        answers = []
        for one in appends:
            place = (one.experiment, one.name)
            there = sizes.get(place)
            if there is None:
                answers.append(Appended("gap", 0))
                continue
            size, ending, new = there
            if new and not one.offset:
                writing.write()
                reason = refuse(one)
                if reason is not None:
                    answers.append(Appended("refused", 0, reason))
                    continue
            answer, rest = self._fitting(connection, writing, one, size, ending)
            answers.append(answer)
            if answer.status == "ok":
                ending = (ending + rest)[-ENDING:]
                sizes[place] = (answer.size, ending, False)
                writing.add(one.experiment, one.name, size, rest, ending)
        writing.write()
        empty = [place for place, (_, _, new) in sizes.items() if new]
        if empty:
            connection.cursor().executemany(
                "DELETE FROM segment WHERE experiment = %s AND name = %s", empty
            )
        return answers

    @staticmethod
    def _locked(
        connection: Connection[Row], appends: Sequence[Append]
    ) -> dict[tuple[str, str], tuple[int, bytes, bool]]:
        """Size and ending of the segments, which stay as they are until the end of the transaction; and whether each is new.

        All who append take them in the same order, so nobody waits for somebody who waits for them.
        """
        places = sorted({(one.experiment, one.name) for one in appends})
        begun = sorted({(one.experiment, one.name) for one in appends if not one.offset})
        new: set[tuple[str, str]] = set()
        if begun:
            made = connection.execute(
                "INSERT INTO segment (experiment, name) SELECT * FROM unnest(%s::text[], %s::text[]) AS asked (e, n) ORDER BY e, n "
                "ON CONFLICT DO NOTHING RETURNING experiment, name",
                _columns(begun),
            )
            new = {(str(row[0]), str(row[1])) for row in made}
        found = connection.execute(
            "SELECT experiment, name, size, ending FROM segment WHERE (experiment, name) IN "
            "(SELECT * FROM unnest(%s::text[], %s::text[])) ORDER BY experiment, name FOR UPDATE",
            _columns(places),
        )
        return {(e, n): (size, bytes(ending), (e, n) in new) for e, n, size, ending in found}

    def _fitting(
        self,
        connection: Connection[Row],
        writing: _Writing,
        one: Append,
        size: int,
        ending: bytes,
    ) -> tuple[Appended, bytes]:
        """What becomes of bytes, and those of them that are new."""
        if one.offset > size:
            return Appended("gap", size), b""
        start = max(0, one.offset - len(one.before))
        overlap = min(size - one.offset, len(one.data))
        wanted = one.before[len(one.before) - (one.offset - start) :] + one.data[:overlap]
        if size - start <= len(ending):
            at = len(ending) - (size - start)
            there = ending[at : at + len(wanted)]
        else:
            writing.write()
            there = self.read(one.experiment, one.name, start, len(wanted), connection)
        if there != wanted:
            return Appended("diverged", size), b""
        rest = one.data[overlap:]
        return Appended("ok", size + len(rest)), rest

    def lay(self, experiment: str, name: str, at: int, data: bytes) -> None:
        """Append bytes that are an object at once, to a segment of this size of which nothing waits.

        Raises:
            Altered: The segment has another size, or other bytes are an object there.
            OSError: The object cannot be written.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO segment (experiment, name) VALUES (%s, %s) ON CONFLICT DO NOTHING", (experiment, name)
            )  # fmt: skip
            ((size, flushed, ending),) = connection.execute(
                "SELECT size, flushed, ending FROM segment WHERE experiment = %s AND name = %s FOR UPDATE", (experiment, name)
            ).fetchall()  # fmt: skip
            if not size == flushed == at:
                raise Altered(errno.EIO, "the segment is being written", name)
            there = self._pieces.put(key_of(experiment, name, at), data) if data else b""
            end = at + len(there)
            connection.execute(
                "UPDATE segment SET size = %s, flushed = %s, ending = %s WHERE experiment = %s AND name = %s",
                (end, end, (bytes(ending) + there)[-ENDING:], experiment, name),
            )
            if there:
                connection.execute(
                    "INSERT INTO piece (experiment, name, start, size, hash) VALUES (%s, %s, %s, %s, %s)",
                    (experiment, name, at, len(there), blake3(there).hexdigest()),
                )

    # -- reading ------------------------------------------------------------------------------------

    def read(
        self,
        experiment: str,
        name: str,
        start: int,
        length: int,
        connection: Connection[Row] | None = None,
    ) -> bytes:
        """Up to `length` bytes of a segment, fewer only at its end.

        Raises:
            FileNotFoundError: There is no such segment.
            OSError: An object of it is missing or altered, or cannot be read.
        """
        # One statement sees one state: what becomes an object meanwhile is in the rows or among the objects.
        query = (
            "SELECT -1, size, '', NULL::bytea FROM segment WHERE experiment = %(e)s AND name = %(n)s UNION ALL "
            "SELECT start, size, hash, NULL FROM piece "
            "WHERE experiment = %(e)s AND name = %(n)s AND start > %(low)s AND start < %(end)s UNION ALL "
            "SELECT start, length(data), '', data FROM chunk "
            "WHERE experiment = %(e)s AND name = %(n)s AND start > %(low)s AND start < %(end)s ORDER BY 1"
        )
        values: Any = {"e": experiment, "n": name, "low": start - _MOST_PIECE, "end": start + length}  # fmt: skip
        if connection is None:
            with self._database.transaction() as own:
                rows = own.execute(query, values).fetchall()
        else:
            rows = connection.execute(query, values).fetchall()
        if not rows or rows[0][0] != -1:
            raise FileNotFoundError(errno.ENOENT, "There is no such segment", name)
        end = min(start + length, rows[0][1])
        at, parts = start, []
        for begins, size, hash, data in rows[1:]:
            stop = min(end, begins + size)
            if stop <= at or begins > at:
                continue
            if data is None:
                key = key_of(experiment, name, begins)
                parts.append(self._pieces.read(key, size, hash, at - begins, stop - at))
            else:
                parts.append(bytes(data[at - begins : stop - begins]))
            at = stop
        if at < end:
            raise Altered(errno.EIO, "bytes of a segment are missing", name)
        return b"".join(parts)

    def size(self, experiment: str, name: str) -> int:
        """The bytes of a segment.

        Raises:
            FileNotFoundError: There is no such segment.
        """
        found = self._database.ask(
            "SELECT size FROM segment WHERE experiment = %s AND name = %s", (experiment, name)
        )
        if not found:
            raise FileNotFoundError(errno.ENOENT, "There is no such segment", name)
        return int(found[0][0])

    def listed(
        self, experiments: Collection[str], connection: Connection[Row] | None = None
    ) -> dict[str, list[tuple[str, Blob]]]:
        """The paths of the segments and files of some experiments, sorted."""
        query = (
            "SELECT experiment, name, size, extract(epoch FROM changed_at)::float8 FROM segment WHERE experiment = ANY(%(ids)s) UNION ALL "
            "SELECT experiment, path, size, extract(epoch FROM changed_at)::float8 FROM file WHERE experiment = ANY(%(ids)s)"
        )
        values: Any = {"ids": list(experiments)}
        if connection is None:
            with self._database.transaction() as own:
                rows = own.execute(query, values).fetchall()
        else:
            rows = connection.execute(query, values).fetchall()
        found: dict[str, list[tuple[str, Blob]]] = {one: [] for one in experiments}
        for experiment, path, size, changed_at in sorted(rows):
            found[experiment].append((path, Blob(path.rpartition("/")[2], size, changed_at)))
        return found

    # -- becoming objects ---------------------------------------------------------------------------

    def flush(self, *, least: int, older: float, most: int = 200) -> int:
        """Make objects of what has waited; how many were made.

        Args:
            least: Bytes of a segment that are enough for an object.
            older: Seconds after which fewer are made one, too.
            most: Segments at most.

        Raises:
            OSError: The bucket cannot be written. What was not made an object stays as it is.
        """
        waiting = self._database.ask(
            "SELECT experiment, name FROM chunk GROUP BY 1, 2 HAVING sum(length(data)) >= %s "
            "OR min(at) <= clock_timestamp() - make_interval(secs => %s) ORDER BY min(at) LIMIT %s",
            (least, older, most),
        )
        made, failed = 0, list[Altered]()

        def flush(row: Row) -> int:
            try:
                return self._flush(row[0], row[1])
            except Altered as error:  # of one segment; the others go on
                failed.append(error)
                return 0

        if waiting:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                made = sum(pool.map(flush, waiting))
        if failed and not made:
            raise failed[0]
        return made

    def _flush(self, experiment: str, name: str) -> int:
        with self._database.transaction() as connection:
            (mine,) = connection.execute(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 15))", (f"{experiment}/{name}",)
            ).fetchall()  # fmt: skip
            found = connection.execute(
                "SELECT flushed, size FROM segment WHERE experiment = %s AND name = %s", (experiment, name)
            ).fetchall()  # fmt: skip
            if not mine[0] or not found:
                return 0
            flushed, size = found[0]
            data = self._waiting(connection, experiment, name, flushed)
            if not data:
                return 0
            there = self._pieces.put(key_of(experiment, name, flushed), data)
            now = flushed + len(there)
            # A longer one was made before the database was restored: what it has is there again.
            done = connection.execute(
                "UPDATE segment SET flushed = %s, size = greatest(size, %s), ending = CASE WHEN size < %s THEN %s ELSE ending END "
                "WHERE experiment = %s AND name = %s AND flushed = %s AND (size = %s OR size >= %s)",
                (now, now, now, there[-ENDING:], experiment, name, flushed, size, now),
            )
            if not done.rowcount:
                raise Altered(errno.EIO, "an object has bytes that were not sent yet", name)
            connection.execute(
                "INSERT INTO piece (experiment, name, start, size, hash) VALUES (%s, %s, %s, %s, %s)",
                (experiment, name, flushed, len(there), blake3(there).hexdigest()),
            )
            connection.execute(
                "DELETE FROM chunk WHERE experiment = %s AND name = %s AND start + length(data) <= %s",
                (experiment, name, now),
            )
        return 1

    @staticmethod
    def _waiting(connection: Connection[Row], experiment: str, name: str, flushed: int) -> bytes:
        """The bytes from an offset on that are not an object yet; no more than an object has."""
        parts, at = [], flushed
        rows = connection.execute(
            "SELECT start, data FROM chunk WHERE experiment = %s AND name = %s AND start < %s ORDER BY start",
            (experiment, name, flushed + _MOST_PIECE),
        )
        for start, data in rows:
            part = bytes(data)[at - start : flushed + _MOST_PIECE - start]
            parts.append(part)
            at += len(part)
        return b"".join(parts)

    def unflushed(self) -> Unflushed:
        """What is not an object yet."""
        ((size, seconds),) = self._database.ask(
            "SELECT coalesce(sum(length(data)), 0)::bigint, coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 FROM chunk"
        )
        return Unflushed(size, seconds)


class _Writing:
    """What was appended in a transaction and is not written yet: many rows go in one go."""

    def __init__(self, connection: Connection[Row]) -> None:
        self._connection = connection
        self._chunks: list[tuple[str, str, int, bytes]] = []
        self._sizes: dict[tuple[str, str], tuple[int, bytes]] = {}

    def add(self, experiment: str, name: str, start: int, data: bytes, ending: bytes) -> None:
        """Bytes for the end of a segment."""
        if data:
            self._chunks.append((experiment, name, start, data))
        self._sizes[experiment, name] = (start + len(data), ending)

    def write(self) -> None:
        """Write them."""
        cursor = self._connection.cursor()
        if self._chunks:
            with cursor.copy(
                "COPY chunk (experiment, name, start, data) FROM STDIN (FORMAT binary)"
            ) as copy:
                copy.set_types(["text", "text", "int8", "bytea"])
                for row in self._chunks:
                    copy.write_row(row)
        if self._sizes:
            places = [(e, n, size, ending) for (e, n), (size, ending) in self._sizes.items()]
            cursor.execute(
                "UPDATE segment SET size = a.s, ending = a.b, changed_at = clock_timestamp() FROM "
                "unnest(%s::text[], %s::text[], %s::bigint[], %s::bytea[]) AS a (e, n, s, b) WHERE experiment = a.e AND name = a.n",
                _columns(places),
            )
        self._chunks, self._sizes = [], {}


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as one list for each column."""
    return [list(column) for column in zip(*rows, strict=True)]
