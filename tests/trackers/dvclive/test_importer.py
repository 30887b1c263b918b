"""What DVCLive wrote is read by DVCLive and by us, and is the same."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from anew import Store
from anew.trackers.importers import kind_of
from tests.trackers.conftest import REAL
from tests.trackers.environments import Made, environment
from tests.trackers.holding import bring, contents, same


@pytest.fixture(scope="module", params=REAL)
def made(request: pytest.FixtureRequest, store_of) -> Made:
    made = store_of("dvclive", request.param)
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


def test_the_tracker_s_own_answers_are_ours(made, imported):
    views = {view.prefix: view for view in imported.list()}
    assert set(views) == {folder.removesuffix("/dvclive") for folder in made.answers}
    for folder, answers in made.answers.items():
        view = views[folder.removesuffix("/dvclive")]
        alone = {"best/acc"} if "best" in answers["latest"] else set()
        assert set(view.metrics) | {"verdict"} == set(answers["history"]) | alone | {"verdict"}
        for name, rows in answers["history"].items():
            if name == "verdict":
                continue
            read = view.metrics[name].read(order="written")
            assert read.steps.tolist() == [int(row["step"]) for row in rows]
            assert same(read.values.tolist(), [float(row[os.path.basename(name)]) for row in rows])
            if "timestamp" in rows[0]:
                assert read.times.tolist() == [int(row["timestamp"]) / 1000 for row in rows]
            else:
                assert set(read.times.tolist()) == {view.started_at}
        assert view.status == "completed"


def test_parameters_keep_their_types_and_what_else_was_logged_comes_along(imported):
    (view,) = [one for one in imported.list() if one.name == "all of it"]
    assert view.params == {
        "lr": 1e-05, "layers": [1, 2, {"size": 3}], "deep": {"flag": True, "none": None, "a/b": "text"},
        "like": ["yes", "012", "1e3", "null", "1.0"], "ü": "é",
    }  # fmt: skip
    assert view.metrics["best/acc"].read().values.tolist() == [0.75]
    values = sorted((one.name, one.kind, one.step) for one in view.values())
    assert values == [
        ("custom/curve", "table", None), ("last.png", "image", None), ("samples", "image", 0), ("samples", "image", 1), ("samples", "image", 2),
        ("sklearn/confusion_matrix", "table", None), ("verdict", "text", 8),
    ]  # fmt: skip
    files = {one.name: Path(one.path).read_bytes() for one in view.files}
    assert set(files) == {
        "plots/images/last.png",
        "plots/custom/curve.json",
        "plots/sklearn/confusion_matrix.json",
    }
    assert json.loads(files["plots/custom/curve.json"]) == [{"x": 1, "y": 2.5}, {"x": 2, "y": None}]
    kept = view.captured["imported"]["kept"]
    assert kept["summary"]["best"] == {"acc": 0.75}
    assert {"dvclive/plots/custom/curve.json"} <= {
        name for one in kept["dvc.yaml"]["plots"] if isinstance(one, dict) for name in one
    }


def test_folders_are_recognised_and_a_project_of_dvc_s_is_none(made, tmp_path):
    assert (
        kind_of(str(made.folder))
        == kind_of(str(made.folder / "both" / "first" / "dvclive"))
        == "dvclive"
    )
    (tmp_path / "metrics.json").write_text("{}")
    (tmp_path / "params.yaml").write_text("{}")
    with pytest.raises(ValueError):
        kind_of(str(tmp_path))


def test_of_a_whole_project_comes_what_its_pipeline_names_and_the_rest_is_said(tmp_path):
    at = tmp_path / "project"
    for name, text in {
        ".git/HEAD": "ref",
        "plots/metrics/loss.tsv": "step\tloss\n0\t0.5\n",
        "metrics.json": '{"loss": 0.5, "step": 0}',
        "results.csv": "a,b\n",
        "figures/deep/roc.svg": "<svg/>",
        "net.pt": "weights",
        "train.py": "print()",
        "data/big.csv": "1\n",
        "dvc.yaml": "metrics: [results.csv]\nplots: [{figures: {x: a}}]\nartifacts: {net: {path: net.pt, type: model}}\nstages: {train: {cmd: python train.py, deps: [data/big.csv]}}\n",
    }.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_text(text)
        os.utime(at / name, (1_790_000_000, 1_790_000_000))
    found = bring(at, tmp_path / "root")
    assert found.is_whole
    (said,) = [one.what for one in found.findings if "train.py" in one.what]
    assert "2 files" in said
    with Store(tmp_path / "root") as store:
        (view,) = store.list()
        assert {one.name for one in view.files} == {"figures/deep/roc.svg", "net.pt", "results.csv"}
        assert view.captured["imported"]["kept"]["dvc.yaml"]["metrics"] == ["results.csv"]


def test_a_folder_that_is_written_is_followed_and_the_next_run_in_it_is_another(made, tmp_path):
    folder = tmp_path / "store" / "dvclive"
    shutil.copytree(made.folder / "resumed" / "dvclive", folder)
    history = folder / "plots" / "metrics" / "loss.tsv"
    for path in folder.rglob("*"):
        os.utime(path)
    assert [run.state for run in bring(folder, tmp_path / "root").runs] == ["new"]
    for step in (10, 11):
        with history.open("a") as file:
            file.write(f"{step}\t{step / 7}\n")
        (folder / "metrics.json").write_text(json.dumps({"loss": step / 7, "step": step}))
        again = bring(folder, tmp_path / "root")
        assert ([run.state for run in again.runs], again.is_whole) == (["grown"], True)
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 5000,) * 2)
    assert bring(folder, tmp_path / "root").is_whole
    history.write_text("step\tloss\n0\t99.0\n")
    assert [run.state for run in bring(folder, tmp_path / "root").runs] == ["new"]
    with Store(tmp_path / "root") as store:
        views = {view.prefix: view for view in store.list()}
        assert sorted(views) == ["store", "store~2"]
        read = views["store"].metrics["loss"].read(order="written")
        assert read.steps.tolist() == list(range(12))
        assert views["store"].status == "completed"


def test_damage_is_named_and_the_rest_is_read(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "store")
    at = tmp_path / "store" / "both"
    history = at / "first" / "dvclive" / "plots" / "metrics" / "loss.tsv"
    lines = history.read_text().splitlines(keepends=True)
    lines[3:5] = ["no\tstep\n", "3\t4\t5\n"]
    history.write_text("".join(lines) + "20\t0.12")  # the last line was being written
    (at / "killed" / "dvclive" / "metrics.json").write_text('{"loss": ')
    (at / "killed" / "dvclive" / "params.yaml").write_text("a: [1, 2")
    (at / "killed" / "dvclive" / "weights.bin.dvc").write_text("outs:\n- md5: 0\n")
    found = bring(tmp_path / "store", tmp_path / "root")
    assert not found.is_whole
    assert sorted(Path(one.where).name for one in found.findings if one.lost) == [
        "loss.tsv", "loss.tsv", "metrics.json", "params.yaml", "weights.bin.dvc",
    ]  # fmt: skip
    assert [Path(one.where).name for one in found.findings if not one.lost] == ["loss.tsv"]
    with Store(tmp_path / "root") as store:
        counts = {view.prefix: view.metrics["loss"].count for view in store.list()}
    assert (counts["both/first"], counts["both/killed"]) == (18, 20)


def test_hostile_folders_harm_nothing(made, tmp_path):
    shutil.copytree(made.folder / "both", tmp_path / "store")
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "loss.tsv").write_text("step\tloss\n0\t77.0\n")
    at = tmp_path / "store" / "first" / "dvclive"
    (at / "plots" / "metrics" / "stolen.tsv").symlink_to(tmp_path / "hidden" / "loss.tsv")
    (at / "plots" / "metrics" / "more").symlink_to(tmp_path / "hidden")
    (at / "plots" / "images").symlink_to(tmp_path / "hidden")
    os.mkfifo(at / "plots" / "pipe")
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    (at / "params.yaml").write_text(f"a0: &a0 [x]\n{levels}")
    other = tmp_path / "store" / "killed" / "dvclive"
    (other / "params.yaml").write_text(
        "run: !!python/object/apply:os.system ['touch hurt']\nlr: 1\n"
    )
    found = bring(tmp_path / "store", tmp_path / "root")
    assert {Path(one.where).name for one in found.findings if one.lost} >= {
        "params.yaml",
        "images",
        "pipe",
    }
    with Store(tmp_path / "root") as store:
        views = {view.prefix: view for view in store.list()}
        assert set(views["first"].metrics) == {"loss"}
        assert views["killed"].params == {"run": ["touch hurt"], "lr": 1}
    assert not list(tmp_path.rglob("hurt"))


@pytest.mark.slow
def test_a_hundred_thousand_points_are_read_as_dvclive_reads_them(tmp_path):
    answers = environment("dvclive").run(
        Path(__file__).with_name("making.py"), tmp_path / "store", "100000"
    )
    found = bring(tmp_path / "store", tmp_path / "root")
    assert (found.is_whole, found.counts["points"]) == (True, 100_000)
    (run,) = answers.values()
    with Store(tmp_path / "root") as store:
        (view,) = store.list()
        for name, rows in run["history"].items():
            read = view.metrics[name].read(order="written")
            assert read.steps.tolist() == [int(row["step"]) for row in rows]
            assert same(read.values.tolist(), [float(row[name]) for row in rows])
