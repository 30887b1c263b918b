"""Tables and histograms that were logged over steps, asked of a folder, of a server's routes, and of a server by `Store`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from anew import Experiment, Histogram, Store, Table
from anew.analysis.copies import Copies
from anew.errors import CorruptData, InvalidValue, NotFound, QueryError
from anew.reading.remote.opening import open_server
from anew.server.table import API
from later import later
from serving import InProcess, in_process

pa = later("pyarrow")
MANY = 5000
LABELS = ("cat", "dog", "owl")


def predictions(step: int) -> pa.Table:
    """Too large for the record: a Parquet file. Every hundredth label changes with the step, the loss of every tenth is not known."""
    ids = np.arange(MANY)
    labels = [LABELS[(one + (step if one % 100 == 0 else 0)) % 3] for one in ids]
    loss = np.where(ids % 10 == 3, np.nan, np.sin(ids))
    return pa.table({"id": ids, "label": labels, "loss": loss, "at": pa.array(ids * 1_000_000, pa.timestamp("us"))})  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = str(tmp_path_factory.mktemp("logged"))
    with Experiment("lab/one", root=root, quiet=True, system_metrics=0) as exp:
        for step in (0, 10, 20):
            exp.log_value("predictions", Table(predictions(step)), step=step)
            rows = [["a", 1, None], ["b", step, 0.5], ["b", 3, float("nan")]] + [["c", 4, 1.0]] * (
                step // 10
            )
            exp.log_value("small", Table(["name", "count", "share"], rows), step=step)
        exp.log_value("mixed", Table(["any"], [[1], ["x" * 3000], [[1, 2]]] * 200))
        for step in range(12):
            exp.log_value("weights", Histogram(np.arange(100.0), bins=10), step=step)
            exp.log_value("grads", Histogram(np.linspace(0, 1 + step, 50), bins=8), step=step)
    with Experiment("lab/two", root=root, quiet=True, system_metrics=0) as exp:
        exp.log_value(
            "small", Table(["name", "count", "extra"], [["b", 10, True], ["a", 1, None]]), step=5
        )
        exp.log_value("weights", Histogram(np.arange(50.0), bins=10, range=(0.0, 99.0)), step=6)
    return root


@pytest.fixture(scope="module")
def server(root: str) -> Iterator[InProcess]:
    with in_process(root) as transport:
        yield transport


@pytest.fixture(scope="module", params=["folder", "server"])
def store(request: pytest.FixtureRequest, root: str, server: InProcess) -> Iterator[Store]:
    """The same questions of both."""
    if request.param == "folder":
        with Store(root) as opened:
            yield opened
    else:
        opened = open_server("http://127.0.0.1:5700", server)
        yield Store(opened.backend, analyst=opened.analyst)


def ask(server: InProcess, path: str, **question: object) -> dict:
    answer = server.send("POST", f"{API}/analysis/{path}", {"content-type": "application/json"}, json.dumps(question).encode())  # fmt: skip
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_a_page_of_a_table_is_filtered_and_sorted_where_it_lies(store: Store):
    page = store.analysis.table("one", "predictions", filter="label == 'cat' and loss > 0.5", sort=["-loss"], start=10, limit=5)  # fmt: skip
    frame = predictions(20).to_pandas()
    kept = frame[(frame.label == "cat") & (frame.loss > 0.5)].sort_values("loss", ascending=False)
    assert (page.total, page.matched) == (MANY, len(kept))
    assert [row[0] for row in page.rows] == kept.id[10:15].tolist() == list(page.places)
    assert [(one.name, one.kind) for one in page.columns] == [("id", "number"), ("label", "text"), ("loss", "number"), ("at", "time")]  # fmt: skip
    assert page.table.steps == (0, 10, 20)
    assert page.table.at == 2


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("not (loss > -2)", lambda f: f.loss.isna()),
        ("loss is nan", lambda f: f.loss.isna()),
        ("loss != 0", lambda f: f.loss != 0),
        ("label in ('cat', 'owl') and not id < 4990", lambda f: f.label.isin(["cat", "owl"]) & (f.id >= 4990)),
        ("label =~ '^[co]'", lambda f: f.label.str.match("^[co]")),
        ("'o' in label", lambda f: f.label.str.contains("o")),
        ("label is null", lambda f: f.label.isna()),
        ("10 <= id < 20 or id == 4000", lambda f: f.id.between(10, 19) | (f.id == 4000)),
        ("at >= 1970-01-01T01:00:00", lambda f: f.id >= 3600),
        ("at < '1970-01-01 00:00:10'", lambda f: f.id < 10),
    ],
)  # fmt: skip
def test_the_filter_language_means_rows(root: str, filter, expected):
    with Store(root) as store:
        page = store.analysis.table("one", "predictions", step=15, filter=filter, limit=1)
    frame = predictions(10).to_pandas()
    assert page.table.at == 1
    assert page.matched == int(expected(frame).sum())


def test_what_is_missing_or_nan_comes_last_in_both_orders(store: Store):
    for order in ("share", "-share"):
        rows = store.analysis.table("one", "small", step=0, sort=[order]).rows
        assert rows[0][2] == 0.5, order
        assert {json.dumps(row[2]) for row in rows[1:]} == {"null", "NaN"}, order


def test_a_column_of_several_types_is_one_of_texts(store: Store):
    page = store.analysis.table("one", "mixed", limit=3)
    assert page.total == 600
    assert [row[0] for row in page.rows] == ["1", "x" * 2000 + " …", "[1, 2]"]


def test_the_difference_of_two_steps_by_position_and_by_key(store: Store):
    found = store.analysis.table_difference("one", "predictions", step=20, other_step=10)
    before, after = predictions(20).to_pandas(), predictions(10).to_pandas()
    changed = before.id[before.label != after.label].tolist()
    assert found.counts == {"added": 0, "removed": 0, "changed": len(changed), "same": MANY - len(changed)}  # fmt: skip
    assert [row.place_a for row in found.rows] == changed[:100]
    assert all(row.changed == ("label",) for row in found.rows)
    assert {one.name: one.rows for one in found.changes} == {"id": 0, "label": len(changed), "loss": 0, "at": 0}  # fmt: skip
    # Of rows with the same key the first goes with the first.
    found = store.analysis.table_difference("one", "small", step=0, other_step=20, key=["name"])
    assert found.counts == {"added": 2, "removed": 0, "changed": 1, "same": 2}
    (row,) = [one for one in found.rows if one.kind == "changed"]
    assert (row.a[1], row.b[1], row.changed) == (0, 20, ("count",))
    page = store.analysis.table_difference("one", "small", step=0, other_step=20, key=["name"], kinds=["added"], start=1, limit=1)  # fmt: skip
    assert [(one.kind, one.place_a, one.place_b) for one in page.rows] == [("added", None, 4)]


def test_the_difference_of_two_experiments_tells_of_their_columns(store: Store):
    found = store.analysis.table_difference("one", "small", "two", step=0, key=["name"])
    assert [one.name for one in found.columns_b] == ["name", "count", "extra"]
    assert [one.name for one in found.changes] == ["name", "count"]
    # The second "b" is gone, and "a" is the same though it stands elsewhere.
    assert found.counts == {"added": 0, "removed": 1, "changed": 1, "same": 1}
    assert (found.a.id, found.b.id) == (store.get("one").id, store.get("two").id)


def test_what_cannot_be_read_is_told(store: Store, tmp_path):
    ask = store.analysis
    with pytest.raises(NotFound, match="predictions"):
        ask.table("one", "nope")
    with pytest.raises(QueryError, match="labl") as told:
        ask.table("one", "predictions", filter="id > 2 and labl == 'cat'")
    assert (told.value.position, told.value.suggestion) == (11, "label")
    with pytest.raises(QueryError, match="numbers"):
        ask.table("one", "predictions", filter="loss == 'high'")
    with pytest.raises(InvalidValue):
        ask.table("one", "predictions", filter="label =~ '('")
    with pytest.raises(QueryError):
        ask.table("one", "predictions", sort=["nope"])
    with pytest.raises(InvalidValue):
        ask.table("one", "predictions", limit=100_000)
    with pytest.raises(NotFound):
        ask.histograms("one", "nope")


def test_a_damaged_table_is_told(tmp_path):
    root = str(tmp_path / "root")
    with Experiment("lab/bad", root=root, quiet=True, system_metrics=0) as exp:
        exp.log_value("t", Table(predictions(0)))
    with Store(root) as store:
        (value,) = store.get("bad").values("t")
        value.path.write_bytes(b"PAR1" + b"\0" * 100)
        with pytest.raises(CorruptData):
            store.analysis.table("bad", "t")


class Counting:
    """A backend that counts the bytes of files in its answers."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.bytes = 0

    def open(self, question: Any) -> Any:
        found = self._backend.open(question)
        self.bytes += len(found.data)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def test_a_table_that_lies_elsewhere_comes_once(server: InProcess, root: str, monkeypatch):
    monkeypatch.setattr("anew.analysis.tables.copies", Copies())
    told = Counting(open_server("http://127.0.0.1:5700", server).backend)
    with Store(told) as store:
        first = store.analysis.table("lab/one", "predictions", sort=["-id"], limit=2)
        assert told.bytes > 50_000
        told.bytes = 0
        assert store.analysis.table("lab/one", "predictions", sort=["-id"], limit=2) == first
        assert store.analysis.table("lab/one", "predictions", filter="id < 3").matched == 3
        assert told.bytes == 2  # one for each question: that it is still there
        # Another one is another copy, and the first gives way where both are too much.
        small = Copies(most=100_000)
        monkeypatch.setattr("anew.analysis.tables.copies", small)
        for step in (0, 10, 0):
            told.bytes = 0
            store.analysis.table("lab/one", "predictions", step=step)
            assert told.bytes > 50_000


