"""Deleting experiments of a group, with the way back, moving them, and giving back what nothing refers to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psycopg import Connection
from psycopg.errors import UniqueViolation

from ...errors import InvalidName, NotFound, StillRunning
from ...index.trash import Freed, Trashed
from ...record.facts import ExperimentFacts
from ...record.names import check_prefix, split_number
from ...record.status import Status
from .contents import key_of_content
from .database import Row
from .filing import arrived
from .truth import Truth

__all__ = ["GroupTrash"]

_GRACE = 3600.0
"""Seconds that a content is kept although nothing has its name: it may be about to get one."""
_BYTES = "(SELECT coalesce(sum(size), 0) FROM segment WHERE experiment = e.id) + (SELECT coalesce(sum(size), 0) FROM file WHERE experiment = e.id)"


class GroupTrash:
    """The trash of a group's stores. Any thread may use it.

    That an experiment is deleted is a state of its row, and an event of the root's journal. Its bytes stay where they are until the
    trash is emptied.
    """

    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    def items(self) -> list[Trashed]:
        """What is in the trash, newest first."""
        rows = self._truth.database.ask(
            f"SELECT id, prefix, name, deleted_at, ({_BYTES})::bigint FROM experiment e WHERE state = 'deleted' ORDER BY deleted_at DESC, id"
        )
        return [Trashed(*row) for row in rows]

    def delete(self, ids: Sequence[str], find: Callable[[str], ExperimentFacts], user: str) -> int:
        """Move experiments to the trash, all of them or none; how many bytes they have.

        Raises:
            NotFound: One of them is not there.
            StillRunning: One is being written.
        """
        found = [find(one) for one in dict.fromkeys(ids)]
        for one in found:
            if one.status is Status.RUNNING:
                raise StillRunning(
                    f"{one.prefix} is still running. Wait until it has ended, or stop it first."
                )
        size, now = 0, self._truth.now()
        with self._truth.database.transaction() as connection:
            for one in sorted(found, key=lambda each: each.id):
                rows = connection.execute(
                    f"UPDATE experiment e SET state = 'deleted', name = %s, deleted_at = %s, version = version + 1 "
                    f"WHERE id = %s AND state = 'here' RETURNING ({_BYTES})::bigint",
                    (one.name, now, one.id),
                ).fetchall()
                if not rows:
                    raise NotFound(f"There is no experiment {one.id!r}.", name=one.id)
                size += rows[0][0]
                self._say(connection, "deleted", one.id, one.prefix, user, name=one.name)
            arrived(connection, [one.id for one in found])
        return size

    def restore(self, experiment_id: str, prefix: str | None, user: str) -> str:
        """Take an experiment back out; returns its prefix.

        Raises:
            NotFound: It is not in the trash.
            InvalidName: Another experiment is at its prefix.
        """
        known = self._truth.filings.find([experiment_id]).get(experiment_id)
        if known is None or known.state != "deleted":
            raise NotFound(
                f"There is no experiment {experiment_id!r} in the trash.",
                name=experiment_id,
                nearest=sorted(one.experiment_id for one in self.items()),
            )
        at = known.prefix if prefix is None else check_prefix(prefix)
        return self._put(
            experiment_id, at, "deleted", "restored", user, "Restore to another prefix."
        )

    def move(
        self, experiment_id: str, prefix: str, find: Callable[[str], ExperimentFacts], user: str
    ) -> None:
        """File an experiment under another prefix.

        Raises:
            NotFound: It is not there.
            StillRunning: It is being written.
            InvalidName: The prefix cannot be one, or belongs to another experiment.
        """
        prefix = check_prefix(prefix)
        row = find(experiment_id)
        if row.status is Status.RUNNING:
            raise StillRunning(f"{row.prefix} is still running. Move it when it has ended.")
        if prefix == row.prefix:
            raise InvalidName(f"The experiment is at {prefix!r} already.", name=prefix)
        if split_number(prefix)[1]:
            raise InvalidName(
                f"The prefix {prefix!r} ends in '~' and a number, which Anew adds itself when a prefix is used again. "
                "Leave it out.",
                name=prefix,
            )
        self._put(experiment_id, prefix, "here", "moved", user, "Choose another.", was=row.prefix)

    def _put(
        self,
        experiment_id: str,
        prefix: str,
        state: str,
        kind: str,
        user: str,
        hint: str,
        **more: str,
    ) -> str:
        try:
            with self._truth.database.transaction() as connection:
                self._truth.filings.check_above(connection, prefix)
                done = connection.execute(
                    "UPDATE experiment SET state = 'here', prefix = %s, version = version + 1 WHERE id = %s AND state = %s",
                    (prefix, experiment_id, state),
                )
                if not done.rowcount:
                    raise NotFound(
                        f"There is no experiment {experiment_id!r} there any more.",
                        name=experiment_id,
                    )
                self._say(connection, kind, experiment_id, prefix, user, **more)
                arrived(connection, [experiment_id])
        except UniqueViolation:
            raise InvalidName(
                f"The prefix {prefix!r} is used by another experiment. {hint}", name=prefix
            ) from None
        return prefix

    def _say(
        self,
        connection: Connection[Row],
        kind: str,
        experiment_id: str,
        prefix: str,
        user: str,
        **more: str,
    ) -> None:
        fields = {"experiment_id": experiment_id, "prefix": prefix, **more}
        self._truth.lines.append_in(connection, kind, fields, user=user)

    # -- giving back --------------------------------------------------------------------------------------

    def purge(self, ids: Sequence[str] | None, *, older_than: float = 0.0, user: str = "") -> Freed:
        """Remove experiments in the trash for good.

        Args:
            ids: Which; all if None.
            older_than: Only those deleted at least this many seconds ago.
        """
        before = self._truth.now() - older_than
        doomed = [
            one
            for one in self.items()
            if (ids is None or one.experiment_id in ids) and one.deleted_at <= before
        ]
        freed = 0
        for one in doomed:
            with self._truth.database.transaction() as connection:
                # Whoever appends holds the row for sharing: nothing comes after this.
                done = connection.execute(
                    "SELECT 1 FROM experiment WHERE id = %s AND state = 'deleted' FOR UPDATE",
                    (one.experiment_id,),
                ).fetchone()
                if done is None:
                    continue
                for table in ("segment", "chunk", "piece", "file", "conflict"):
                    connection.execute(
                        f"DELETE FROM {table} WHERE experiment = %s", (one.experiment_id,)
                    )
                connection.execute(
                    "UPDATE experiment SET state = 'purged', version = version + 1 WHERE id = %s", (one.experiment_id,)
                )  # fmt: skip
                self._say(connection, "purged", one.experiment_id, one.prefix, user)
            blobs = self._truth.blobs
            for folder in ("segments", "names"):
                for key in blobs.keys(f"experiments/{one.experiment_id}/{folder}"):
                    blobs.delete(key)
            for key in blobs.keys(f"conflicts/{one.experiment_id}"):
                blobs.delete(key)
            freed += one.bytes
        return Freed(len(doomed), freed)

    def tidy(self, *, dry_run: bool = False, grace: float = _GRACE, most: int = 10_000) -> Freed:
        """Remove contents that no file has."""
        unused = "NOT EXISTS (SELECT FROM file WHERE file.hash = content.hash) AND at < clock_timestamp() - make_interval(secs => %s)"
        found = self._truth.database.ask(
            f"SELECT hash, size FROM content WHERE {unused} LIMIT %s", (grace, most)
        )
        count = freed = 0
        for hash, size in found:
            if not dry_run:
                with self._truth.database.transaction() as connection:
                    done = connection.execute(
                        f"DELETE FROM content WHERE hash = %s AND {unused}", (hash, grace)
                    )
                    if not done.rowcount:
                        continue
                    connection.execute("DELETE FROM given WHERE hash = %s", (hash,))
                    # Before the row is gone for others: whoever sends it again waits for this.
                    self._truth.blobs.delete(key_of_content(hash))
            count, freed = count + 1, freed + size
        return Freed(count, freed)
