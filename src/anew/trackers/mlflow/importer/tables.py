"""The tables of a database of MLflow's, whichever program keeps them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Protocol

from ....importing.sqlite import Database, has_tables

__all__ = ["NEEDED", "SqliteTables", "Tables", "is_database"]

NEEDED = frozenset({"experiments", "runs", "metrics", "params", "tags"})
"""The tables that MLflow has had in all versions."""
_ROWS = 500
"""Rows taken at a time: with their numbers and texts so many fit in a core's own cache, and thousands do not."""


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

    @property
    def raw_key(self) -> str:
        """How to ask for the names of metrics as bytes, which need not be decoded row by row; or as texts."""
        ...

    def blocks(self, query: str, *values: Any) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of an answer, some thousand at a time; they are not all held at once."""
        ...

    def ask(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of an answer; other questions may be asked before all are taken."""
        ...

    def names(self) -> frozenset[str]:
        """The names of all tables."""
        ...

    def columns(self, table: str) -> frozenset[str]:
        """The columns of a table; none if there is no such table."""
        ...

    def close(self) -> None:
        """Close the database."""
        ...


def is_database(path: str) -> bool:
    """Whether a file is an SQLite database with MLflow's tables."""
    return has_tables(path, NEEDED)


class SqliteTables:
    """See `Tables`: a file of SQLite's."""

    orders = ("start_time, rowid", "rowid")
    raw_key = 'CAST("key" AS BLOB)'

    def __init__(self, path: str) -> None:
        self.where = os.path.abspath(path)
        self.beside = os.path.dirname(self.where)
        self._database = Database(self.where)

    def blocks(self, query: str, *values: Any) -> Iterator[list[tuple[Any, ...]]]:
        """See `Tables.blocks`."""
        return self._database.blocks(query, *values, rows=_ROWS)

    def ask(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """See `Tables.ask`."""
        return self._database.ask(query, *values)

    def names(self) -> frozenset[str]:
        """See `Tables.names`."""
        return self._database.tables()

    def columns(self, table: str) -> frozenset[str]:
        """See `Tables.columns`."""
        return self._database.columns(table)

    def close(self) -> None:
        """See `Tables.close`."""
        self._database.close()
