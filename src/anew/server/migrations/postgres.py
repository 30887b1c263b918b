"""Bringing the tables of a schema in PostgreSQL to the newest version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import MissingDependency
from ...postgres import shown, unreachable
from .history import TABLE, History
from .upgrading import upgrade

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Connection

__all__ = ["migrate"]

_LOCK = 5_001_521
"""The advisory lock of who changes tables."""
_CONNECT_SECONDS = 10


def migrate(url: str, history: History, schema: str) -> None:
    """Bring the tables of a schema to the newest version, all steps or none.

    Of several who do so at once, one does it and the others wait for it. Where nothing is to be done, Alembic is not loaded.

    Raises:
        UnknownFormat: A newer version of Anew made them.
        MissingDependency: psycopg or Alembic is not installed.
        OSError: The database cannot be reached, or does not allow it.
    """
    try:
        import psycopg
    except ImportError as error:
        raise MissingDependency.of("PostgreSQL", "psycopg", "group") from error
    name = shown(url)
    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=_CONNECT_SECONDS, application_name="anew"
        ) as connection:
            if history.after(_version(connection, schema), name):
                _upgrade(connection, history, schema, name)
    except psycopg.Error as error:
        if unreachable(error):
            raise OSError(f"The database {name} cannot be used: {error}") from error
        raise


def _version(connection: psycopg.Connection[Any], schema: str) -> str | None:
    query = "SELECT to_regclass(%s) IS NOT NULL"
    if connection.execute(query, (f'"{schema}"."{TABLE}"',)).fetchone() != (True,):
        return None
    found = connection.execute(f'SELECT version_num FROM "{schema}"."{TABLE}"').fetchone()
    return None if found is None else str(found[0])


def _upgrade(connection: psycopg.Connection[Any], history: History, schema: str, name: str) -> None:
    try:
        from sqlalchemy import create_engine
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.pool import StaticPool
    except ImportError as error:
        raise MissingDependency.of("A group's database", "sqlalchemy", "group") from error
    connection.autocommit = False
    # The connection is ours: an address is read as libpq does, and a password is in nothing that SQLAlchemy shows.
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool
    )
    try:
        with engine.begin() as there:
            there.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            if history.after(_version(connection, schema), name):  # nobody else has done it
                _make(there, schema)
                there.exec_driver_sql(f'SET LOCAL search_path = "{schema}"')
                upgrade(there, history, schema, history.newest)
    except DBAPIError as error:
        raise (error.orig or error) from None


def _make(there: Connection, schema: str) -> None:
    """Make the schema, for which one needs more rights than for tables in one that is there."""
    query = f"SELECT to_regnamespace('\"{schema}\"') IS NOT NULL"
    if not there.exec_driver_sql(query).scalar():
        there.exec_driver_sql(f'CREATE SCHEMA "{schema}"')
