"""Clients of MLflow write ordinary experiments through the server: nothing is lost, doubled, or written where it should not be.

The bodies are those that the client sends.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anew import Experiment, Status
from anew.server.access import Access
from anew.server.callers import Grant, Role
from anew.server.identity.accounts import Accounts
from anew.server.mlflow import MLFLOW_ROUTES
from anew.trackers.mlflow.serve.missing import MISSING, missing_at
from anew.trackers.mlflow.serve.reading import Reader
from benchmarks.synthetic import write_experiment

from .served import FILES, GroupServer, Server, point


@pytest.fixture(params=["folder", pytest.param("group", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, root: Path) -> Iterator[Server]:
    if request.param == "folder":
        made = Server(root)
    else:
        made = GroupServer(root, request.getfixturevalue("make_database")())
    yield made
    made.stop()


def test_what_is_answered_to_a_change_is_true_before_anybody_has_looked_at_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where ten thousand that run are looked at first."""
    experiment = server.experiment("lab/vision")
    tags = [{"key": "mlflow.note.content", "value": "why"}, {"key": "team", "value": "ml"}]
    asked = {"experiment_id": experiment, "run_name": "a/first", "start_time": 1_700_000_000_123}
    ended = {"status": "FAILED", "end_time": 1_700_000_001_000, "run_name": "second"}
    with monkeypatch.context() as patch:
        patch.setattr(Reader, "find", lambda *_: None)
        run = server.ask("POST", "runs/create", {**asked, "tags": tags})["run"]
    run_id = run["info"]["run_id"]
    assert server.ask("GET", "runs/get", run_id=run_id)["run"] == run
    assert run["info"]["status"] == "RUNNING"
    with monkeypatch.context() as patch:
        patch.setattr(Reader, "find", lambda *_: None)
        info = server.ask("POST", "runs/update", {"run_id": run_id, **ended})["run_info"]
    assert server.ask("GET", "runs/get", run_id=run_id)["run"]["info"] == info
    assert (info["status"], info["end_time"], info["run_name"]) == ("FAILED", 1_700_000_001_000, "second")  # fmt: skip


def test_a_run_of_the_client_is_an_ordinary_experiment(server: Server) -> None:
    experiment = server.experiment("lab/vision")
    tags = [
        {"key": "mlflow.user", "value": "ada"},
        {"key": "mlflow.note.content", "value": "why"},
        {"key": "best", "value": ""},
    ]
    run = server.begin(experiment, run_name="first", start_time=1_700_000_000_123, tags=tags)
    metrics = [
        point("loss", 0.5, 0, 1_700_000_000_200),
        point("acc", "NaN", 0, 1_700_000_000_200),
        point("loss", 0.25, 7, 1_700_000_000_300),
    ]
    params = [
        {"key": "lr", "value": "0.10"},
        {"key": "a", "value": "1"},
        {"key": "a.b", "value": "2"},
    ]
    server.log(run, metrics=metrics, params=params)
    server.ask(
        "POST", "runs/update", {"run_id": run, "status": "FINISHED", "end_time": 1_700_000_001_000}
    )

    view = server.store[run]
    assert view.prefix == f"lab/vision/first-{run}"
    assert (view.name, view.status, view.description) == ("first", Status.COMPLETED, "why")
    assert view.params.to_dict()["lr"] == "0.10"
    assert view.started_at == 1_700_000_000.123
    assert view.ended_at == 1_700_000_001.0
    assert [row["value"] for row in view.metrics["loss"].rows()] == [0.5, 0.25]
    assert view.metrics["loss"].last_step == 7

    found = server.run(run)
    assert found["info"]["user_id"] == "ada"
    assert found["info"]["experiment_id"] == experiment
    assert found["info"]["artifact_uri"] == f"mlflow-artifacts:/{experiment}/{run}/artifacts"
    assert (found["info"]["start_time"], found["info"]["end_time"]) == (
        1_700_000_000_123,
        1_700_000_001_000,
    )
    assert {one["key"]: one["value"] for one in found["data"]["params"]} == {
        "lr": "0.10",
        "a": "1",
        "a.b": "2",
    }
    assert {one["key"]: one["value"] for one in found["data"]["metrics"]} == {
        "loss": 0.25,
        "acc": "NaN",
    }
    assert {one["key"]: one["value"] for one in found["data"]["tags"]} == {
        "mlflow.runName": "first", "mlflow.user": "ada", "mlflow.note.content": "why", "best": "",
    }  # fmt: skip


