"""`GroupRecords`: where clients of other trackers write in the stores of a group, through any of its servers.

All servers write to the same segments of an experiment, in turn: who writes holds a lock of the database until what was written is
committed. So a run goes on when the next request of its client comes to another server.
"""

from __future__ import annotations

import contextlib
import errno
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from blake3 import blake3
from psycopg import Connection

from ...blobs.bucket import BucketBlobs
from ...blobs.drafts import open_draft
from ...blobs.protocol import Blobs
from ...errors import InvalidName, NotFound
from ...journal.layout import number_of, writer_name
from ...journal.storage import Storage
from ...journal.writer import LEAD
from ...record.encode import encode_line
from ...record.events import FORMAT_VERSION
from ...record.ids import new_id
from ...record.names import check_label, check_prefix, folder_name, split_number
from ...record.secrets import mask_event, mask_text
from ...sync.wire import MOST_BYTES, Named
from ...trackers.records import Draft, Home
from ..callers import Caller, Role
from .database import Row
from .editing import append_edit
from .filing import arrived
from .opened import GroupStores
from .segments import Append
from .truth import Truth

__all__ = ["GroupRecords"]

_AT_ONCE = 3
"""Experiments that are written to at once: each holds a connection, and may wait for others of them."""
_PATIENCE = 10.0
"""Seconds that the index may take for what other servers have written."""
_INLINE = 64 << 10
_ABOUT = "metadata.json"
_LOCK = 5_001_512
"""The advisory lock of who writes to an experiment, or makes one at a prefix."""
_SERVER = Caller("anew-server", Role.WRITER)


class GroupRecords:
    """The `trackers.records.Records` of a group.

    Args:
        stores: The stores as this server has them open.
        links: Seconds for which a link to a content can be used; 0 for no links.
    """

    def __init__(self, stores: GroupStores, links: float = 0.0) -> None:
        self._links = links
        self.stores = stores
        self.truth: Truth = stores.truth
        self.journal = stores.journal
        self.few = threading.BoundedSemaphore(_AT_ONCE)

    @property
    def blobs(self) -> Blobs | None:
        """See `Records.blobs`."""
        return self.truth.blobs

    @property
    def drafts(self) -> str:
        """See `Records.drafts`."""
        return self.truth.blobs.scratch()

    @property
    def mark(self) -> str:
        """See `Records.mark`: all servers of the group have the same."""
        return self.stores.root_id()

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """See `Records.alone`."""
        with self.few, self.truth.database.transaction() as connection:
            _lock(connection, f"alone {what}")
            yield

    def begin(self, prefix: str, may_make: Callable[[], None]) -> tuple[Home, bool]:
        """See `Records.begin`."""
        base = check_prefix(prefix)
        last = base.rpartition("/")[2]
        if split_number(last)[1]:
            raise InvalidName(f"The prefix {base!r} ends in '~' and a number, which Anew adds itself.", name=base)  # fmt: skip
        if mask_text(base) != base:
            raise InvalidName("The prefix contains what looks like a secret.", name=mask_text(base))
        with self.truth.database.transaction() as connection:
            _lock(connection, f"prefix {base}")
            rows = connection.execute(
                "SELECT id, prefix FROM experiment WHERE state = 'here' AND (prefix = %s OR starts_with(prefix, %s))", (base, f"{base}~")
            ).fetchall()  # fmt: skip
            known = [
                (split_number(there)[1], id_, there)
                for id_, there in rows
                if split_number(there)[0] == base or there == base
            ]
            if known:
                _, id_, there = max(known)
                return _GroupHome(self, id_, there, last), False
            may_make()
            home = self.truth.filings.file(connection, new_id(), base)
        return _GroupHome(self, home.id, home.prefix, last, is_new=True), True

    def create(self, name: str, project: str) -> Home:
        """See `Records.create`."""
        id_, label = new_id(), mask_text(check_label(name, "name"))
        prefix = check_prefix(f"{project}/{folder_name(label)}-{id_}")
        with self.truth.database.transaction() as connection:
            home = self.truth.filings.file(connection, id_, prefix)
        return _GroupHome(self, home.id, home.prefix, label, is_new=True)

    def home(self, experiment_id: str, prefix: str) -> Home:
        """See `Records.home`."""
        return _GroupHome(self, experiment_id, prefix, prefix.rpartition("/")[2])

    @property
    def links(self) -> bool:
        """See `Records.links`."""
        return self._links > 0 and isinstance(self.truth.blobs, BucketBlobs)

    def link(self, digest: str, size: int) -> str | None:
        """See `Records.link`."""
        return self.truth.contents.link(digest, size, self._links) if self._links else None

    def settle(self, experiment_id: str) -> None:
        """Wait until the index has taken in all of an experiment.

        Raises:
            OSError: It has not within some seconds.
        """
        until = time.monotonic() + _PATIENCE
        while self.truth.database.ask(
            "SELECT 1 FROM work WHERE experiment = %s AND since IS NOT NULL", (experiment_id,)
        ):
            if time.monotonic() > until:
                raise OSError(
                    errno.EAGAIN,
                    "what other servers wrote to the experiment is not taken in yet",
                    experiment_id,
                )
            self.stores.refresh()
            self.stores.pause(0.02)


