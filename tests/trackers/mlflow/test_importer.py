"""What MLflow wrote is read by MLflow and by us, and is the same."""

from __future__ import annotations

import math
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from anew import Store
from anew.importing.importer import bring_in
from anew.trackers.importers import kind_of, open_source
from anew.trackers.mlflow.importer.artifacts import artifact_folder

entities = pytest.importorskip("mlflow.entities")

# MLflow's own use of SQLAlchemy, and of files.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload``"),
    pytest.mark.filterwarnings("ignore:The filesystem tracking backend"),
]

VALUES = [0.5, 1e-300, math.nan, -0.0, 5e-324, 123456789.123, 1e22, 1.7976931348623157e308]


@pytest.fixture(scope="module", params=["database", "files"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Any]:
    """A store that MLflow made, with the awkward things in; its path, and MLflow's client for it."""
    from mlflow.tracking import MlflowClient

    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        if request.param == "database":
            path, uri = folder / "mlflow.db", f"sqlite:///{folder / 'mlflow.db'}"
        else:
            path, uri = folder / "mlruns", f"file://{folder / 'mlruns'}"
        client = MlflowClient(uri)
        experiment = client.create_experiment(
            "vision/net ü", artifact_location=f"file://{folder}/mlruns/1"
        )
        ids = {}
        for name in ("parent", "child", "gone", "still running"):
            tags = {
                "team": "x",
                "mlflow.note.content": "a *note*",
                "mlflow.source.git.commit": "a" * 40,
            }
            if name == "child":
                tags["mlflow.parentRunId"] = ids["parent"]
            run = client.create_run(
                experiment, run_name=name, tags=tags, start_time=1_700_000_000_123
            )
            ids[name] = run.info.run_id
            values = [
                entities.Metric(metric, value, 1_700_000_000_000 + at, at // 2 - 1)
                for metric in ("loss", "val acc/ü")
                for at, value in enumerate(VALUES)
            ]
            params = [
                entities.Param("opt", "adam"),
                entities.Param("opt.lr", "0.1"),
                entities.Param("a/b", "1"),
            ]
            client.log_batch(ids[name], metrics=values, params=params)
        (folder / "weights.bin").write_bytes(b"w" * 1000)
        client.log_artifact(ids["parent"], str(folder / "weights.bin"), "models/best")
        client.set_terminated(ids["parent"], "FINISHED")
        client.set_terminated(ids["child"], "FAILED")
        client.set_terminated(ids["gone"], "KILLED")
        client.delete_run(ids["gone"])
        yield str(path), client


@pytest.fixture
def imported(store: tuple[str, Any], tmp_path: Path) -> Store:
    found = bring_in(open_source(store[0]), str(tmp_path / "root"))
    assert found.is_whole, found
    assert [run.state for run in found.runs] == ["new"] * 3
    assert any("deleted" in one.what for one in found.findings)
    with Store(tmp_path / "root") as opened:
        yield opened


def test_the_tracker_s_own_answers_are_ours(store, imported):
    client = store[1]
    (experiment,) = [one for one in client.search_experiments() if one.name == "vision/net ü"]
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    views = {view.name: view for view in imported.list()}
    assert set(views) == set(runs) == {"parent", "child", "still running"}
    for name, run in runs.items():
        view = views[name]
        assert view.captured["imported"]["key"] == run.info.run_id
        for metric in run.data.metrics:
            theirs = client.get_metric_history(run.info.run_id, metric)
            read = view.metrics[metric].read()
            ours = zip(
                read.steps.tolist(),
                read.times.tolist(),
                map(repr, read.values.tolist()),
                strict=True,
            )
            assert sorted(
                (one.step, one.timestamp / 1000, repr(one.value)) for one in theirs
            ) == sorted(ours)
        assert set(run.data.metrics) == {"loss", "val acc/ü"} == set(view.metrics)
        assert (view.started_at, view.description, view.tags) == (
            1_700_000_000.123,
            "a *note*",
            {"team": "x"},
        )
        assert view.captured["git"]["commit"] == "a" * 40
        assert view.params["a/b"] == "1"


def test_statuses_parents_and_artifacts_come_along(store, imported):
    views = {view.name: view for view in imported.list()}
    # The files of this one were written just now; its database has the times of the values alone, which are years old.
    silent = "failed" if store[0].endswith(".db") else "running"
    assert {name: view.status for name, view in views.items()} == {
        "parent": "completed", "child": "failed", "still running": silent,
    }  # fmt: skip
    assert views["child"].parent == views["parent"].id
    (file,) = views["parent"].files
    assert (file.prefix, file.name, Path(file.path).read_bytes()) == (
        "artifacts",
        "models/best/weights.bin",
        b"w" * 1000,
    )


def test_what_is_logged_later_comes_with_the_next_import(store, tmp_path):
    path, client = store
    root = str(tmp_path / "root")
    bring_in(open_source(path), root)
    (experiment,) = [one for one in client.search_experiments() if one.name == "vision/net ü"]
    (run,) = client.search_runs([experiment.experiment_id], "attributes.run_name = 'still running'")
    for at in range(5):
        client.log_metric(run.info.run_id, "later", at, step=at)
    again = bring_in(open_source(path), root)
    assert sorted(one.state for one in again.runs) == ["grown", "same", "same"]
    assert again.is_whole


def test_a_store_is_recognised_by_what_lies_there(store, tmp_path):
    path = store[0]
    assert kind_of(path) == "mlflow"
    assert kind_of(os.path.dirname(path)) == "mlflow"
    with pytest.raises(ValueError):
        kind_of(str(tmp_path))


def test_a_source_is_never_changed(store, tmp_path):
    path = Path(store[0])
    files = [path] if path.is_file() else [one for one in sorted(path.rglob("*")) if one.is_file()]
    before = [one.read_bytes() for one in files]
    bring_in(open_source(str(path)), str(tmp_path / "root"))
    assert [one.read_bytes() for one in files] == before


def test_damage_is_named_and_the_rest_is_read(store, tmp_path):
    path = Path(store[0])
    if path.is_file():
        copy = tmp_path / "mlflow.db"
        with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
            source.backup(target)
            target.execute(
                "UPDATE metrics SET value = 'no number', is_nan = 0 WHERE key = 'loss' AND step = 0"
            )
    else:
        import shutil

        copy = tmp_path / "mlruns"
        shutil.copytree(path, copy)
        for metric in copy.rglob("metrics/loss"):
            lines = metric.read_text().splitlines(keepends=True)
            lines[2] = "17000 no number\n"
            metric.write_text(
                "".join(lines) + "1700000000999 0.2"
            )  # the last line is being written
        next(
            one for one in copy.rglob("meta.yaml") if "artifact_location" not in one.read_text()
        ).write_bytes(b"\x80: [")
    found = bring_in(open_source(str(copy)), str(tmp_path / "root"))
    assert not found.is_whole
    assert found.counts["new"] >= 2
    assert {one.run for one in found.findings if one.lost}


@pytest.mark.parametrize(
    "uri", ["/etc", "file:///etc", "../../../../etc", "s3://bucket/x", "/etc/run/artifacts/.."]
)
def test_a_store_cannot_name_a_folder_that_is_not_its_own(uri, tmp_path):
    assert artifact_folder(uri, "run", "1", str(tmp_path)) is None
