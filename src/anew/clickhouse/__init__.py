"""The ClickHouse server of a group: connections to it over HTTP, and columns as it reads and writes them."""

from __future__ import annotations

from .address import ClickHouseAddress, is_clickhouse
from .binary import Column, Named, Rows, native, texts
from .connections import ClickHouse
from .error import ClickHouseError

__all__ = [
    "ClickHouse",
    "ClickHouseAddress",
    "ClickHouseError",
    "Column",
    "Named",
    "Rows",
    "is_clickhouse",
    "native",
    "texts",
]
