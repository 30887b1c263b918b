"""The index says what the folders say: after any crash, damage, move or race, and only looking where it must."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from anew import Experiment
from anew.index import Index, discovery, resting
from anew.index import index as indexing
from anew.index.doctor import examine
from anew.index.trash import Trash
from anew.journal.edits import append_event
from anew.journal.nudges import nudge
from anew.journal.storage import FolderStorage
from anew.query.question import FactsQuestion, NamesQuestion, Part, Wanted, ask, parse_field
from anew.record.facts import ExperimentFacts
from anew.record.fold import ExperimentState
from anew.stores.catalog.relational.saving import Saving
from anew.stores.open import Stores, open_stores
from anew.stores.series import folder as folder_series
from anew.stores.series.protocol import ExperimentFolder
from tests.stores.journals import NOW, Journal, finished, running


@pytest.fixture
def stores(root: Path):
    root.mkdir()
    stores = open_stores(root)
    yield stores
    stores.close()


@pytest.fixture
def index(stores: Stores) -> Index:
    return Index(stores)


def facts(index: Index, prefix: str, *parts: Part) -> ExperimentFacts:
    """What the catalog has of an experiment."""
    (known,) = index.stores.catalog.known(prefixes=[prefix])
    question = FactsQuestion(ids=[known.experiment_id], parts=frozenset(parts), now=0.0)
    return index.stores.catalog.facts(question)[0]


def experiment(index: Index, prefix: str) -> dict[str, Any]:
    """The facts that are listed of an experiment."""
    found = msgspec.structs.asdict(facts(index, prefix))
    return {**found, "experiment_id": found["id"]}


@pytest.fixture(autouse=True)
def every_look_looks_around(monkeypatch):
    """Whatever the last one took."""
    monkeypatch.setattr(indexing, "AROUND_REST", 0.0)


def prefixes(index: Index) -> list[str]:
    return sorted(index.stores.catalog.select(ask(columns=["prefix"], now=0.0)).columns[0].values)


def metrics(index: Index, prefix: str) -> dict[str, Any]:
    return facts(index, prefix, "metrics").metrics


def state(index: Index, prefix: str) -> ExperimentState:
    (known,) = index.stores.catalog.known(prefixes=[prefix])
    return msgspec.msgpack.decode(known.state, type=ExperimentState)


def params_of(index: Index, filter: str | None = None) -> dict[str, Any]:
    """The parameters of the only experiment, or of the one that a filter finds."""
    answer = index.stores.catalog.select(ask(filter, columns=["params"], now=0.0))
    found = {c.name.removeprefix("params."): c.values[0] for c in answer.columns}
    names = index.stores.catalog.names(NamesQuestion(kind="param"))
    assert filter or [one.name for one in names] == sorted(found)
    assert len(answer.ids) == 1
    return found


def followed(index: Index) -> int:
    return len(index.stores.catalog.outstanding().followed)


def problems(index: Index) -> list[tuple[str, int]]:
    ids = index.stores.catalog.select(ask(now=0.0)).ids
    question = FactsQuestion(ids=ids, parts=frozenset({"problems"}), now=0.0)
    found = index.stores.catalog.facts(question)
    return sorted((p.path, p.line) for one in found for p in one.problems or ())


# -- taking in --------------------------------------------------------------------------------------


def test_an_experiment_is_there_with_all_it_said(root: Path, index: Index):
    journal = finished(root, "alice/vision/deep/resnet50", steps=5)
    taken = index.refresh()
    assert (taken.experiments, taken.points, taken.behind) == (1, 10, False)
    row = experiment(index, "alice/vision/deep/resnet50")
    assert (row["experiment_id"], row["owner"], row["project"]) == (journal.id, "alice", "vision")
    assert (row["name"], row["status"], row["point_count"]) == ("resnet50", "completed", 10)
    assert row["ended_at"] > row["started_at"] >= row["created_at"] >= NOW
    assert (params_of(index)["model.depth"], params_of(index)["model.name"]) == (4, "vit")
    assert state(index, "alice/vision/deep/resnet50").tags == {
        "baseline": None,
        "team": "ml",
    }
    loss = metrics(index, "alice/vision/deep/resnet50")["loss"]
    assert (loss.count, loss.first, loss.last, loss.last_step, loss.min_step) == (5, 1.0, 0.2, 4, 4)
    assert followed(index) == 0


@pytest.mark.parametrize(
    ("prefix", "owner", "project"),
    [("run", None, None), ("vision/run", None, "vision"), ("al/vision/x/y/run", "al", "vision")],
)
def test_owner_and_project_come_from_the_prefix(root, index, prefix, owner, project):
    finished(root, prefix)
    index.refresh()
    row = experiment(index, prefix)
    assert (row["owner"], row["project"]) == (owner, project)


def test_a_look_with_nothing_new_touches_no_folder(root, index, monkeypatch):
    for i in range(5):
        finished(root, f"p/run{i}")
    index.refresh()
    looked: list[str] = []
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda p: looked.append(str(p)) or listdir(p))
    assert index.refresh().experiments == 0
    assert looked == [str(root / ".anew" / "root")]


def test_a_look_of_a_new_process_writes_nothing_where_nothing_is_new(root, monkeypatch):
    for number in range(25):
        finished(root, f"team/run-{number:02}")
    saved: list[object] = []

    def look() -> None:
        stores = open_stores(str(root))
        monkeypatch.setattr(stores.catalog, "save", lambda batch: saved.append(batch))
        Index(stores).refresh()
        stores.close()

    stores = open_stores(str(root))
    Index(stores).refresh()
    Index(stores).refresh()
    stores.close()
    for _ in range(3):
        look()
    assert saved == []


def test_a_later_look_takes_in_only_what_is_new(root: Path, index: Index):
    journal = running(root, "p/run")
    journal.points((i, {"loss": 1.0 / (i + 1)}) for i in range(10))
    assert index.refresh().points == 10
    journal.points((i, {"loss": 1.0 / (i + 1)}) for i in range(10, 13))
    assert index.refresh().points == 3
    assert metrics(index, "p/run")["loss"].count == 13
    journal.event("params", params={"late": True})
    journal.closed()
    index.refresh()
    assert experiment(index, "p/run")["status"] == "completed"
    assert "late" in params_of(index)
    assert followed(index) == 0


def test_a_change_to_a_finished_experiment_is_found_by_its_announcement(root, index):
    journal = finished(root, "p/run")
    index.refresh()
    fields = {"add": {"best": None}, "remove": ["baseline"]}
    append_event(index.root, journal.layout, journal.id, "tags", t=journal.t + 1, **fields)
    append_event(index.root, journal.layout, journal.id, "field", field="notes", value="good one")
    index.refresh()
    assert {one.name for one in index.stores.catalog.names(NamesQuestion(kind="tag"))} == {
        "team",
        "best",
    }
    assert experiment(index, "p/run")["notes"] == "good one"
    assert experiment(index, "p/run")["status"] == "completed"


def test_an_event_that_is_older_than_the_newest_read_takes_its_place_in_time(root, index):
    journal = running(root, "p/run", t=NOW)
    journal.event("params", params={"lr": 1}, t=NOW + 10)
    journal.event(
        "file", t=NOW + 11, file_id="b", prefix="", name="b", path="files/b", size=2, hash=""
    )
    index.refresh()
    journal.opened("0002-rank1", here=True, role="rank")
    journal.event("params", "0002-rank1", params={"lr": 2, "rank": 1}, t=NOW + 5)
    journal.event(
        "file", "0002-rank1", t=NOW + 4, file_id="a", prefix="", name="a", path="files/a", size=1,
        hash="",
    )  # fmt: skip
    index.refresh()
    assert (params_of(index)["lr"], params_of(index)["rank"]) == (1, 1)
    assert [one.name for one in facts(index, "p/run", "files").files or ()] == ["a", "b"]
    assert experiment(index, "p/run")["file_bytes"] == 3


def test_an_event_that_arrives_after_what_had_seen_it_takes_its_place_before(root, index):
    journal = running(root, "p/run", t=NOW)
    late = {"k": "field", "t": NOW + 50, "field": "notes", "value": "seen"}  # its clock is fast
    line = json.dumps(late).encode() + b"\n"
    size = os.path.getsize(journal.layout.events("0001-main")) + len(line)
    journal.opened("0002-rank1", here=True, role="rank", t=NOW + 2, after={"0001-main": size})
    journal.event("field", "0002-rank1", field="notes", value="newer", t=NOW + 3)
    index.refresh()
    journal.raw(journal.layout.events("0001-main"), line)  # as a copy brings it
    index.refresh()
    assert experiment(index, "p/run")["notes"] == "newer"
    seen = state(index, "p/run")
    index.rebuild()
    assert state(index, "p/run") == seen


def test_what_somebody_looked_at_in_between_makes_no_difference(root: Path, tmp_path: Path):
    often = open_stores(root)
    root.mkdir()
    journal = running(root, "p/run", t=NOW)
    index = Index(often)
    for step in range(12):
        journal.points([(step if step % 3 else None, {"a": step * 0.1, "b": float("nan")})])
        journal.event("params", params={f"p{step}": step}, t=NOW + 100 - step)
        journal.points([(step, {"a": -step})], "0002-rank1")
        index.refresh()
    journal.closed(t=NOW + 200)
    index.refresh()
    seen = (experiment(index, "p/run"), metrics(index, "p/run"), state(index, "p/run"))
    index.rebuild()
    again = (experiment(index, "p/run"), metrics(index, "p/run"), state(index, "p/run"))
    assert seen[0] == again[0]
    assert seen[2] == again[2]
    for name in ("a", "b"):
        for field in seen[1][name].__struct_fields__:
            one, two = getattr(seen[1][name], field), getattr(again[1][name], field)
            assert (one is None and two is None) or one == pytest.approx(
                two, rel=1e-12, nan_ok=True
            ), (name, field)
    often.close()


def test_ten_thousand_metrics_are_taken_in_at_once_and_again(root, index):
    journal = running(root, "p/run")
    names = {f"layer{i}/norm": float(i) for i in range(10_000)}
    journal.points([(0, names)])
    index.refresh()
    journal.points([(1, names)])
    index.refresh()
    assert experiment(index, "p/run")["metric_count"] == 10_000
    assert experiment(index, "p/run")["point_count"] == 20_000
    assert metrics(index, "p/run")["layer77/norm"].last_step == 1


def test_a_parameter_of_a_megabyte_is_whole_in_the_state(root, index):
    Journal(root, "p/run").opened(here=True).event("params", params={"prompt": "ä" * (1 << 20)})
    index.refresh()
    assert state(index, "p/run").params["prompt"] == "ä" * (1 << 20)
    assert params_of(index)["prompt"] == "ä" * (1 << 20)
    assert index.stores.catalog.count(ask("params.prompt contains 'ää'", now=0.0)) == 1


def test_integers_and_floats_beyond_the_usual_are_no_trouble(root, index):
    params = {"seed": 2**63 + 5, "max": 1.7e308, "nan": {"$float": "NaN"}}
    Journal(root, "p/run").opened(here=True).event("params", params=params).announce()
    assert index.refresh().experiments == 1
    assert params_of(index)["seed"] == 2**63 + 5
    assert index.stores.catalog.count(ask("params.nan is nan and params.max > 1", now=0.0)) == 1


def test_numbers_of_any_size_keep_no_experiment_out(root, index):
    journal = Journal(root, "p/run").opened(here=True)
    journal.event("params", params={"entropy": 2**128 + 1, "wide": 10**400})
    journal.event(
        "file", file_id="a", prefix="", name="a", path="files/a", size=2**70, step=-(2**70), hash=""
    )
    value = {"k": "value", "t": NOW, "name": "v", "kind": "text", "step": 2**70}
    line = json.dumps(value | {"data": {"n": 2**70}}).encode() + b"\n"
    journal.raw(journal.layout.events("0001-main"), line)
    journal.event("lost", count=2**70, reason="so it says")
    finished(root, "p/other")
    assert index.refresh().experiments == 2
    assert params_of(index, f"params.entropy == {2**128 + 1}")["entropy"] == 2**128 + 1
    (one,) = facts(index, "p/run", "values").values or ()
    assert (one.data, one.step) == ({"n": 2**70}, 2**70)
    sums = [Wanted(parse_field(name), "sum") for name in ("file_bytes", "lost")]
    answer = index.stores.catalog.select(ask(columns=sums, now=0.0))
    assert [column.values[0] for column in answer.columns[1:]] == [2.0**63, 2.0**63]


# -- status -----------------------------------------------------------------------------------------


def vanished_process() -> dict[str, Any]:
    """The marks of a process of this machine that was here and is gone."""
    code = (
        "import json, os\n"
        "from anew.journal.liveness import *\n"
        "print(json.dumps({'host': host_name(), 'machine': machine_mark(), 'boot': boot_id(), 'pid': os.getpid(),"
        " 'pid_started': process_started(os.getpid()), 'pid_space': pid_space()}))"
    )
    return json.loads(subprocess.check_output([sys.executable, "-c", code]))


def test_a_killed_writer_is_shown_failed_and_its_end_is_recorded(root, index):
    journal = Journal(root, "p/run", t=time.time() - 100).opened(**vanished_process()).announce()
    journal.points([(0, {"loss": 1.0})])
    index.refresh()
    row = experiment(index, "p/run")
    assert row["status"] == "failed"
    assert "vanished" in row["reason"]
    assert row["ended_at"] is not None
    # Its heartbeat is fresh still: so much is shown, and not yet written down.
    assert followed(index) == 1
    assert not list(journal.folder.joinpath("journal").glob("edit-*"))
    for file in journal.folder.rglob("*.jsonl"):
        os.utime(file, (time.time() - 11, time.time() - 11))
    index.refresh()
    assert experiment(index, "p/run")["status"] == "failed"
    assert followed(index) == 0
    (edit,) = journal.folder.joinpath("journal").glob("edit-*.jsonl")
    closed = json.loads(edit.read_text())
    assert (closed["by"], closed["writer"], closed["status"]) == (
        "reader",
        "0001-main",
        "failed",
    )
    index.rebuild()
    assert experiment(index, "p/run")["status"] == "failed"
    assert len(edit.read_text().splitlines()) == 1


def test_a_silent_writer_elsewhere_is_shown_failed_until_it_is_heard_again(root, index):
    journal = Journal(root, "p/run", t=time.time() - 1000)
    journal.opened(host="elsewhere", boot="x", pid=1, pid_started=1, heartbeat=1.0).announce()
    events = Path(journal.layout.events("0001-main"))
    os.utime(events, (time.time() - 300, time.time() - 300))
    index.refresh()
    row = experiment(index, "p/run")
    assert row["status"] == "failed"
    assert "no sign of life" in row["reason"]
    assert not list(journal.folder.joinpath("journal").glob("edit-*"))
    assert followed(index) == 1
    os.utime(events)
    index.refresh()
    assert experiment(index, "p/run")["status"] == "running"
    assert experiment(index, "p/run")["reason"] is None
    journal.closed()
    index.refresh()
    assert experiment(index, "p/run")["status"] == "completed"


def test_what_did_not_change_is_not_read_again_and_what_did_is(root, index, monkeypatch):
    """Those elsewhere of which nothing came: a server may have ten thousand that run."""
    looked: list[str] = []
    drive = indexing.drive
    monkeypatch.setattr(
        indexing, "drive", lambda journals, prefixes, sinks: looked.extend(prefixes) or drive(journals, prefixes, sinks)
    )  # fmt: skip

    def looks() -> list[str]:
        looked.clear()
        index.refresh()
        return sorted(looked)

    elsewhere = {"host": "elsewhere", "boot": "x", "pid": 1, "pid_started": 1, "heartbeat": 10.0}
    quiet, busy = (
        Journal(root, f"p/{name}", t=time.time() - 5).opened(**elsewhere).announce()
        for name in ("quiet", "busy")
    )
    here = running(root, "p/here")
    index.refresh()
    assert looks() == ["p/busy", "p/here", "p/quiet"]
    assert looks() == ["p/here"]  # its process may end at any time
    busy.points([(0, {"loss": 1.0})])
    assert looks() == ["p/busy", "p/here"]
    assert metrics(index, "p/busy")["loss"].last == 1.0
    here.closed()
    os.utime(quiet.layout.events("0001-main"))  # a sign of life
    assert looks() == ["p/here", "p/quiet"]
    assert looks() == []
    Journal(root, "p/brief", t=time.time()).opened(**{**elsewhere, "heartbeat": 0.1}).announce()
    deadline = time.monotonic() + 300
    while "p/brief" not in looks() or experiment(index, "p/brief")["status"] != "failed":
        assert (
            time.monotonic() < deadline
        )  # six signs of life are missing, and nothing else tells of it
        time.sleep(0.05)
    assert looks() == []
    shutil.rmtree(quiet.folder)
    assert looks() == ["p/quiet"]
    assert index.stores.catalog.known(prefixes=["p/quiet"]) == []
    index.stores.catalog.create()
    assert looks() == ["p/brief", "p/busy", "p/here"]


def test_where_comparing_takes_long_what_this_process_writes_is_seen_at_once(root, index, monkeypatch):  # fmt: skip
    elsewhere = {"host": "elsewhere", "boot": "x", "pid": 1, "pid_started": 1, "heartbeat": 10.0}
    journal = Journal(root, "p/run", t=time.time() - 5).opened(**elsewhere).announce()
    journal.points([(0, {"loss": 1.0})])
    monkeypatch.setattr(resting, "_FEW", 0)
    monkeypatch.setattr(resting, "_REST", 1e9)
    monkeypatch.setattr(indexing, "EXPERIMENTS", 0)  # which each look compares, whatever they are
    index.refresh()
    index.refresh()
    journal.points([(1, {"loss": 0.5})])
    index.refresh()
    assert metrics(index, "p/run")["loss"].last == 1.0  # it is compared later
    nudge(str(root), "p/run")
    index.refresh()
    assert metrics(index, "p/run")["loss"].last == 0.5
    for step in (
        2,
        3,
    ):  # nothing else was saved meanwhile, so only what was told of is gone through
        index.refresh()
        journal.points([(step, {"loss": 1.0 / step})])
        nudge(str(root), "p/run")
        index.refresh()
        assert metrics(index, "p/run")["loss"].last == 1.0 / step
    running(root, "p/here").announce()
    Journal(root, "p/brief", t=time.time()).opened(**{**elsewhere, "heartbeat": 0.1}).announce()
    looked: list[str] = []
    drive = indexing.drive
    monkeypatch.setattr(
        indexing, "drive", lambda journals, prefixes, sinks: looked.extend(prefixes) or drive(journals, prefixes, sinks)
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while index.refresh() and experiment(index, "p/brief")["status"] != "failed":
        assert time.monotonic() < deadline  # only the time tells that its writer has vanished
        time.sleep(0.05)
    looked.clear()
    index.refresh()
    index.refresh()
    assert looked == ["p/here"] * 2  # its process may end at any time


def test_a_writer_silent_for_weeks_is_no_longer_visited(root, index):
    journal = Journal(root, "p/run", t=time.time() - 30 * 86400)
    journal.opened(host="elsewhere", boot="x", pid=1, pid_started=1).announce()
    old = time.time() - 20 * 86400
    os.utime(journal.layout.events("0001-main"), (old, old))
    index.refresh()
    assert experiment(index, "p/run")["status"] == "failed"
    assert followed(index) == 0


def test_a_clock_that_jumps_back_confuses_nothing(root, index):
    journal = Journal(root, "p/run", t=NOW).opened(here=True).announce()
    journal.points([(0, {"loss": 1.0})])
    journal.event("params", params={"lr": 1}, t=NOW - 5000)
    journal.event("params", params={"lr": 2}, t=NOW - 4000)
    journal.points([(1, {"loss": 0.5})], t=NOW - 3999)
    journal.closed(t=NOW - 3998)
    index.refresh()
    row = experiment(index, "p/run")
    assert row["status"] == "completed"
    assert row["ended_at"] >= row["started_at"]
    assert params_of(index)["lr"] == 2
    assert metrics(index, "p/run")["loss"].last == 0.5
    index.rebuild()
    assert experiment(index, "p/run") == row


# -- damage -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root that no index has looked at: enough for a catalog of many pages."""
    root = tmp_path_factory.mktemp("many") / "experiments"
    for i in range(60):
        finished(root, f"p/run{i}")
    return root


