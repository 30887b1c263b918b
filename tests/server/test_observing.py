"""What a server says of itself to whoever runs it, and what it never says."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from anew import Experiment
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.observing import Observer
from anew.server.place import Place
from serving import InProcess, place_of


@pytest.fixture
def place(root: Path):
    with Experiment(prefix="lab/x/one", root=str(root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0})
    made = place_of(str(root))
    yield made
    made.close()


def test_requests_are_counted_by_route_and_status_and_prometheus_can_read_it(place: Place):
    server = InProcess(make_app(place, Access("tester")))
    for path in ("/api/v1/experiments", "/api/v1/experiments/one", "/api/v1/experiments/nothing"):
        server.send("GET", path)
    server.send("GET", "/api/v1/experiments", {"Host": "evil.example"})
    answer = server.send("GET", "/metrics")
    server.close()
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.body.decode().splitlines()
    assert 'anew_requests_total{route="experiments",method="GET",status="200"} 1' in lines
    assert 'anew_requests_total{route="experiments",method="GET",status="421"} 1' in lines
    assert 'anew_requests_total{route="experiment",method="GET",status="404"} 1' in lines
    assert 'anew_request_seconds_count{route="experiment"} 2' in lines
    samples = [line for line in lines if not line.startswith("#")]
    assert all(float(line.rpartition(" ")[2]) >= 0 for line in samples)
    assert len({line.rpartition(" ")[0] for line in samples}) == len(samples)
    assert "lab" not in answer.body.decode()
    assert "anew_index_lag_seconds 0.000" in lines
    assert "anew_unfinished_contents 0" in lines


def test_a_line_for_each_request_says_who_and_what_and_no_credential(place: Place):
    lines: list[str] = []
    place.observer = Observer(lines.append)
    server = InProcess(make_app(place, Access("tester")))
    secret = {"Authorization": "Bearer anew_secret", "Cookie": "anew_session=secret"}
    server.send("GET", "/api/v1/experiments?filter=name%3D%3D%22secret%22", secret)
    server.send(
        "POST",
        "/dash/graphql",
        {**secret, "Content-Type": "application/json"},
        b'{"query": "{ me { id } }"}',
    )
    server.close()
    assert not [line for line in lines if "secret" in line]
    first, second = map(json.loads, lines)
    assert (first["method"], first["path"], first["route"], first["status"]) == (
        "GET",
        "/api/v1/experiments",
        "experiments",
        200,
    )
    assert (second["caller"], second["client"], second["route"]) == (
        "tester",
        "127.0.0.1",
        "dash-graphql",
    )


def test_a_server_is_ready_when_its_store_answers(place: Place, monkeypatch: pytest.MonkeyPatch):
    server = InProcess(make_app(place, Access("tester")))
    assert server.send("GET", "/readyz").status == 200

    def broken() -> None:
        raise OSError(5, "Input/output error", "/a/path/of/this/machine")

    monkeypatch.setattr(place, "look", broken)
    answer = server.send("GET", "/readyz")
    assert answer.status == 503
    assert b"/a/path" not in answer.body
    assert server.send("GET", "/healthz").status == 200
    # One that looks is enough: the others are told so at once, and none of them waits.
    begun, go = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        go.wait(300)

    monkeypatch.setattr(place, "look", slow)
    first = threading.Thread(target=server.send, args=("GET", "/readyz"))
    first.start()
    assert begun.wait(300)
    assert server.send("GET", "/readyz").status == 503
    go.set()
    first.join(300)
    monkeypatch.undo()
    assert server.send("GET", "/readyz").status == 200
    server.close()
