"""Databases of each engine at any version: made by the versions themselves, or from a recorded dump."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from anew.postgres import is_postgres
from anew.server.migrations.history import TABLE, History
from anew.server.migrations.upgrading import upgrade

DUMPS = Path(__file__).parent / "dumps"


@contextlib.contextmanager
def connected(where: str) -> Iterator[Any]:
    """A connection to a file or a database that executes each statement at once."""
    if is_postgres(where):
        with psycopg.connect(where, autocommit=True) as connection:
            yield connection
        return
    Path(where).touch(0o600)
    with contextlib.closing(sqlite3.connect(where, isolation_level=None)) as connection:
        yield connection


def made_with_alembic(where: str, history: History, schema: str, to: str) -> None:
    """Bring a database to a version, whatever the program thinks of it."""
    driver = "postgresql+psycopg" if is_postgres(where) else "sqlite"
    with connected(where) as connection:
        if is_postgres(where):
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            connection.execute(f'SET search_path = "{schema}"')
            connection.autocommit = False
        engine = create_engine(f"{driver}://", creator=lambda: connection, poolclass=StaticPool)
        with engine.begin() as there:
            upgrade(there, history, schema if is_postgres(where) else None, to)
        engine.dispose()


def made_from_dump(where: str, name: str) -> None:
    """A database as it was when its version was the newest one."""
    engine = "postgresql" if is_postgres(where) else "sqlite"
    text = (DUMPS / f"{name}.{engine}.sql").read_text()
    with connected(where) as connection:
        if engine == "sqlite":
            connection.executescript(text)
        else:
            connection.execute(text)


def tables(where: str, schema: str) -> dict[str, Any]:
    """What tables there are, and how they are made; but for the one with the version, of which only the version counts."""
    with connected(where) as connection:
        if not is_postgres(where):
            query = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE ? ORDER BY name"
            found: dict[str, Any] = dict(connection.execute(query, (f"%{TABLE}%",)))
            return {**found, TABLE: _version(connection, TABLE)}
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name, is_identity "
            "FROM information_schema.columns WHERE table_schema = %s ORDER BY 1, 2",
            (schema,),
        ).fetchall()
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s ORDER BY 1"
        indexes = connection.execute(query, (schema,)).fetchall()
        limits = connection.execute(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = %s::regnamespace ORDER BY 1, 2",
            (schema,),
        ).fetchall()
        options = connection.execute(
            "SELECT relname, relkind, reloptions FROM pg_class WHERE relnamespace = %s::regnamespace ORDER BY 1",
            (schema,),
        ).fetchall()
        return {
            "columns": columns, "indexes": indexes, "constraints": limits, "options": options,
            TABLE: _version(connection, f'"{schema}".{TABLE}'),
        }  # fmt: skip


def rows(where: str, schema: str) -> dict[str, list[str]]:
    """What the tables hold."""
    with connected(where) as connection:
        if is_postgres(where):
            query = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
            found = connection.execute(query, (schema,)).fetchall()
            each = f'SELECT one::text FROM "{schema}".{{}} one'
        else:
            query = (
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
            found = connection.execute(query).fetchall()
            each = "SELECT * FROM {}"
        names = [name for (name,) in found if name != TABLE]
        return {name: sorted(map(repr, connection.execute(each.format(name)))) for name in names}


def stamped(where: str, schema: str, version: str) -> None:
    """Have a database say that it has another version."""
    table = f'"{schema}".{TABLE}' if is_postgres(where) else TABLE
    with connected(where) as connection:
        connection.execute(f"UPDATE {table} SET version_num = '{version}'")


def _version(connection: Any, table: str) -> list[Any]:
    return list(connection.execute(f"SELECT version_num FROM {table}"))