@pytest.mark.parametrize("damage", ["delete", "truncate", "garbage", "text", "half", "empty"])
@pytest.mark.parametrize("while_open", [True, False])
def test_a_damaged_or_deleted_catalog_comes_back(root, sixty: Path, damage: str, while_open: bool):
    shutil.copytree(sixty, root, symlinks=True)
    stores = open_stores(root)
    Index(stores).refresh()
    if not while_open:
        stores.close()
    path = root / "experiments.db"
    with contextlib.closing(sqlite3.connect(path)) as beside:
        beside.execute("PRAGMA wal_checkpoint")  # what was saved is in the file that is damaged
    data = path.read_bytes()
    assert len(data) >= 10 * 4096
    if damage == "delete":
        for file in root.glob("experiments.db*"):
            file.unlink()
    else:
        path.write_bytes(
            {
                "truncate": data[: len(data) // 2],
                "garbage": os.urandom(len(data)),
                "text": b"hello" * 1000,
                "half": data[:4096] + os.urandom(len(data) - 4096),
                "empty": b"",
            }[damage]
        )
        for file in root.glob("experiments.db-*"):
            file.unlink()
    finished(root, "p/new")
    if not while_open:
        stores = open_stores(root)
    index = Index(stores)
    index.refresh()
    if len(prefixes(index)) != 61:  # the damage lies where a look with little news does not come
        assert damage == "half"
        index.rebuild()
    assert len(prefixes(index)) == 61
    stores.close()


def test_a_broken_line_in_the_middle_is_reported_and_what_follows_counts(root, index):
    journal = running(root, "p/run")
    journal.points([(0, {"loss": 1.0})])
    journal.raw(journal.layout.points("0001-main"), b'{"s":1,"t":2,"m":{"lo\n')
    journal.points([(2, {"loss": 0.5})])
    journal.raw(journal.layout.events("0001-main"), b"garbage\n")
    journal.event("params", params={"lr": 1})
    assert index.refresh().problems == 2
    assert metrics(index, "p/run")["loss"].count == 2
    assert params_of(index)["lr"] == 1
    assert problems(index) == [("journal/0001-main.jsonl", 2), ("metrics/0001-main.jsonl", 2)]


def test_torn_and_zero_filled_tails_wait(root, index):
    journal = running(root, "p/run")
    journal.points([(0, {"loss": 1.0})])
    journal.raw(journal.layout.points("0001-main"), b'{"s":1,"t":2,"m":{"lo')
    index.refresh()
    assert metrics(index, "p/run")["loss"].count == 1
    journal.raw(journal.layout.points("0001-main"), b'ss":0.5}}\n' + b"\0" * 8192)
    index.refresh()
    assert metrics(index, "p/run")["loss"].count == 2
    assert problems(index) == []


def test_a_folder_whose_opening_cannot_be_read_is_known_by_its_document(root, index):
    journal = Journal(root, "p/run")
    journal.raw(journal.layout.events("0001-main"), b"\0" * 200 + b"\n")
    journal.event("params", params={"lr": 1})
    journal.raw(journal.layout.metadata, json.dumps({"experiment_id": journal.id}).encode())
    index.refresh()
    assert experiment(index, "p/run")["experiment_id"] == journal.id
    assert experiment(index, "p/run")["name"] == "run"


def test_an_id_that_would_lead_out_of_the_root_is_no_id(root, index):
    Journal(root, "p/run", "../../escape").opened().closed()
    finished(root, "p/good")
    index.refresh()
    assert prefixes(index) == ["p/good"]


def test_a_segment_replaced_by_a_shorter_one_is_read_again(root, index):
    journal = running(root, "p/run")
    journal.points((i, {"loss": 1.0}) for i in range(20))
    index.refresh()
    path = journal.metrics_path()
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:5]))
    index.refresh()
    assert metrics(index, "p/run")["loss"].count == 5