def test_the_routes_answer_the_same(server: InProcess, root: str):
    with Store(root) as store:
        id_ = store.get("one").id
        page = store.analysis.table("one", "predictions", filter="id < 5", sort=["-id"])
        difference = store.analysis.table_difference("one", "small", "two", step=0, key=["name"])
    found = ask(server, "table", table={"id": id_, "name": "predictions"}, filter="id < 5", sort=["-id"])  # fmt: skip
    assert [row[0] for row in found["rows"]] == [4, 3, 2, 1, 0] == [row[0] for row in page.rows]
    assert found["rows"][1][2] == {"$float": "NaN"}
    told = ask(server, "table-difference", a={"id": id_, "name": "small", "step": 0}, b={"id": "two", "name": "small"}, key=["name"])  # fmt: skip
    assert told["counts"] == difference.counts


def test_histograms_with_the_same_bins_are_told_as_they_were_recorded(store: Store):
    found = store.analysis.histograms(["one"], "weights")
    (one,) = found.series
    assert found.exact
    assert found.edges == pytest.approx(np.histogram(np.arange(100.0), bins=10)[1])
    assert one.counts.shape == (12, 10)
    assert one.counts.sum() == 12 * 100
    assert one.first.tolist() == one.last.tolist() == list(range(12)) == one.at.tolist()


