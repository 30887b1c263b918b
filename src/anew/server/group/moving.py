"""The stores of a group as one side of a move."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence

from psycopg.errors import UniqueViolation

from ...address import parse_address
from ...blobs.bucket import PATIENCE
from ...blobs.opening import open_blobs
from ...blobs.protocol import Blobs
from ...errors import InvalidName
from ...journal.documents import RootJournal
from ...record.root import Hint, decode_root
from ...sync.sealed import text_of
from ..intake.names import is_segment
from ..moving.sides import Held, Item, lines_of
from .address import GroupAddress
from .contents import key_of_content
from .filing import arrived
from .keeping import Keeper
from .opening import open_truth, weights_place
from .truth import MOVING, Truth

__all__ = ["GroupSide"]

_BESIDE = "conflicts/"
_EVERY = 2_000
"""Events of the journal that are taken in one transaction."""


class GroupSide:
    """The stores of a group as `Source` and `Target`: their tables of truth, and their bucket. What is derived is made by the servers, when they start.

    Raises:
        InvalidSetting, MissingDependency, UnknownFormat, OSError: See `open_truth`.
    """

    def __init__(self, group: GroupAddress) -> None:
        self._group = group
        self.where = group.shown
        self.accounts = group.catalog
        self._truth: Truth = open_truth(group)
        self._lines_wrong: dict[str, str] = {}

    def has_accounts(self) -> bool:
        """See `Source.has_accounts`."""
        return True

    # -- what is there ------------------------------------------------------------------------------------

    def root_id(self) -> str | None:
        """See `Source.root_id`."""
        return RootJournal(self._truth.lines).state().root_id()

    def items(self) -> Mapping[str, Item]:
        """See `Source.items`."""
        rows = self._truth.database.ask(
            "SELECT id, prefix, state, name, deleted_at FROM experiment ORDER BY id"
        )
        return {row[0]: Item(*row) for row in rows}

    def unreadable(self) -> Mapping[str, str]:
        """See `Source.unreadable`."""
        return self._lines_wrong

    def held(self, item: Item) -> Sequence[Held]:
        """See `Source.held`."""
        rows = self._truth.database.ask(
            "SELECT name, size, extract(epoch FROM changed_at)::float8, true, false FROM segment WHERE experiment = %(id)s UNION ALL "
            "SELECT path, size, extract(epoch FROM changed_at)::float8, false, executable FROM file WHERE experiment = %(id)s UNION ALL "
            "SELECT key, size, 0, false, false FROM conflict WHERE experiment = %(id)s",
            {"id": item.id},
        )
        prefix = f"{_BESIDE}{item.id}/"
        return [
            Held(row[0].replace(prefix, _BESIDE, 1) if row[0].startswith(prefix) else row[0], *row[1:])
            for row in rows
        ]  # fmt: skip

    def read(self, item: Item, held: Held, start: int, length: int) -> bytes:
        """See `Source.read`."""
        if held.path.startswith(_BESIDE):
            return self._truth.blobs.read(self._beside(item, held), start, length)
        return self._truth.files.storage(item.id).read(held.path, start, length)

    @contextlib.contextmanager
    def local(self, item: Item, held: Held) -> Iterator[str]:
        """See `Source.local`."""
        if held.path.startswith(_BESIDE):
            with self._truth.blobs.local(self._beside(item, held)) as path:
                yield path
        else:
            with self._truth.files.storage(item.id).local(held.path) as path:
                yield path

    def lines(self) -> Mapping[str, bytes]:
        """See `Source.lines`."""
        rows = self._truth.database.ask("SELECT event, line FROM root_line ORDER BY number")
        found = {}
        for event, line in rows:
            good, broken = decode_root(bytes(line), 1, hints=False)
            if broken:
                self._lines_wrong[f"event {event}"] = broken[0].reason
            elif good and not isinstance(good[0].event, Hint):
                found[event] = bytes(line)
        return found

    def weights(self) -> Blobs:
        """See `Source.weights`."""
        place = parse_address(weights_place(self._group), setting="blobs")
        return open_blobs(place, options=PATIENCE)

    # -- taking ---------------------------------------------------------------------------------------------

    def begin(self, source: str) -> None:
        """See `Target.begin`."""
        with self._truth.database.transaction() as connection:
            connection.execute("DELETE FROM claim WHERE starts_with(what, %s)", (MOVING,))
            connection.execute(
                "INSERT INTO claim (what, number) VALUES (%s, 1)", (f"{MOVING}{source}",)
            )

    def begun(self) -> str | None:
        """See `Target.begun`."""
        return self._truth.moving_from()

    def take(self, item: Item) -> None:
        """See `Target.take`."""
        row = (item.prefix, item.state, item.name, item.deleted_at)
        try:
            with self._truth.database.transaction() as connection:
                if item.state == "here":
                    self._truth.filings.check_above(connection, item.prefix)
                connection.execute(
                    "INSERT INTO experiment (id, prefix, state, name, deleted_at) VALUES (%s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE "
                    "SET prefix = excluded.prefix, state = excluded.state, name = excluded.name, deleted_at = excluded.deleted_at, "
                    "version = experiment.version + 1 WHERE (experiment.prefix, experiment.state, experiment.name, experiment.deleted_at) "
                    "IS DISTINCT FROM (excluded.prefix, excluded.state, excluded.name, excluded.deleted_at)",
                    (item.id, *row),
                )
                connection.execute(
                    "INSERT INTO lease (experiment) VALUES (%s) ON CONFLICT DO NOTHING", (item.id,)
                )
        except UniqueViolation:
            raise InvalidName(
                f"another experiment is at {item.prefix!r}", name=item.prefix
            ) from None

    def append(self, item: Item, held: Held, at: int, data: bytes) -> None:
        """See `Target.append`."""
        self._truth.segments.lay(item.id, held.path, at, data)

    def put(self, item: Item, held: Held, path: str, hash: str) -> None:
        """See `Target.put`."""
        if held.path.startswith(_BESIDE):
            key = self._beside(item, held)
            self._upload(key, path)
            self._truth.database.do(
                "INSERT INTO conflict (experiment, key, size) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (item.id, key, held.size),
            )
            return
        known = self._truth.database.ask("SELECT data IS NULL FROM content WHERE hash = %s", (hash,))  # fmt: skip
        if not known or not known[0][0]:
            self._upload(key_of_content(hash), path)
        text = text_of(path) if lines_of(held.path) else None
        size, digest = (None, None) if text is None else text
        with self._truth.database.transaction() as connection:
            connection.execute(
                "INSERT INTO content (hash, size) VALUES (%s, %s) ON CONFLICT (hash) DO UPDATE SET at = clock_timestamp()",
                (hash, held.size),
            )
            connection.execute(
                "INSERT INTO file (experiment, path, hash, size, executable, text_size, text_hash) VALUES (%s, %s, %s, %s, %s, %s, %s) "
                "ON CONFLICT (experiment, path) DO UPDATE SET hash = excluded.hash, size = excluded.size, "
                "executable = excluded.executable, text_size = excluded.text_size, text_hash = excluded.text_hash, kept = false",
                (item.id, held.path, hash, held.size, held.executable, size, digest),
            )

    def settle(self, item: Item, held: Sequence[Held]) -> None:
        """See `Target.settle`."""
        times = ([one.path for one in held], [one.changed_at for one in held])
        with self._truth.database.transaction() as connection:
            for table, name in (("segment", "name"), ("file", "path")):
                connection.execute(
                    f"UPDATE {table} SET changed_at = to_timestamp(a.t) FROM unnest(%s::text[], %s::float8[]) AS a (p, t) "
                    f"WHERE experiment = %s AND {name} = a.p",
                    (*times, item.id),
                )
            home = self._truth.filings.find([item.id], connection)[item.id]
            for one in held:
                if one.segment and one.path.startswith("journal/"):
                    data = self.read(item, one, 0, min(one.size, 64 << 10))
                    self._truth.filings.note_owner(connection, home, one.path, data)
            arrived(connection, [item.id])

    def remove(self, item: Item, paths: Collection[str]) -> None:
        """See `Target.remove`."""
        with self._truth.database.transaction() as connection:
            for path in filter(is_segment, paths):
                for table in ("chunk", "piece", "segment"):
                    connection.execute(
                        f"DELETE FROM {table} WHERE experiment = %s AND name = %s", (item.id, path)
                    )

    def take_lines(self, lines: Mapping[str, bytes]) -> None:
        """See `Target.take_lines`."""
        every = list(lines.items())
        for at in range(0, len(every), _EVERY):
            with self._truth.database.transaction() as connection:
                self._truth.lines.take(connection, dict(every[at : at + _EVERY]))
                connection.execute(
                    "INSERT INTO claim (what, number) VALUES ('root', 1) ON CONFLICT DO NOTHING"
                )

    def finish(self) -> None:
        """See `Target.finish`."""
        Keeper(self._truth).drain()
        self._truth.database.do("DELETE FROM claim WHERE starts_with(what, %s)", (MOVING,))

    def close(self) -> None:
        """See `Source.close`."""
        self._truth.database.close()

    # -- inside ---------------------------------------------------------------------------------------------

    @staticmethod
    def _beside(item: Item, held: Held) -> str:
        return f"{_BESIDE}{item.id}/{held.path[len(_BESIDE) :]}"

    def _upload(self, key: str, path: str) -> None:
        blobs = self._truth.blobs
        draft = os.path.join(blobs.scratch(), f"{os.urandom(8).hex()}.move")
        try:
            shutil.copyfile(path, draft)
            with contextlib.suppress(FileExistsError):  # what is there is compared by whoever moves
                blobs.upload(key, draft)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)
