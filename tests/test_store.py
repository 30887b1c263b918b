"""The store over what the real writer wrote: found, compared, read, changed, deleted."""

from __future__ import annotations

import builtins
import json
import math
import os
import shutil
import threading
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.errors import (
    Ambiguous,
    Conflict,
    InvalidName,
    InvalidSetting,
    InvalidValue,
    MissingDependency,
    NotFound,
    QueryError,
    StillRunning,
)
from anew.query.edits import AppendQuestion
from anew.query.parser import parse
from anew.query.syntax import Compare, Field, Part, Value
from anew.reading.local.opening import open_folder
from anew.record.edits import SinkEdit
from anew.record.status import Status
from anew.testing.encoded import Encoded

from .reading.made import make
from .stores.journals import Journal
from .tracking.reading import segment


@pytest.fixture(params=["folder", "bytes"])
def store(root, request):
    """A store of three experiments: in a folder here, and asked in bytes, as one on another machine is."""
    for number in range(3):
        make(
            root,
            f"alice/vision/run-{number}",
            offset=float(number),
            params={
                "lr": 10.0 ** -(number + 1),
                "same": "x",
                "model": {"depth": 4 + (number == 2)},
            },
            tags={"team": "ml", "old": None} if number == 0 else ["vae"],
        )
    if request.param == "folder":
        with Store(root) as opened:
            assert len(opened) == 3
            yield opened
    else:
        behind = open_folder(str(root))
        with Store(Encoded(behind.backend), upkeep=behind.upkeep) as opened:
            assert len(opened) == 3
            yield opened
        behind.close()


def names(found) -> list[str]:
    return [view.name for view in found]


# -- opening ---------------------------------------------------------------------------------------


def test_looking_at_a_store_that_is_not_there_makes_nothing(tmp_path):
    with Store() as empty:
        assert len(empty) == 0
        assert list(empty.list()) == []
        assert empty.summary().total == 0
    assert os.listdir(tmp_path) == []


def test_a_store_that_comes_to_be_later_is_seen(root):
    with Store() as store:
        assert not store.list()
        make(Path("experiments"), "a/b/c")
        assert names(store.list()) == ["c"]
        assert store["a/b/c"].metrics["val_acc"].to_numpy()[0].tolist() == list(range(10))


def test_a_root_given_by_name_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(NotFound):
        Store(tmp_path / "nowhere")


def test_a_url_of_another_kind_is_refused(tmp_path):
    with pytest.raises(InvalidSetting):
        Store("s3://lab/runs")
    assert len(Store(tmp_path.as_uri())) == 0


def test_a_store_without_experiments_is_true(tmp_path):
    assert Store(tmp_path)


# -- finding ---------------------------------------------------------------------------------------


def test_experiments_come_newest_first_and_by_any_field(store):
    assert names(store.list()) == ["run-2", "run-1", "run-0"]
    assert names(store) == ["run-2", "run-1", "run-0"]
    assert names(store.list(sort="params.lr")) == ["run-2", "run-1", "run-0"]
    assert names(store.list(sort="-metrics.val_acc")) == ["run-2", "run-1", "run-0"]
    assert names(store.list(sort=["params.model.depth", "name"])) == ["run-0", "run-1", "run-2"]


def test_a_program_may_search_with_the_tree_of_an_expression(store):
    text = "params.lr < 0.05 and 'vae' in tags"
    assert names(store.search(parse(text))) == names(store.search(text)) == ["run-2", "run-1"]
    # In a tree that no person wrote, a name that nobody has, or a text where all have numbers, is false.
    for name, value in (("nope", "x"), ("lr", "x")):
        parts = (Part("params", False, 0), Part(name, True, 0))
        field = Field(parts, name, 0, may_be_unknown=True)
        assert not store.search(Compare(field, "==", Value("text", value, value, 0), 0))


def test_arguments_and_filter_are_all_met(store):
    assert names(store.list("params.lr < 0.1", tags="vae")) == ["run-2", "run-1"]
    assert names(store.list(status="completed", name="run-1")) == ["run-1"]
    assert names(store.list(status=[Status.FAILED, "completed"], project="vision")) != []
    assert names(store.list(tags={"team": "ml"})) == ["run-0"]
    assert names(store.list(tags={"team": "other"})) == []
    assert names(store.list(tags={"old": None})) == ["run-0"]
    assert names(store.list(tags=["nobody has it"])) == []
    assert names(store.list(status=[])) == []
    assert names(store.list(user="nobody")) == []
    with pytest.raises(QueryError, match="completed"):
        store.list(status="complete")


