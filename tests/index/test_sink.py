"""The index's sink keeps every promise of the journal's seam."""

from __future__ import annotations

import shutil
import time

from anew import Experiment, Store
from anew.index.sink import IndexSink
from anew.journal.drive import drive
from anew.journal.layout import RootLayout
from anew.journal.residents import FolderJournals
from anew.journal.sink import Sink
from anew.journal.storage import MemoryJournals
from anew.query.question import FactsQuestion
from anew.stores.catalog.protocol import CatalogState
from anew.stores.catalog.summary import combine
from anew.stores.open import open_stores, stores_in_memory
from anew.stores.series.protocol import ExperimentFolder
from anew.testing.sink import EXPERIMENT, SinkContract


class TestIndexSink(SinkContract):
    def open(self, root: RootLayout) -> Sink:
        stores = open_stores(root.root)
        if stores.catalog.state() is CatalogState.UNUSABLE:
            stores.catalog.create()
        return IndexSink(stores, FolderJournals(root))

    def crash(self, sink: Sink) -> None:
        assert isinstance(sink, IndexSink)
        sink._stores.close()

    def points(self, root: RootLayout) -> list[tuple[str, float]]:
        stores = open_stores(root.root)
        place = ExperimentFolder(EXPERIMENT, root.experiment("p/run").folder)
        columns = stores.series.read(place)
        names = columns.names
        found = [(n, float(v)) for n in names for v in columns.value[columns.of(n)]]
        (known,) = stores.catalog.known(ids=[EXPERIMENT], tallies=True)
        counted = {name: combine(of).count for name, of in (known.tallies or {}).items()}
        assert counted == {name: len(columns.value[columns.of(name)]) for name in names}
        stores.close()
        return sorted(found)


def test_a_journal_that_lies_in_no_folder_is_taken_in_with_its_sealed_parts(tmp_path):
    with Experiment("p/run", root=tmp_path / "here", quiet=True, system_metrics=0) as exp:
        for step in range(50):
            exp.log_metrics({"loss": step / 2, "acc": 1.0}, step=step)
    with Store(tmp_path / "here") as store:
        assert store.seal() == 1
    folder = tmp_path / "here" / "p" / "run"
    journals = MemoryJournals()
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(folder).as_posix()
            journals.of("p/run").append(name, path.read_bytes())
    shutil.rmtree(tmp_path / "here")
    stores = stores_in_memory(tmp_path / "elsewhere")
    stores.catalog.create()
    for turn in drive(journals, ["p/run"], [IndexSink(stores, journals)]):
        assert not turn.failed
    asked = FactsQuestion(ids=[exp.id], parts=frozenset({"metrics", "problems"}), now=time.time())
    (facts,) = stores.catalog.facts(asked)
    assert not facts.problems
    assert facts.status == "completed"
    assert {name: m.count for name, m in (facts.metrics or {}).items()} == {"loss": 50, "acc": 50}
    stores.close()
