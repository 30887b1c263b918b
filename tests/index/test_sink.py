"""The index's sink keeps every promise of the journal's seam."""

from __future__ import annotations

from anew.index.sink import IndexSink
from anew.journal.layout import RootLayout
from anew.journal.sink import Sink
from anew.stores.catalog.protocol import CatalogState
from anew.stores.catalog.summary import summaries
from anew.stores.open import open_stores
from anew.stores.series.protocol import ExperimentFolder
from anew.testing.sink import EXPERIMENT, SinkContract


class TestIndexSink(SinkContract):
    def open(self, root: RootLayout) -> Sink:
        stores = open_stores(root.root)
        if stores.catalog.state() is CatalogState.UNUSABLE:
            stores.catalog.create()
        return IndexSink(stores)

    def crash(self, sink: Sink) -> None:
        assert isinstance(sink, IndexSink)
        sink._stores.close()

    def points(self, root: RootLayout) -> list[tuple[str, float]]:
        stores = open_stores(root.root)
        place = ExperimentFolder(EXPERIMENT, root.experiment("p/run").folder)
        columns = stores.series.read(place)
        names = columns.names
        found = [(n, float(v)) for n in names for v in columns.value[columns.of(n)]]
        (known,) = stores.catalog.known(ids=[EXPERIMENT])
        counted = {name: s.count for name, s in summaries(known.tallies).items()}
        assert counted == {name: len(columns.value[columns.of(name)]) for name in names}
        stores.close()
        return sorted(found)