@pytest.mark.parametrize("file", ["points", "events"])
def test_a_file_replaced_by_another_of_its_size_is_taken_in_again(root, index, file):
    journal = finished(root, "p/run", steps=40)
    index.refresh()
    path = journal.metrics_path()
    old, new = b'"acc":3.9', b'"acc":9.9'
    if file == "events":
        path, old, new = Path(journal.layout.events("0001-main")), b'"lr": 0.1', b'"lr": 0.9'
    data = path.read_bytes()
    assert old in data
    path.with_name("new").write_bytes(data.replace(old, new))
    path.with_name("new").replace(path)
    assert index.refresh().experiments == 1
    assert metrics(index, "p/run")["acc"].count == 40
    if file == "events":
        assert params_of(index)["lr"] == 0.9
    else:
        assert metrics(index, "p/run")["acc"].last == 9.9
    assert index.refresh().experiments == 0


def test_a_sealed_part_replaced_by_another_is_taken_in_again(root, index, tmp_path):
    journal = finished(root, "p/run", steps=40)
    other = Journal(tmp_path / "other", "p/run", journal.id).opened()
    other.points((step, {"loss": -1.0, "acc": step / 10}) for step in range(50)).closed()
    index.seal()
    open_stores(tmp_path / "other").series.flush(
        ExperimentFolder(other.id, str(other.folder)), ["0001-main"], small=True
    )
    index.refresh()
    other.metrics_path(suffix="parquet").replace(journal.metrics_path(suffix="parquet"))
    assert index.refresh().experiments == 1
    loss = metrics(index, "p/run")["loss"]
    assert (loss.count, loss.last, loss.max) == (50, -1.0, -1.0)


