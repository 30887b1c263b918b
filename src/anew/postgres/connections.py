"""Connections to the PostgreSQL server of a group: kept between uses, made again when the server was away."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import MissingDependency

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgresConnections", "is_postgres", "marked", "shown", "unreachable"]

KEPT = 4
"""Idle connections that are kept."""
MOST = 16
"""Connections at a time; whoever needs one more waits. PostgreSQL allows a hundred to all processes, unless it is told otherwise."""
_SCHEMES = ("postgresql://", "postgres://")
_CONNECT_SECONDS = 10
_WAIT_SECONDS = 60.0


def is_postgres(url: str) -> bool:
    """Whether an address is that of a PostgreSQL database."""
    return url.startswith(_SCHEMES)


@lru_cache(maxsize=1024)
def marked(statement: str) -> str:
    """SQL with psycopg's marks where values go, instead of those of SQLite."""
    return statement.replace("%", "%%").replace("?", "%s")


def shown(url: str) -> str:
    """The address of a database without what is secret in it, for messages."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"postgresql://{parts.hostname or ''}{port}{parts.path}"


class PostgresConnections:
    """Connections to one database, lent to one user at a time.

    Each is in autocommit mode: transactions are begun and ended by their statements. Any number of threads may ask. A process that was
    forked makes its own.

    Args:
        url: The address of the database, which may hold a password: it is in no message.
        prepare: Called with each new connection.
        kept: How many to keep while nobody uses them.
        most: How many there are at a time.
        wait: Seconds that somebody waits for one of them to become free.

    Raises:
        MissingDependency: psycopg is not installed.
    """

    def __init__(
        self,
        url: str,
        prepare: Callable[[psycopg.Connection[Any]], None] | None = None,
        *,
        kept: int = KEPT,
        most: int = MOST,
        wait: float = _WAIT_SECONDS,
    ) -> None:
        try:
            import psycopg  # noqa: F401
        except ImportError as error:
            raise MissingDependency.of("PostgreSQL", "psycopg", "group") from error
        self.name = shown(url)
        self._url = url
        self._prepare = prepare
        self._kept = kept
        self._wait = wait
        self._turns = threading.BoundedSemaphore(most)
        self._idle: list[psycopg.Connection[Any]] = []
        self._process = os.getpid()

    @contextlib.contextmanager
    def lent(self, begin: str = "BEGIN") -> Iterator[psycopg.Connection[Any]]:
        """A connection in a transaction begun by a statement; it is committed at the end of the block, and rolled back by an error.

        A connection that was kept may belong to a server that is no more. That shows when the transaction is begun, and then a new one is made.

        Raises:
            psycopg.Error: The server cannot be reached, or says so; see `unreachable`.
            TimeoutError: All connections stayed in use.
        """
        if not self._turns.acquire(timeout=self._wait):
            raise TimeoutError(f"No connection to {self.name} became free in {self._wait:g} s.")
        try:
            connection = self._begun(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                self._abandon(connection)
                raise
            self._give(connection)
        finally:
            self._turns.release()

    @contextlib.contextmanager
    def alone(self) -> Iterator[psycopg.Connection[Any]]:
        """A new connection without a transaction, for what cannot be in one; it is closed at the end of the block.

        Raises:
            psycopg.Error: The server cannot be reached, or says so; see `unreachable`.
        """
        connection = self._new()
        try:
            yield connection
        finally:
            connection.close()

    def close(self) -> None:
        """Close those that nobody uses now; those in use are closed when they are given back."""
        self._kept = 0
        while self._idle:
            with contextlib.suppress(IndexError):
                self._idle.pop().close()

    def _begun(self, begin: str) -> psycopg.Connection[Any]:
        import psycopg

        if (
            self._process != os.getpid()
        ):  # theirs are the parent's: closing them would end its sessions
            self._process, self._idle = os.getpid(), []
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            try:
                connection.execute(begin)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                connection.close()
            else:
                return connection
        connection = self._new()
        try:
            connection.execute(begin)
        except BaseException:
            connection.close()
            raise
        return connection

    def _new(self) -> psycopg.Connection[Any]:
        import psycopg

        connection = psycopg.connect(
            self._url, autocommit=True, connect_timeout=_CONNECT_SECONDS, prepare_threshold=None,
            application_name="anew", client_encoding="utf8",
        )  # fmt: skip
        try:
            if self._prepare is not None:
                self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _abandon(self, connection: psycopg.Connection[Any]) -> None:
        import psycopg

        try:
            if connection.info.transaction_status is psycopg.pq.TransactionStatus.ACTIVE:
                connection.close()  # in the middle of an answer
            else:
                connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()
        else:
            self._give(connection)

    def _give(self, connection: psycopg.Connection[Any]) -> None:
        if connection.closed or len(self._idle) >= self._kept or self._process != os.getpid():
            connection.close()
        else:
            self._idle.append(connection)
            if not self._kept:  # closed meanwhile by another thread
                self.close()


def unreachable(error: BaseException) -> bool:
    """Whether an error says that a server could not be reached, went away, or cannot work now."""
    import psycopg
    from psycopg import errors

    refused = errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction, errors.InternalError
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, *refused))
