"""The contents of a group's files: objects under their hash, and what arrives of them in pieces."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from blake3 import blake3
from psycopg import Connection

from ...blobs.bucket import BucketBlobs
from ...blobs.linked import hash_file
from ...blobs.protocol import Blobs
from ...sync.wire import Accepted, Arrived, PieceRequest
from ..intake.contents import is_hash
from ..intake.segments import unpacked
from .database import Database, Row

__all__ = ["Contents", "key_of_content"]

_AT_ONCE = 8
_KEPT_DAYS = 7
"""Days that a content which is not complete is kept after its last piece."""


def key_of_content(hash: str) -> str:
    """The key of a content."""
    return f"contents/{hash[:2]}/{hash}"


class Contents:
    """Contents by their hashes. Any thread may use it.

    Each sender has pieces of their own: what one of them sends can spoil nothing of another's. Who has sent a content may
    name it again without sending it; to others its hash alone gives nothing.
    """

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    # -- what there is --------------------------------------------------------------------------------

    def give(self, connection: Connection[Row], sender: str, hash: str, data: bytes) -> None:
        """Take a small content, which becomes an object later."""
        connection.execute(
            "INSERT INTO content (hash, size, data) VALUES (%s, %s, %s) "
            "ON CONFLICT (hash) DO UPDATE SET at = clock_timestamp()",  # and nobody removes it meanwhile
            (hash, len(data), data),
        )
        connection.execute(
            "INSERT INTO given (hash, sender) VALUES (%s, %s) ON CONFLICT DO NOTHING", (hash, sender)
        )  # fmt: skip

    def has(
        self, connection: Connection[Row], hash: str, size: int, sender: str | None = None
    ) -> bool:
        """Whether a content is there.

        Args:
            sender: Who must have sent it; anybody, if not given.
        """
        found = connection.execute(
            "UPDATE content SET at = clock_timestamp() WHERE hash = %(hash)s AND size = %(size)s AND (%(sender)s::text IS NULL "
            "OR EXISTS (SELECT FROM given WHERE given.hash = %(hash)s AND sender = %(sender)s)) RETURNING 1",
            {"hash": hash, "size": size, "sender": sender},
        )
        return found.fetchone() is not None

    def read(
        self, hash: str, start: int, length: int, connection: Connection[Row] | None = None
    ) -> bytes:
        """Bytes of a content.

        Raises:
            OSError: Its object is missing or cannot be read.
        """
        query = "SELECT substring(data FROM %s FOR %s) FROM content WHERE hash = %s"
        values = (start + 1, length, hash)
        if connection is None:
            found = self._database.ask(query, values)
        else:
            found = connection.execute(query, values).fetchall()
        if found and found[0][0] is not None:
            return bytes(found[0][0])
        try:
            return self._blobs.read(key_of_content(hash), start, length)
        except FileNotFoundError:
            raise OSError(errno.EIO, "the object of a content is missing", hash) from None

    def link(self, hash: str, size: int, seconds: float) -> str | None:
        """An address under which whoever has it can read a content from the bucket for some seconds; None where there is none.

        What it leads to never changes: a key is the hash of its bytes.

        Raises:
            OSError: The bucket has no such object.
        """
        if not isinstance(self._blobs, BucketBlobs):
            return None
        waiting = self._database.ask("SELECT data IS NOT NULL FROM content WHERE hash = %s", (hash,))  # fmt: skip
        if waiting and waiting[0][0]:
            return None
        key = key_of_content(hash)
        if self._blobs.size(key) != size:
            raise OSError(errno.EIO, "the object of a content has another size", hash)
        return self._blobs.link(key, seconds)

    @contextlib.contextmanager
    def local(self, hash: str, size: int) -> Iterator[str]:
        """A path on this machine under which a content can be read while the block runs.

        Raises:
            OSError: Its object is missing or cannot be read.
        """
        waiting = self._database.ask("SELECT data FROM content WHERE hash = %s AND data IS NOT NULL", (hash,))  # fmt: skip
        if not waiting:
            with contextlib.ExitStack() as held:
                try:
                    path = held.enter_context(self._blobs.local(key_of_content(hash)))
                except FileNotFoundError:
                    raise OSError(errno.EIO, "the object of a content is missing", hash) from None
                yield path
            return
        path = os.path.join(self._blobs.scratch(), f"{os.urandom(8).hex()}.copy")
        try:
            with open(path, "xb") as file:
                file.write(bytes(waiting[0][0]))
            yield path
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    # -- what arrives ---------------------------------------------------------------------------------

    def progress(self, sender: str, hashes: Sequence[str]) -> tuple[Arrived, ...]:
        """How much of some contents has arrived from somebody."""
        whole: dict[str, int] = dict(
            self._database.ask(
                "SELECT hash, size FROM content JOIN given USING (hash) WHERE hash = ANY(%s) AND sender = %s",
                (list(hashes), sender),
            )
        )
        parts: dict[str, int] = dict(
            self._database.ask(
                "SELECT hash, size FROM arrival WHERE hash = ANY(%s) AND sender = %s",
                (list(hashes), sender),
            )
        )
        return tuple(
            Arrived(size=whole[one], whole=True)
            if one in whole
            else Arrived(size=parts.get(one, 0))
            for one in hashes
        )

    def receive(self, sender: str, request: PieceRequest) -> Accepted:
        """Take a piece; the last one completes the content, which is then verified.

        Raises:
            OSError: It cannot be written.
        """
        if not is_hash(request.hash):
            return Accepted(status="refused", reason="the hash is no BLAKE3 in hexadecimal")
        if not 0 <= request.offset <= request.total < 1 << 50:
            return Accepted(status="refused", reason="the piece lies outside of the content")
        data = unpacked(request.data, request.coding, request.check)
        if data is None or request.offset + len(data) > request.total:
            return Accepted(status="damaged")
        (known,) = self.progress(sender, [request.hash])
        if known.whole:
            return Accepted(status="ok", size=request.total)
        place = (request.hash, sender)
        folder = _folder(request.hash, sender)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO arrival (hash, sender, total) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (*place, request.total),
            )
            ((size, total),) = connection.execute(
                "SELECT size, total FROM arrival WHERE hash = %s AND sender = %s FOR UPDATE", place
            ).fetchall()
            if total != request.total:  # one of the two is wrong: from the start
                connection.execute("DELETE FROM arrival WHERE hash = %s AND sender = %s", place)
                return Accepted(status="gap", size=0)
            if request.offset > size:
                return Accepted(status="gap", size=size)
            rest = data[size - request.offset :]
            if rest:
                self._blobs.replace(f"{folder}/{size:016x}", rest)
            size += len(rest)
            connection.execute(
                "UPDATE arrival SET size = %s, changed_at = clock_timestamp() WHERE hash = %s AND sender = %s",
                (size, *place),
            )
            if size < total:
                return Accepted(status="ok", size=size)
            right = self._complete(folder, request.hash, total)
            connection.execute("DELETE FROM arrival WHERE hash = %s AND sender = %s", place)
            if right:
                connection.execute(
                    "INSERT INTO content (hash, size) VALUES (%s, %s) ON CONFLICT DO NOTHING", (request.hash, total)
                )  # fmt: skip
                connection.execute(
                    "INSERT INTO given (hash, sender) VALUES (%s, %s) ON CONFLICT DO NOTHING", place
                )
        with contextlib.suppress(OSError):  # what stays is removed with what is old
            self._remove(folder)
        return Accepted(status="ok", size=total) if right else Accepted(status="damaged", size=0)

    def _complete(self, folder: str, hash: str, total: int) -> bool:
        """Make one object of the pieces; False if that is not the content that it should be."""
        path = os.path.join(self._blobs.scratch(), f"{os.urandom(8).hex()}.part")
        digest, at = blake3(), 0
        try:
            with open(path, "xb") as file:
                while at < total:
                    data = self._blobs.read(f"{folder}/{at:016x}")
                    if not data:
                        return False
                    data = data[: total - at]
                    digest.update(data)
                    file.write(data)
                    at += len(data)
            if digest.hexdigest() != hash:
                return False
            self._store(hash, path)
        except FileNotFoundError:  # a piece is gone: from the start
            return False
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        return True

    def keep(self, sender: str, hash: str, size: int, path: str) -> None:
        """Take a content that lies whole in a file of this machine, in `scratch`, and was verified; the file is gone then.

        Raises:
            OSError: It cannot be written.
        """
        self._store(hash, path)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO content (hash, size) VALUES (%s, %s) ON CONFLICT (hash) DO UPDATE SET at = clock_timestamp()",
                (hash, size),
            )
            connection.execute(
                "INSERT INTO given (hash, sender) VALUES (%s, %s) ON CONFLICT DO NOTHING", (hash, sender)
            )  # fmt: skip

    def _store(self, hash: str, path: str) -> None:
        """Make an object of a content that was verified. One may be there that a database which was restored knows nothing of."""
        key = key_of_content(hash)
        try:
            self._blobs.upload(key, path)
        except FileExistsError:
            with self._blobs.local(key) as there:
                same = hash_file(there) == hash
            if not same:  # somebody altered it, and here are the bytes that it should have
                self._blobs.delete(key)
                self._blobs.upload(key, path)

    def _remove(self, folder: str) -> None:
        for key in self._blobs.keys(folder):
            self._blobs.delete(key)

    # -- in the background ------------------------------------------------------------------------------

    def flush(self, *, older: float = 0.0, most: int = 400) -> int:
        """Make objects of small contents that have waited; how many were made.

        Raises:
            OSError: The bucket cannot be written.
        """
        waiting = self._database.ask(
            "SELECT hash, data FROM content WHERE data IS NOT NULL AND at <= clock_timestamp() - make_interval(secs => %s) "
            "ORDER BY at LIMIT %s",
            (older, most),
        )
        if not waiting:
            return 0

        def put(row: Row) -> str:
            self._blobs.create(key_of_content(row[0]), bytes(row[1]))
            return str(row[0])

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            done = list(pool.map(put, waiting))
        self._database.do("UPDATE content SET data = NULL WHERE hash = ANY(%s)", (done,))
        return len(done)

    def unfinished(self) -> tuple[int, int]:
        """How many contents have arrived in part, and how many bytes of them."""
        ((count, size),) = self._database.ask("SELECT count(*), coalesce(sum(size), 0)::bigint FROM arrival")  # fmt: skip
        return count, size

    def tidy(self) -> None:
        """Remove what was left unfinished long ago.

        Raises:
            OSError: The bucket cannot be reached.
        """
        left = self._database.ask(
            "DELETE FROM arrival WHERE changed_at < clock_timestamp() - make_interval(days => %s) RETURNING hash, sender",
            (_KEPT_DAYS,),
        )
        for hash, sender in left:
            self._remove(_folder(hash, sender))


def _folder(hash: str, sender: str) -> str:
    return f"uploads/{hash}-{blake3(sender.encode(errors='surrogatepass')).hexdigest()[:8]}"