def test_a_page_knows_how_many_there_are(store):
    page = store.list(limit=2)
    assert (len(page), page.total, len(page.ids)) == (2, 3, 2)
    rest = store.list(limit=2, offset=2)
    assert (names(rest), rest.total) == (["run-0"], 3)
    beyond = store.list(limit=2, offset=9)
    assert (len(beyond), beyond.total) == (0, 3)
    assert store.search("params.lr < 0.05", limit=1).total == 2
    assert len(store.list(limit=0)) == 0
    with pytest.raises(ValueError):
        store.list(limit=-1)


def test_an_answer_is_a_frozen_sequence(store, root):
    found = store.list()
    make(Path(root), "alice/vision/later")
    assert len(found) == 3
    assert names(found[1:]) == ["run-1", "run-0"]
    assert found[-1].name == "run-0"
    assert found == store.search("name != 'later'")
    with pytest.raises(IndexError):
        found[3]
    with pytest.raises((AttributeError, TypeError)):
        found[0] = None
    assert found.ids[0] in repr(found)


def test_reaching_an_experiment_that_was_deleted_since_says_so(store):
    found = store.list()
    store.delete("run-1")
    with pytest.raises(NotFound):
        found[1]


def test_one_is_named_by_id_start_of_id_prefix_name_or_folder(store):
    view = store["alice/vision/run-1"]
    for ref in (
        view.id,
        view.id[:7],
        "run-1",
        "alice/vision/run-1/",
        view,
    ):
        assert store[ref] == view
        assert ref in store
    assert "nobody" not in store
    assert 3 not in store


def test_one_is_named_by_its_folder_where_there_is_one(root):
    make(root, "a/b/c")
    with Store(root) as store:
        view = store["c"]
        assert view.path == Path(root).absolute() / "a/b/c"
        for ref in (view.path, str(view.path)):
            assert store[ref] == view


def test_a_store_on_another_machine_has_no_folders_and_its_files_are_read_all_the_same(root):
    with Experiment("a/b/c", root=root, quiet=True) as exp:
        exp.files("models").save(b"weights", "net.bin")
    behind = open_folder(str(root))
    with Store(Encoded(behind.backend)) as store:
        view = store["a/b/c"]
        (file,) = view.files
        for path in (lambda: view.path, lambda: file.path):
            with pytest.raises(NotFound):
                path()
        assert file.read_bytes() == b"weights"
        with file.open() as opened:
            assert (opened.seek(-3, os.SEEK_END), opened.read()) == (4, b"hts")
        for upkeep in (store.gc, store.refresh, store.trash):
            with pytest.raises(InvalidSetting):
                upkeep()
    behind.close()


def test_an_unknown_id_names_the_nearest(store):
    view = store["run-1"]
    wrong = view.id[:-1] + ("b" if view.id[-1] != "b" else "c")
    with pytest.raises(NotFound) as caught:
        store[wrong]
    assert caught.value.nearest[0] == view.id
    assert view.id in str(caught.value)
    with pytest.raises(NotFound) as caught:
        store["alice/vison/run-1"]
    assert "alice/vision/run-1" in caught.value.nearest
    with pytest.raises(NotFound):
        store[""]
    with pytest.raises(InvalidValue):
        store[3]  # type: ignore[index]


def test_a_name_or_start_that_several_have_lists_them(root):
    ids = {make(root, "same", steps=1) for _ in range(2)}
    with Store(root) as store:
        with pytest.raises(Ambiguous) as caught:
            store["same"]
        assert set(caught.value.candidates) == ids
        assert "same" in store
        for view in store:
            assert store[view.id].prefix == view.prefix


def test_an_experiment_being_written_can_be_named_by_itself(root):
    with Experiment("a/b/c", root=root, quiet=True) as exp, Store(root) as store:
        assert store.get(exp).id == exp.id  # type: ignore[arg-type]
        assert store[exp.id].status is Status.RUNNING


# -- asking about several --------------------------------------------------------------------------


