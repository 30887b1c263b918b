"""What Sacred's observer keeps in files is read without Sacred, and is what the program logged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from anew import Store
from anew.importing.importer import bring_in
from anew.trackers.importers import kind_of, open_source
from anew.trackers.sacred.importer.source import Runs

from ..environments import environment

AT = "2023-11-14T22:13:2"


def metric(*points: tuple[float | dict[str, Any], int | None, str]) -> dict[str, list[Any]]:
    values, steps, times = zip(*points, strict=True)
    return {"values": list(values), "steps": list(steps), "timestamps": list(times)}


def put(base: Path, number: str, metrics: dict[str, Any] | None = None, **said: Any) -> Path:
    """The folder of a run, as the observer leaves it."""
    folder = base / number
    folder.mkdir(parents=True)
    about = {
        "experiment": {"name": "my exp/ü", "mainfile": "train.py", "base_dir": "/code", "sources": [["train.py", "_sources/train_1.py"]], "repositories": []},
        "status": "COMPLETED", "start_time": f"{AT}0", "stop_time": f"{AT}9", "heartbeat": f"{AT}9", "host": {"hostname": "node7"},
        "meta": {"comment": "a comment"}, "artifacts": ["out.bin"], "resources": [], "command": "main", "result": 0.5, **said,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(about, indent=2))
    (folder / "config.json").write_text(
        json.dumps({"lr": 0.1, "many": {"py/tuple": [1, 2]}, "json://1": "one", "seed": 7})
    )
    found = (
        {
            "loss/ü x": metric(
                (0.5, 3, f"{AT}1"), (float("nan"), 1, f"{AT}2"), (float("-inf"), 1, f"{AT}2")
            )
        }
        if metrics is None
        else metrics
    )
    (folder / "metrics.json").write_text(json.dumps(found, indent=2))
    (folder / "cout.txt").write_text("printed ü\nprogress 1\rprogress 2\n")
    (folder / "out.bin").write_bytes(b"bytes")
    (base / "_sources").mkdir(exist_ok=True)
    (base / "_sources" / "train_1.py").write_text("print()")
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


def test_runs_come_with_everything_that_the_observer_kept(tmp_path):
    number = {"py/object": "numpy.float64", "dtype": "float64", "value": 0.25}
    put(
        tmp_path / "runs",
        "2",
        {"b": metric((number, None, f"{AT}1"))},
        status="FAILED",
        fail_trace=["Traceback\n", "ValueError: no\n"],
    )
    put(tmp_path / "runs", "10", status="RUNNING")
    put(tmp_path / "runs", "1")
    assert kind_of(str(tmp_path / "runs")) == kind_of(str(tmp_path / "runs" / "10")) == "sacred"
    root = tmp_path / "root"
    imported = bring_in(open_source(str(tmp_path / "runs")), str(root))
    assert imported.is_whole, imported
    place = imported.runs[0].prefix.rpartition("/")[0]
    assert [run.prefix.rpartition("/")[2] for run in imported.runs] == ["1", "2", "10"]
    assert points_of(root, f"{place}/1") == {
        "loss/ü x": [[3, 1700000001.0, "0.5"], [1, 1700000002.0, "nan"], [1, 1700000002.0, "-inf"]]
    }
    assert points_of(root, f"{place}/2") == {"b": [[0, 1700000001.0, "0.25"]]}
    with Store(root) as store:
        first, second = store[f"{place}/1"], store[f"{place}/2"]
        assert first.params == {"lr": 0.1, "many": [1, 2], "1": "one", "seed": 7}
        assert (first.status, first.notes, first.host, first.started_at) == (
            "completed",
            "a comment",
            "node7",
            1700000000.0,
        )
        assert (second.status, second.reason) == ("failed", "ValueError: no")
        assert sorted(file.name for file in first.files) == ["out.bin", "train.py"]
        assert first.console() == "printed ü\nprogress 2\n"
        assert first.captured["imported"]["kept"]["result"] == 0.5
    again = bring_in(open_source(str(tmp_path / "runs" / "10")), str(root))
    assert [run.state for run in again.runs] == ["same"]


@pytest.mark.parametrize("left", [0.2, 0.5, 0.8, 0.99])
def test_of_metrics_that_were_cut_short_what_is_whole_comes(left, tmp_path):
    names = [f"m{at}" for at in range(10)]
    folder = put(
        tmp_path, "1", {name: metric(*((at, at, f"{AT}1") for at in range(9))) for name in names}
    )
    text = (folder / "metrics.json").read_text()
    (folder / "metrics.json").write_text(text[: int(len(text) * left)])
    os.utime(folder / "metrics.json", (1, 1))
    source = Runs(str(tmp_path))
    (run,) = source.runs()
    found = [name for part in source.rows(run) for name in part.names]
    whole = int(len(names) * left) - 1
    assert len(found) % 9 == 0
    assert set(names[:whole]) <= set(found) < set(names)
    assert [(os.path.basename(one.where), one.lost) for one in source.findings()] == [
        ("metrics.json", True)
    ]


def test_nothing_is_made_from_classes_and_no_name_leads_out(tmp_path):
    (tmp_path / "secret").write_text("secret")
    bad = {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["touch /tmp/anew-was-here"]}]}
    folder = put(
        tmp_path / "runs", "1", {"a": metric((bad, 1, f"{AT}1")), "b": [1]},
        experiment={"name": "../../x", "sources": [["x", "../secret"], ["y", "/etc/passwd"], ["z"]]}, resources=[["r", str(tmp_path / "secret")]],
    )  # fmt: skip
    (folder / "config.json").write_text(json.dumps({"a": bad}))
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "info.json").write_text("[" * 100_000)
    imported = bring_in(open_source(str(tmp_path / "runs")), str(tmp_path / "root"))
    assert not imported.is_whole
    (run,) = imported.runs
    with Store(tmp_path / "root") as store:
        assert {file.name for file in store[run.id].files} == {"out.bin"}
        assert store[run.id].params["a"] == bad | {
            "py/reduce": [{"py/function": "os.system"}, ["touch /tmp/anew-was-here"]]
        }
    assert len([one for one in imported.findings if one.lost]) >= 6


@pytest.mark.slow
def test_what_sacred_itself_wrote_is_what_it_reads(tmp_path):
    made = environment("sacred").make(tmp_path / "store")
    root = tmp_path / "root"
    imported = bring_in(open_source(str(made.folder / "runs")), str(root))
    assert imported.is_whole, imported
    assert (
        sorted(made.answers)
        == [run.prefix.rpartition("/")[2] for run in imported.runs]
        == ["1", "2", "3", "4"]
    )
    for run in imported.runs:
        theirs = made.answers[run.prefix.rpartition("/")[2]]
        ours = points_of(root, run.prefix)
        assert {name: [[s, v] for s, _, v in one] for name, one in ours.items()} == {
            name: [[s, v] for s, _, v in one] for name, one in theirs["metrics"].items()
        }  # fmt: skip
        with Store(root) as store:
            assert store[run.id].params == theirs["config"]
