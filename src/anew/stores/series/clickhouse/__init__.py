"""Series in ClickHouse: the tables, and the store over them."""

from __future__ import annotations

from .series import ClickHouseSeries

__all__ = ["ClickHouseSeries"]
