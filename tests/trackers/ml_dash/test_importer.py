"""What ml-dash records to folders is read without ml-dash, and is what the program logged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from anew import Store
from anew.importing.importer import bring_in
from anew.trackers.importers import kind_of, open_source

from ..environments import environment

CREATED = "2023-11-14T22:13:20.000000Z"
NAN = float("nan")


def put(base: Path, prefix: str, rows: list[dict[str, Any]], **said: Any) -> Path:
    """The folder of an experiment, as ml-dash leaves it."""
    folder = base / ".dash" / prefix
    for name in ("metrics/train", "logs", "files/models/77", "tracks/robot_pos"):
        (folder / name).mkdir(parents=True)
    about = {
        "name": "x",
        "prefix": prefix,
        "tags": ["a", "b c"],
        "description": "a note",
        "created_at": CREATED,
        "write_protected": False,
        **said,
    }
    (folder / "experiment.json").write_text(json.dumps(about))
    (folder / "parameters.json").write_text(
        json.dumps({"version": 1, "data": {"lr": 0.1, "deep.on": True}})
    )
    lines = [
        json.dumps({"index": at, "data": row, "createdAt": CREATED}) + "\n"
        for at, row in enumerate(rows)
    ]
    (folder / "metrics/train/data.jsonl").write_text("".join(lines))
    (folder / "metrics/train/metadata.json").write_text(
        json.dumps({"name": "train", "description": "the loss"})
    )
    (folder / "tracks/robot_pos/data.jsonl").write_text(
        '{"timestamp": 1.5, "q": [1, 2], "z": 0.5}\n'
    )
    (folder / "tracks/robot_pos/metadata.json").write_text(
        json.dumps({"topic": "robot/pos", "createdAt": CREATED})
    )
    (folder / "logs/logs.jsonl").write_text(
        json.dumps({"timestamp": CREATED, "level": "warn", "message": "hot", "metadata": {"at": 1}})
        + "\n"
    )
    (folder / "files/models/77/a ü.txt").write_text("hello")
    listed = [
        {"id": "77", "path": "/models", "filename": "a ü.txt", "deletedAt": None},
        {"id": "78", "path": "", "filename": "gone", "deletedAt": CREATED},
    ]
    (folder / "files/.files_metadata.json").write_text(json.dumps({"files": listed}))
    for path in folder.rglob("*"):
        os.utime(path, (1_700_000_100, 1_700_000_100))
    return folder


def points_of(root: Path, prefix: str) -> dict[str, list[list[Any]]]:
    with Store(root) as store:
        found = {}
        for name, one in store[prefix].metrics.items():
            series = one.read(order="written")
            rows = zip(
                series.steps.tolist(), series.times.tolist(), series.values.tolist(), strict=True
            )
            found[name] = [[step, at, repr(value)] for step, at, value in rows]
        return found


def test_an_experiment_comes_with_everything(tmp_path):
    rows = [
        {"loss": 0.5, "odd": NAN, "step": 3, "_ts": 1700000001.5},
        {"loss": float("inf"), "text": "t", "step": 1},
        {"odd": NAN, "step": 1},
    ]
    folder = put(tmp_path, "alice/vision/net ü/run 1", rows)
    assert (
        kind_of(str(tmp_path))
        == kind_of(str(folder))
        == kind_of(str(tmp_path / ".dash" / "alice"))
        == "ml-dash"
    )
    root = tmp_path / "root"
    imported = bring_in(open_source(str(tmp_path)), str(root))
    assert imported.is_whole, imported
    found = points_of(root, "alice/vision/net ü/run 1")
    assert found["train/loss"] == [[3, 1700000001.5, "0.5"], [1, 1700000000.0, "inf"]]
    assert [row[2] for row in found["train/odd"]] == ["nan", "nan"]
    assert [row[2] for row in found["robot/pos/z"]] == ["0.5"]
    with Store(root) as store:
        view = store["alice/vision/net ü/run 1"]
        assert (view.params, set(view.tags), view.description) == (
            {"lr": 0.1, "deep": {"on": True}},
            {"a", "b c"},
            "a note",
        )
        assert (view.status, view.user, view.started_at) == ("completed", "alice", 1700000000.0)
        assert [(line.level, line.message) for line in view.logs()] == [("warning", "hot")]
        assert [file.name for file in view.files] == ["a ü.txt"]
    again = bring_in(open_source(str(folder)), str(root))
    assert [one.state for one in again.runs] == ["same"]


def test_damage_and_names_that_lead_out_are_named_and_the_rest_comes(tmp_path):
    (tmp_path / "secret").write_text("secret")
    folder = put(tmp_path, "alice/x", [{"loss": 0.5, "step": 0}])
    with (folder / "metrics/train/data.jsonl").open("a") as file:
        file.write('nonsense\n[1]\n{"index": 2, "data": {"loss": 0.2')
    listed = [
        {"id": "..", "path": "../../../..", "filename": "secret"},
        {"id": "/etc", "path": "", "filename": "passwd"},
    ]
    (folder / "files/.files_metadata.json").write_text(json.dumps({"files": listed}))
    (folder / "parameters.json").unlink()
    (folder / "parameters.json").symlink_to(tmp_path / "secret")
    put(tmp_path, "alice/y", [])
    (tmp_path / ".dash/alice/y/experiment.json").write_text('{"prefix"')
    imported = bring_in(open_source(str(tmp_path)), str(tmp_path / "root"))
    assert len([one for one in imported.findings if one.lost]) >= 6
    with Store(tmp_path / "root") as store:
        (view,) = store.list()
        assert (view.metrics["train/loss"].count, list(view.files)) == (1, [])


@pytest.mark.slow
def test_what_ml_dash_itself_wrote_is_what_it_reads(tmp_path):
    made = environment("ml-dash").make(tmp_path / "store")
    imported = bring_in(open_source(str(made.folder)), str(tmp_path / "root"))
    assert imported.is_whole, imported
    found = points_of(tmp_path / "root", "alice/vision/net ü/run 1")
    assert len(made.answers) == 60
    assert found["train/loss"] == [[step, at, loss] for step, at, loss, _ in made.answers]
    assert found["train/odd"] == [[step, at, odd] for step, at, _, odd in made.answers]
