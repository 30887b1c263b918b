"""What becomes an object in the background: bytes, contents, and what says where they belong.

When this has caught up, the bucket alone has everything that was accepted; `rebuilding.py` reads it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from blake3 import blake3

from ...journal.drive import Backoff
from .trash import GroupTrash
from .truth import Truth

__all__ = ["FILING", "NAMES", "ROOT", "Filing", "Keeper", "Name", "Policy"]

FILING, NAMES, ROOT = "filing", "names", "root"
_MOST = 500
_TIDY = 3600.0


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """Where an experiment is filed: the object `experiments/<id>/filing/<version>`; the highest version counts."""

    id: str
    prefix: str
    owner: str | None = None
    name: str = ""
    state: str = "here"
    deleted_at: float = 0.0
    version: int = 1


class Name(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of an experiment: one of those in `experiments/<id>/names/<number>`; the highest number counts."""

    path: str
    hash: str
    size: int
    executable: bool = False
    text_size: int | None = None
    text_hash: str | None = None


class Policy(NamedTuple):
    """When something becomes an object.

    Attributes:
        least: Bytes of a segment that are enough for an object.
        older: Seconds after which fewer are made one, too.
        pause: Seconds between two looks.
    """

    least: int = 1 << 20
    older: float = 10.0
    pause: float = 1.0


class Keeper:
    """Makes objects of what is in the database. Any number of servers may do it at once.

    Args:
        truth: The stores.
        policy: When.
    """

    def __init__(self, truth: Truth, policy: Policy = Policy()) -> None:  # noqa: B008  (a frozen tuple)
        self._truth = truth
        self._policy = policy
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._tidied = time.monotonic()
        self.failing: str = ""

    def keep(self, *, everything: bool = False) -> int:
        """Make objects of what has waited long enough; how many were made.

        Args:
            everything: Also of what has waited for no time at all.

        Raises:
            OSError: The bucket or the database cannot be reached.
        """
        least, older, _ = self._policy
        truth = self._truth
        done = self._filings()  # first: without it, nothing else says where an experiment belongs
        done += truth.contents.flush(older=0.0 if everything else 1.0)
        done += truth.segments.flush(
            least=0 if everything else least, older=0.0 if everything else older
        )
        return done + self._names() + self._lines()

    def drain(self) -> None:
        """Make objects of everything that is there now.

        Raises:
            OSError: The bucket or the database cannot be reached.
        """
        while self.keep(everything=True):
            pass

    def _filings(self) -> int:
        rows = self._truth.database.ask(
            "SELECT id, prefix, owner, name, state, deleted_at, version FROM experiment WHERE kept < version LIMIT %s",
            (_MOST,),
        )
        for row in rows:
            one = Filing(**dict(zip(Filing.__struct_fields__, row, strict=True)))
            key = f"experiments/{one.id}/{FILING}/{one.version:016x}"
            if self._put(key, msgspec.json.encode(one)):
                self._truth.database.do(
                    "UPDATE experiment SET kept = %s WHERE id = %s AND kept < %s", (one.version, one.id, one.version)
                )  # fmt: skip
            else:
                self._truth.database.do(
                    "UPDATE experiment SET version = version + 1 WHERE id = %s AND version = %s", (one.id, one.version)
                )  # fmt: skip
        return len(rows)

    def _put(self, key: str, data: bytes) -> bool:
        """Make an object; False if there is another one, from before the database was restored to an older state."""
        return self._truth.blobs.create(key, data) or self._truth.blobs.read(key) == data

    def _names(self) -> int:
        ids = self._truth.database.ask("SELECT DISTINCT experiment FROM file WHERE NOT kept LIMIT %s", (_MOST,))  # fmt: skip
        made = 0
        for (experiment,) in ids:
            with self._truth.database.transaction() as connection:
                rows = connection.execute(
                    "SELECT path, hash, size, executable, text_size, text_hash FROM file "
                    "WHERE experiment = %s AND NOT kept ORDER BY path FOR UPDATE SKIP LOCKED",
                    (experiment,),
                ).fetchall()
                if not rows:
                    continue
                names = [
                    Name(**dict(zip(Name.__struct_fields__, row, strict=True))) for row in rows
                ]
                # Each attempt has a number of its own, so one that was cut short is in nobody's way. Numbers follow
                # the clock, so they also grow when the database was restored to an older state.
                ((number,),) = connection.execute(
                    "SELECT setval('names_number', greatest(nextval('names_number'), "
                    "(extract(epoch FROM clock_timestamp()) * 1000)::bigint))"
                ).fetchall()
                key = f"experiments/{experiment}/{NAMES}/{number:016x}"
                self._truth.blobs.create(key, msgspec.json.encode(names))
                connection.execute(
                    "UPDATE file SET kept = true WHERE experiment = %s AND path = ANY(%s)",
                    (experiment, [row[0] for row in rows]),
                )
                made += 1
        return made

    def _lines(self) -> int:
        with self._truth.database.transaction() as connection:
            rows = connection.execute(
                "SELECT number, line FROM root_line WHERE NOT kept ORDER BY number LIMIT %s FOR UPDATE SKIP LOCKED",
                (_MOST,),
            ).fetchall()
            if not rows:
                return 0
            data = b"".join(bytes(row[1]) for row in rows)
            # Numbers come again when the database was restored to an older state.
            mark = blake3(data).hexdigest()[:16]
            self._truth.blobs.create(f"{ROOT}/{rows[0][0]:016x}-{rows[-1][0]:016x}-{mark}", data)
            connection.execute(
                "UPDATE root_line SET kept = true WHERE number = ANY(%s)",
                ([row[0] for row in rows],),
            )
        return 1

    # -- in the background ------------------------------------------------------------------------------

    def start(self, told: Callable[[str], None] = lambda _: None) -> None:
        """Do it now and then, in a thread.

        Args:
            told: Called with what is wrong when it begins to fail, and with "" when it works again.
        """
        self._thread = threading.Thread(
            target=self._run, args=(told,), name="anew-keep", daemon=True
        )
        self._thread.start()

    def _run(self, told: Callable[[str], None]) -> None:
        backoff = Backoff(30.0)
        while not self._closed.is_set():
            pause = self._policy.pause
            try:
                done = self.keep()
                if time.monotonic() - self._tidied > _TIDY:
                    self._tidied = time.monotonic()
                    self._truth.contents.tidy()
                    GroupTrash(self._truth).tidy()
                backoff.worked()
                if self.failing:
                    self.failing = ""
                    told("")
                if done:
                    pause = min(pause, 0.1)  # there may be more
            except Exception as error:  # noqa: BLE001  (nothing is lost: it waits in the database, and is tried again)
                pause = backoff.failed()
                if not self.failing:
                    told(f"{type(error).__name__}: {error}")
                self.failing = f"{type(error).__name__}: {error}"
            self._closed.wait(pause)

    def close(self) -> None:
        """Stop; what has begun ends first."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(60)
