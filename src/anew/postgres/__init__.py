"""The PostgreSQL database of a group: connections to it, and texts as it can keep them."""

from __future__ import annotations

from .connections import PostgresConnections, is_postgres, marked, shown, unreachable

__all__ = ["PostgresConnections", "is_postgres", "marked", "shown", "unreachable"]
