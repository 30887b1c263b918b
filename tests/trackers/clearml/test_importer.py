"""What ClearML wrote offline is read by ClearML and by us, and is the same."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import time
import zipfile
from pathlib import Path

import pytest

from anew import Store
from anew.trackers.clearml.importer.container import sessions_at
from anew.trackers.clearml.importer.params import parameters
from anew.trackers.importers import kind_of
from anew.values import load
from tests.trackers.conftest import REAL
from tests.trackers.environments import Made, environment
from tests.trackers.holding import bring, contents, same


@pytest.fixture(scope="module", params=REAL)
def made(request: pytest.FixtureRequest, store_of) -> Made:
    made = store_of("clearml", request.param)
    for path in made.folder.rglob("*"):  # long ago: all of them have ended
        os.utime(path, (1_790_000_000, 1_790_000_000))
    return made


@pytest.fixture(scope="module")
def imported(made, tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("root")
    before = contents(made.folder)
    found = bring(made.folder, root)
    assert found.is_whole, found
    assert {run.state for run in bring(made.folder, root).runs} == {"same"}
    assert contents(made.folder) == before
    with Store(root) as store:
        yield store


def _scalars(answers):
    found = {}
    for event in answers["events"]:
        if event["type"] == "training_stats_scalar":
            title, series = event["metric"], event["variant"]
            name = title if title == series else f"{title}/{series}"
            found.setdefault(name, []).append(
                (event["iter"], event["timestamp"] / 1000, event["value"])
            )
    return found


def _holds(view, answers):
    theirs = _scalars(answers)
    assert set(view.metrics) == set(theirs)
    for name, points in theirs.items():
        read = view.metrics[name].read(order="written")
        assert read.times.tolist() == [at for _, at, _ in points]
        assert same(read.values.tolist(), [value for *_, value in points])
        if name != "Summary/best":  # which has no step
            assert read.steps.tolist() == [step for step, *_ in points]


def test_what_the_tracker_s_own_import_reports_is_ours(made, imported):
    views = {view.captured["imported"]["key"]: view for view in imported.list()}
    assert {one["task"]["id"] for one in made.answers.values()} == set(views)
    for answers in made.answers.values():
        _holds(views[answers["task"]["id"]], answers)
    assert {view.prefix for view in views.values()} == {
        f"vision lab/net ü/{name}" for name in ("all of it", "first", "killed")
    }


def test_parameters_have_their_types_and_what_else_was_reported_comes_along(imported):
    (view,) = [one for one in imported.list() if one.name == "all of it"]
    assert view.params == {
        "lr": 1e-05, "layers": [1, 2, {"size": 3}], "deep": {"flag": True, "none": None, "text": "x"}, "ü": "é", "Other": {"count": 7},
    }  # fmt: skip
    assert view.tags == {"a tag": None, "b": None, "later": None, "owner": "me", "stage": "3"}
    assert (view.notes, view.status) == ("a *note*", "completed")
    values = sorted((one.name, one.kind, one.step) for one in view.values())
    assert values == [
        ("confusion/m", "figure", 3), ("picture/black", "image", 1), ("sound/short", "audio", 4), ("table/rows", "table", 3), ("weights/layer", "figure", 2),
    ]  # fmt: skip
    (table,) = [one for one in view.values() if one.kind == "table"]
    loaded = load("table", table.data, table.path and str(table.path))
    assert (loaded.columns, loaded.rows) == (["a", "b"], [[1, "x"], [2, "y"]])
    files = {(one.prefix, one.name): one for one in view.files}
    assert Path(files["artifacts/file ü", "model.bin"].path).read_bytes() == b"m" * 1000
    assert json.loads(Path(files["artifacts/numbers", "numbers.json"].path).read_bytes()) == {
        "a": [1, 2]
    }
    assert files["artifacts/numbers", "numbers.json"].metadata["display_data"] == [["k", "v"]]
    assert ("artifacts/frame", "frame.csv.gz") in files
    assert any("first line\nsecond line" in line.message for line in view.logs())
    assert "optimizer" in view.captured["imported"]["kept"]["configuration"]["the config"]["value"]


def test_sessions_are_recognised_as_folders_and_as_zip_files(made, tmp_path):
    assert len(sessions_at(str(made.folder))) == 4
    for path in (made.folder, made.folder / "killed", next(made.folder.glob("*.zip"))):
        assert kind_of(str(path)) == "clearml"
    (tmp_path / "task.json").write_text('{"id": 3}')
    with pytest.raises(ValueError):
        kind_of(str(tmp_path))


def test_a_session_that_is_written_is_followed(made, tmp_path):
    folder = tmp_path / "session"
    shutil.copytree(made.folder / "killed", folder)
    events = folder / "metrics.jsonl"
    whole = events.read_text()
    (last,) = json.loads(whole.splitlines()[-1])[-1:]
    for at in (1, 2, 3):
        last |= {"iter": 100 + at, "timestamp": last["timestamp"] + 1000}
        whole += json.dumps([last]) + "\n"
        events.write_text(whole + '[{"type": "training_stats_sc')  # the next is being written
        found = bring(folder, tmp_path / "root")
        assert found.is_whole, found
        assert [run.state for run in found.runs] == ["new" if at == 1 else "grown"]
        with Store(tmp_path / "root") as store:
            (view,) = store.list()
            assert view.status == "running"
            assert view.metrics["loss"].count == 20 + at
    events.write_text(whole)
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 5000,) * 2)
    assert bring(folder, tmp_path / "root").is_whole
    with Store(tmp_path / "root") as store:
        assert [view.status for view in store.list()] == ["completed"]


def test_damage_is_named_and_the_rest_is_read(made, tmp_path):
    shutil.copytree(made.folder / "as a folder", tmp_path / "store" / "a")
    events = tmp_path / "store" / "a" / "metrics.jsonl"
    events.write_text(
        "[{]\n" + events.read_text().replace('"value": 1e-300', '"value": "no number"')
    )
    (artifact,) = (tmp_path / "store" / "a").rglob("model.bin")
    artifact.write_bytes(b"m")
    next((tmp_path / "store" / "a").rglob("numbers.json")).unlink()
    data = bytearray(next(made.folder.glob("*.zip")).read_bytes())
    data[len(data) // 3 : len(data) // 2] = b"\0" * (len(data) // 2 - len(data) // 3)
    (tmp_path / "store" / "b.zip").write_bytes(data)
    (tmp_path / "store" / "c.zip").write_bytes(data[: len(data) // 2])
    found = bring(tmp_path / "store", tmp_path / "root")
    assert not found.is_whole
    lost = [one for one in found.findings if one.lost]
    assert len([one for one in lost if "a: " in one.where or "all of it" in one.where]) >= 4
    with Store(tmp_path / "root") as store:
        (view,) = [
            one
            for one in store.list()
            if one.captured["imported"]["key"]
            in (tmp_path / "store" / "a" / "task.json").read_text()
        ]
        assert view.metrics["loss/train"].count == 9


class _Harm:
    def __reduce__(self):
        return (os.system, ("touch harmed",))


def test_hostile_sessions_harm_nothing(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.png").write_text("nobody's matter")
    folder = tmp_path / "session"
    shutil.copytree(made.folder / "as a folder", folder)
    task = json.loads((folder / "task.json").read_text())
    (folder / "data" / "evil.pkl").write_bytes(pickle.dumps(_Harm()))
    (folder / "data" / "link.png").symlink_to(tmp_path / "secret.png")
    uris = [
        "data/evil.pkl",
        "../secret.png",
        str(tmp_path / "secret.png"),
        "data/link.png",
        "data/../../secret.png",
    ]
    task["execution"]["artifacts"] = [
        {"key": f"../../{at}", "uri": uri} for at, uri in enumerate(uris)
    ]
    task["hyperparams"]["General"]["evil"] = {
        "type": "list",
        "value": "__import__('os').system('touch harmed')",
    }
    task["hyperparams"]["General"]["deep"] = {"type": "list", "value": "[" * 50_000}
    (folder / "task.json").write_text(json.dumps(task))
    found = bring(folder, tmp_path / "root")
    assert len([one for one in found.findings if one.lost]) >= 4
    assert not (tmp_path / "harmed").exists()
    assert b"nobody's matter" not in b"".join(
        data or b"" for data in contents(tmp_path / "root").values()
    )
    with Store(tmp_path / "root") as store:
        (view,) = store.list()
        assert view.params["evil"] == "__import__('os').system('touch harmed')"
        assert "evil.pkl" in {one.name for one in view.files}


def test_a_zip_file_that_unpacks_to_far_more_is_refused(made, tmp_path, monkeypatch):
    monkeypatch.setattr("anew.importing.foreign._FREE", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((made.folder / "killed").rglob("*")):
            archive.write(path, path.relative_to(made.folder / "killed"))
        archive.writestr("data/bomb.bin", bytes(8 << 20))
        archive.writestr("../../outside.txt", "x")
    found = bring(tmp_path / "bomb.zip", tmp_path / "root")
    assert not found.is_whole
    assert not (tmp_path.parent / "outside.txt").exists()


def test_parameters_that_are_not_of_their_type_stay_texts():
    section = {
        "a": {"type": "int", "value": "7"}, "b": {"type": "int", "value": "seven"}, "c": {"type": "float", "value": "nan"}, "d/e": {"type": "tuple", "value": "(1, 'x')"},
        "f": {"type": "str", "value": ""}, "g": {"value": ""}, "h": {"type": "bool", "value": "maybe"}, "i": "no item",
    }  # fmt: skip
    found = parameters(
        {
            "hyperparams": {
                "General": section,
                "Args": {"lr": {"type": "float", "value": "1e-3"}},
                "bad": 3,
            }
        }
    )
    assert repr(found.pop("c")) == "nan"
    assert found == {
        "a": 7,
        "b": "seven",
        "d": {"e": [1, "x"]},
        "f": "",
        "g": None,
        "h": "maybe",
        "Args": {"lr": 0.001},
    }
    assert parameters({"hyperparams": None}) == {}


@pytest.mark.slow
def test_a_hundred_thousand_points_are_read_as_clearml_reads_them(tmp_path):
    answers = environment("clearml").run(
        Path(__file__).with_name("making.py"), tmp_path / "store", "100000"
    )
    found = bring(tmp_path / "store", tmp_path / "root")
    assert (found.is_whole, found.counts["points"]) == (True, 100_000)
    with Store(tmp_path / "root") as store:
        (view,) = store.list()
        _holds(view, next(iter(answers.values())))
