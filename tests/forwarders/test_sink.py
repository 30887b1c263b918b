"""The sink that sends to another tracker: everything once, whatever fails and wherever it stops."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.forwarders.following import send_new
from anew.forwarders.reading import backlog
from anew.forwarders.sink import TRIES, ForwardSink
from anew.forwarding.address import MLflow
from anew.forwarding.progress import read_all, read_progress
from anew.journal.layout import RootLayout
from anew.stores.open import open_stores
from anew.stores.series.protocol import ExperimentFolder
from anew.testing.sink import SinkContract

from .ledger import Ledger


class TestContract(SinkContract):
    @pytest.fixture(autouse=True)
    def _ledger(self, tmp_path: Path) -> None:
        self.ledger = Ledger(tmp_path / "ledger.jsonl")

    def open(self, root: RootLayout) -> ForwardSink:
        folder = root.experiment("p/run").folder
        return ForwardSink(folder, MLflow(), "p/run", self.ledger.connect)

    def crash(self, sink: ForwardSink) -> None:
        pass

    def points(self, root: RootLayout) -> list[tuple[str, float]]:
        return self.ledger.points


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


@pytest.fixture
def folder(root: Path) -> Path:
    """An experiment with 30 points, a message and parameters, completed."""
    with Experiment("p/run", root=root, params={"lr": 0.1}, tags=["a"]) as exp:
        for step in range(30):
            exp.log_metric("loss", float(step), step=step)
        exp.log("done")
    return Path(exp.folder)


def sink_of(folder: Path, ledger: Ledger) -> ForwardSink:
    return ForwardSink(str(folder), MLflow(), "p/run", ledger.connect)


def first_writers(folder: Path) -> list[str]:
    return [path.stem for path in folder.glob("journal/0*.jsonl")]


def losses(ledger: Ledger) -> list[float]:
    return [value for name, value in ledger.points if name == "loss"]


ALL = [float(step) for step in range(30)]


def test_all_kinds_of_records_are_sent_and_counted(folder: Path, ledger: Ledger):
    sink = sink_of(folder, ledger)
    assert backlog(str(folder), {}) == send_new(sink)
    assert backlog(str(folder), sink.progress.cursor) == 0
    kinds = {line["kind"] for line in ledger.lines}
    assert {"PointLine", "LogLine", "ParamsSet", "TagsChanged", "Opened", "Closed"} <= kinds
    kept = read_progress(str(folder), "mlflow")
    assert kept is not None
    assert kept.points == len(ledger.points)
    assert kept.records == len(ledger.lines)
    assert kept.url == "ledger:run"
    assert kept.to == {"to": "mlflow"}


@pytest.mark.parametrize("after", [0, 1, 7, 29])
def test_a_batch_of_which_a_part_arrived_is_completed_without_doubles(
    folder: Path, ledger: Ledger, after: int
):
    ledger.fail_before = lambda sent: sent == after
    first = sink_of(folder, ledger)
    with pytest.raises(ConnectionError):
        send_new(first)
    ledger.fail_before = lambda sent: False
    send_new(sink_of(folder, ledger))
    assert losses(ledger) == ALL


def test_what_arrived_but_was_not_settled_is_offered_again_and_not_doubled(
    folder: Path, ledger: Ledger
):
    ledger.fail_settle = True
    with pytest.raises(ConnectionError):
        send_new(sink_of(folder, ledger))
    assert ledger.lines
    ledger.fail_settle = False
    send_new(sink_of(folder, ledger))
    numbers = [line["n"] for line in ledger.lines]
    assert len(numbers) == len(set(numbers))
    assert losses(ledger) == ALL


def test_what_was_pending_is_the_same_piece_after_it_was_sealed(root: Path, ledger: Ledger):
    with Experiment("p/run", root=root) as exp:
        for step in range(2000):
            exp.log_metrics({"loss": step, "half": step / 2}, step=step, metadata={"i": step})
        exp.log_metric("odd", math.nan)
        exp.log_metric("odd", math.inf)
    folder = Path(exp.folder)
    first = sink_of(folder, ledger)
    ledger.fail_before = lambda sent: sent == 700
    with pytest.raises(ConnectionError):
        send_new(first)
    assert read_progress(str(folder), "mlflow").pending is not None
    with Store(root) as store:
        store.seal()
    assert list(folder.glob("metrics/*.jsonl"))  # sealing waits for what is on its way
    place = ExperimentFolder(exp.id, exp.folder)
    open_stores(str(root)).series.flush(place, first_writers(folder), small=True)
    assert not list(folder.glob("metrics/*.jsonl"))
    ledger.fail_before = lambda sent: False
    sink = sink_of(folder, ledger)
    assert backlog(str(folder), sink.progress.cursor) > 0
    send_new(sink)
    assert losses(ledger) == [float(i) for i in range(2000)]
    assert [v for n, v in ledger.points if n == "half"] == [i / 2 for i in range(2000)]
    odd = [line["m"]["odd"] for line in ledger.lines if "odd" in line.get("m", {})]
    assert math.isnan(odd[0])
    assert odd[1] == math.inf
    assert backlog(str(folder), sink.progress.cursor) == 0
    assert send_new(sink) == 0


def test_a_sealed_experiment_is_sent_whole(root: Path, ledger: Ledger):
    with Experiment("p/run", root=root) as exp:
        for step in range(9000):
            exp.log_metric("loss", step)
    with Store(root) as store:
        store.seal()
    send_new(sink_of(Path(exp.folder), ledger))
    assert losses(ledger) == [float(i) for i in range(9000)]
    steps = [line["s"] for line in ledger.lines if "loss" in line.get("m", {})]
    assert steps == [None] * 9000


def test_a_record_that_the_target_fails_on_is_set_aside_and_told(folder: Path, ledger: Ledger):
    ledger.poison = {13.0, 29.0}
    sink = sink_of(folder, ledger)
    for _ in range(TRIES):
        with pytest.raises(RuntimeError):
            send_new(sink)
    send_new(sink)
    assert losses(ledger) == [v for v in ALL if v not in ledger.poison]
    ((reason, count),) = sink.progress.refused.items()
    assert ("this value is too much" in reason, count) == (True, 2)


def test_a_target_that_is_down_sets_nothing_aside(folder: Path, ledger: Ledger):
    ledger.down = True
    sink = sink_of(folder, ledger)
    for _ in range(TRIES + 3):
        with pytest.raises(ConnectionError):
            send_new(sink)
    ledger.down = False
    send_new(sink)
    assert losses(ledger) == ALL
    assert sink.progress.refused == {}


def test_a_target_that_fails_on_everything_sets_nothing_aside(folder: Path, ledger: Ledger):
    ledger.poison = set(ALL)
    sink = sink_of(folder, ledger)
    for _ in range(TRIES + 2):
        with pytest.raises(RuntimeError):
            send_new(sink)
    ledger.poison = set()
    send_new(sink)
    assert losses(ledger) == ALL


def test_what_the_target_has_no_place_for_is_counted_by_reason(root: Path, ledger: Ledger):
    with Experiment("p/run", root=root) as exp:
        exp.log_metric("refused", 1.0)
        exp.log_metric("loss", 2.0)
        exp.log_metric("refused", 3.0)
    sink = sink_of(Path(exp.folder), ledger)
    send_new(sink)
    assert losses(ledger) == [2.0]
    assert sink.progress.refused == {"it takes no metric called refused": 2}


def test_a_password_in_an_address_is_kept_nowhere(folder: Path, ledger: Ledger):
    address = MLflow("http://me:hunter2secret@127.0.0.1:9")
    sink = ForwardSink(str(folder), address, "p/run", ledger.connect)
    send_new(sink)
    (kept,) = (path.read_text() for path in folder.glob("forwarded/*.jsonl"))
    assert "hunter2secret" not in kept
    assert list(read_all(str(folder))) == [sink.key]
