"""Bringing tables to the newest version with Alembic."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...errors import MissingDependency
from .history import History

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["upgrade"]

_ENVIRONMENT = os.path.join(os.path.dirname(__file__), "environment")
"""No package: what lies there runs only when Alembic does."""


def upgrade(connection: Connection, history: History, schema: str | None, to: str) -> None:
    """Run what of a history a database has not been through, in the transaction that the connection is in.

    Args:
        schema: Where the table with the version is; None for where SQLite has its tables.
        to: The version to end at.

    Raises:
        MissingDependency: Alembic is not installed.
    """
    try:
        from alembic import command
        from alembic.config import Config
    except ImportError as error:
        raise MissingDependency.of("A group's database", "alembic", "group") from error
    config = Config()
    config.set_main_option("script_location", _escaped(_ENVIRONMENT))
    config.set_main_option("version_locations", _escaped(history.folder))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, schema=schema)
    command.upgrade(config, to)


def _escaped(path: str) -> str:
    return path.replace("%", "%%")
