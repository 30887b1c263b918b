"""Runs of MLflow, read back through its own client: of a real server, and of a store without one."""

from __future__ import annotations

import io
import json
import math
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.errors import NotFound
from anew.forwarders.target import Mirror, Refusal, Target
from anew.forwarding.address import MLflow
from anew.record.events import Captured, Linked, ValueLogged
from anew.record.status import Status
from anew.testing.items import START, Records
from anew.testing.target import TargetContract
from anew.trackers.mlflow.names import artifact_path, key
from anew.values import Image, Table
from later import later

from ...forwarders.servers import MLflowServer

validation = later("mlflow.utils.validation")
forward = later("anew.trackers.mlflow.forward")
library = later("anew.trackers.mlflow.forward.library")

OURS = ("captured", "images", "logs", "params", "tags", "values")


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """The library sets variables of MLflow when it is loaded, which no test may have set then."""
    assert library.waiting_for


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLflowServer]:
    running = MLflowServer(tmp_path_factory.mktemp("mlflow")).start()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


class Reading:
    """The run of an experiment as MLflow's client shows it."""

    def __init__(self, uri: str, mirror: Mirror) -> None:
        self.client = library.MlflowClient(tracking_uri=uri)
        experiment = self.client.get_experiment_by_name(group_of(mirror))
        which = f"tags.`anew.experiment_id` = '{mirror.experiment_id}'"
        self.runs = self.client.search_runs([experiment.experiment_id], which)
        self.run = self.runs[0]
        self.id = self.run.info.run_id

    def artifacts(self, path: str = "") -> Iterator[str]:
        for entry in self.client.list_artifacts(self.id, path or None):
            if entry.is_dir:
                yield from self.artifacts(entry.path)
            else:
                yield entry.path

    def read(self, path: str) -> bytes:
        return Path(self.client.download_artifacts(self.id, path)).read_bytes()


def group_of(mirror: Mirror) -> str:
    """An MLflow experiment for each test: their stores are shared, since making one takes seconds."""
    return str(Path(mirror.folder).parents[3])


class MLflowContract(TargetContract):
    running = "RUNNING"

    @pytest.fixture(autouse=True)
    def _uri(self, uri: str) -> None:
        self.uri = uri

    def open(self, mirror: Mirror, memo: dict[str, Any]) -> Target:
        return forward.MLflowTarget(MLflow(self.uri, group_of(mirror)), mirror, memo)

    def crash(self, target: Target) -> None:
        pass  # it keeps nothing that a later one could see

    def runs(self, mirror: Mirror) -> int:
        return len(Reading(self.uri, mirror).runs)

    def points(self, mirror: Mirror) -> list[tuple[str, int, float]]:
        reading = Reading(self.uri, mirror)
        return [
            (name, metric.step, metric.value)
            for name in reading.run.data.metrics
            for metric in reading.client.get_metric_history(reading.id, name)
        ]

    def metric(self, name: str) -> str:
        return key(name)

    def kept(self, value: float) -> float:
        largest = 1.7976931348623157e308
        return value if math.isnan(value) else max(-largest, min(largest, value)) + 0.0

    def params(self, mirror: Mirror) -> dict[str, Any]:
        reading = Reading(self.uri, mirror)
        return {
            name: reading.read(artifact_path("params", f"{name}.txt")).decode()
            if "all in the artifact" in value
            else value
            for name, value in reading.run.data.params.items()
        }

    def tags(self, mirror: Mirror) -> dict[str, str | None]:
        tags = Reading(self.uri, mirror).run.data.tags
        return {k: v or None for k, v in tags.items() if not k.startswith(("mlflow.", "anew."))}

    def notes(self, mirror: Mirror) -> str:
        return str(Reading(self.uri, mirror).run.data.tags.get("mlflow.note.content", ""))

    def files(self, mirror: Mirror) -> dict[str, bytes]:
        reading = Reading(self.uri, mirror)
        paths = [path for path in reading.artifacts() if path.split("/")[0] not in OURS]
        return {path: reading.read(path) for path in paths}

    def values(self, mirror: Mirror) -> list[tuple[str, int | None]]:
        found: list[tuple[str, int | None]] = []
        for path in Reading(self.uri, mirror).artifacts():
            folder, _, name = path.rpartition("/")
            if folder == "images" and name.endswith(".png"):
                image, _, step = name.partition("+step+")
                found.append((image.replace("~", "/"), int(step.partition("+")[0])))
            elif folder.startswith("values/"):
                step, dash, _ = name.partition("-")
                found.append((folder.removeprefix("values/"), int(step) if dash else None))
        return found

    def logs(self, mirror: Mirror) -> str:
        reading = Reading(self.uri, mirror)
        return "\n".join(reading.read(p).decode() for p in reading.artifacts("logs"))

    def status(self, mirror: Mirror) -> Any:
        return Reading(self.uri, mirror).run.info.status

    def ended(self, status: Status) -> Any:
        return {Status.COMPLETED: "FINISHED", Status.FAILED: "FAILED"}.get(status, "KILLED")


