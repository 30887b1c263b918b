"""The files of a group's experiments, as the readers of journals see them."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager

from psycopg import Connection

from ...journal.storage import Blob, Fetched, Lies
from ..intake.names import is_segment
from .contents import Contents
from .database import Database, Row
from .segments import Segments

__all__ = ["Files", "GroupJournals", "GroupStorage"]

_COPIED = 4 << 20


class Files:
    """What a group's experiments consist of: segments, and files whose contents are objects. Any thread may use it."""

    def __init__(self, database: Database, segments: Segments, contents: Contents) -> None:
        self._database = database
        self.segments = segments
        self.contents = contents

    def content_of(
        self, experiment: str, path: str, connection: Connection[Row] | None = None
    ) -> tuple[str, int]:
        """Hash and size of a file.

        Raises:
            FileNotFoundError: There is none.
        """
        query = "SELECT hash, size FROM file WHERE experiment = %s AND path = %s"
        if connection is None:
            found = self._database.ask(query, (experiment, path))
        else:
            found = connection.execute(query, (experiment, path)).fetchall()
        if not found:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return found[0][0], found[0][1]

    def storage(self, experiment: str, connection: Connection[Row] | None = None) -> GroupStorage:
        """The files of one experiment, as they are when they are asked for.

        Args:
            connection: The transaction in which they are read; one for each question, if not given.
        """
        return GroupStorage(self, experiment, None, connection)

    def storages(self, experiments: Collection[str]) -> dict[str, GroupStorage]:
        """The files of several experiments, as they are now: what is appended later is not listed."""
        return {
            one: GroupStorage(self, one, listing)
            for one, listing in self.segments.listed(experiments).items()
        }


class GroupStorage:
    """A `journal.storage.Storage` over what is in a group's database and bucket."""

    def __init__(
        self,
        files: Files,
        experiment: str,
        listing: list[tuple[str, Blob]] | None = None,
        connection: Connection[Row] | None = None,
    ) -> None:
        self._files = files
        self._experiment = experiment
        self._listing = listing
        self._connection = connection

    def list(self, folder: str) -> list[Blob]:
        """See `Storage.list`."""
        listing = self._listing
        if listing is None:
            found = self._files.segments.listed([self._experiment], self._connection)
            listing = found[self._experiment]
        return sorted(blob for path, blob in listing if path.rpartition("/")[0] == folder)

    def read(self, path: str, start: int, length: int) -> bytes:
        """See `Storage.read`."""
        if is_segment(path):
            return self._files.segments.read(
                self._experiment, path, start, length, self._connection
            )
        return self.fetch(path, start, length).data

    def fetch(self, path: str, start: int, length: int) -> Fetched:
        """See `Storage.fetch`."""
        if is_segment(path):
            size = self._files.segments.size(self._experiment, path)
            return Fetched(self.read(path, start, length), size)
        hash, size = self._files.content_of(self._experiment, path, self._connection)
        length = max(0, min(length, size - start))
        if not length:
            return Fetched(b"", size)
        return Fetched(self._files.contents.read(hash, start, length, self._connection), size)

    def local(self, path: str) -> AbstractContextManager[str]:
        """See `Storage.local`."""
        if is_segment(path):
            return self._copy(path)
        return self._files.contents.local(
            *self._files.content_of(self._experiment, path, self._connection)
        )

    @contextlib.contextmanager
    def _copy(self, path: str) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="anew-") as folder:
            copy = os.path.join(folder, path.rpartition("/")[2])
            at = 0
            with open(copy, "xb") as file:
                while data := self.read(path, at, _COPIED):
                    file.write(data)
                    at += len(data)
            yield copy


class GroupJournals:
    """The `journal.storage.Journals` of some experiments of a group, by the prefixes that they have now.

    Args:
        prefixes: Their ids, by prefix.
    """

    def __init__(self, files: Files, prefixes: Mapping[str, str]) -> None:
        self._files = files
        found = files.storages(prefixes.values())
        self._storages = {prefix: found[one] for prefix, one in prefixes.items()}

    def of(self, prefix: str) -> GroupStorage:
        """See `Journals.of`. At any other prefix there is nothing."""
        return self._storages.get(prefix) or GroupStorage(self._files, "", [])

    def lies(self, prefix: str) -> Lies:
        """See `Journals.lies`."""
        return Lies(prefix)