def test_a_comparison_has_facts_values_and_only_the_parameters_that_differ(store):
    a, b = store["run-0"], store["run-2"]
    found = store.compare(["run-0", b, a.id], metrics=["val_acc", "train/loss"])
    assert [one["id"] for one in found.experiments] == [a.id, b.id]
    assert set(found.experiments[0]) == {"id", "name", "prefix", "status", "duration", "created_at"}
    assert found.modes == {"val_acc": "max", "train/loss": "min"}
    assert found.metrics["val_acc"][a.id] == {
        "best": 0.9, "best_step": 9, "latest": 0.9, "first": 0.0, "count": 10,
    }  # fmt: skip
    assert found.params == {"lr": {a.id: 0.1, b.id: 0.001}, "model.depth": {a.id: 4, b.id: 5}}
    frame = found.to_pandas()
    assert frame.columns.tolist() == [
        "experiment_id", "name", "status", "created_at", "val_acc", "train/loss", "params.lr",
        "params.model.depth",
    ]  # fmt: skip
    assert json.dumps(found.to_dict())
    assert set(store.compare([a, b]).metrics) == {"train/loss", "val_acc"}


def test_parameters_differ_by_type_and_presence_too(root):
    make(root, "p/a", params={"x": 1, "y": True, "nan": math.nan, "only": None})
    make(root, "p/b", params={"x": 1.0, "y": 1, "nan": math.nan})
    with Store(root) as store:
        assert set(store.compare(["p/a", "p/b"]).params) == {"x", "y", "only"}


def test_the_best_goes_by_the_name_of_the_metric_unless_told(store):
    assert [b.experiment.name for b in store.best("val_acc")] == ["run-2", "run-1", "run-0"]
    assert [b.experiment.name for b in store.best("train/loss")] == ["run-0", "run-1", "run-2"]
    best = store.best("train/loss", mode="max", limit=1)[0]
    assert (best.experiment.name, best.value, best.step, best.mode) == ("run-2", 3.0, 0, "max")
    assert [b.experiment.name for b in store.best("val_acc", filter="params.lr > 0.05")] == [
        "run-0"
    ]
    assert [b.experiment.name for b in store.best("val_acc", tags="vae", limit=1)] == ["run-2"]
    assert store.best("val_acc", status="failed") == []
    with pytest.raises(NotFound, match="val_acc"):
        store.best("valacc")
    with pytest.raises(InvalidValue):
        store.best("val_acc", mode="most")  # type: ignore[arg-type]


def test_the_best_passes_over_nan_and_over_those_who_have_nothing_else(root):
    for name, values in {"a": [math.nan], "b": [math.nan, 2.0], "c": [3.0, math.nan]}.items():
        with Experiment(f"x/{name}", root=root, quiet=True) as exp:
            for value in values:
                exp.log_metric("loss", value)
    with Store(root) as store:
        assert [(b.experiment.name, b.value, b.step) for b in store.best("loss")] == [
            ("b", 2.0, 1),
            ("c", 3.0, 0),
        ]


def test_a_summary_counts_what_there_is(store):
    found = store.summary()
    assert (found.total, found.names, found.projects, found.owners) == (3, 3, ["vision"], ["alice"])
    assert found.by_status["completed"] == 3
    assert set(found.by_status) == {s.value for s in Status}
    assert (found.points, found.metrics_logged, found.metric_names) == (60, 60, 2)


def test_where_two_experiments_part(store, root):
    make(root, "alice/vision/again", offset=0.0, steps=12)
    assert store.first_difference("run-0", "run-0") == []
    found = {one.metric: one for one in store.first_difference("run-0", "again")}
    assert {one.kind for one in found.values()} == {"length"}
    assert (found["val_acc"].step, found["val_acc"].a, found["val_acc"].b) == (10, None, 1.0)
    first = store.first_difference("run-0", "run-1", "val_acc")
    assert [(d.kind, d.step, d.row, d.a, d.b, d.count_a) for d in first] == [
        ("value", 0, 0, 0.0, 1.0, 10)
    ]
    assert store.first_difference("run-0", "run-1", "val_acc", atol=1.0) == []
    with Experiment("alice/vision/other", root=root, quiet=True) as exp:
        exp.log_metric("val_acc", 0.0, step=0)
    missing = [d for d in store.first_difference("run-0", "other") if d.kind == "missing"]
    assert [(d.metric, d.count_a, d.count_b) for d in missing] == [("train/loss", 10, 0)]
    with pytest.raises(ValueError, match="rtol"):
        store.first_difference("run-0", "run-1", rtol=-1)
    with pytest.raises(NotFound):
        store.first_difference("run-0", "run-1", "nope")