def test_the_points_of_a_file_that_is_gone_count_no_more(root, index):
    journal = running(root, "p/run")
    journal.points((i, {"loss": 1.0}) for i in range(20))
    journal.points(((i, {"loss": 2.0}) for i in range(5)), part=2)
    index.refresh()
    journal.metrics_path().unlink()
    index.refresh()
    assert metrics(index, "p/run")["loss"].count == 5


def test_an_unreadable_folder_hinders_no_other_and_is_tried_again(root, index, monkeypatch):
    bad = finished(root, "p/bad")
    finished(root, "p/good")
    read = FolderStorage.read

    def failing(storage: FolderStorage, *args: Any) -> bytes:
        if storage.folder == bad.layout.folder:
            raise OSError(5, "Input/output error", storage.folder)
        return read(storage, *args)

    monkeypatch.setattr(FolderStorage, "read", failing)
    index.refresh()
    assert prefixes(index) == ["p/good"]
    index.refresh()
    assert prefixes(index) == ["p/good"]
    monkeypatch.setattr(FolderStorage, "read", read)
    index.refresh()
    assert prefixes(index) == ["p/bad", "p/good"]


def test_a_crash_before_the_transaction_neither_loses_nor_doubles(root, index, monkeypatch):
    journal = running(root, "p/run")
    journal.points((i, {"loss": float(i)}) for i in range(10))
    index.refresh()
    journal.points((i, {"loss": float(i)}) for i in range(10, 20))
    save = Saving.save

    def crash(*args: Any) -> None:
        save(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Saving, "save", crash)
        with pytest.raises(KeyboardInterrupt):
            index.refresh()
    assert metrics(index, "p/run")["loss"].count == 10
    fresh = Index(open_stores(root))
    fresh.refresh()
    assert metrics(fresh, "p/run")["loss"].count == 20
    assert metrics(fresh, "p/run")["loss"].mean == 9.5
    columns = fresh.stores.series.read(ExperimentFolder(journal.id, str(journal.folder)), ["loss"])
    assert columns.step.tolist() == list(range(20))
    fresh.stores.close()


