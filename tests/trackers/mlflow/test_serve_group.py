"""Clients of MLflow write to the stores of a group through any of its servers: what one has taken, all others know."""

from __future__ import annotations

import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from anew import Status

from .served import FILES, GroupServer, point

MPU = "/mlflow/api/2.0/mlflow-artifacts/mpu"
LINKS = "/mlflow/api/2.0/mlflow-artifacts/presigned"


@pytest.fixture
def two(root: Path, make_database: Callable[[], str]) -> Iterator[tuple[GroupServer, GroupServer]]:
    first = GroupServer(root, make_database())
    second = first.beside()
    yield first, second
    second.stop()
    first.stop()


def values(server: GroupServer, run: str, key: str) -> list[Any]:
    asked = server.ask("GET", "metrics/get-history", run_id=run, metric_key=key)
    return [one["value"] for one in asked.get("metrics", [])]


def test_a_run_goes_on_at_another_server(two: tuple[GroupServer, GroupServer]) -> None:
    first, second = two
    experiment = first.experiment("lab/vision")
    run = first.begin(experiment, run_name="one", tags=[{"key": "team", "value": "x"}])
    body = [point("loss", 1.0 / (step + 1), step, 1000 + step) for step in range(4)]
    first.log(run, metrics=body[:2], params=[{"key": "lr", "value": "1"}])
    second.log(
        run, metrics=body[1:3]
    )  # the answer of the first was lost, and it is sent to the second
    first.log(run, metrics=body)
    second.log(run, metrics=body[::-1], params=[{"key": "lr", "value": "1"}])
    refused = second.refused("POST", "runs/log-parameter", {"run_id": run, "key": "lr", "value": "2"})  # fmt: skip
    assert refused == (400, "INVALID_PARAMETER_VALUE")
    for server in two:
        assert values(server, run, "loss") == [1.0, 0.5, 1 / 3, 0.25]
    content = os.urandom(100_000)
    at = f"{FILES}/{experiment}/{run}/artifacts"
    first.ask("PUT", f"{at}/model/w.bin", content)
    second.ask("PUT", f"{at}/model/w.bin", content)
    second.ask("PUT", f"{at}/small.txt", b"text")
    assert first.send("GET", f"{at}/model/w.bin").body == content
    assert first.send("GET", f"{at}/small.txt").body == b"text"
    second.ask("POST", "runs/update", {"run_id": run, "status": "FINISHED", "end_time": 5000})
    first.log(run, metrics=[point("late", 1.0, 0, 6000)])
    second.log(run, tags=[{"key": "checked", "value": "yes"}])
    view = first.store[run]
    assert (view.name, view.status, len(view.files)) == ("one", Status.COMPLETED, 2)
    found = first.run(run)
    assert {one["key"]: one["value"] for one in found["data"]["params"]} == {"lr": "1"}
    tags = {one["key"]: one["value"] for one in found["data"]["tags"]}
    assert (tags["team"], tags["checked"]) == ("x", "yes")
    assert second.search(experiment, filter="metrics.late = 1 and tags.team = 'x'") == ["one"]
    assert len(view.openings) == 1


@pytest.mark.slow
def test_servers_that_are_written_to_at_once_keep_every_point_once(
    two: tuple[GroupServer, GroupServer],
) -> None:
    experiment = two[0].experiment("lab/a")
    run = two[0].begin(experiment)

    def send(at: int) -> None:
        for step in range(20):  # the half of what two send is the same
            two[at % 2].log(run, metrics=[point("m", float(step), step, at // 2)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(8)))
    for server in two:
        assert len(values(server, run, "m")) == 80
    experiments = {server.ask("GET", "experiments/get-by-name", experiment_name="lab/a")["experiment"]["experiment_id"] for server in two}  # fmt: skip
    assert experiments == {experiment}


@pytest.mark.slow
def test_a_server_waits_while_another_one_writes(two: tuple[GroupServer, GroupServer]) -> None:
    first, second = two
    run = first.begin(first.experiment("lab/a"))
    home = first.group.records.home(run, first.store[run].prefix)
    with ThreadPoolExecutor(1) as pool:
        with home.held():
            sent = pool.submit(second.log, run, metrics=[point("m", 1.0, 0, 1)])
            assert not wait([sent], 1.0).done
        sent.result(60)
    assert values(first, run, "m") == [1.0]


@pytest.mark.slow
def test_a_large_file_is_fetched_from_the_bucket_by_a_link_that_ends(
    root: Path, make_database: Callable[[], str], make_real_bucket: Callable[[], str]
) -> None:
    server = GroupServer(root, make_database(), make_real_bucket(), links=60)
    try:
        info = server.ask("GET", "/mlflow/api/3.0/mlflow/server-info")
        assert info["multipart_downloads_enabled"] is True
        experiment = server.experiment("lab/a")
        run = server.begin(experiment)
        at = f"{experiment}/{run}/artifacts"
        content = os.urandom(200_000)
        server.ask("PUT", f"{FILES}/{at}/w.bin", content)
        link = server.ask("GET", f"{LINKS}/{at}/w.bin")
        assert link["file_size"] == len(content)
        assert "X-Amz-Expires=60&" in link["url"]
        asked = urllib.request.Request(link["url"], headers={"Range": "bytes=100000-199999"})
        with urllib.request.urlopen(asked) as answer:
            assert answer.read() == content[100_000:]
        for wrong in (link["url"].replace("Expires=60", "Expires=600"), link["url"].split("?")[0]):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(wrong)
        assert server.refused("GET", f"{LINKS}/{at}/none")[0] == 404
        # Of an object that is not what was kept there is no link: its key is its hash, and its size is compared.
        digest = urllib.parse.urlsplit(link["url"]).path.rpartition("/")[2]
        assert digest in blake3(content).hexdigest()
        (key,) = (k for k in server.group.stores.truth.blobs.keys("contents") if k.endswith(digest))
        server.group.stores.truth.blobs.replace(key, content[:-1])
        assert server.refused("GET", f"{LINKS}/{at}/w.bin")[0] == 503
    finally:
        server.stop()


@pytest.mark.slow
def test_the_parts_of_a_file_may_come_to_different_servers(
    two: tuple[GroupServer, GroupServer],
) -> None:
    first, second = two
    experiment = first.experiment("lab/a")
    run = first.begin(experiment)
    folder = f"{experiment}/{run}/artifacts/model"
    begun = first.ask("POST", f"{MPU}/create/{folder}", {"path": "/me/w.bin", "num_parts": 3})
    pieces = {1: os.urandom(90_000), 2: b"", 3: b"end"}
    parts = []
    for number, data in pieces.items():
        server = two[number % 2]
        server.headers["Content-Length"] = str(len(data))
        answer = server.send("PUT", f"{MPU}/part/{begun['upload_id']}/{number}", data)
        assert answer.status == 200, answer.body
        parts.append({"part_number": number, "etag": answer.headers["etag"]})
        del server.headers["Content-Length"]
    body = {"path": "/me/w.bin", "upload_id": begun["upload_id"]}
    refused = second.refused("POST", f"{MPU}/complete/{folder}", {**body, "parts": parts[:2]})
    assert refused == (400, "INVALID_PARAMETER_VALUE")
    second.ask("POST", f"{MPU}/complete/{folder}", {**body, "parts": parts})
    assert first.send("GET", f"{FILES}/{folder}/w.bin").body == b"".join(pieces.values())
    assert first.refused("POST", f"{MPU}/complete/{folder}", {**body, "parts": parts})[0] == 404
    assert first.group.stores.truth.blobs.keys("uploads") == []