# -- changing --------------------------------------------------------------------------------------


def test_tags_notes_description_and_name_are_changed_and_kept_in_the_journal(store, root):
    view = store.tag("run-0", add=["new", "b"], remove="old")
    assert view.tags == {"team": "ml", "new": None, "b": None}
    assert store.tag(view, add={"team": "vision"}).tags["team"] == "vision"
    assert store.note(view, "line one\nline two").notes == "line one\nline two"
    assert store.describe(view, "better").description == "better"
    assert store.set_params(view, {"a.b": 1}).params["a"]["b"] == 1
    assert store.rename(view, "renamed").name == "renamed"
    store.rebuild()
    again = store["renamed"]
    assert (again.id, again.notes, again.description) == (view.id, "line one\nline two", "better")
    assert again.prefix == "alice/vision/run-0"
    assert store.note(again, None).notes is None
    with pytest.raises(InvalidName):
        store.tag(view, add="")
    with pytest.raises(InvalidName):
        store.rename(view, "a\0b")


def test_a_store_that_does_not_refresh_sees_nothing_new_but_its_own_changes(store, root):
    with Store(root, refresh=False) as still:
        make(root, "alice/vision/later")
        assert len(still) == 3
        assert still.tag("run-0", add="mine").tags.keys() >= {"mine"}
        still.refresh()
        assert len(still) == 4


def test_deleting_and_restoring(store):
    view = store["run-1"]
    done = store.delete(["run-1", view, "run-2"])
    assert (done.count, done.freed) == (2, False)
    assert done.bytes > 0
    assert names(store.list()) == ["run-0"]
    assert {one.prefix for one in store.trash()} == {"alice/vision/run-1", "alice/vision/run-2"}
    assert store.restore(view.id[:5]).name == "run-1"
    assert names(store.list()) == ["run-1", "run-0"]
    with pytest.raises(NotFound, match="trash"):
        store.restore("run-1")
    assert store.gc(dry_run=True) > 0
    assert store.gc(older_than="1d") == 0
    assert store.gc() > 0
    assert store.trash() == []
    with pytest.raises(InvalidValue):
        store.gc(older_than="soon")


def test_what_is_restored_may_be_named_by_prefix_or_name_and_go_elsewhere(store, root):
    old = store["run-1"].id
    store.delete("run-1")
    new = make(root, "alice/vision/run-1")
    with pytest.raises(InvalidName, match="another"):
        store.restore("alice/vision/run-1")
    assert store.restore("alice/vision/run-1", prefix="alice/vision/kept").id == old
    store.delete([old, new])
    with pytest.raises(Ambiguous):
        store.restore("run-1")


def test_deleting_one_that_is_written_or_unknown_deletes_none(store, root):
    with Experiment("alice/vision/live", root=root, quiet=True):
        with pytest.raises(StillRunning):
            store.delete(["run-0", "live"])
        with pytest.raises(NotFound):
            store.delete(["run-0", "nobody"])
        assert len(store) == 4
    assert store["run-0"].delete(permanently=True).freed
    assert store.trash() == []


def test_space_is_told_by_kind_and_experiment(store):
    usage = store.du()
    assert usage.total == sum(usage.by_kind.values())
    assert {"points", "journal", "index"} <= set(usage.by_kind)
    assert set(usage.by_experiment) == {view.id for view in store}
    one = store.du("run-0")
    assert one.total == one.by_experiment[store["run-0"].id] < usage.total


def test_the_doctor_names_broken_lines(store, root):
    assert store.doctor() == []
    view = store["run-0"]
    path = segment(Path(root).absolute() / view.prefix)
    lines = path.read_bytes().splitlines(keepends=True)
    broken = b"{broken".ljust(len(lines[3]) - 1) + b"\n"  # as long: a shorter file has lost its end
    path.write_bytes(b"".join([*lines[:3], broken, *lines[4:]]))
    (found,) = store.doctor()
    assert (found.kind, found.experiment_id, found.line, found.path) == (
        "broken line",
        view.id,
        4,
        str(path),
    )


def test_sealing_changes_no_value(store, root):
    before = store.history(["run-0", "run-1"]).to_pandas()
    assert store.seal() == 3
    assert not list(Path(root).glob("**/metrics/*.jsonl"))
    assert store.history(["run-0", "run-1"]).to_pandas().equals(before)