def test_what_is_sent_again_is_there_once_also_after_a_restart(server: Server) -> None:
    run = server.begin(server.experiment("lab/a"))
    body = [
        point("loss", value, step, 1_700_000_000_000 + step)
        for step, value in enumerate([1.0, 0.5, "NaN", 0.5])
    ]
    server.log(run, metrics=body)
    server.log(run, metrics=[*body, point("loss", 9.0, 4, 1_700_000_000_004)])
    server.restart()
    server.log(run, metrics=body)
    server.ask(
        "POST", "runs/log-metric", {"run_id": run, **point("loss", 9.0, 4, 1_700_000_000_004)}
    )
    history = server.ask("GET", "metrics/get-history", run_id=run, metric_key="loss")["metrics"]
    assert [one["value"] for one in history] == [1.0, 0.5, "NaN", 0.5, 9.0]
    assert len(list(server.store[run].metrics["loss"].rows())) == 5


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b/c"]), st.integers(-3, 3), st.integers(0, 4), st.sampled_from([1.0, -0.5, math.inf, math.nan])
        ),
        max_size=12,
    )
)  # fmt: skip
def test_the_points_are_the_set_of_what_was_sent(
    server: Server, sent: list[tuple[str, int, int, float]]
) -> None:
    experiment = server.ask("GET", "experiments/get", experiment_id="0")["experiment"][
        "experiment_id"
    ]
    run = server.begin(experiment)
    names = {math.inf: "Infinity"}
    said = [(k, s, t, "NaN" if v != v else names.get(v, v)) for k, s, t, v in sent]
    for one in (said, said[::-1]):
        server.log(run, metrics=[point(k, v, s, t) for k, s, t, v in one])
    found = [
        (one["key"], one["step"], one["timestamp"], one["value"])
        for key in ("a", "b/c")
        for one in server.ask("GET", "metrics/get-history", run_id=run, metric_key=key).get(
            "metrics", []
        )
    ]
    assert len(found) == len(set(found))
    assert set(found) == set(said)


def test_a_parameter_is_set_once(server: Server) -> None:
    run = server.begin(server.experiment("lab/a"))
    server.ask("POST", "runs/log-parameter", {"run_id": run, "key": "lr", "value": "1"})
    server.ask("POST", "runs/log-parameter", {"run_id": run, "key": "lr", "value": "1"})
    server.restart()
    other = {"run_id": run, "params": [{"key": "x", "value": "1"}, {"key": "lr", "value": "2"}]}
    assert server.refused("POST", "runs/log-batch", other) == (400, "INVALID_PARAMETER_VALUE")
    assert {one["key"]: one["value"] for one in server.run(run)["data"]["params"]} == {"lr": "1"}