class _GroupHome:
    def __init__(
        self, records: GroupRecords, experiment_id: str, prefix: str, name: str, *, is_new: bool = False
    ) -> None:  # fmt: skip
        self.id, self.prefix, self.name = experiment_id, prefix, name
        self._records = records
        self._truth = records.truth
        # The sizes of its segments when this server last wrote; None if that is not known.
        self._sizes: dict[str, int] | None = {} if is_new else None
        self._connection: Connection[Row] | None = None

    def is_there(self) -> bool:
        return self._is_here(None)

    def _is_here(self, connection: Connection[Row] | None) -> bool:
        home = self._truth.filings.find([self.id], connection).get(self.id)
        return home is not None and home.state == "here" and home.prefix == self.prefix

    @contextmanager
    def held(self) -> Iterator[bool]:
        if self._connection is not None:
            yield False
            return
        try:
            with self._records.few, self._truth.database.transaction() as connection:
                _lock(connection, self.id)
                if not self._is_here(connection):
                    raise NotFound(f"The experiment {self.id} is not there any more.", name=self.id)
                sizes = self._look(connection)
                changed = sizes != self._sizes
                if changed:
                    self._records.settle(self.id)
                self._sizes, self._connection = sizes, connection
                yield changed
        except BaseException:
            self._sizes = None  # whether anything was committed is not known
            raise
        finally:
            self._connection = None

    def _look(self, connection: Connection[Row]) -> dict[str, int]:
        found = connection.execute(
            "SELECT name, size FROM segment WHERE experiment = %s", (self.id,)
        )
        return dict(found.fetchall())

    def _now(self) -> tuple[Connection[Row], dict[str, int]]:
        assert self._connection is not None, "an experiment is written to while it is held"
        assert self._sizes is not None
        return self._connection, self._sizes

    def storage(self) -> Storage:
        return self._truth.files.storage(self.id, self._connection)

    def open(self, label: str, opened: Mapping[str, Any], began: float | None) -> str:
        connection, sizes = self._now()
        earlier = {n[8:-6]: size for n, size in sorted(sizes.items()) if n.startswith("journal/")}
        lead = opened.get("role") == "lead"
        seen = {writer: size for writer, size in earlier.items() if lead or LEAD in writer}
        name = writer_name(max(map(number_of, earlier), default=0) + 1, label)
        at = time.time() if began is None else began
        fields = mask_event("opened", {"after": seen, **opened})
        line = encode_line({"k": "opened", "t": at, "version": FORMAT_VERSION, **fields})
        segment = f"journal/{name}.jsonl"
        self.append(segment, line)
        (home,) = self._truth.filings.find([self.id], connection).values()
        self._truth.filings.note_owner(connection, home, segment, line)
        if not earlier:
            self._describe(created_at=at, status="running")
        return name

    def size(self, segment: str) -> int:
        return self._now()[1].get(segment, 0)

    def append(self, segment: str, lines: bytes, *, late: bool = False) -> None:
        connection, sizes = self._now()
        start = sizes.get(segment, 0)
        pieces = [
            Append(self.id, segment, start + at, lines[at : at + MOST_BYTES])
            for at in range(0, len(lines), MOST_BYTES)
        ]
        done = self._truth.segments.append(connection, pieces, lambda _: None)
        end = start + len(lines)
        if any(one.status != "ok" for one in done) or (done and done[-1].size != end):
            raise OSError(errno.EIO, "a segment is not what it was when it was looked at", segment)
        sizes[segment] = end
        if not segment.startswith("logs/"):  # the index reads no messages
            arrived(connection, [self.id])

    def edit(self, kind: str, fields: Mapping[str, Any]) -> None:
        connection, _ = self._now()
        append_edit(self._truth, connection, self.id, kind, fields)
        self._sizes = self._look(connection)

    def touch(self, writer: str) -> None:
        self._truth.touch([(self.id, f"journal/{writer}.jsonl")], self._now()[0])

    def ended(self, status: str) -> None:
        self._describe(status=status, ended_at=time.time())

    def _describe(self, **more: Any) -> None:
        """Write the document for people."""
        known: dict[str, Any] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            known = json.loads(self.storage().fetch(_ABOUT, 0, 1 << 20).data)
        said = {key: _iso(value) if key.endswith("_at") else value for key, value in more.items()}
        about = {
            "format": FORMAT_VERSION, "experiment_id": self.id, "prefix": self.prefix, "name": self.name, **known, **said,
        }  # fmt: skip
        data = json.dumps(about, indent=2).encode() + b"\n"
        self.put(_ABOUT, blake3(data).hexdigest(), len(data), data)

    def put(self, path: str, digest: str, size: int, data: bytes | None = None) -> None:
        """Give a content the name of a file.

        Args:
            data: The content, unless it has been laid.
        """
        connection, _ = self._now()
        named = Named(path=path, hash=digest, size=size, data=data)
        done = self._truth.naming.name(connection, _SERVER, self.id, named)
        if done.status != "ok":
            raise OSError(errno.EIO, f"the file was not kept: {done.reason or done.status}", path)
        arrived(connection, [self.id])

    def draft(self, path: str) -> Draft:
        return _GroupDraft(self, self._truth, path)


class _GroupDraft:
    def __init__(self, home: _GroupHome, truth: Truth, path: str) -> None:
        self._home, self._truth, self._path = home, truth, path
        self._open = ExitStack()
        self._file, self._draft = self._open.enter_context(open_draft(truth.blobs.scratch()))
        self._size, self._hash = 0, blake3()
        self._data: bytes | None = None

    def write(self, data: bytes) -> None:
        self._size += len(data)
        self._hash.update(data)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def lay(self) -> tuple[int, str]:
        digest = self._hash.hexdigest()
        if self._size <= _INLINE:
            with open(self._draft, "rb") as file:
                self._data = file.read()
        else:
            self._truth.contents.keep(_SERVER.name, digest, self._size, self._draft)
        return self._size, digest

    def put(self) -> None:
        self._home.put(self._path, self._hash.hexdigest(), self._size, self._data)

    def close(self) -> None:
        self._open.close()


def _lock(connection: Connection[Row], what: str) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", (what, _LOCK))


def _iso(t: float) -> str:
    return datetime.fromtimestamp(t, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
