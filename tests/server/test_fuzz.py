"""Requests at random, made from the OpenAPI document: none breaks the server, and none is answered with an error of its own."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from anew import Experiment
from anew.server.table import API, ROUTES
from serving import in_process

pytestmark = pytest.mark.slow
# They wait for changes, in a stream that does not end.
PATIENT = {"events", "ask-changes"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("fuzzed")
    with Experiment(prefix="lab/x/one", root=str(root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    with in_process(str(root)) as transport:
        yield transport


@pytest.fixture(scope="module")
def operations(server):
    document = json.loads(server.send("GET", f"{API}/openapi.json").body)
    schema = schemathesis.openapi.from_dict(document)
    found = (one.ok() for one in schema.get_all_operations())
    return {(one.method.upper(), one.path): one for one in found}


@pytest.mark.parametrize(
    "name", [route.name for route in ROUTES if route.name not in PATIENT and not route.foreign]
)
def test_no_request_that_fits_the_document_breaks_the_server(server, operations, name: str):
    (route,) = (one for one in ROUTES if one.name == name)
    operation = operations[route.method, route.path.replace(":path}", "}")]

    # The same requests each time, so that a run judges the code and not the draw.
    @settings(
        max_examples=200, derandomize=True, suppress_health_check=list(HealthCheck), database=None
    )
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:
        sent = case.as_transport_kwargs(base_url="http://127.0.0.1:5700")
        from requests import Request

        ready = Request(
            sent["method"], sent["url"], params=sent.get("params"), json=sent.get("json"), data=sent.get("data")
        ).prepare()  # fmt: skip
        body = ready.body.encode() if isinstance(ready.body, str) else ready.body or b""
        headers = {"Content-Type": "application/json"} if route.method == "POST" else {}
        path = ready.url.removeprefix("http://127.0.0.1:5700")
        answer = server.send(route.method, path, headers, body)
        assert answer.status < 500, answer.body

    ask()
