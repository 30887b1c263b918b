"""The catalog seam: the tables of `schema`, and how they are filled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection

from ...record.events import FileLogged, ValueLogged
from .summary import MetricSummary

__all__ = ["Catalog", "Entry", "Known", "Problem"]


class Problem(msgspec.Struct, frozen=True):
    """A broken line (from 1; 0 for a whole file) of a file in the experiment's folder, and what is wrong."""

    path: str
    line: int
    reason: str


class Known(msgspec.Struct):
    """What the catalog has of an experiment, as far as taking in more of it needs it."""

    key: int
    experiment_id: str
    prefix: str
    status: str
    state: bytes
    cursor: bytes
    tallies: bytes


class Entry(msgspec.Struct):
    """One experiment to be saved. What is None has not changed.

    `row` holds the columns of `experiments` other than the key. `params`, `config` (dotted keys), `tags`
    and `bindrs` are complete, and given together; `metrics` holds those that changed. `files` and `values`
    are those that came after `files_before` and `values_before` earlier ones; with `events_replaced` they
    replace what was there, and with `whole` everything is given and replaces all there was.
    """

    key: int | None
    row: dict[str, Any]
    cursor: bytes
    live: bool
    whole: bool = False
    events_replaced: bool = False
    state: bytes | None = None
    tallies: bytes | None = None
    params: dict[str, Any] | None = None
    config: dict[str, Any] | None = None
    tags: dict[str, str | None] | None = None
    bindrs: list[str] | None = None
    metrics: dict[str, MetricSummary] = {}
    files: Sequence[FileLogged] = ()
    files_before: int = 0
    values: Sequence[ValueLogged] = ()
    values_before: int = 0
    problems: Sequence[Problem] = ()


class Catalog(Protocol):
    """Holds the tables of `schema`.

    Promises:

    - *Whole.* What is done inside one `writing()` happens together or not at all, also across a crash.
      A reader sees all of it or nothing.
    - *Threads.* Any number of threads and processes may read while one writes. One at a time may write; a
      second waits.
    - *Replaced.* When the store behind it is deleted or replaced, the next call sees the new one.
    - *Errors.* `sqlalchemy.exc.DBAPIError`, as they come; `is_damage` tells those that only rebuilding
      can heal.
    """

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for queries that see one state of the catalog."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """A connection inside a transaction that is committed at the end of the block."""
        ...

    def usable(self) -> bool:
        """Whether the tables are there, in this version's layout."""
        ...

    def complete(self) -> bool:
        """Whether it was filled from all folders once, and `finish` ended that."""
        ...

    def create(self) -> None:
        """Throw everything away and make empty tables, without the secondary indexes."""
        ...

    def finish(self) -> None:
        """End a bulk load: create the secondary indexes and mark the catalog complete."""
        ...

    def known(
        self, connection: Connection, *, ids: Collection[str] = (), prefixes: Collection[str] = ()
    ) -> list[Known]:
        """What is known of the experiments with these ids or at these prefixes."""
        ...

    def save(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Insert or bring up to date; an entry without a key gets one."""
        ...

    def drop(self, connection: Connection, keys: Iterable[int]) -> None:
        """Forget experiments."""
        ...

    def is_damage(self, error: BaseException) -> bool:
        """Whether an error means that the catalog's bytes are broken, so that it has to be made again."""
        ...

    def close(self) -> None:
        """Release what is held."""
        ...