def test_sealing_waits_for_a_sink_from_its_registration_to_its_end(store):
    store.backend.append(AppendQuestion((SinkEdit(name="push", address="https://server"),)))
    assert store.seal() == 0
    store.backend.append(AppendQuestion((SinkEdit(name="push", registered=False),)))
    assert store.seal() == 3


@pytest.mark.parametrize("damage", ["deleted", "garbage", "truncated"])
def test_a_catalog_that_is_deleted_or_damaged_comes_back(store, root, damage):
    path = Path(root) / "experiments.db"
    for wal in path.parent.glob("experiments.db-*"):
        wal.unlink()
    if damage == "deleted":
        path.unlink()
    elif damage == "garbage":
        path.write_bytes(b"not a database" * 1000)
    else:
        path.write_bytes(path.read_bytes()[:5000])
    assert len(store) == 3
    with Store(root, refresh=False) as other:
        assert names(other.search("params.lr < 0.05")) == ["run-2", "run-1"]


def test_many_threads_may_ask_one_store(store, root):
    errors: builtins.list[BaseException] = []

    def ask(number: int) -> None:
        try:
            for _ in range(5):
                assert store.search("metrics.val_acc > 0", limit=2).total == 3
                store.history("run-0", "val_acc")
                store.tag("run-0", add=f"t{number}")
        except BaseException as error:  # noqa: BLE001  (told by the main thread)
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {f"t{n}" for n in range(4)} <= set(store["run-0"].tags)


# -- frames ----------------------------------------------------------------------------------------


def test_experiments_become_frames(store):
    found = store.list(sort="created_at")
    table = found.to_arrow()
    assert table["name"].to_pylist() == ["run-0", "run-1", "run-2"]
    assert table["params.model.depth"].to_pylist() == [4, 4, 5]
    assert table["metrics.val_acc"].to_pylist() == [0.9, 1.9, 2.9]
    assert json.loads(table["tags"][0].as_py()) == {"team": "ml", "old": None}
    assert found.to_pandas()["params.lr"].tolist() == [0.1, 0.01, 0.001]
    assert found.to_polars()["status"].to_list() == ["completed"] * 3
    assert store.search("name == 'x'").to_pandas().shape[0] == 0


def test_parameters_of_mixed_kinds_become_numbers_or_texts(root):
    for number, value in enumerate([1, 2.5, math.inf]):
        make(root, f"n/{number}", params={"x": value})
    for number, value in enumerate([1, "a", None, [1, {"b": 2}], True]):
        make(root, f"m/{number}", params={"y": value, "nan": math.nan})
    with Store(root) as store:
        table = store.list(sort="created_at").to_arrow()
        assert table["params.x"].to_pylist()[:3] == [1.0, 2.5, math.inf]
        assert table["params.y"].to_pylist()[3:] == ["1", "a", None, '[1, {"b": 2}]', "true"]
        assert math.isnan(table["params.nan"].to_pylist()[3])


def test_a_frame_of_a_package_that_is_missing_says_how_to_get_it(store, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingDependency):
        store.list().to_polars()
    with pytest.raises(ImportError):
        store.history("run-0").to_polars()


@pytest.mark.parametrize(
    "metric",
    [
        'it\'s "x"',
        "a\\b",
        "loss.min",
        "é/ü",
        "a,b",
        "[x]",
        "`q`",
        "and",
        "1e5",
        "x y",
        "-x",
        "metrics",
    ],
)
def test_any_metric_name_can_be_asked_for(root, metric):
    for number in (1.0, 2.0):
        with Experiment(f"x/{number}", root=root, quiet=True) as exp:
            exp.log_metrics({metric: number, "loss": 0.0, metric + ".min": 5.0})
    with Store(root) as store:
        assert [b.value for b in store.best(metric, mode="max")] == [2.0, 1.0]
        assert [s.metric for s in store.history("x/1.0", metric)] == [metric]
        quoted = metric.replace("\\", "\\\\").replace("'", "\\'")
        assert len(store.search(f"metrics['{quoted}'] > 1", sort=[f"metrics['{quoted}'].min"])) == 1
        assert metric in store.list().to_pandas().columns[-4:].str.removeprefix("metrics.").tolist()


