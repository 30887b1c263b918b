"""The seam of what accounts lie in: statements that SQLite and PostgreSQL both take.

Values are marked with `?`. Statements name no table, type or function that only one of the two has; where the two differ at all is in
the versions of the tables (`versions/`), and in how a transaction is begun.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

__all__ = ["Connection", "Cursor", "Database"]


class Cursor(Protocol):
    """What a statement found or did."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    def fetchone(self) -> Any:
        """The next row; None after the last one."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection for as long as it is lent."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Cursor:
        """Ask or do one thing."""
        ...


class Database(Protocol):
    """The tables of accounts; any thread may use it, and any number of processes.

    Attributes:
        writes: How many transactions this process has written.
    """

    writes: int

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection, for questions. No other one may be asked for within the block.

        Raises:
            OSError: The database cannot be reached.
        """
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction that is committed at the end of the block, and that no other one overlaps.

        Raises:
            OSError: The database cannot be reached, or others have been writing for too long.
        """
        ...

    def note(self, statement: str, values: tuple[object, ...]) -> None:
        """Write something that may be left out, such as when a token was used: nobody waits for it."""
        ...

    def close(self) -> None:
        """Release what is open."""
        ...
