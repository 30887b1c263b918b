"""Servers of one group, in this process: each with its own connections, over the same database, bucket, catalog and series."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from anew.blobs.folder import FolderBlobs
from anew.reading.local.backend import LocalBackend
from anew.reading.local.seen import Seen
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.group.database import Database
from anew.server.group.intake import GroupIntake
from anew.server.group.opened import GroupStores
from anew.server.group.truth import Truth
from anew.server.group.upkeep import GroupUpkeep
from anew.server.place import Place
from anew.stores.catalog.sqlite import SqliteCatalog
from anew.stores.series.memory import MemorySeries
from serving import InProcess


class Group:
    """A group whose servers are made as they are needed."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.blobs = FolderBlobs(str(folder / "bucket"), durable=False)
        self.series = MemorySeries()
        folder.mkdir(parents=True, exist_ok=True)

    def stores(
        self, *, seconds: float = 60.0, kind: type[GroupStores] = GroupStores
    ) -> GroupStores:
        """The stores as one server has them open."""
        truth = Truth(Database(self.url, most=8), self.blobs)
        catalog = SqliteCatalog(str(self.folder / "catalog.db"))
        return kind(truth, catalog, self.series, where="group", user="tester", seconds=seconds)

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
