"""A group's database: transactions, and errors that say what is wrong without saying who may use it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection

from ...postgres import PostgresConnections
from ..migrations.postgres import migrate
from .schema import CHANNEL, SCHEMA
from .versions import HISTORY

__all__ = ["Database", "Row"]

Row = tuple[Any, ...]
_WAIT = 10.0
"""Seconds that a transaction waits for a connection."""


class Database:
    """The database that the servers of a group share. Any thread may use it.

    Args:
        url: A `postgresql://` address.
        most: Connections of this process at most.

    Attributes:
        url: The address, which may hold a password.

    Raises:
        UnknownFormat: A newer version of Anew made its tables.
        OSError: It cannot be reached.
    """

    def __init__(self, url: str, *, most: int = 12) -> None:
        self.url = url
        self._connections = PostgresConnections(url, _prepare, kept=most, most=most, wait=_WAIT)
        migrate(url, HISTORY, SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[Connection[Row]]:
        """A transaction, which is committed at the end of the block, and undone by an exception.

        Raises:
            OSError: The database cannot be reached, or ended the connection. Whether it was committed is then not known.
        """
        try:
            with self._connections.lent() as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            reason = str(error).strip().splitlines()
            raise OSError(
                f"The server's database does not answer: {reason[0] if reason else type(error).__name__}"
            ) from None

    def ask(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """The rows of one question, in a transaction of its own."""
        with self.transaction() as connection:
            return connection.execute(query, values).fetchall()

    def do(self, query: str, values: Sequence[Any] = ()) -> int:
        """Do one thing, in a transaction of its own; how many rows it concerned."""
        with self.transaction() as connection:
            return connection.execute(query, values).rowcount

    def listen(self, heard: Callable[[str], None], closed: threading.Event) -> None:
        """Call `heard` with what each server says, until `closed`; after a lost connection once with ""."""
        pause = 0.2
        while not closed.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    heard("")  # what was said meanwhile is not known
                    pause = 0.2
                    while not closed.is_set():
                        for one in connection.notifies(timeout=0.5):
                            heard(one.payload)
            except psycopg.Error:
                closed.wait(pause)
                pause = min(5.0, 2 * pause)

    def close(self) -> None:
        """Release the connections."""
        self._connections.close()


def _prepare(connection: Connection[Any]) -> None:
    connection.execute(f"SET search_path = {SCHEMA}")
