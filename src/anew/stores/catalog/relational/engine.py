"""What a database engine is to the catalog: a connection inside a transaction, and what the engine says in words of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .sql import Query, Sql, Table

__all__ = ["Connection", "Cursor", "Dialect", "Sums"]


class Cursor(Protocol):
    """The rows of an answer."""

    def fetchone(self) -> Any:
        """The next row, None after the last."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Sums(Protocol):
    """How an engine adds up a column of numbers over groups."""

    def clause(self, number: Sql) -> Sql:
        """What is selected for it."""
        ...

    def value(self, cell: Any) -> float | None:
        """What was selected as the number that is wanted."""
        ...


class Dialect(Protocol):
    """What is written in another way for each engine. Everything else is the same SQL."""

    @property
    def plans(self) -> bool:
        """Whether the engine knows what is in the tables, and finds the cheapest way to a whole question by itself."""
        ...

    @property
    def keys(self) -> str:
        """A query of the numbers in one bound value, which `listed` makes."""
        ...

    @property
    def texts(self) -> str:
        """A query of the texts in one bound value, which `listed` makes."""
        ...

    @property
    def metrics_of_keys(self) -> str:
        """From the keys in one bound value, as `k`, to rows of metrics, as `m`, and their names, as `n`: by way of the keys first."""
        ...

    def listed(self, values: Sequence[Any]) -> Any:
        """Numbers or texts as one value to bind."""
        ...

    def in_one_piece(self, query: Query) -> Sql:
        """A query of one text: the numbers that another selects, in its order, joined by commas."""
        ...

    def rest_of(self, whole: Sql) -> Sql:
        """What integers of 64 bits are more or less than their nearest float64s, as `query.integers` has it."""
        ...

    def holding(self, text: Sql, part: str) -> Sql:
        """Whether a text holds another."""
        ...

    def like(self, text: Sql, pattern: str) -> Sql:
        """Whether a text is what a pattern says, in which `*` stands for any characters."""
        ...

    def matching(self, connection: Connection, text: Sql, pattern: str, among: Query) -> Sql:
        """Whether RE2 finds a pattern in a text; `among` are the texts that may be asked about."""
        ...

    def sums(self, connection: Connection, of: str) -> Sums:
        """How "sum", "min", "max", "mean" or "std" is worked out. Only finite numbers have a standard deviation (with n - 1)."""
        ...


class Connection(Protocol):
    """A connection of an engine inside a transaction. A value is bound where the SQL has `?`."""

    @property
    def dialect(self) -> Dialect:
        """How the engine writes what engines write differently."""
        ...

    def execute(self, text: str, values: Sequence[Any] = ..., /) -> Cursor:
        """Run a statement."""
        ...

    def pairs(self, text: str, values: Sequence[Any], /, *, floats: bool) -> dict[int, Any]:
        """The rows of a statement of two columns, of which the first is a key; `floats` says whether the second may be a float."""
        ...

    def executemany(self, text: str, rows: Iterable[Sequence[Any]], /) -> object:
        """Run a statement once for each row of values."""
        ...

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that are not there yet, each with a value for every column."""
        ...

    def delete(self, table: Table, keys: Sequence[int]) -> None:
        """Delete the rows of experiments."""
        ...
