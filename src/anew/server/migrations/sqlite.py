"""Bringing the tables of an SQLite file to the newest version, with what Python has: a server on a folder needs no Alembic."""

from __future__ import annotations

import sqlite3

from .history import TABLE, History

__all__ = ["migrate"]

_TABLE = f"""
CREATE TABLE IF NOT EXISTS {TABLE} (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT {TABLE}_pkc PRIMARY KEY (version_num)
)
"""  # as Alembic makes it


def migrate(connection: sqlite3.Connection, history: History, where: str) -> None:
    """Bring the tables to the newest version, all steps or none; of several who do so at once, one does it.

    Args:
        connection: A connection that begins no transactions by itself.
        where: The file, for messages.

    Raises:
        UnknownFormat: A newer version of Anew made them.
    """
    if not history.after(_version(connection), where):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_TABLE)
        for step in history.after(_version(connection), where):
            for statement in step.STATEMENTS["sqlite"]:
                connection.execute(statement)
        connection.execute(f"DELETE FROM {TABLE}")
        connection.execute(f"INSERT INTO {TABLE} (version_num) VALUES (?)", (history.newest,))
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _version(connection: sqlite3.Connection) -> str | None:
    query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
    if connection.execute(query, (TABLE,)).fetchone() is None:
        return None
    found = connection.execute(f"SELECT version_num FROM {TABLE}").fetchone()
    return None if found is None else str(found[0])