def test_runs_are_found_by_the_grammar_of_mlflow(server: Server) -> None:
    experiment = server.experiment("lab/a")
    other = server.experiment("lab/a/deeper")
    server.begin(other, run_name="elsewhere")
    for at, name in enumerate(["one", "two", "three", "odd/name"]):
        run = server.begin(experiment, run_name=name, start_time=1_700_000_000_000 + at)
        params = [{"key": "lr", "value": f"0.{at}"}]
        tags = [{"key": "team", "value": "red" if at % 2 else "blue"}]
        metrics = [point("loss", float(at), 0, 1)] if at < 3 else []
        server.log(run, metrics=metrics, params=params, tags=tags)
    assert server.search(experiment) == ["odd/name", "three", "two", "one"]
    assert server.search(experiment, order_by=["start_time ASC"]) == [
        "one",
        "two",
        "three",
        "odd/name",
    ]
    assert server.search(experiment, order_by=["metrics.loss DESC"]) == [
        "three",
        "two",
        "one",
        "odd/name",
    ]
    assert server.search(experiment, order_by=["metrics.none"]) == [
        "odd/name",
        "three",
        "two",
        "one",
    ]
    assert server.search(experiment, filter="metrics.loss >= 1 and params.lr != '0.1'") == ["three"]
    assert server.search(
        experiment, filter="params.lr IN ('0.0', '0.1') AND tags.team = 'red'"
    ) == ["two"]
    assert server.search(experiment, filter="attributes.run_name = 'odd/name'") == ["odd/name"]
    assert server.search(experiment, filter="run_name LIKE 't%'") == ["three", "two"]
    assert server.search(experiment, filter="start_time > 1700000000001") == ["odd/name", "three"]
    assert server.search(
        experiment, filter="start_time <= 1700000000001 and status = 'RUNNING'"
    ) == ["two", "one"]
    asked = {"experiment_ids": [experiment], "filter": "loss >"}
    assert server.refused("POST", "runs/search", asked) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("condition", ["", "params.lr LIKE '%x%'"])
def test_pages_together_are_all_runs(server: Server, condition: str) -> None:
    experiment = server.experiment("lab/a")
    names = [f"r{at}" for at in range(7)]
    for at, name in enumerate(names):
        run = server.begin(experiment, run_name=name, start_time=1_700_000_000_000 + at)
        server.log(run, params=[{"key": "lr", "value": f"ax{at}"}])
    found: list[str] = []
    token = None
    for _ in range(4):
        body = {
            "experiment_ids": [experiment],
            "max_results": 2,
            "page_token": token,
            "filter": condition,
        }
        page = server.ask("POST", "runs/search", body)
        found += [one["info"]["run_name"] for one in page["runs"]]
        token = page.get("next_page_token")
    assert token is None
    assert found == names[::-1]


def test_what_is_deleted_comes_back(server: Server) -> None:
    experiment = server.experiment("lab/a")
    run = server.begin(experiment, run_name="one")
    server.ask("POST", "runs/update", {"run_id": run, "status": "FINISHED"})
    server.ask("POST", "runs/delete", {"run_id": run})
    assert server.run(run)["info"]["lifecycle_stage"] == "deleted"
    assert server.search(experiment) == []
    assert server.search(experiment, run_view_type="DELETED_ONLY") == ["one"]
    assert server.refused("POST", "runs/set-tag", {"run_id": run, "key": "a", "value": "b"}) == (
        400,
        "INVALID_PARAMETER_VALUE",
    )
    server.ask("POST", "runs/restore", {"run_id": run})
    assert server.search(experiment, run_view_type="ALL") == ["one"]
    server.ask("POST", "experiments/delete", {"experiment_id": experiment})
    assert server.search(experiment) == []
    found = server.ask("GET", "experiments/search", max_results=10)["experiments"]
    assert [one["name"] for one in found] == ["Default"]
    server.ask("POST", "experiments/restore", {"experiment_id": experiment})
    server.ask("POST", "experiments/update", {"experiment_id": experiment, "new_name": "lab/b"})
    assert server.search(experiment) == ["one"]
    assert server.refused("GET", "experiments/get-by-name", experiment_name="lab/a") == (
        404,
        "RESOURCE_DOES_NOT_EXIST",
    )
    assert server.experiment("lab/a") != experiment


