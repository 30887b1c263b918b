"""Servers of one group, in this process: each with its own connections, over the same database, bucket, catalog and series."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from anew.reading.local.backend import LocalBackend
from anew.reading.local.seen import Seen
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.group.address import GroupAddress
from anew.server.group.intake import GroupIntake
from anew.server.group.opened import GroupStores
from anew.server.group.opening import open_series, open_truth
from anew.server.group.upkeep import GroupUpkeep
from anew.server.place import Place
from anew.stores.catalog.postgres import PostgresCatalog
from serving import InProcess


class Group:
    """A group whose servers are made as they are needed."""

    def __init__(self, folder: Path, url: str, blobs: str = "", series: str = "") -> None:
        bucket, cache = blobs or str(folder / "bucket"), str(folder / "cache")
        self.address = GroupAddress(url, bucket, cache, series)
        folder.mkdir(parents=True, exist_ok=True)

    def stores(
        self, *, seconds: float = 60.0, kind: type[GroupStores] = GroupStores
    ) -> GroupStores:
        """The stores as one server has them open."""
        truth = open_truth(self.address, most=8)
        catalog, series = PostgresCatalog(self.address.catalog), open_series(self.address, truth)
        return kind(truth, catalog, series, where="group", user="tester", seconds=seconds)

    @contextlib.contextmanager
    def server(self, stores: GroupStores) -> Iterator[InProcess]:
        """A server, to be asked in this process."""
        intake = GroupIntake(stores.truth, stores.journal)
        seen = Seen(stores)
        place = Place(LocalBackend(seen), GroupUpkeep(stores, seen), None, intake)
        transport = InProcess(make_app(place, Access("tester")))
        try:
            yield transport
        finally:
            transport.close()
            place.close()