# -- sealed parts -----------------------------------------------------------------------------------


def test_sealed_points_count_once_before_and_after_a_rebuild(root, index):
    journal = Journal(root, "p/run").opened()
    journal.points(((None, {"loss": float(i)}) for i in range(30)), part=1)
    journal.points(((None, {"loss": float(i)}) for i in range(30, 40)), part=2)
    journal.closed().announce()
    index.refresh()
    before = metrics(index, "p/run")
    sealed = index.seal()
    assert sealed.files == 2
    assert metrics(index, "p/run") == before
    index.rebuild()
    assert metrics(index, "p/run") == before
    assert before["loss"].last_step == 39


@pytest.mark.parametrize("sealed", [1, 2])
def test_sealed_and_live_parts_count_in_the_order_of_the_parts(root, index, sealed: int):
    journal = running(root, "p/run")
    for part in (1, 2):
        journal.points([(None, {"loss": float(part)}), (None, {"loss": part + 0.5})], part=part)
        if part == sealed:
            place = ExperimentFolder(journal.id, str(journal.folder))
            index.stores.series.flush(place, ["0001-main"], small=True)
    if sealed == 2:  # as after a broken line that keeps the first part from being sealed
        journal.metrics_path(suffix="parquet").unlink(missing_ok=True)
        first = [(None, {"loss": 1.0}), (None, {"loss": 1.5})]
        journal.points(first, part=1)
    index.rebuild()
    loss = metrics(index, "p/run")["loss"]
    assert (loss.first, loss.last, loss.last_step, loss.count) == (1.0, 2.5, 3, 4)


def test_a_part_sealed_by_somebody_else_halfway_counts_its_new_points_only(root, index):
    journal = running(root, "p/run")
    journal.points((i, {"loss": float(i)}) for i in range(10))
    index.refresh()
    journal.points((i, {"loss": float(i)}) for i in range(10, 25))
    place = ExperimentFolder(journal.id, str(journal.folder))
    open_stores(root).series.flush(place, ["0001-main"], small=True)
    assert index.refresh().points == 15
    assert metrics(index, "p/run")["loss"].count == 25
    assert index.refresh().points == 0