def test_artifacts_are_files_of_the_experiment(server: Server) -> None:
    experiment = server.experiment("lab/a")
    run = server.begin(experiment)
    at = f"{FILES}/{experiment}/{run}/artifacts"
    for _ in range(2):  # the answer to the first may have been lost
        server.ask("PUT", f"{at}/plots/a%20b%25.bin", b"\x00\x01")
    server.ask("PUT", f"{at}/top.txt", b"text")
    assert len(server.store[run].files) == 2
    listed = server.ask("GET", "artifacts/list", run_id=run)["files"]
    assert listed == [
        {"path": "plots", "is_dir": True},
        {"path": "top.txt", "is_dir": False, "file_size": 4},
    ]
    inside = server.ask("GET", "artifacts/list", run_id=run, path="plots")["files"]
    assert inside == [{"path": "plots/a b%.bin", "is_dir": False, "file_size": 2}]
    assert server.send("GET", f"{at}/plots/a%20b%25.bin").body == b"\x00\x01"
    server.ask("DELETE", f"{at}/plots")
    assert server.send("GET", f"{at}/plots/a%20b%25.bin").status == 404
    assert [one["path"] for one in server.ask("GET", "artifacts/list", run_id=run)["files"]] == [
        "top.txt"
    ]


@pytest.mark.parametrize(
    "name",
    ["../../x", "..%2f..%2fx", "%2e%2e/x", "a/../../x", "/etc/passwd", "a//b", "a%5c..%5cx", "a%00b", "./x", "a/.", "C:/x", "%252e%252e/x/.."],
)  # fmt: skip
def test_no_artifact_leads_out_of_its_run(server: Server, name: str) -> None:
    experiment = server.experiment("lab/a")
    run = server.begin(experiment)
    before = {path for path in server.root.parent.rglob("*") if server.root not in path.parents}
    answer = server.send("PUT", f"{FILES}/{experiment}/{run}/artifacts/{name}", b"x")
    assert answer.status in (400, 404), answer.body
    assert server.send("GET", f"{FILES}/{experiment}/{run}/artifacts/{name}").status in (400, 404)
    assert {
        path for path in server.root.parent.rglob("*") if server.root not in path.parents
    } == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("experiments/create", {"name": 5}),
        ("experiments/create", {}),
        ("experiments/create", {"name": "\0"}),
        ("experiments/create", {"name": "a" * 501}),
        ("runs/create", {"experiment_id": "0", "start_time": -1}),
        ("runs/create", {"experiment_id": "0", "tags": "x"}),
        ("runs/create", b"[" * 100_000),
        ("runs/create", b'{"experiment_id": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001),
        ("runs/log-metric", {"run_id": "x", "key": "a", "value": {}, "timestamp": 1}),
        ("runs/log-batch", {"run_id": 5}),
        ("runs/search", {"experiment_ids": ["0"], "page_token": "%%%"}),
        ("runs/search", {"experiment_ids": ["0"], "max_results": 0}),
        ("runs/search", {"experiment_ids": ["0"], "filter": "params.a = '" + "x" * 100}),
        ("runs/search", {"experiment_ids": ["0"], "run_view_type": "SOME"}),
    ],
)
def test_what_cannot_be_kept_is_refused_in_the_words_of_mlflow(
    server: Server, path: str, body: Any
) -> None:
    assert server.refused("POST", path, body) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    "metric",
    [
        {"key": "", "value": 1, "timestamp": 1},
        {"key": "a" * 251, "value": 1, "timestamp": 1},
        {"key": "../a", "value": 1, "timestamp": 1},
        {"key": "a", "value": 1, "timestamp": -1},
        {"key": "a", "value": 1, "timestamp": 1, "step": 1 << 70},
        {"key": "a", "value": "x", "timestamp": 1},
        {"key": "a", "value": True, "timestamp": 1},
    ],
)
def test_a_point_that_mlflow_does_not_take_is_refused(
    server: Server, metric: dict[str, Any]
) -> None:
    run = server.begin("0")
    assert (
        server.refused("POST", "runs/log-batch", {"run_id": run, "metrics": [metric]})[1]
        == "INVALID_PARAMETER_VALUE"
    )
    assert server.run(run)["data"]["metrics"] == []


