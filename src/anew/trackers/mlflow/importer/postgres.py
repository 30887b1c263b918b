"""The tables of MLflow's in a PostgreSQL database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ....errors import CorruptData, InvalidValue, MissingDependency
from .merging import BATCH
from .tables import NEEDED

__all__ = ["PostgresTables", "is_address"]

# As SQLAlchemy writes them: with the driver behind a plus sign.
_SCHEME = re.compile(r"postgres(?:ql)?(?:\+[a-z0-9_]+)?", re.ASCII)
_SECONDS = 10


def is_address(text: str) -> bool:
    """Whether a text is the address of a PostgreSQL database."""
    scheme, found, _ = text.partition("://")
    return bool(found and _SCHEME.fullmatch(scheme))


class PostgresTables:
    """See `Tables`: a database that a PostgreSQL server keeps, read in transactions that cannot write.

    The rows of its tables have no order of their own: metrics come by their time.

    Raises:
        MissingDependency: psycopg is not installed.
        InvalidValue: The address names no database, or none of MLflow's.
        OSError: The server does not answer.
    """

    raw_key = '"key"'
    orders = ("start_time, run_uuid", '"timestamp", step, "key", value, is_nan')
    beside = ""

    def __init__(self, address: str) -> None:
        self.where, settings = _settings(address)
        try:
            import psycopg
        except ImportError as error:
            raise MissingDependency.of("Reading PostgreSQL", "psycopg", "postgres") from error
        self._psycopg = psycopg
        try:
            # What is read in blocks is read while other questions are asked.
            self._asking, self._reading = (self._connect(settings) for _ in range(2))
        except psycopg.Error as error:
            raise OSError(f"{self.where} does not answer: {_told(error)}.") from error
        self._known: dict[str, frozenset[str]] = {}
        if not all(map(self.columns, NEEDED)):
            self.close()
            raise InvalidValue(f"{self.where} has no tables of MLflow's.", key="source")

    def _connect(self, settings: dict[str, str]) -> Any:
        from psycopg.conninfo import make_conninfo

        options = f"{settings.get('options', '')} -c default_transaction_read_only=on"
        text = make_conninfo(
            "", connect_timeout=_SECONDS, client_encoding="utf-8", application_name="anew import",
            **{**settings, "options": options},
        )  # fmt: skip
        return self._psycopg.connect(text, autocommit=True)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.OperationalError as error:
            raise OSError(f"{self.where} does not answer: {_told(error)}.") from error
        except (self._psycopg.Error, UnicodeError) as error:
            raise CorruptData(f"{self.where} cannot be read: {_told(error)}.") from error

    def blocks(self, query: str, *values: Any) -> Iterator[list[tuple[Any, ...]]]:
        """See `Tables.blocks`."""
        with (
            self._errors(),
            self._reading.transaction(),
            self._reading.cursor(name="anew_blocks") as cursor,
        ):
            cursor.execute(query.replace("?", "%s"), values)
            while rows := cursor.fetchmany(BATCH):
                yield rows

    def ask(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """See `Tables.ask`."""
        with self._errors():
            rows = self._asking.execute(query.replace("?", "%s"), values).fetchall()
        yield from rows

    def names(self) -> frozenset[str]:
        """See `Tables.names`."""
        query = (
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema = ANY (current_schemas(false))"
        )
        return frozenset(str(name) for (name,) in self.ask(query))

    def columns(self, table: str) -> frozenset[str]:
        """See `Tables.columns`."""
        if table not in self._known:
            query = (
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_name = ? AND table_schema = ANY (current_schemas(false))"
            )
            self._known[table] = frozenset(name for (name,) in self.ask(query, table))
        return self._known[table]

    def close(self) -> None:
        """See `Tables.close`."""
        self._asking.close()
        self._reading.close()


def _settings(address: str) -> tuple[str, dict[str, str]]:
    """Where a database is, for people, and what psycopg is told."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise InvalidValue(f"It is no address of a database: {error}.", key="source") from None
    host, name = unquote(parts.hostname or ""), unquote(parts.path.strip("/"))
    known = {
        "host": host, "port": "" if port is None else str(port), "dbname": name,
        "user": unquote(parts.username or ""), "password": unquote(parts.password or ""),
    }  # fmt: skip
    given = dict(parse_qsl(parts.query))
    settings = {key: value for key, value in {**known, **given}.items() if value}
    where = settings.get("host", "")
    shown = quote(where, safe="[]:") + ("" if port is None else f":{port}")
    return f"postgresql://{shown}/{quote(settings.get('dbname', ''))}", settings


def _told(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