def test_a_truncated_sealed_part_is_reported_and_the_rest_counts(root, index):
    journal = Journal(root, "p/run").opened()
    journal.points(((i, {"loss": float(i)}) for i in range(30)), part=1)
    journal.points(((i, {"loss": float(i)}) for i in range(30, 40)), part=2)
    journal.closed().announce()
    index.seal()
    path = journal.metrics_path(suffix="parquet")
    path.write_bytes(path.read_bytes()[:-30])
    index.rebuild()
    assert metrics(index, "p/run")["loss"].count == 10
    assert problems(index) == [("metrics/0001-main.parquet", 0)]


def test_a_finished_experiment_with_many_points_is_sealed_by_the_first_look(root, index):
    journal = Journal(root, "p/run").opened()
    journal.points((i, {"loss": float(i)}) for i in range(10_000))
    journal.closed().announce()
    index.refresh()
    assert journal.metrics_path(suffix="parquet").exists()
    assert not journal.metrics_path().exists()
    columns = index.stores.series.read(ExperimentFolder(journal.id, str(journal.folder)), ["loss"])
    assert columns.value.tolist() == [float(i) for i in range(10_000)]


# -- folders that come and go -----------------------------------------------------------------------


def test_a_folder_removed_by_hand_drops_out_at_the_next_look(root, index):
    live, done = running(root, "p/live"), finished(root, "p/done")
    index.refresh()
    shutil.rmtree(live.folder)
    shutil.rmtree(done.folder)
    index.refresh()
    assert prefixes(index) == []
    assert index.adopt("p/done") is None


def test_a_folder_copied_in_is_found_by_the_next_look(root, index, tmp_path):
    other = finished(tmp_path / "elsewhere", "x/run")
    finished(root, "p/run")
    index.refresh()
    shutil.copytree(other.folder, root / "q" / "deeper" / "copied")
    index.refresh()
    assert prefixes(index) == ["p/run", "q/deeper/copied"]
    shutil.copytree(other.folder, root / "p" / "run" / "inside")  # the same id again: a copy
    finished(tmp_path / "elsewhere", "x/child")
    shutil.copytree(
        tmp_path / "elsewhere" / "x" / "child", root / "q" / "deeper" / "copied" / "child"
    )
    index.refresh()
    assert prefixes(index) == ["p/run", "q/deeper/copied", "q/deeper/copied/child"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["big", "big/p", "big/p/run"])
def test_what_lies_behind_a_link_is_found_by_looks_and_by_a_rebuild(
    root, index, tmp_path, when, what
):
    finished(root, "small/run")
    other = finished(tmp_path / "disk", "big/p/run")
    link = root / what
    if when == "after":
        index.refresh()
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / "disk" / what)
    index.refresh()
    assert prefixes(index) == ["big/p/run", "small/run"]
    assert examine(index) == []
    later = finished(root, "big/p/later" if what != "big/p/run" else "small/later")
    index.refresh()
    index.rebuild()
    assert prefixes(index) == sorted(["big/p/run", "small/run", later.prefix])
    shutil.rmtree(other.folder)
    index.refresh()
    assert prefixes(index) == sorted(["small/run", later.prefix])


def test_a_link_to_what_is_in_the_root_anyway_or_around_it_is_not_followed(root, index):
    journal = finished(root, "p/run")
    (root / "again").symlink_to(root / "p")
    (root / "p" / "round").symlink_to(root)
    (root / "p" / "above").symlink_to(root.parent)
    (root / "p" / "nowhere").symlink_to(root / "nothing")
    index.refresh()
    assert prefixes(index) == ["p/run"]
    index.rebuild()
    assert prefixes(index) == ["p/run"]
    assert examine(index) == []
    assert journal.folder.is_dir()


def test_a_moved_folder_keeps_its_id_at_its_new_prefix(root, index):
    journal = finished(root, "p/old")
    index.refresh()
    shutil.move(journal.folder, root / "p" / "new")
    index.refresh()
    assert prefixes(index) == ["p/new"]
    assert experiment(index, "p/new")["experiment_id"] == journal.id
    (root / "p").rename(root / "q")
    index.refresh()
    assert prefixes(index) == ["q/new"]


def test_a_folder_that_another_takes_the_place_of_is_told_by_its_content(root, index, tmp_path):
    journal = finished(root, "p/run")
    other = finished(tmp_path / "elsewhere", "p/run", steps=9)
    index.refresh()
    shutil.rmtree(journal.folder)
    shutil.copytree(other.folder, journal.folder)
    index.refresh()
    assert experiment(index, "p/run")["experiment_id"] == other.id


def test_what_was_written_elsewhere_and_synced_back_is_found_by_the_next_look(
    root, index, tmp_path
):
    journal = finished(root, "p/run")
    index.refresh()
    shutil.copytree(root, tmp_path / "cluster")
    there = Journal(tmp_path / "cluster", "p/run", journal.id, t=journal.t)
    there.opened("0002-main-zzzz").points([(9, {"loss": 0.01})], "0002-main-zzzz")
    there.closed(writer="0002-main-zzzz")
    shutil.copytree(tmp_path / "cluster" / "p", root / "p", dirs_exist_ok=True)
    assert index.refresh().points == 1


def test_a_look_does_a_bounded_amount_of_work_and_comes_round(root, index, tmp_path, monkeypatch):
    monkeypatch.setattr(discovery, "ENTRIES", 10)
    monkeypatch.setattr(indexing, "EXPERIMENTS", 3)
    monkeypatch.setattr(discovery.look_around, "__kwdefaults__", {"entries": 10})
    for number in range(20):
        finished(root, f"project-{number:02}/run")
    index.refresh()
    other = finished(tmp_path / "elsewhere", "x/run")
    shutil.copytree(other.folder, root / "project-17" / "copied")
    shutil.rmtree(root / "project-11")
    statted: list[str] = []
    lstat = os.lstat
    monkeypatch.setattr(os, "lstat", lambda p: statted.append(str(p)) or lstat(p))
    looks = 0
    while prefixes(index) != sorted(
        {f"project-{n:02}/run" for n in range(20) if n != 11} | {"project-17/copied"}
    ):
        looks += 1
        assert looks < 30
        statted.clear()
        index.refresh()
        assert len(statted) < 40
    assert looks > 1