def test_a_logged_model_keeps_its_files_with_its_run(server: Server) -> None:
    experiment = server.experiment("lab/a")
    run = server.begin(experiment)
    for source in (run, None):
        body = {
            "experiment_id": experiment,
            "name": "net",
            "source_run_id": source,
            "params": [{"key": "depth", "value": "3"}],
        }
        model = server.ask("POST", "logged-models", body)["model"]["info"]
        at = f"{FILES}/{experiment}/models/{model['model_id']}/artifacts"
        server.ask("PUT", f"{at}/data/w.bin", b"123")
        server.ask("PATCH", f"logged-models/{model['model_id']}", {"status": "LOGGED_MODEL_READY"})
        found = server.ask("GET", f"logged-models/{model['model_id']}")["model"]
        assert found["info"]["status"] == "LOGGED_MODEL_READY"
        assert server.send("GET", f"{at}/data/w.bin").body == b"123"
        files = server.ask("GET", f"logged-models/{model['model_id']}/artifacts/directories")[
            "files"
        ]
        assert files == [{"path": "data", "is_dir": True}]
    server.ask(
        "POST",
        "runs/outputs",
        {"run_id": run, "models": [{"model_id": model["model_id"], "step": 2}]},
    )
    assert server.run(run)["outputs"]["model_outputs"] == [
        {"model_id": model["model_id"], "step": 2}
    ]
    assert server.ask("GET", "artifacts/list", run_id=run).get("files", []) == []
    assert len(server.search(experiment)) == 1
    asked = {"experiment_ids": [experiment], "filter": f"attributes.source_run_id = '{run}'"}
    assert len(server.ask("POST", "logged-models/search", asked)["models"]) == 1
    server.ask("DELETE", f"logged-models/{model['model_id']}")
    assert server.refused("GET", f"logged-models/{model['model_id']}")[0] == 404


def test_a_run_of_anew_is_a_run_for_the_client(server: Server) -> None:
    if isinstance(server, GroupServer):
        pytest.skip("it records into the folder")
    with Experiment(prefix="lab/a/native", root=str(server.root)).run as native:
        native.log_metrics({"loss": 0.5})
    experiment = server.experiment("lab/a")
    assert server.search(experiment, filter="metrics.loss = 0.5") == ["native"]


def test_only_those_who_may_see_and_write_do(root: Path) -> None:
    root.mkdir(exist_ok=True)
    accounts = Accounts(str(root))
    accounts.redeem(accounts.first_link(), "ada")
    accounts.add_user("bob", [Grant("lab/a", Role.WRITER), Grant("lab/b", Role.READER)])
    token = accounts.create_token("t", Role.OWNER, user="bob")
    server = Server(root, Access("ada", identities=accounts))
    try:
        for shown in (
            f"Bearer {token}",
            "Basic " + base64.b64encode(f"x:{token}".encode()).decode(),
        ):
            server.headers = {"Authorization": shown}
            assert server.refused("POST", "experiments/create", {"name": "secret/x"})[0] == 404
            assert server.refused("POST", "experiments/create", {"name": "lab/b"}) == (
                403,
                "PERMISSION_DENIED",
            )
        experiment = server.experiment("lab/a")
        run = server.begin(experiment)
        assert server.run(run)["info"]["run_id"] == run
        assert server.refused("POST", "runs/delete", {"run_id": run}) == (403, "PERMISSION_DENIED")
        accounts.set_role("bob", "lab/a", None)
        for method, path, body, query in (
            ("GET", "runs/get", None, {"run_id": run}),
            ("GET", "experiments/get", None, {"experiment_id": experiment}),
            ("GET", "artifacts/list", None, {"run_id": run}),
            ("GET", f"{FILES}/{experiment}/{run}/artifacts/x", None, {}),
            ("POST", "runs/log-metric", {"run_id": run, **point("a", 1.0, 0, 1)}, {}),
        ):
            status, code = server.refused(method, path, body, **query)
            assert (status, code) in (
                (404, "RESOURCE_DOES_NOT_EXIST"),
                (403, "PERMISSION_DENIED"),
            ), path
        server.headers = {"Authorization": "Bearer anew_wrong"}
        assert server.refused("GET", "experiments/get", experiment_id="0") == (
            401,
            "UNAUTHENTICATED",
        )
    finally:
        server.stop()
        accounts.close()


