"""The catalog in SQLite: its tables, how they are filled, and how questions become SQL."""

from __future__ import annotations

from .catalog import SqliteCatalog

__all__ = ["SqliteCatalog"]