def test_what_is_named_is_looked_at_whatever_was_announced(root, index, tmp_path, monkeypatch):
    monkeypatch.setattr(indexing, "look_around", lambda *_: [])
    monkeypatch.setattr(indexing, "EXPERIMENTS", 0)
    journal = finished(root, "p/run")
    index.refresh()
    other = finished(tmp_path / "elsewhere", "x/run")
    shutil.copytree(other.folder, root / "q" / "copied")
    journal.points([(7, {"loss": 2.0})])
    index.refresh()
    assert prefixes(index) == ["p/run"]
    assert index.look_closer(["p/run"])
    assert not index.look_closer(["p/run"])
    assert index.seek(other.id[:5])
    assert prefixes(index) == ["p/run", "q/copied"]
    shutil.rmtree(root / "q" / "copied")
    assert not index.seek("nothing-of-the-kind")


def test_two_folders_that_swap_places_are_told_apart(root, index):
    one, two = finished(root, "p/one"), finished(root, "p/two")
    index.refresh()
    os.rename(one.folder, root / "aside")
    os.rename(two.folder, one.folder)
    os.rename(root / "aside", two.folder)
    index.touch(["p/one", "p/two"])
    assert experiment(index, "p/one")["experiment_id"] == two.id
    assert experiment(index, "p/two")["experiment_id"] == one.id


def test_two_experiments_in_one_folder_are_two_and_stay_so(root, index, tmp_path):
    """As two roots leave it that were synced into one, in whichever order they are looked at."""
    one = finished(root, "p/run")
    index.refresh()
    other = Journal(tmp_path / "cluster", "p/run", t=one.t + 100).opened("0001-main-zzzz")
    other.event("params", "0001-main-zzzz", params={"lr": 7})
    other.points(((i, {"loss": 7.0}) for i in range(8)), "0001-main-zzzz")
    other.closed("failed", "0001-main-zzzz")
    shutil.copytree(tmp_path / "cluster" / "p", root / "p", dirs_exist_ok=True)
    index.refresh()
    for again in (index.refresh, index.rebuild, index.refresh):
        assert prefixes(index) == ["p/run", "p/run~2"]
        assert [experiment(index, p)["experiment_id"] for p in prefixes(index)] == [
            one.id,
            other.id,
        ]
        counts = [metrics(index, p)["loss"].count for p in prefixes(index)]
        assert counts == [3, 8]
        assert experiment(index, "p/run")["status"] == "completed"
        assert experiment(index, "p/run~2")["status"] == "failed"
        assert params_of(index, "params.lr == 7")["lr"] == 7
        again()
    assert [(f.kind, f.prefix) for f in examine(index)] == [("mixed", "p/run")]
    for journal, prefix in ((one, "p/run"), (other, "p/run~2")):
        place = index.place(journal.id, prefix)
        read = index.stores.series.read(place, ["loss"])
        assert len(read) == metrics(index, prefix)["loss"].count
    index.seal()
    for journal, prefix in ((one, "p/run"), (other, "p/run~2")):
        read = index.stores.series.read(index.place(journal.id, prefix), ["loss"])
        assert len(read) == metrics(index, prefix)["loss"].count
    assert prefixes(index) == ["p/run", "p/run~2"]
    append_event(index.root, one.layout, other.id, "tags", add={"mine": None})
    index.refresh()
    assert "mine" in state(index, "p/run~2").tags
    assert "mine" not in state(index, "p/run").tags


@pytest.mark.parametrize("gone", [0, 1])
def test_one_of_two_experiments_in_a_folder_is_deleted_and_restored_alone(root, index, gone):
    journals = [finished(root, "p/run")]
    other = Journal(root, "p/run", t=journals[0].t + 100).opened("0001-main-zzzz")
    other.points([(0, {"loss": 7.0})], "0001-main-zzzz").closed("failed", "0001-main-zzzz")
    journals.append(other.announce())
    index.refresh()
    doomed, kept = journals[gone].id, journals[1 - gone].id
    Trash(index).delete([doomed])
    assert prefixes(index) == ["p/run"]
    assert experiment(index, "p/run")["experiment_id"] == kept
    Trash(index).restore(doomed, "p/back")
    assert experiment(index, "p/back")["experiment_id"] == doomed
    assert metrics(index, "p/back")["loss"].count == (1 if gone else 3)
    assert examine(index) == []


def test_a_rebuild_shows_an_experiment_where_it_was_opened_and_not_its_copy(root, index):
    journal = Journal(root, "p/run").opened(prefix="p/run").closed().announce()
    shutil.copytree(journal.folder, root / "a" / "copy")
    index.rebuild()
    assert prefixes(index) == ["p/run"]
    assert [(f.kind, f.prefix) for f in examine(index)] == [("copy", "a/copy")]


def test_of_two_folders_with_one_id_the_one_opened_last_is_shown(root, index):
    journal = finished(root, "p/run")
    index.refresh()
    shutil.copytree(journal.folder, root / "a" / "copy")
    index.refresh()
    assert prefixes(index) == ["p/run"]
    copy = Journal(root, "a/copy", journal.id, t=journal.t + 5)
    copy.opened("0002-main-zzzz").closed(writer="0002-main-zzzz").announce()
    index.refresh()
    assert prefixes(index) == ["a/copy"]
    index.rebuild()
    assert prefixes(index) == ["a/copy"]


def test_another_experiment_at_a_known_prefix_takes_its_place(root, index):
    first = finished(root, "p/run")
    index.refresh()
    shutil.rmtree(first.folder)
    second = finished(root, "p/run")
    index.refresh()
    assert experiment(index, "p/run")["experiment_id"] == second.id
    assert len(prefixes(index)) == 1