def test_a_server_that_may_not_be_written_refuses_in_the_words_of_mlflow(root: Path) -> None:
    server = Server(root, Access("tester", role=Role.READER))
    try:
        assert server.refused("POST", "runs/create", {"experiment_id": "0"}) == (
            403,
            "PERMISSION_DENIED",
        )
        assert (
            server.ask("GET", "experiments/get", experiment_id="0")["experiment"]["name"]
            == "Default"
        )
    finally:
        server.stop()


def _paths() -> list[tuple[str, str]]:
    handlers = pytest.importorskip("mlflow.server.handlers")
    return sorted(
        {
            (method, path)
            for path, _, methods in handlers.get_endpoints()
            for method in methods
            if path.startswith("/api")
        }
    )


def test_every_route_of_mlflow_is_served_or_listed_as_missing() -> None:
    ours = {(one.method, one.path.removeprefix("/mlflow")) for one in MLFLOW_ROUTES}
    shapes = {(method, _shape(path)) for method, path in ours}
    lacking = [
        (method, path)
        for method, path in _paths()
        if (method, _shape(path)) not in shapes and missing_at(path.removeprefix("/api/")) is None
    ]
    assert lacking == []
    served = {
        path.removeprefix("/api/")
        for _, path in _paths()
        if ("GET", _shape(path)) in shapes or ("POST", _shape(path)) in shapes
    }
    assert not {path for path in served if missing_at(path)}


def _shape(path: str) -> tuple[str, ...]:
    return tuple("*" if part[:1] in "<{" else part for part in path.strip("/").split("/"))


def test_the_guide_lists_what_is_missing() -> None:
    guide = (Path(__file__).parents[3] / "docs/guides/mlflow-server.md").read_text()
    assert [one.start for one in MISSING if f"`{one.start}" not in guide] == []


@pytest.mark.parametrize(
    "path", ["/mlflow/api/3.0/mlflow/traces/search", "/mlflow/api/2.0/mlflow/webhooks"]
)
def test_what_is_missing_says_so(server: Server, path: str) -> None:
    assert server.refused("POST", path, {}) == (501, "NOT_IMPLEMENTED")
    assert server.refused("POST", "no/such", {}) == (404, "ENDPOINT_NOT_FOUND")


@pytest.mark.slow
def test_ten_thousand_runs_are_found_by_pages_and_by_filters(root: Path) -> None:
    total = 10_000
    for at in range(total):
        line = f'{{"t":1.0,"m":{{"loss":{at * 7919 % total / total}}},"s":1}}\n'.encode()
        write_experiment(
            root, f"lab/many/r{at}", iter([line]), params={"lr": at % 10}, opened_at=1.7e9 + at
        )
    server = Server(root)
    try:
        experiment = server.experiment("lab/many")
        found: list[str] = []
        token = ""
        while token is not None:
            body = {"experiment_ids": [experiment], "max_results": 3000, "page_token": token}
            page = server.ask("POST", "runs/search", body)
            found += [one["info"]["run_name"] for one in page["runs"]]
            token = page.get("next_page_token")
        assert found == [f"r{at}" for at in reversed(range(total))]
        most = {"max_results": 50_000}
        less = server.search(experiment, filter="metrics.loss < 0.25 and params.lr = '3'", **most)
        wanted = {
            f"r{at}" for at in range(total) if at * 7919 % total / total < 0.25 and at % 10 == 3
        }
        assert set(less) == wanted
        first = server.search(experiment, order_by=["metrics.loss ASC"], max_results=3)
        ranked = sorted(range(total), key=lambda at: at * 7919 % total)
        assert first == [f"r{at}" for at in ranked[:3]]
    finally:
        server.stop()
