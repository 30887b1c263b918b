"""Accounts on their way from one place to another: users, their roles, tokens, shares, and the record of who did what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from blake3 import blake3

from ...postgres import is_postgres
from ..identity.database import Database
from ..identity.opening import open_database
from .sums import Sums

__all__ = ["TABLES", "add_accounts", "move_accounts"]

TABLES: dict[str, tuple[str, ...]] = {
    "users": ("id", "name", "admin", "created_at"),
    "grants": ("user_id", "pattern", "role"),
    "identities": ("issuer", "subject", "user_id"),
    "tokens": ("id", "name", "hash", "user_id", "pattern", "role", "created_at", "expires_at", "used_at"),
    "shares": ("id", "hash", "project", "created_by", "created_at", "expires_at", "used_at"),
    "audit": ("id", "time", "who", "through", "action", "project", "target"),
}  # fmt: skip
"""The tables that travel, in the order of their references. Sessions and links of one use do not: everybody logs in again."""
_PASSING = "used_at"
"""Says when something was used last, which changes while nobody looks."""


def add_accounts(where: str, sums: Sums) -> None:
    """Add up the accounts of a place.

    Raises:
        OSError: They cannot be read.
    """
    with _opened(where) as database:
        for table, rows in _rows(database).items():
            columns = TABLES[table]
            for row in rows:
                said = [repr(value) for name, value in zip(columns, row, strict=True) if name != _PASSING]  # fmt: skip
                digest = blake3("\0".join(said).encode(errors="surrogateescape")).hexdigest()
                sums.add(_KINDS[table], table, 0, digest)


def move_accounts(source: str, target: str) -> str:
    """Have a place have the accounts of another one; why it cannot, or "" if it does now.

    Raises:
        OSError: One of them cannot be read or written.
    """
    with _opened(source) as there:
        rows = _rows(there)
    names = {row[:2] for row in rows["users"]}
    with _opened(target) as here, here.writing() as connection:
        known = connection.execute("SELECT id, name FROM users").fetchall()
        if not {tuple(row) for row in known} <= names:
            return "there are accounts that the other place does not have, so those that are there stay as they are"
        for table in reversed(TABLES):
            connection.execute(f"DELETE FROM {table}")
        for table, columns in TABLES.items():
            marks = ", ".join("?" for _ in columns)
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
            for row in rows[table]:
                connection.execute(statement, row)
            if "id" in columns and rows[table] and is_postgres(target):
                connection.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
    return ""


_KINDS = {
    "users": "accounts",
    "grants": "accounts",
    "identities": "accounts",
    "tokens": "tokens",
    "shares": "shares",
    "audit": "audit",
}


@contextmanager
def _opened(where: str) -> Iterator[Database]:
    with closing(open_database(where)) as database:
        yield database


def _rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    with database.reading() as connection:
        for table, columns in TABLES.items():
            rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            bools = [number for number, name in enumerate(columns) if name == "admin"]
            found[table] = [
                tuple(bool(v) if n in bools else v for n, v in enumerate(row)) for row in rows
            ]
    return found