def test_an_experiment_inside_another_is_one_of_its_own(root, index):
    finished(root, "p/parent")
    finished(root, "p/parent/child")
    index.rebuild()
    assert prefixes(index) == ["p/parent", "p/parent/child"]


# -- several at once --------------------------------------------------------------------------------

_INDEXER = """
import sys
from anew.index import Index
from anew.stores.catalog.relational.saving import Saving
from anew.stores.open import open_stores
for _ in range(int(sys.argv[2])):
    stores = open_stores(sys.argv[1])
    Index(stores).refresh(wait=30)
    stores.close()
"""


def test_several_indexers_at_once_take_in_everything_once(root, index):
    for i in range(60):
        finished(root, f"p/run{i}", steps=20)
    command = [sys.executable, "-W", "error", "-c", _INDEXER, str(root), "3"]
    others = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    live = running(root, "p/live")
    for step in range(30):
        live.points([(step, {"loss": float(step)})])
        index.refresh()
    for other in others:
        _, error = other.communicate(timeout=600)
        assert other.returncode == 0, error.decode()
    index.refresh()
    assert len(prefixes(index)) == 61
    assert metrics(index, "p/live")["loss"].count == 30
    counts = index.stores.catalog.select(ask(columns=["point_count"], now=0.0)).columns[0].values
    assert sorted(counts) == [30] + [40] * 60


def test_a_reader_that_does_not_get_the_lock_shows_what_there_is(root, index, stores):
    finished(root, "p/run")
    index.refresh()
    finished(root, "p/next")
    code = (
        "import sys, time\nfrom anew.journal.lock import locked\n"
        "with locked(sys.argv[1], 5) as mine:\n    print(mine, flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, stores.lock]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as holder:
        assert holder.stdout.readline() == "True\n"
        assert index.refresh(wait=0.05).behind
        assert prefixes(index) == ["p/run"]
        holder.kill()  # the lock goes with the process
    assert not index.refresh().behind
    assert prefixes(index) == ["p/next", "p/run"]


# -- roots that are not ours ------------------------------------------------------------------------

_AS_NOBODY = """
import json, os, shutil, sys, tempfile
from anew.index import Index
from anew.query.question import ask
from anew.stores.open import open_stores
with tempfile.TemporaryDirectory() as copy:  # everything is imported that will be
    warm = open_stores(shutil.copytree(sys.argv[1], os.path.join(copy, "root")))
    Index(warm).refresh()
    warm.catalog.select(ask(columns=["prefix"], now=0.0))
    warm.close()
if os.getuid() == 0:  # whom no permission stops
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
stores = open_stores(sys.argv[1], cache=sys.argv[2] or None)
index = Index(stores)
first, again = index.refresh(), index.refresh()
found = sorted(stores.catalog.select(ask(columns=["prefix"], now=0.0)).columns[0].values)
print(json.dumps([stores.writable, first.experiments, again.experiments, found]))
stores.close()
"""


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that another user may enter: pytest keeps its own to the user, and other suites on the machine use them."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.parametrize("cached", [True, False])
def test_a_root_that_cannot_be_written_is_read_all_the_same(open_to_all: Path, cached):
    root, cache = open_to_all / "experiments", open_to_all / "cache"
    finished(root, "p/run")
    cache.mkdir()
    cache.chmod(0o777)
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o555)
    command = [sys.executable, "-c", _AS_NOBODY, str(root), str(cache) if cached else ""]
    try:
        for looks in ([1, 0], [0, 0] if cached else [1, 0]):
            output = subprocess.check_output(command)
            assert json.loads(output) == [False, *looks, ["p/run"]]
    finally:
        for folder, _, _ in os.walk(root):
            os.chmod(folder, 0o755)
    assert not (root / "experiments.db").exists()


def test_a_root_that_is_not_there_yet_is_empty(tmp_path: Path):
    stores = open_stores(tmp_path / "nothing" / "here")
    index = Index(stores)
    assert index.refresh().experiments == 0
    assert prefixes(index) == []
    finished(tmp_path / "nothing" / "here", "p/run")
    index.refresh()
    assert prefixes(index) == ["p/run"]
    stores.close()


def test_progress_tells_how_far_it_is(root, index):
    for i in range(70):
        finished(root, f"p/run{i:02}")
    told: list[tuple[int, int]] = []
    index.refresh(lambda done, total: told.append((done, total)))
    assert told[-1] == (70, 70)
    assert len(told) > 1
    assert told == sorted(told)


def test_a_part_is_sealed_only_when_registered_sinks_have_passed_it(root, index, monkeypatch):
    monkeypatch.setattr(folder_series, "SEAL_BYTES", 100)
    root.mkdir(exist_ok=True)
    index.journal.append("sink", {"name": "sync", "registered": True, "address": "https://a"})
    journal = finished(root, "p/run", steps=50, t=time.time() - 60)
    index.refresh()
    text = journal.metrics_path()
    assert text.exists()
    taken = {"metrics/0001-main.jsonl": [text.stat().st_size, 50]}
    line = {"k": "forwarded", "t": time.time(), "cursor": taken}
    (journal.folder / "forwarded").mkdir()
    (journal.folder / "forwarded" / "sync.00000000.jsonl").write_text(json.dumps(line) + "\n")
    journal.announce("changed")
    journal.event("tags", add={"x": None})
    index.refresh()
    assert not text.exists()
    assert journal.metrics_path(suffix="parquet").exists()


def test_what_was_sealed_in_a_look_is_known_to_have_been_taken_in(index: Index, monkeypatch):
    monkeypatch.setattr(folder_series, "SEAL_BYTES", 600)
    with Experiment(prefix="p/run", root=index.root.root, quiet=True, system_metrics=0) as exp:
        for step in range(40):
            exp.log_metrics({"loss": 1.0, "acc": 0.5}, step=step)
    index.refresh()
    assert list(Path(index.root.root, "p/run/metrics").glob("*.parquet"))
    assert index.behind(["p/run"]) == []
    assert examine(index) == []
