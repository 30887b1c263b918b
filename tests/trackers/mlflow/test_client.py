"""The unmodified client of MLflow, and the one without pandas and numpy, get from our server what MLflow's own answers."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from anew import Status, Store
from anew.server.mlflow import MLFLOW_ROUTES
from serving import over_a_socket, place_of, place_over_a_socket
from tests.faults.site import serving
from tests.trackers.environments import environment

from .clients import said, theirs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::Warning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

PROGRAM = """
import json, math, os, time
from pathlib import Path
import mlflow
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset, DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput, LoggedModelParameter, LoggedModelTag, Metric, Param, RunTag, ViewType,
)
from mlflow.exceptions import MlflowException
from mlflow.utils.rest_utils import http_request

client = MlflowClient()
store = client._tracking_client.store
told = {}
ids = {}

def named(text):
    # Ids differ from server to server: each is told by what it is called here.
    for id_, name in ids.items():
        if len(id_) > 8:  # those of experiments are 1, 2 and 3 at MLflow's own server
            text = text.replace(id_, name)
    return text

def plain(value):
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {named(str(k)): plain(v) for k, v in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return named(value) if isinstance(value, str) else value

def tell(what, call):
    try:
        found = call()
    except MlflowException as error:
        found = ["refused", error.error_code, error.get_http_status_code()]
    told[what] = plain(found)

def of_experiment(one):
    return [one.name, one.lifecycle_stage, dict(one.tags)]

def of_run(run):
    tags = {k: v for k, v in run.data.tags.items() if k != "mlflow.user"}
    return {
        "name": run.info.run_name, "status": run.info.status, "stage": run.info.lifecycle_stage, "start": run.info.start_time,
        "end": run.info.end_time, "experiment": ids.get(run.info.experiment_id), "metrics": run.data.metrics, "params": run.data.params, "tags": tags,
        "datasets": [[i.dataset.name, i.dataset.digest, i.dataset.source_type, i.dataset.source, i.dataset.schema, i.dataset.profile, [[t.key, t.value] for t in i.tags]] for i in run.inputs.dataset_inputs],
        "read": [one.model_id for one in run.inputs.model_inputs], "made": [[one.model_id, one.step] for one in run.outputs.model_outputs],
    }

def of_model(one):
    metrics = [[m.key, m.value, m.step, m.timestamp, m.dataset_name, m.dataset_digest, m.run_id] for m in one.metrics or []]
    return [one.name, ids.get(one.experiment_id), str(one.status), one.model_type, one.source_run_id, one.params, one.tags, sorted(metrics)]

def points(found):
    return [[m.key, m.value, m.timestamp, m.step] for m in found]

# -- experiments
for name, tags in (("lab/vision", {"team": "x"}), ("lab/text", {}), ("odd: name", {})):
    ids[client.create_experiment(name, tags=tags)] = f"<{name}>"
    time.sleep(0.01)
first, second, third = ids
tell("experiment", lambda: of_experiment(client.get_experiment(first)))
tell("by name", lambda: of_experiment(client.get_experiment_by_name("lab/text")))
tell("by no name", lambda: client.get_experiment_by_name("nope"))
client.set_experiment_tag(first, "stage", "early")
client.set_experiment_tag(first, "gone", "soon")
client.delete_experiment_tag(first, "gone")
client.rename_experiment(third, "plain name")
tell("renamed", lambda: of_experiment(client.get_experiment(third)))
client.delete_experiment(second)
tell("deleted", lambda: of_experiment(client.get_experiment(second)))
for what, view in (("active", ViewType.ACTIVE_ONLY), ("gone", ViewType.DELETED_ONLY), ("all", ViewType.ALL)):
    tell(f"experiments {what}", lambda: [of_experiment(one) for one in client.search_experiments(view)])
client.restore_experiment(second)
for text in ("name LIKE 'lab/%'", "name ILIKE 'LAB%' AND tags.team = 'x'", "tags.stage != 'late'", "name = 'plain name'", "name LIKE 'lab/%' AND creation_time > 1000", "nope = 1"):
    tell(f"experiments {text}", lambda: [one.name for one in client.search_experiments(filter_string=text)])
tell("experiments in order", lambda: [one.name for one in client.search_experiments(order_by=["name DESC"], max_results=2)])
def paged():
    page = client.search_experiments(max_results=2)
    rest = client.search_experiments(max_results=2, page_token=page.token)
    return [one.name for one in [*page, *rest]]
tell("experiments by pages", paged)

# -- runs
def begin(name, at, experiment=first, **tags):
    run = client.create_run(experiment, start_time=at, run_name=name, tags=tags)
    ids[run.info.run_id] = f"<{name}>"
    return run.info.run_id
one = begin("one", 1_700_000_000_000, team="red")
two = begin("two", 1_700_000_000_500, team="blue")
child = begin("child", 1_700_000_000_900, **{"mlflow.parentRunId": one, "mlflow.note.content": "a note"})
tell("begun", lambda: of_run(client.get_run(one)))
client.log_metric(one, "loss", 0.5, timestamp=1_700_000_000_001, step=0)
client.log_metric(one, "loss", 0.25, timestamp=1_700_000_000_002, step=1)
client.log_metric(one, "loss", 0.25, timestamp=1_700_000_000_002, step=1)
client.log_metric(one, "odd/na me.x", 1e300, timestamp=1_700_000_000_002, step=-3)
client.log_param(one, "lr", 0.1)
client.log_param(one, "lr", "0.1")
client.set_tag(one, "done", True)
client.set_tag(one, "gone", 1)
client.delete_tag(one, "gone")
client.log_batch(
    one, metrics=[Metric("acc", math.nan if at == 2 else at / 4, 1_700_000_000_010 + at, at) for at in range(4)],
    params=[Param("depth", "3"), Param("empty", "")], tags=[RunTag("kind", "cnn"), RunTag("mlflow.note.content", "why")],
)
client.log_batch(two, metrics=[Metric("loss", 2.0, 1_700_000_000_003, 0), Metric("acc", 0.75, 5, 9)], params=[Param("lr", "0.2")])
client.log_inputs(one, datasets=[DatasetInput(Dataset("mnist", "d1", "local", "{}", "s", "p"), [InputTag("mlflow.data.context", "train")])])
client.log_inputs(one, datasets=[DatasetInput(Dataset("mnist", "d1", "local", "{}", "s", "p"), [InputTag("mlflow.data.context", "train")])])
client.update_run(two, name="second")
ids[two] = "<two>"
tell("one", lambda: of_run(client.get_run(one)))
tell("child", lambda: of_run(client.get_run(child)))
tell("history", lambda: points(client.get_metric_history(one, "acc")))
tell("odd history", lambda: points(client.get_metric_history(one, "odd/na me.x")))
tell("no history", lambda: points(client.get_metric_history(one, "nope")))
tell("bulk", lambda: sorted([m.run_id, m.key, m.value, m.timestamp, m.step] for m in store.get_metric_history_bulk_interval_from_steps(one, "acc", [0, 1, 3], 10)))
def bulk():
    asked = {"run_ids": [one, two], "metric_key": "acc", "max_results": 10, "start_step": 0, "end_step": 3}
    host = store.get_host_creds()
    found = http_request(host, "/api/2.0/mlflow/metrics/get-history-bulk-interval", "GET", params=asked).json()["metrics"]
    return sorted([m["run_id"], m["key"], str(m["value"]), m["timestamp"], m.get("step", 0)] for m in found)
tell("bulk interval", bulk)
client.set_terminated(one, "FINISHED", 1_700_000_009_000)
client.set_terminated(two, "FAILED", 1_700_000_008_000)
client.set_terminated(child, "KILLED", 1_700_000_007_000)
tell("ended", lambda: [of_run(client.get_run(id_))["status"] for id_ in (one, two, child)])
for text in (
    "", "metrics.loss < 1", "metrics.loss >= 0.25 AND params.lr = '0.1'", "metrics.`odd/na me.x` > 5", "params.lr != '0.1'", "params.lr LIKE '0.%'", "params.depth IS NULL",
    "params.depth IS NOT NULL", "params.lr = '0.1' AND tags.team = 'red'", "tags.kind ILIKE 'C%'", "tags.mlflow.parentRunId = '%s'" % one, "attributes.status = 'FAILED'",
    "status != 'FINISHED'", "run_name = 'second'", "attributes.run_name LIKE '%i%'", "start_time > 1700000000400", "end_time <= 1700000008000", "run_id = '%s'" % two,
    "datasets.name = 'mnist'", "datasets.context = 'train'", "metrics.loss = 'x'", "params.lr = 0.1", "loss >", "metrics.a > 1 OR metrics.b > 1",
):
    tell(f"runs {named(text)}", lambda: [run.info.run_id for run in client.search_runs([first], text)])
for order in (["metrics.loss ASC"], ["metrics.loss DESC"], ["params.lr DESC"], ["start_time ASC"], ["attributes.end_time DESC"], ["tags.team"], ["run_name DESC"], ["nope DESC"]):
    tell(f"runs by {order}", lambda: [run.info.run_id for run in client.search_runs([first], order_by=order)])
def pages():
    page = client.search_runs([first], order_by=["start_time ASC"], max_results=2)
    rest = client.search_runs([first], order_by=["start_time ASC"], max_results=2, page_token=page.token)
    return [[run.info.run_id for run in page], [run.info.run_id for run in rest], rest.token]
tell("runs by pages", pages)
client.delete_run(two)
tell("deleted run", lambda: [client.get_run(two).info.lifecycle_stage, client.get_run(two).info.run_name])
for what, view in (("active", ViewType.ACTIVE_ONLY), ("gone", ViewType.DELETED_ONLY), ("all", ViewType.ALL)):
    tell(f"runs {what}", lambda: sorted(named(run.info.run_id) for run in client.search_runs([first], run_view_type=view)))
tell("write to a deleted run", lambda: client.set_tag(two, "a", "b"))
client.restore_run(two)
tell("restored run", lambda: of_run(client.get_run(two)))
going = begin("going", 1_700_000_000_950)
client.delete_run(going)
tell("deleted while it went on", lambda: client.get_run(going).info.lifecycle_stage)

# -- artifacts
Path("file.txt").write_text("text")
os.makedirs("folder/deep", exist_ok=True)
Path("folder/a b%.bin").write_bytes(bytes(range(256)))
Path("folder/deep/c.txt").write_text("deep")
client.log_artifact(one, "file.txt")
client.log_artifact(one, "file.txt", "copies/here")
client.log_artifacts(one, "folder", "whole")
client.log_text(one, "said", "notes/n.txt")
client.log_dict(one, {"a": [1]}, "d.json")
def listed(path=None):
    return [[f.path, f.is_dir, f.file_size] for f in client.list_artifacts(one, path)]
tell("artifacts", listed)
for path in ("whole", "whole/deep", "copies", "file.txt", "nope"):
    tell(f"artifacts {path}", lambda: listed(path))
def fetched(path):
    at = Path(client.download_artifacts(one, path, "."))
    if at.is_file():
        return at.read_bytes().hex()
    return {str(f.relative_to(at)): f.read_bytes().hex() for f in at.rglob("*") if f.is_file()}
os.makedirs("back", exist_ok=True)
os.chdir("back")
for path in ("whole/a b%.bin", "whole", "notes/n.txt"):
    tell(f"fetched {path}", lambda: fetched(path))
tell("fetched none", lambda: fetched("nope") and None)
from mlflow.tracking._tracking_service.client import TrackingServiceClient
repository = TrackingServiceClient(mlflow.get_tracking_uri())._get_artifact_repo(one)
repository.delete_artifacts("whole/deep")
tell("artifacts left", lambda: listed("whole"))

# -- logged models
model = client.create_logged_model(first, name="net", source_run_id=one, tags={"a": "b"}, params={"depth": "3"}, model_type="cnn")
ids[model.model_id] = "<net>"
other = client.create_logged_model(first, name="lone")
ids[other.model_id] = "<lone>"
tell("model", lambda: of_model(client.get_logged_model(model.model_id)))
Path("w.bin").write_bytes(b"weights")
client.log_model_artifact(model.model_id, "w.bin")
tell("model files", lambda: [[f.path, f.is_dir, f.file_size] for f in client.list_logged_model_artifacts(model.model_id)])
client.finalize_logged_model(model.model_id, "READY")
client.set_logged_model_tags(model.model_id, {"c": "d", "e": "f"})
client.delete_logged_model_tag(model.model_id, "e")
client.log_model_params(model.model_id, {"width": "7"})
client.log_metric(one, "score", 0.9, timestamp=1_700_000_000_100, step=4, model_id=model.model_id, dataset_name="mnist", dataset_digest="d1")
client.log_metric(two, "score", 0.4, timestamp=1_700_000_000_200, step=5, model_id=model.model_id)
client.log_outputs(one, [LoggedModelOutput(model.model_id, 4)])
client.log_inputs(two, models=[LoggedModelInput(model.model_id)])
tell("model ready", lambda: of_model(client.get_logged_model(model.model_id)))
tell("made", lambda: of_run(client.get_run(one))["made"])
tell("read", lambda: of_run(client.get_run(two))["read"])
for text in ("name = 'net'", "params.depth = '3'", "metrics.score > 0.8", "tags.a = 'b' AND model_type = 'cnn'", "source_run_id = '%s'" % one):
    tell(f"models {named(text)}", lambda: [one.name for one in client.search_logged_models([first], filter_string=text)])
tell("models of data", lambda: [one.name for one in client.search_logged_models([first], datasets=[{"dataset_name": "mnist", "dataset_digest": "d1"}])])
tell("models of no data", lambda: [one.name for one in client.search_logged_models([first], datasets=[{"dataset_name": "mnist", "dataset_digest": "nope"}])])
tell("models in order", lambda: [one.name for one in client.search_logged_models([first], order_by=[{"field_name": "name", "ascending": True}])])
client.delete_logged_model(other.model_id)
tell("model gone", lambda: client.get_logged_model(other.model_id) and None)

# -- what is refused
tell("no experiment", lambda: client.get_experiment("123456789"))
tell("no run", lambda: client.get_run("0" * 32))
tell("twice", lambda: client.create_experiment("lab/vision"))
tell("no name", lambda: client.create_experiment(""))
tell("another value", lambda: client.log_param(one, "lr", "9"))
tell("no tag", lambda: client.delete_tag(one, "nope"))
tell("no model", lambda: client.get_logged_model("m-" + "0" * 32))
tell("default", lambda: client.delete_experiment("0"))
print("SAID " + json.dumps(told))
"""


ELSEWHERE = re.compile(
    r"register|version|alias|stage|download-uri|unknown|page-|list-|part|upload|link"
)
"""Routes of the registry and of large files, which other programs of the client ask for, and of MLflow's page and older clients."""
NOT_ASKED = {"mlflow-artifact", "mlflow-artifacts", "mlflow-health", "mlflow-model-artifacts"}
"""What this client has another way for."""


def differences(ours: dict[str, Any], expected: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {
        what: (ours.get(what), expected.get(what))
        for what in {*ours, *expected}
        if ours.get(what) != expected.get(what)
    }


def test_every_call_of_tracking_has_the_answer_of_mlflows_own_server(
    root: Path, tmp_path: Path
) -> None:
    for name in ("root", "ours", "theirs"):
        (tmp_path / name).mkdir(exist_ok=True)
    place = place_of(str(tmp_path / "root"))
    with place_over_a_socket(place) as url:
        ours = said(PROGRAM, f"{url}/mlflow", tmp_path / "ours")
        asked = set(re.findall(r'route="(mlflow-[^"]+)"', place.observer.text(0)))
    routes = {one.name for one in MLFLOW_ROUTES}
    assert {one for one in routes - asked if not ELSEWHERE.search(one)} == NOT_ASKED
    with theirs(tmp_path) as url:
        expected = said(PROGRAM, url, tmp_path / "theirs")
    assert len(expected) > 90
    assert differences(ours, expected) == {}
    (view,) = Store(str(tmp_path / "root")).list("name == 'one'")
    assert (view.owner, view.project, view.status) == ("lab", "vision", Status.COMPLETED)


def test_the_client_without_pandas_has_the_same_answers(tmp_path: Path) -> None:
    python = environment("mlflow-skinny").python
    answers = []
    for name in ("whole", "skinny"):
        folder = tmp_path / name
        (folder / "root").mkdir(parents=True)
        with over_a_socket(str(folder / "root")) as url:
            with_python = {"python": python} if name == "skinny" else {}
            answers.append(said(PROGRAM, f"{url}/mlflow", folder, **with_python))
    assert differences(*answers) == {}


TRAINING = """
import json, sys
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
client = MlflowClient()
who = "WHO"
try:
    experiment = client.create_experiment("lab/faults")
except Exception:
    experiment = client.get_experiment_by_name("lab/faults").experiment_id
run = client.create_run(experiment, run_name=who).info.run_id
for step in range(60):
    client.log_batch(run, metrics=[Metric(key, step / 7, 1_700_000_000_000 + step, step) for key in ("loss", "acc")], params=[Param(f"p{step % 9}", "x")])
    client.log_metric(run, "single", float(step), timestamp=1_700_000_000_000 + step, step=step)
    client.set_tag(run, "at", step)
    if step % 20 == 0:
        client.log_text(run, "t" * 1000, f"{step}.txt")
client.set_terminated(run)
print("SAID " + json.dumps(run))
"""


def test_two_clients_lose_and_double_nothing_when_the_server_is_killed(tmp_path: Path) -> None:
    patient = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "8", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1"}
    with serving(tmp_path / "root") as server, ThreadPoolExecutor(2) as pool:
        training = [
            pool.submit(said, TRAINING.replace("WHO", who), f"{server.url}/mlflow", tmp_path, **patient)
            for who in ("one", "two")
        ]  # fmt: skip
        for _ in range(4):
            time.sleep(1.5)
            if all(one.done() for one in training):
                break
            server.kill()
            server.start()
        runs = [one.result() for one in training]
    with Store(str(tmp_path / "root")) as store:
        for run in runs:
            view = store[run]
            assert view.status == Status.COMPLETED
            for key in ("loss", "acc", "single"):
                rows = list(view.metrics[key].rows())
                assert [row["step"] for row in rows] == list(range(60)), key
            assert len(view.files) == 3
            assert len(view.params.to_dict()) == 9
        assert len({store[run].prefix.rpartition("/")[0] for run in runs}) == 1