def test_half_a_character_in_a_name_is_in_no_store(store):
    with pytest.raises(NotFound):
        store["\ud800"]


def test_the_start_of_an_id_that_several_share_lists_them_and_a_longer_one_is_enough(root):
    for experiment_id in ("kaaab2", "kaaac3", "kb2"):
        Journal(root, f"x/{experiment_id}", experiment_id).opened().closed().announce()
    with Store(root) as store:
        with pytest.raises(Ambiguous) as caught:
            store["kaaa"]
        assert caught.value.candidates == ("kaaab2", "kaaac3")
        assert "x/kaaab2" in str(caught.value)
        assert store["kaaac"].id == "kaaac3"
        assert store["kb"].id == "kb2"
        with pytest.raises(NotFound):
            store["k%"]


def test_a_fact_may_be_captured_afterwards_and_the_newest_one_counts(root: Path):
    with Experiment("a/b/c", root=root, console="off", system_metrics=0, quiet=True) as exp:
        exp.capture("review", {"by": "nobody"})
    store = Store(root)
    view = store.capture(exp.id, "review", {"by": "bob", "api_key": "sk-abcdefghijklmnop"})
    assert view.captured["review"] == {"by": "bob", "api_key": "***"}
    store.rebuild()
    assert store.get(exp.id).captured["review"]["by"] == "bob"
    with pytest.raises(InvalidName):
        store.capture(exp.id, "", {})


def test_documents_versions_and_aliases_are_kept_by_the_store_and_outlive_what_is_derived(root):
    root.mkdir()
    with Store(root) as store:
        store.set_document("group", "vision", {"tags": {"team": "ml"}}, scope="project/vision")
        number = store.claim_version("artifact", "model", first=0)
        store.set_version("artifact", "model", number, "some-id", digest="abc")
        store.set_alias("artifact", "model", "production", number, why="it is good")
    for name in os.listdir(root / ".anew"):
        if name not in ("root", "trash", "shared"):
            path = root / ".anew" / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (root / "experiments.db").unlink(missing_ok=True)
    with Store(root) as store:
        assert store.document("group", "vision", scope="project/vision").body == {
            "tags": {"team": "ml"}
        }
        assert [d.name for d in store.documents("group")] == ["vision"]
        assert [(v.number, v.target) for v in store.versions("artifact", "model")] == [
            (0, "some-id")
        ]
        assert [(a.alias, a.number) for a in store.aliases("artifact")] == [("production", 0)]


def test_a_document_written_before_the_first_experiment_makes_the_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Store() as store:
        store.set_document("view", "a", {})
        assert [d.name for d in store.documents()] == ["a"]
        assert len(store) == 0


def test_a_document_that_was_changed_meanwhile_is_not_overwritten_unseen(tmp_path: Path):
    with Experiment("a/b", root=tmp_path, quiet=True, system_metrics=0):
        pass
    with Store(tmp_path) as store:
        first = store.set_document("view", "mine", {"width": 1}, expect=True)
        assert first is not None
        store.set_document("view", "mine", {"width": 2}, after=first, expect=True)
        for stale in (first, None):
            with pytest.raises(Conflict):
                store.set_document("view", "mine", {"width": 3}, after=stale, expect=True)
        assert store.document("view", "mine").body == {"width": 2}
        moved = store.move("a/b", "c/d")
        assert store["c/d"].id == moved.id


def test_everybody_finds_the_same_store_from_below_it(tmp_path, monkeypatch, capfd):
    monkeypatch.delenv("ANEW_ROOT", raising=False)
    project, below = tmp_path / "project", tmp_path / "project" / "src" / "models"
    below.mkdir(parents=True)
    options = {"console": "off", "system_metrics": 0}
    monkeypatch.chdir(project)
    with Experiment("a/b/first", quiet=True, **options):
        pass
    monkeypatch.chdir(below)
    with Experiment("a/b/second", quiet=False, **options) as exp:
        pass
    first_lines = capfd.readouterr()
    assert str(project / "experiments") in first_lines.out + first_lines.err
    with Store() as store:
        assert {one.prefix for one in store.list()} == {"a/b/first", "a/b/second"}
    from click.testing import CliRunner

    from anew.cli.main import cli

    assert CliRunner().invoke(cli, ["list", "-q"]).output.split() == [exp.id, store["a/b/first"].id]
    assert not (below / "experiments").exists()
