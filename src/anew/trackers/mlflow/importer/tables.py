"""The tables of a database of MLflow's, whichever program keeps them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import quote

from ....errors import CorruptData
from .merging import BATCH

__all__ = ["NEEDED", "SqliteTables", "Tables", "is_database"]

NEEDED = frozenset({"experiments", "runs", "metrics", "params", "tags"})
"""The tables that MLflow has had in all versions."""


class Tables(Protocol):
    """Questions to a database, which is never changed. One thread asks.

    Questions are in SQL that all databases know, with `?` where a value stands. What cannot be read raises `CorruptData`, and
    a database that does not answer `OSError`.
    """

    @property
    def where(self) -> str:
        """Where the database lies, for people; without passwords."""
        ...

    @property
    def beside(self) -> str:
        """The folder that it lies in; "" where it lies in none of this machine."""
        ...

    @property
    def orders(self) -> tuple[str, str]:
        """What runs and metrics are ordered by: the order they were stored in, or the next best."""
        ...

    def blocks(self, query: str, *values: Any) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of an answer, some thousand at a time; they are not all held at once."""
        ...

    def ask(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of an answer; other questions may be asked before all are taken."""
        ...

    def columns(self, table: str) -> frozenset[str]:
        """The columns of a table; none if there is no such table."""
        ...

    def close(self) -> None:
        """Close the database."""
        ...


def is_database(path: str) -> bool:
    """Whether a file is an SQLite database with MLflow's tables."""
    try:
        with open(path, "rb") as file:
            if file.read(16) != b"SQLite format 3\0":
                return False
        connection = _connect(path)
        try:
            found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {name for (name,) in found} >= NEEDED
        finally:
            connection.close()
    except (OSError, sqlite3.Error):
        return False


def _connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode=ro", uri=True)


class SqliteTables:
    """See `Tables`: a file of SQLite's."""

    orders = ("start_time, rowid", "rowid")

    def __init__(self, path: str) -> None:
        self.where = os.path.abspath(path)
        self.beside = os.path.dirname(self.where)
        self._connection = _connect(path)
        # A text that is none ends nothing.
        self._connection.text_factory = _text
        self._known: dict[str, frozenset[str]] = {}

    def blocks(self, query: str, *values: Any) -> Iterator[list[tuple[Any, ...]]]:
        """See `Tables.blocks`."""
        try:
            cursor = self._connection.execute(query, values)
            while rows := cursor.fetchmany(BATCH):
                yield rows
        except sqlite3.Error as error:
            raise CorruptData(f"{self.where} cannot be read: {error}.", path=self.where) from error

    def ask(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """See `Tables.ask`."""
        for rows in self.blocks(query, *values):
            yield from rows

    def columns(self, table: str) -> frozenset[str]:
        """See `Tables.columns`."""
        if table not in self._known:
            found = self.ask(f"PRAGMA table_info({table})")
            self._known[table] = frozenset(row[1] for row in found)
        return self._known[table]

    def close(self) -> None:
        """See `Tables.close`."""
        self._connection.close()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