@pytest.mark.slow
class TestAgainstAServer(MLflowContract):
    # Reading a thousand metrics back takes a thousand calls; the other store has this one.
    test_a_line_may_hold_many_metrics = None  # type: ignore[assignment]

    @pytest.fixture
    def uri(self, server: MLflowServer) -> str:
        return server.uri


# MLflow 3.17 uses what SQLAlchemy 2.1 deprecates, and builds its own tables on first use in this process.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
@pytest.mark.slow
class TestOnASqliteStore(MLflowContract):
    @pytest.fixture
    def uri(self, store: str) -> str:
        return store


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    folder = tmp_path / "experiments" / "alice" / "vision" / "run"
    folder.mkdir(parents=True)
    return Mirror("bcdf23456789", "alice/vision/run", "run", "vision", str(folder), START, "alice")


def address_of(server: MLflowServer, mirror: Mirror) -> MLflow:
    return MLflow(server.uri, group_of(mirror))


def sent(server: MLflowServer, mirror: Mirror, records: Records) -> tuple[Reading, list[Refusal]]:
    target = forward.MLflowTarget(address_of(server, mirror), mirror, {})
    refusals = target.send(records.items, False)
    target.settle()
    target.close()
    return Reading(server.uri, mirror), refusals


@pytest.mark.slow
def test_a_server_killed_in_the_middle_and_started_again_has_everything_once(
    server: MLflowServer, mirror: Mirror
):
    records = Records(mirror)
    for step in range(6000):
        records.points({"loss": 1 / (step + 1), "acc": float(step % 3)}, step // 2)
    address, memo, settled = address_of(server, mirror), {}, 0
    target = forward.MLflowTarget(address, mirror, memo)
    under_way = threading.Event()
    killer = threading.Thread(target=lambda: under_way.wait() and server.kill())
    killer.start()
    with pytest.raises(Exception, match=r"Connection|HTTPConnection|API request"):
        while settled < len(records.items):
            if settled >= 500:
                under_way.set()
            assert not target.send(records.items[settled : settled + 250], False)
            memo, settled = target.settle(), settled + 250
    killer.join()
    with pytest.raises(Exception, match="Connection refused"):
        forward.MLflowTarget(address, mirror, {})
    server.start()
    target = forward.MLflowTarget(address, mirror, memo)
    assert not target.send(records.items[settled : settled + 400], True)
    assert not target.send(records.items[settled + 400 :], False)
    target.end(Status.COMPLETED, None, START + 60)
    contract = TestAgainstAServer()
    contract.uri = server.uri
    contract.check_points(mirror, records.items)


def test_a_server_that_does_not_answer_is_an_error_in_the_time_that_is_set(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Exception, match="timed out"):
            forward.MLflowTarget(MLflow(uri), mirror, {})


@pytest.mark.slow
def test_what_the_user_has_set_of_mlflow_stays_and_the_rest_is_brief():
    program = "import os, anew.trackers.mlflow.forward.library; print(*(os.environ[k] for k in sorted(os.environ) if k.startswith('MLFLOW_')))"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    environment["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "99"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["true", "0", "99"]


def test_the_run_looks_like_one_of_mlflows_own(server: MLflowServer, mirror: Mirror):
    records = Records(mirror)
    git = {"commit": "f" * 40, "branch": "main", "remote": "https://git.example.org/a/b.git"}
    records.add(Captured(t=START, what="git", data=git))
    records.add(
        Captured(t=START, what="command", data={"argv": ["python"], "entry": "/w/train.py"})
    )
    records.add(Captured(t=START, what="hardware", data={"cores": 2}))
    records.field("description", "A first look.")
    records.field("notes", "It works.")
    records.points({"loss": 0.5}, 3, t=START + 2)
    reading, refusals = sent(server, mirror, records)
    assert not refusals
    info, tags = reading.run.info, reading.run.data.tags
    assert (info.run_name, info.start_time, info.status) == ("run", START * 1000, "RUNNING")
    assert tags["mlflow.user"] == "alice"
    assert tags["mlflow.source.name"] == "/w/train.py"
    assert tags["mlflow.source.git.commit"] == "f" * 40
    assert tags["mlflow.source.git.repoURL"] == "https://git.example.org/a/b.git"
    assert tags["mlflow.note.content"] == "A first look.\n\nIt works."
    assert json.loads(reading.read("captured/hardware.json")) == {"cores": 2}
    (point,) = reading.client.get_metric_history(reading.id, "loss")
    assert (point.step, point.timestamp, point.value) == (3, (START + 2) * 1000, 0.5)


def test_without_a_given_experiment_it_is_named_after_the_folder_of_the_prefix(
    server: MLflowServer, mirror: Mirror
):
    target = forward.MLflowTarget(MLflow(server.uri), mirror, {})
    client = library.MlflowClient(tracking_uri=server.uri)
    experiment = client.get_experiment_by_name("alice/vision")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (
        target.url
        == f"{server.uri}/#/experiments/{experiment.experiment_id}/runs/{run.info.run_id}"
    )


def test_images_and_tables_are_where_mlflow_shows_them(server: MLflowServer, mirror: Mirror):
    records = Records(mirror)
    records.value("samples/digit", Image(np.zeros((4, 4), np.uint8)), 3)
    records.value("errors", Table({"digit": [8, 3], "p": [0.5, math.nan]}), 3)
    reading, refusals = sent(server, mirror, records)
    assert not refusals
    tags = reading.run.data.tags
    assert tags["mlflow.loggedImages"] == "True"
    # The names that MlflowClient.log_image gives, but for what is random in them.
    pattern = (
        r"images/samples~digit\+step\+3\+timestamp\+\d+\+[0-9a-f-]{36}(\+compressed\.webp|\.png)"
    )
    assert [bool(re.fullmatch(pattern, path)) for path in reading.artifacts("images")] == [True] * 2
    (table,) = json.loads(tags["mlflow.loggedArtifacts"])
    # As MlflowClient.load_table reads it; that call looks for runs at the global tracking URI alone.
    frame = pd.read_json(io.BytesIO(reading.read(table["path"])), orient="split")
    assert frame["digit"].tolist() == [8, 3]
    assert frame["p"].isna().tolist() == [False, True]


@pytest.mark.slow
def test_a_large_table_stays_what_it_is(server: MLflowServer, mirror: Mirror):
    numbers = np.random.default_rng(0).normal(size=700_000)
    records = Records(mirror)
    item = records.value("large", Table({"x": numbers.tolist()}), 3)
    assert isinstance(item.record, ValueLogged)
    reading, refusals = sent(server, mirror, records)
    assert not refusals
    (path,) = reading.artifacts("values")
    assert path.endswith(".parquet")
    assert reading.read(path) == Path(mirror.folder, str(item.record.path)).read_bytes()


def test_a_large_file_is_waited_for_longer_than_an_answer():
    before = os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]
    with library.waiting_for(500_000_000):
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "510"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == before == "10"


def test_a_child_is_nested_below_its_parent(server: MLflowServer, mirror: Mirror):
    forward.MLflowTarget(address_of(server, mirror), mirror, {})
    child = mirror._replace(experiment_id="zzzz23456789", name="child")
    records = Records(child)
    records.add(Linked(t=START, parent=mirror.experiment_id))
    reading, _ = sent(server, child, records)
    assert reading.run.data.tags["mlflow.parentRunId"] == Reading(server.uri, mirror).id
    assert reading.run.data.tags["anew.parent"] == mirror.experiment_id
    assert reading.run.data.tags["anew.relation"] == "child"


def test_a_long_text_is_an_artifact_that_its_beginning_points_to(
    server: MLflowServer, mirror: Mirror
):
    records = Records(mirror)
    records.params({"prompt": "word " * 2000})
    records.tags({"about": "tag " * 3000})
    records.field("notes", "note " * 3000)
    reading, refusals = sent(server, mirror, records)
    assert not refusals
    assert reading.run.data.params["prompt"].endswith(
        "… (10000 characters, all in the artifact params/prompt.txt)"
    )
    assert reading.read("params/prompt.txt").decode() == "word " * 2000
    assert reading.read("tags/about.txt").decode() == "tag " * 3000
    assert reading.read("tags/mlflow.note.content.txt").decode() == "note " * 3000


def test_a_changed_param_is_refused_and_its_newest_value_a_tag(
    server: MLflowServer, mirror: Mirror
):
    records = Records(mirror)
    records.params({"lr": 0.1})
    changed = records.params({"lr": 0.2, "other": 1})
    reading, refusals = sent(server, mirror, records)
    assert [refusal.number for refusal in refusals] == [changed.number]
    assert reading.run.data.params == {"lr": "0.1", "other": "1"}
    assert reading.run.data.tags["anew.param.lr"] == "0.2"


def test_one_param_that_the_server_objects_to_takes_no_other_with_it(
    server: MLflowServer, mirror: Mirror
):
    records = Records(mirror)
    others = records.params({f"p{i}": i for i in range(30)})
    taken = records.params({"lr": 0.1})
    target = forward.MLflowTarget(address_of(server, mirror), mirror, {})
    reading = Reading(server.uri, mirror)
    reading.client.log_param(reading.id, "lr", "of somebody else")
    refusals = target.send(records.items, False)
    assert [refusal.number for refusal in refusals] == [taken.number]
    run = Reading(server.uri, mirror).run
    assert {f"p{i}" for i in range(30)} < set(run.data.params), others
    assert run.data.tags["anew.param.lr"] == "0.1"


def test_a_run_that_was_deleted_is_told_and_goes_on_once_restored(
    server: MLflowServer, mirror: Mirror
):
    records = Records(mirror)
    records.points({"loss": 1.0}, 0)
    target = forward.MLflowTarget(address_of(server, mirror), mirror, {})
    reading = Reading(server.uri, mirror)
    memo = target.settle()
    reading.client.delete_run(reading.id)
    with pytest.raises(NotFound):
        target.send(records.items, False)
    with pytest.raises(NotFound):
        forward.MLflowTarget(address_of(server, mirror), mirror, memo)
    reading.client.restore_run(reading.id)
    later = forward.MLflowTarget(address_of(server, mirror), mirror, memo)
    for offered in (target, later):  # the one that failed has not taken them for sent
        assert not offered.send(records.items, True)
        (point,) = Reading(server.uri, mirror).client.get_metric_history(reading.id, "loss")
        assert point.value == 1.0


def test_points_alike_to_the_millisecond_are_kept_across_processes(
    server: MLflowServer, mirror: Mirror
):
    records = Records(mirror)
    for _ in range(4):
        records.points({"loss": 1.0}, 0, t=START + 1)
    memo: dict[str, Any] = {}
    for item in records.items:
        target = forward.MLflowTarget(address_of(server, mirror), mirror, memo)
        target.send([item], False)
        memo = target.settle()
    reading = Reading(server.uri, mirror)
    points = reading.client.get_metric_history(reading.id, "loss")
    assert sorted(p.timestamp - (START + 1) * 1000 for p in points) == [0, 1, 2, 3]


def test_a_run_that_goes_on_after_its_end_is_running_again(server: MLflowServer, mirror: Mirror):
    target = forward.MLflowTarget(address_of(server, mirror), mirror, {})
    target.end(Status.FAILED, "out of memory", START + 5)
    ended = Reading(server.uri, mirror).run
    assert (ended.info.status, ended.info.end_time) == ("FAILED", (START + 5) * 1000)
    assert ended.data.tags["anew.reason"] == "out of memory"
    later = forward.MLflowTarget(address_of(server, mirror), mirror, target.settle())
    later.send([Records(mirror).points({"loss": 1.0}, 0)], False)
    assert Reading(server.uri, mirror).run.info.status == "RUNNING"


def test_sending_all_of_it_again_without_a_memo_doubles_nothing(
    server: MLflowServer, mirror: Mirror
):
    contract = TestAgainstAServer()
    contract.uri = server.uri
    records = contract.training(mirror)
    for _ in range(2):
        reading, refusals = sent(server, mirror, records)
        assert not refusals
    contract.check_points(mirror, records.items)
    assert len([*reading.artifacts()]) == 2


def test_a_store_in_files_has_nothing_twice_either(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    contract = TestOnASqliteStore()
    contract.uri = str(tmp_path / "mlruns")
    records = contract.training(mirror, 40)
    records.points({"odd": math.nan}, 0)
    records.points({"odd": math.inf}, 1)
    for again in (
        False,
        True,
        False,
    ):  # the last as one who has deleted what is known of the progress
        target = contract.open(mirror, {})
        target.send(records.items, again)
    contract.kept = lambda value: value  # type: ignore[method-assign]
    contract.check_points(mirror, records.items)


@given(st.lists(st.text("ab_u25f/.% \n#", max_size=12), max_size=2, unique=True))
def test_no_two_names_become_one_and_mlflow_takes_them(names: list[str]):
    for name in names:
        validation._validate_metric_name(key(name))
        assert unescaped(key(name)) == name
    assert len({key(name) for name in names}) == len(names)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_any_text_becomes_a_name_that_mlflow_takes(name: str):
    validation._validate_metric_name(key(name))
    assert len(key(name)) <= 250
    if len(key(name)) < 250:
        assert unescaped(key(name)) == name


def test_ordinary_names_stay_as_they_are():
    for name in ("train/loss", "val loss", "größe", "a:b", "my_update", "train_u", "lr-0.1", "x.y"):
        assert key(name) == name


def unescaped(name: str) -> str:
    def char(mark: re.Match[str]) -> str:
        return chr(int(mark[1], 16)) if mark[1] else ""

    return re.sub(r"_u([0-9a-f]*)_", char, name)


def test_without_the_package_the_error_says_how_to_get_it():
    program = (
        "import sys; sys.modules['mlflow'] = None\n"
        "from anew.errors import MissingDependency\n"
        "try:\n    import anew.trackers.mlflow.forward\n"
        "except MissingDependency as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("pip install mlflow.")
