"""Series in ClickHouse: the table, and the store over it."""

from __future__ import annotations

from .series import ClickHouseSeries
from .table import Table

__all__ = ["ClickHouseSeries", "Table"]
