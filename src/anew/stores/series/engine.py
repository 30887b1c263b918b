"""DuckDB, which reads and writes our Parquet files: the one place that opens a connection to it.

Everything goes in and comes out as numpy columns. DuckDB is imported when the first file is read or
written: a list of experiments needs none of it, and no training process ever does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..deadline import check_time, seconds_left

if TYPE_CHECKING:
    import duckdb

__all__ = ["Engine", "EngineError", "file_pattern", "joined", "quoted"]

MAX_THREADS = 8
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",  # nothing is downloaded
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # tables are registered, never found in our variables
    "enable_external_file_cache": "false",  # a file may be replaced by another of its name
    "temp_directory": "",  # nothing is left in the directory that a program happens to work in
}
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT)
_lock = threading.Lock()
_database: duckdb.DuckDBPyConnection | None = None


class EngineError(Exception):
    """DuckDB could not read a file; the reason in its words."""


class Engine:
    """A connection of one thread, to be closed or used in a `with` block."""

    def __init__(self) -> None:
        self._connection = _connected()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the connection."""
        self._connection.close()

    def columns(self, query: str, parameters: Sequence[object] = ()) -> dict[str, Any]:
        """The answer to a query as numpy arrays by name; texts are objects, None for a null.

        Raises:
            EngineError: A file that it names cannot be read, or a column of numbers holds nulls.
            TookTooLong: The question that needs it has no time left.
        """
        return joined(self.batches(query, parameters))

    def batches(self, query: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The answer to a query as it comes, without a copy; at least one batch, of read-only arrays.

        DuckDB's own `fetchnumpy` goes through every value in one thread, which takes three to five times as long.

        Raises:
            EngineError: A file that it names cannot be read, or a column of numbers holds nulls.
            TookTooLong: The question that needs it has no time left.
        """
        import duckdb

        from .arrow import batches_of

        check_time()
        try:
            with self._in_time():
                return batches_of(self._connection.sql(query, params=parameters))
        except duckdb.InterruptException:
            check_time()
            raise
        except (duckdb.Error, ValueError) as error:  # a text that cannot be decoded is a ValueError
            raise _failed(error) from error

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The answer to a query of few rows, of any types, as Python has them; of a statement without an answer, nothing.

        Raises:
            EngineError: It cannot be answered.
            TookTooLong: The question that needs it has no time left.
        """
        import duckdb

        check_time()
        try:
            with self._in_time():
                return self._connection.execute(query, parameters).fetchall()
        except duckdb.InterruptException:
            check_time()
            raise
        except (duckdb.Error, ValueError) as error:
            raise _failed(error) from error

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        """End a query of this connection when the question has no time left."""
        left = seconds_left()
        if left is None:
            yield
            return
        timer = threading.Timer(left, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def write(
        self, query: str, table: Mapping[str, Any], parameters: Sequence[object] = ()
    ) -> None:
        """Run a COPY whose query reads the columns of `points`.

        A float column must not hold NaN, which DuckDB takes for a null in an array.

        Raises:
            OSError: The file cannot be written.
        """
        import duckdb

        try:
            self._connection.register("points", dict(table))
            self._connection.execute(query, parameters)
            self._connection.unregister("points")
        except duckdb.Error as error:
            reason = str(_failed(error))
            code = next((c for c in _DISK_ERRORS if os.strerror(c) in reason), errno.EIO)
            raise OSError(code, reason) from error


def _connected() -> duckdb.DuckDBPyConnection:
    """A connection to the database in memory of this process, which is kept until the process forks."""
    global _database
    import duckdb

    with _lock:
        if _database is None:
            threads = min(MAX_THREADS, os.cpu_count() or 1)
            _database = duckdb.connect(":memory:", config={**_SETTINGS, "threads": threads})
        return _database.cursor()


def _close_before_fork() -> None:
    """A fork copies no threads: a child that closed the parent's database would wait for them for ever."""
    global _database
    with _lock:
        if _database is not None:
            _database.close()
            _database = None


def _unlock() -> None:
    global _lock
    _lock = threading.Lock()  # a thread that is not here may have held it


os.register_at_fork(before=_close_before_fork, after_in_child=_unlock)


def _failed(error: Exception) -> EngineError:
    """What to raise for an error; after an internal one the database answers nothing any more."""
    global _database
    import duckdb

    if isinstance(error, (duckdb.InternalException, duckdb.FatalException)):
        with _lock:
            _database = None
    return EngineError(str(error).splitlines()[0] if str(error) else type(error).__name__)


def joined(batches: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Batches of rows as one."""
    if len(batches) == 1:
        return dict(batches[0])
    return {name: np.concatenate([each[name] for each in batches]) for name in batches[0]}


def file_pattern(path: str) -> str:
    """A path as `read_parquet` takes it, which would read `*`, `?` and `[` as wildcards."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in path)


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
