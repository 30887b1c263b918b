"""The catalog in PostgreSQL, for a group's servers."""

from __future__ import annotations

from .catalog import PostgresCatalog

__all__ = ["PostgresCatalog"]
