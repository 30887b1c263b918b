"""Names that contents get in a group's experiments: files, documents, and sealed parts beside lines."""

from __future__ import annotations

import os
import tempfile

from blake3 import blake3
from psycopg import Connection

from ...sync.sealed import Text, text_of
from ...sync.wire import MOST_BYTES, Kept, Named
from ..callers import Caller
from ..intake.contents import is_hash
from ..intake.identity import is_about
from ..intake.names import check_path, is_replaceable
from ..intake.parts import begins_with, part_of, points_of_lines, points_of_part
from .beside import Beside
from .contents import Contents
from .database import Database, Row
from .segments import Append, Segments
from .storage import Files

__all__ = ["Naming"]


class Naming:
    """Gives names to contents that have arrived. Any thread may use it."""

    def __init__(
        self,
        database: Database,
        segments: Segments,
        contents: Contents,
        files: Files,
        beside: Beside,
    ) -> None:
        self._database = database
        self._segments = segments
        self._contents = contents
        self._files = files
        self._beside = beside

    def name(self, connection: Connection[Row], caller: Caller, id: str, one: Named) -> Kept:
        """What becomes of a name in an experiment, in a transaction."""
        reason = check_path(one.path)
        if reason is not None or not is_hash(one.hash) or one.size < 0:
            return Kept(status="refused", reason=reason or "the hash is no BLAKE3 in hexadecimal")
        if one.data is not None and (
            len(one.data) != one.size or blake3(one.data).hexdigest() != one.hash
        ):
            return Kept(status="damaged")
        if one.path == "metadata.json" and not (one.data and is_about(one.data, id)):
            return Kept(
                status="missing" if one.data is None else "refused", reason="it is of another id"
            )
        if one.path.startswith("metrics/"):
            return self._part(connection, caller, id, one)
        known = connection.execute(
            "SELECT hash, size FROM file WHERE experiment = %s AND path = %s FOR UPDATE", (id, one.path)
        ).fetchone()  # fmt: skip
        if known is not None and (known[0], known[1]) == (one.hash, one.size):
            return Kept(status="ok")
        if known is None and self._is_blocked(connection, id, one.path):
            return Kept(status="refused", reason="a file lies in its place")
        if not self._has(connection, caller, one):
            return Kept(status="missing")
        if known is not None and not is_replaceable(one.path):
            return self._other(connection, id, one)
        self._put(connection, id, one)
        return Kept(status="ok")

    @staticmethod
    def _is_blocked(connection: Connection[Row], id: str, path: str) -> bool:
        """Whether a file has the name of a folder on the way, or the path is that of a folder."""
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts))]
        found = connection.execute(
            "SELECT 1 FROM file WHERE experiment = %s AND (path = ANY(%s) OR starts_with(path, %s)) LIMIT 1",
            (id, above, f"{path}/"),
        )
        return found.fetchone() is not None

    def _has(self, connection: Connection[Row], caller: Caller, one: Named) -> bool:
        """Whether the content is there, and somebody has it or may see it, so that they may name it."""
        if one.data is not None:
            self._contents.give(connection, caller.name, one.hash, one.data)
            return True
        sender = None if caller.scope() is None else caller.name
        return self._contents.has(connection, one.hash, one.size, sender)

    @staticmethod
    def _put(connection: Connection[Row], id: str, one: Named, text: Text | None = None) -> None:
        size, hash = (None, None) if text is None else (text.size, text.hash)
        connection.execute(
            "INSERT INTO file (experiment, path, hash, size, executable, text_size, text_hash) VALUES (%s, %s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (experiment, path) DO UPDATE SET hash = excluded.hash, size = excluded.size, "
            "executable = excluded.executable, text_size = excluded.text_size, text_hash = excluded.text_hash, "
            "changed_at = clock_timestamp(), kept = false",
            (id, one.path, one.hash, one.size, one.executable, size, hash),
        )

    def _other(self, connection: Connection[Row], id: str, one: Named) -> Kept:
        """Keep a file whose name has another content."""
        if one.size > MOST_BYTES:
            return Kept(status="diverged", reason="there is no room to keep it beside")
        data = one.data
        if data is None:
            data = self._contents.read(one.hash, 0, one.size, connection)
        kept = self._beside.keep(connection, id, one.path, 0, data)
        return Kept(status="diverged", reason="" if kept else "there is no room to keep it beside")

    # -- sealed parts -----------------------------------------------------------------------------------

    def _part(self, connection: Connection[Row], caller: Caller, id: str, one: Named) -> Kept:
        """A sealed part, or lines in the place of one."""
        if not self._has(connection, caller, one):
            return Kept(status="missing")
        # Nobody appends to the lines while they are compared and replaced.
        connection.execute("SELECT 1 FROM experiment WHERE id = %s FOR UPDATE", (id,))
        stem = one.path.rpartition(".")[0]
        with tempfile.TemporaryDirectory(prefix="anew-") as folder:
            source = os.path.join(folder, one.path.rpartition("/")[2])
            self._fetch(connection, one.hash, one.size, source)
            if one.path.endswith(".parquet"):
                info = part_of(source, one.path)
                if info is None:
                    return Kept(status="refused", reason="it is no sealed part of this name")
                done = self._place_part(connection, id, one, source, stem, folder)
            else:
                done = self._place_lines(connection, id, one, source, stem)
        return Kept(status="ok") if done else self._other(connection, id, one)

    def _fetch(self, connection: Connection[Row], hash: str, size: int, path: str) -> None:
        with open(path, "wb") as file:
            at = 0
            while at < size:
                data = self._contents.read(hash, at, min(MOST_BYTES, size - at), connection)
                if not data:
                    break
                file.write(data)
                at += len(data)

    def _place_part(
        self, connection: Connection[Row], id: str, one: Named, source: str, stem: str, folder: str
    ) -> bool:
        """Put a sealed part in the place of what is there; False, and no change, if that holds other points."""
        text = text_of(source)
        there = connection.execute(
            "SELECT hash, size, text_size, text_hash FROM file WHERE experiment = %s AND path = %s", (id, one.path)
        ).fetchone()  # fmt: skip
        lines = f"{stem}.jsonl"
        if there is not None:
            if there[0] == one.hash or (there[3] and Text(there[2], there[3]) == text):
                return True
            other = os.path.join(folder, "there.parquet")
            self._fetch(connection, there[0], there[1], other)
            if not begins_with(source, points_of_part(other)):
                return begins_with(other, points_of_part(source))
        size = self._size(connection, id, lines)
        if size is not None:
            other = os.path.join(folder, "there.jsonl")
            if (
                self._copy_lines(connection, id, lines, size, other) == text.hash
                and size == text.size
            ):
                return True  # the lines stay: they are what was written
            if not begins_with(source, points_of_lines(other)):
                return False
            for table in ("chunk", "piece", "segment"):
                connection.execute(
                    f"DELETE FROM {table} WHERE experiment = %s AND name = %s",
                    (id, lines),
                )
        self._put(connection, id, one, text)
        return True

    def _place_lines(
        self, connection: Connection[Row], id: str, one: Named, source: str, stem: str
    ) -> bool:
        """Put lines in the place of a part that was sealed before all of them had arrived; False if they begin otherwise."""
        part = f"{stem}.parquet"
        there = connection.execute(
            "SELECT text_size, text_hash FROM file WHERE experiment = %s AND path = %s", (id, part)
        ).fetchone()  # fmt: skip
        if there is None or not there[1] or one.size < there[0]:
            return False
        digest = blake3()
        with open(source, "rb") as file:
            digest.update(file.read(there[0]))
            if digest.hexdigest() != there[1]:
                return False
            file.seek(0)
            at = 0
            while data := file.read(MOST_BYTES):
                append = Append(id, f"{stem}.jsonl", at, data)
                (done,) = self._segments.append(connection, [append], lambda _: None)
                if done.status != "ok":
                    return False
                at += len(data)
        connection.execute("DELETE FROM file WHERE experiment = %s AND path = %s", (id, part))
        return True

    @staticmethod
    def _size(connection: Connection[Row], id: str, name: str) -> int | None:
        found = connection.execute(
            "SELECT size FROM segment WHERE experiment = %s AND name = %s", (id, name)
        ).fetchone()
        return None if found is None else int(found[0])

    def _copy_lines(
        self, connection: Connection[Row], id: str, name: str, size: int, path: str
    ) -> str:
        """Copy a segment to a file; the hash of its bytes."""
        digest, at = blake3(), 0
        with open(path, "wb") as file:
            while at < size:
                data = self._segments.read(id, name, at, min(MOST_BYTES, size - at), connection)
                digest.update(data)
                file.write(data)
                at += len(data)
        return digest.hexdigest()
