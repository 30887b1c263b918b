"""Where a group's stores lie."""

from __future__ import annotations

from typing import NamedTuple

from ...clickhouse import ClickHouseAddress
from ...postgres import shown
from ...stores.open import DEFAULT_CACHE

__all__ = ["GroupAddress"]


class GroupAddress(NamedTuple):
    """Where a group's stores lie.

    Attributes:
        catalog: The address of the database, as `postgresql://…`. It may hold a password, so it is in no message.
        blobs: The address of the bucket, or of a folder that all servers of the group reach.
        cache: The folder of this machine for copies of what is read.
        series: The address of a ClickHouse server for the points, as `clickhouse://…`; "" keeps them as files below `series/` of
            `blobs`. It may hold a password too.
        links: Seconds for which a link to a content in the bucket can be used; 0 where clients do not reach the bucket.
    """

    catalog: str
    blobs: str
    cache: str = DEFAULT_CACHE
    series: str = ""
    links: float = 0.0

    def __repr__(self) -> str:
        return self.shown

    @property
    def shown(self) -> str:
        """The addresses, without what is secret in them."""
        points = f", {ClickHouseAddress.of(self.series).shown}" if self.series else ""
        return f"{shown(self.catalog)}{points} and {self.blobs}"
