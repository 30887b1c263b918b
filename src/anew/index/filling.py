"""What the index's sink fills: a folder's stores, or those of a group."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from ..journal.layout import RootLayout
from ..stores.catalog.protocol import Batch, Known
from ..stores.series.protocol import SeriesStore

__all__ = ["Filled", "Filling"]


class Filling(Protocol):
    """What filling needs of a catalog; see `stores.catalog.protocol.Catalog`."""

    def known(
        self, *, ids: Collection[str] = (), prefixes: Collection[str] = (), tallies: bool = False
    ) -> list[Known]:
        """See `Catalog.known`."""
        ...

    def save(self, batch: Batch) -> None:
        """See `Catalog.save`."""
        ...


class Filled(Protocol):
    """Stores that are filled from journals.

    Attributes:
        root: The layout by which experiments are found in a folder.
        writable: Whether the end of a writer that has certainly vanished may be written into its journal.
    """

    @property
    def root(self) -> RootLayout: ...

    @property
    def writable(self) -> bool: ...

    @property
    def catalog(self) -> Filling:
        """What is known of experiments."""
        ...

    @property
    def series(self) -> SeriesStore:
        """Where the points are."""
        ...