def test_every_histogram_counts_where_neighbours_share_a_column(store: Store):
    found = store.analysis.histograms("one", "weights", columns=5)
    (one,) = found.series
    assert one.recorded == one.each.sum() == 12
    assert one.counts.sum() == 12 * 100
    assert (one.first[0], one.last[-1]) == (0, 11)
    assert (one.first[1:] > one.last[:-1]).all()


def test_histograms_of_other_bins_are_spread_over_one_grid_and_none_is_lost(store: Store):
    found = store.analysis.histograms("one", "grads", bins=24)
    (one,) = found.series
    assert not found.exact
    assert len(found.edges) == 25
    assert (found.edges[0], found.edges[-1]) == (0.0, 12.0)
    assert one.counts.sum(axis=1) == pytest.approx([50.0] * 12)
    # Alone, one is exactly as it was recorded.
    alone = store.analysis.histograms("one", "grads", start=7, stop=7)
    counts, edges = np.histogram(np.linspace(0, 8, 50), bins=8)
    assert alone.exact
    assert alone.series[0].counts.tolist() == [counts.tolist()]
    assert alone.edges == pytest.approx(edges)


def test_several_experiments_stand_on_one_grid(store: Store, server: InProcess):
    found = store.analysis.histograms(["one", "two"], "weights", bins=20)
    assert [one.recorded for one in found.series] == [12, 1]
    assert [one.counts.shape[1] for one in found.series] == [len(found.edges) - 1] * 2
    assert found.series[1].counts.sum() == pytest.approx(50)
    told = ask(server, "histograms", ids=[one.id for one in found.series], name="weights", bins=20)
    assert np.array(told["series"][1]["counts"]).tolist() == found.series[1].counts.tolist()
