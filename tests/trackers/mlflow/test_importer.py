"""What MLflow wrote is read by MLflow and by us, and is the same."""

from __future__ import annotations

import base64
import contextlib
import math
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew import Store
from anew.errors import NotAllowed
from anew.importing.importer import Imported, bring_in
from anew.importing.web import Web
from anew.trackers.importers import kind_of, open_source
from anew.trackers.mlflow.importer.artifacts import artifact_folder
from anew.trackers.mlflow.importer.server import Server
from anew.trackers.mlflow.names import artifact_path, key, original
from later import later

entities = later("mlflow.entities")


# MLflow's own use of SQLAlchemy, and of files.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload``"),
    pytest.mark.filterwarnings("ignore:The filesystem tracking backend"),
]

VALUES = [0.5, 1e-300, math.nan, -0.0, 5e-324, 123456789.123, 1e22, 1.7976931348623157e308]


class Stored(NamedTuple):
    """A store that MLflow made: where `anew import` finds it, MLflow's client for it, and the folder beside it."""

    where: str
    client: Any
    folder: Path


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables, which take a second to make."""
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path.parent)  # below which its first experiment keeps artifacts from now on
        client = MlflowClient(f"sqlite:///{path}")
        client.search_experiments()
        client._tracking_client.store._dispose_engine()
    return path


@pytest.fixture(
    scope="module",
    params=["database", "files", pytest.param("postgresql", marks=pytest.mark.slow), "server"],
)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, empty: Path
) -> Iterator[Stored]:
    """A store that MLflow made, with the awkward things in."""
    from mlflow.tracking import MlflowClient

    folder = tmp_path_factory.mktemp("mlflow")
    artifacts = f"file://{folder}/artifacts"  # not in the store of files, which takes a folder there for an experiment
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as ends:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        patch.chdir(folder)  # MLflow makes a database of its own where it runs
        if request.param == "database":
            shutil.copy(empty, folder)
            where, uri = str(folder / "mlflow.db"), f"sqlite:///{folder / 'mlflow.db'}"
        elif request.param == "files":
            where, uri = str(folder / "mlruns"), f"file://{folder / 'mlruns'}"
        elif request.param == "postgresql":
            server = request.getfixturevalue("postgres_server")
            where = server.make_database()
            ends.callback(server.drop_database, where)
            uri = where.replace("postgresql:", "postgresql+psycopg:")
        else:
            where = uri = ends.enter_context(a_server(folder, empty, patch))
            artifacts = None
        client = MlflowClient(uri)
        fill(client, folder, artifacts)
        yield Stored(where, client, folder)
        for kept in (client._tracking_client.store, client._get_registry_client().store):
            if dispose := getattr(kept, "_dispose_engine", None):
                dispose()


def fill(client: Any, folder: Path, artifacts: str | None) -> None:
    """Log what is awkward."""
    experiment = client.create_experiment("vision/net ü", artifact_location=artifacts)
    ids = {}
    for name in ("parent", "child", "gone", "still running"):
        tags = {
            "team": "x",
            "mlflow.note.content": "a *note*",
            "mlflow.source.git.commit": "a" * 40,
        }
        if name == "child":
            tags["mlflow.parentRunId"] = ids["parent"]
        run = client.create_run(experiment, run_name=name, tags=tags, start_time=1_700_000_000_123)
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
    data = entities.DatasetInput(
        entities.Dataset("digits", "d1", "local", "/data/digits", "{}", "{}"), []
    )
    client.log_inputs(ids["parent"], [data])
    model = client.create_logged_model(
        experiment, name="net", source_run_id=ids["parent"], params={"depth": "3"}
    )
    client.log_model_artifact(model.model_id, str(folder / "weights.bin"))
    client.finalize_logged_model(model.model_id, "READY")
    client.create_registered_model("digits net", description="reads digits")
    source = client.get_run(ids["parent"]).info.artifact_uri
    version = client.create_model_version("digits net", f"{source}/models/best", ids["parent"])
    client.set_registered_model_alias("digits net", "best", version.version)
    client.set_registered_model_tag("digits net", "team", "x")
    client.create_model_version(
        "digits net",
        model.artifact_location,
        ids["parent"],
        description="the net",
        tags={"k": "v"},
        model_id=model.model_id,
    )
    for _ in ("3", "4"):
        client.create_model_version("digits net", "s3://elsewhere/model")
    client.delete_model_version("digits net", "3")
    client.set_terminated(ids["parent"], "FINISHED")
    client.set_terminated(ids["child"], "FAILED")
    client.set_terminated(ids["gone"], "KILLED")
    client.delete_run(ids["gone"])


@contextlib.contextmanager
def a_server(
    folder: Path, empty: Path, patch: pytest.MonkeyPatch, around: Any = None
) -> Iterator[str]:
    """The application that `mlflow server` runs, in a thread, on a store of its own; its address.

    Args:
        around: Makes another WSGI application of it.
    """
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_: object) -> None: ...

    shutil.copy(empty, folder / "server.db")
    for name, value in {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder / 'server.db'}",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }.items():
        patch.setenv(name, value)
    patch.setitem(
        sys.modules, "mlflow.server.auth", None
    )  # takes seconds to import; nobody signs in
    from mlflow.server import app, handlers

    for kept in ("_tracking_store", "_model_registry_store", "_artifact_repo"):
        patch.setattr(handlers, kept, None)
    served = make_server(
        "127.0.0.1", 0, around(app) if around else app, True, request_handler=Quiet
    )
    serving = threading.Thread(target=served.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{served.server_port}"
    finally:
        served.shutdown()
        serving.join()
        served.server_close()


def brought(where: object, root: object) -> Imported:
    """What an import of a source comes to."""
    with contextlib.closing(open_source(str(where))) as source:
        return bring_in(source, str(root))


@pytest.fixture
def imported(store: Stored, tmp_path: Path) -> Store:
    found = brought(store.where, tmp_path / "root")
    assert found.is_whole, found
    assert [run.state for run in found.runs] == ["new"] * 3
    assert any("deleted" in one.what for one in found.findings)
    with Store(tmp_path / "root") as opened:
        yield opened


def test_the_tracker_s_own_answers_are_ours(store, imported):
    client = store.client
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
    # Its files were written just now; other stores have the times of the values alone, which are years old.
    silent = "running" if store.where.endswith("mlruns") else "failed"
    assert {name: view.status for name, view in views.items()} == {
        "parent": "completed", "child": "failed", "still running": silent,
    }  # fmt: skip
    assert views["child"].parent == views["parent"].id
    kept = views["parent"].captured["imported"]["kept"]
    (model,) = kept["models"]
    assert (model["name"], model["status"], model["params"]) == ("net", "READY", {"depth": "3"})
    files = {
        f"{one.prefix}/{one.name}": Path(one.path).read_bytes() for one in views["parent"].files
    }
    assert files == {
        "artifacts/models/best/weights.bin": b"w" * 1000, f"models/{model['model_id']}/weights.bin": b"w" * 1000,
    }  # fmt: skip
    (data,) = views["parent"].captured["mlflow inputs"]["datasets"]
    data = data["dataset"]
    assert (data["name"], data["digest"], data["source"]) == ("digits", "d1", "/data/digits")


def test_registered_models_come_along(store, imported):
    _, client, _ = store
    (theirs,) = client.search_registered_models()
    model = imported.models["digits net"]
    assert (model.fact.description, model.fact.tags) == (theirs.description, theirs.tags)
    assert model.fact.created_at == theirs.creation_timestamp / 1000
    assert {one.alias: one.number for one in model.fact.aliases} == {"best": 1}
    versions = {int(one.version): one for one in client.search_model_versions("name='digits net'")}
    assert [one.number for one in model.versions] == sorted(versions) == [1, 2, 4]
    for one in model.versions:
        there, here = versions[one.number], one.fact
        assert (here.description or "", here.tags) == (there.description or "", there.tags)
        assert here.created_at == there.creation_timestamp / 1000
        assert here.extra["mlflow.source"] == there.source
        if there.run_id:
            assert one.experiment.captured["imported"]["key"] == there.run_id
            assert [file.path.read_bytes() for file in one.files()] == [b"w" * 1000]
        else:
            assert (here.points_to, here.ref) == ("address", "s3://elsewhere/model")


def test_what_is_logged_later_comes_with_the_next_import(store, tmp_path):
    path, client, _ = store
    root = str(tmp_path / "root")
    brought(path, root)
    (experiment,) = [one for one in client.search_experiments() if one.name == "vision/net ü"]
    (run,) = client.search_runs([experiment.experiment_id], "attributes.run_name = 'still running'")
    for at in range(5):
        client.log_metric(run.info.run_id, "later", at, step=at)
    again = brought(path, root)
    assert sorted(one.state for one in again.runs) == ["grown", "same", "same"]
    assert again.is_whole


def test_a_store_is_recognised_by_what_lies_there(store, tmp_path):
    assert kind_of(store.where) == "mlflow"
    if "://" not in store.where:
        assert kind_of(os.path.dirname(store.where)) == "mlflow"
    with pytest.raises(ValueError):
        kind_of(str(tmp_path))


def test_a_source_is_never_changed(store, tmp_path):
    path = Path(store.where) if "://" not in store.where else store.folder
    files = [path] if path.is_file() else [one for one in sorted(path.rglob("*")) if one.is_file()]
    before = [one.read_bytes() for one in files]
    brought(store.where, tmp_path / "root")
    assert [one.read_bytes() for one in files] == before


def test_damage_is_named_and_the_rest_is_read(store, tmp_path):
    if "://" in store.where:
        pytest.skip("its server keeps it whole")
    path = Path(store.where)
    if path.is_file():
        copy = tmp_path / "mlflow.db"
        with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
            source.backup(target)
            target.execute(
                "UPDATE metrics SET value = 'no number', is_nan = 0 WHERE key = 'loss' AND step = 0"
            )
    else:
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
    found = brought(copy, tmp_path / "root")
    assert not found.is_whole
    assert found.counts["new"] >= 2
    assert {one.run for one in found.findings if one.lost}


class Gate:
    """An MLflow application behind a gate, which asks who calls and then is busy every third time; `refused` counts those."""

    def __init__(self, application: Any, header: str) -> None:
        self._application = application
        self._header = header
        self.asked = self.refused = 0
        self.paths: list[str] = []

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        self.asked += 1
        self.paths.append(environ["PATH_INFO"])
        if self._header and environ.get("HTTP_AUTHORIZATION") != self._header:
            start("401 Unauthorized", [("Content-Length", "0")])
            return [b""]
        if self._header and self.asked % 3 == 0:
            self.refused += 1
            status = ("503 Busy", "429 Too Many Requests")[self.refused % 2]
            start(status, [("Content-Length", "4"), ("Retry-After", "7")])
            return [b"wait"]
        return self._application(environ, start)


def test_a_server_is_told_who_asks_and_is_asked_again_while_it_is_busy(
    empty, tmp_path, monkeypatch
):
    from mlflow.tracking import MlflowClient

    gates: list[Gate] = []

    def gate(application: Any) -> Gate:
        gates.append(Gate(application, ""))
        return gates[0]

    waited: list[float] = []
    with a_server(tmp_path, empty, monkeypatch, gate) as url:
        client = MlflowClient(url)
        run = client.create_run("0")
        for at in range(5):
            client.log_metric(run.info.run_id, "loss", at, step=at)
        (tmp_path / "model.bin").write_bytes(b"m" * 100)
        client.log_artifact(run.info.run_id, str(tmp_path / "model.bin"))
        client.set_terminated(run.info.run_id)
        gates[0].paths.clear()
        basic = base64.b64encode("ä:b c".encode()).decode()
        for headers in ({"MLFLOW_TRACKING_USERNAME": "ä", "MLFLOW_TRACKING_PASSWORD": "b c"}, {"MLFLOW_TRACKING_TOKEN": "t0"}):  # fmt: skip
            gates[0]._header = f"Basic {basic}" if len(headers) == 2 else "Bearer t0"
            with pytest.MonkeyPatch.context() as patch:
                with contextlib.closing(open_source(url)) as source, pytest.raises(NotAllowed):
                    list(source.runs())
                for name, value in headers.items():
                    patch.setenv(name, value)
                patch.setattr(
                    Web.__init__, "__kwdefaults__", {"attempts": 7, "pause": waited.append}
                )
                found = brought(url, tmp_path / "root")
            assert (found.is_whole, found.counts["points"], found.counts["files"]) == (True, 5, 1)
        fetched = [
            path for path in gates[0].paths if path.endswith(("/model.bin", "/get-artifact"))
        ]
        assert 0 < len(fetched) < 5  # by the first import alone, as often as the gate was busy
        assert gates[0].refused == len(waited) > 2
        assert min(waited) >= 7  # as the server asked for
        gates[0]._header = "nobody"
        with contextlib.closing(Server(Web(url, {}))) as source, pytest.raises(NotAllowed):
            list(source.runs())


def test_long_metrics_come_page_by_page(empty, tmp_path, monkeypatch):
    """Pages of a server, and blocks of a cursor, in the order of time; growing in the middle of a page too."""
    monkeypatch.setattr("anew.trackers.mlflow.importer.server._HELD", 200)
    from mlflow.tracking import MlflowClient

    with a_server(tmp_path, empty, monkeypatch) as url:
        client = MlflowClient(url)
        run = client.create_run("0").info.run_id
        for first in (0, 730):
            values = [
                entities.Metric(name, at, 1_700_000_000_000 + at, at)
                for at in range(first, first + 730)
                for name in ("a", "b")
            ]
            for start in range(0, len(values), 1000):
                client.log_batch(run, metrics=values[start : start + 1000])
            found = brought(url, tmp_path / "root")
            assert (found.is_whole, found.counts["points"]) == (True, 2 * (first + 730))
        with Store(tmp_path / "root") as opened:
            (view,) = opened.list()
            read = view.metrics["b"].read(order="written")
            assert read.steps.tolist() == read.values.tolist() == list(range(1460))


def test_the_password_of_a_database_is_kept_nowhere(store, tmp_path):
    if not store.where.startswith("postgresql"):
        pytest.skip("no password")
    from urllib.parse import urlsplit

    parts = urlsplit(store.where)
    secret = parts._replace(
        netloc=f"{parts.username}:s3cr3t@{parts.hostname}:{parts.port}"
    ).geturl()
    assert brought(secret, tmp_path / "root").is_whole
    files = [path for path in (tmp_path / "root").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"s3cr3t" in path.read_bytes()]
    for wrong in (store.where.rpartition("/")[0] + "/postgres", "postgresql://127.0.0.1:1/x"):
        with pytest.raises((ValueError, OSError)):
            open_source(wrong)


@pytest.mark.parametrize(
    "uri", ["/etc", "file:///etc", "../../../../etc", "s3://bucket/x", "/etc/run/artifacts/.."]
)
def test_a_store_cannot_name_a_folder_that_is_not_its_own(uri, tmp_path):
    assert artifact_folder(uri, "run", "1", str(tmp_path)) is None


@given(st.text(max_size=30) | st.text("ab_u25f/.% \n#", max_size=12))
def test_a_name_that_was_fitted_to_mlflow_s_rules_is_told_from_it(name):
    assert original(key(name)) == name
    assert original(artifact_path(name)) == "/".join(part for part in name.split("/") if part)
