"""Files that clients of MLflow send in parts arrive whole, in whatever order, or not at all."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .served import FILES, Server
from .test_serve import server as server

MPU = "/mlflow/api/2.0/mlflow-artifacts/mpu"


def begin(server: Server, folder: str, count: int) -> Any:
    return server.ask("POST", f"{MPU}/create/{folder}", {"path": "/home/me/w.bin", "num_parts": count})  # fmt: skip


def test_parts_arrive_in_any_order(server: Server) -> None:
    experiment = server.experiment("lab/vision")
    run = server.begin(experiment)
    folder = f"{experiment}/{run}/artifacts/model"
    begun = begin(server, folder, 3)
    body = {"path": "/home/me/w.bin", "upload_id": begun["upload_id"]}
    pieces, tags = {1: b"a" * 70_000, 2: b"b" * 70_000, 3: b"c"}, {}
    for one in reversed(begun["credentials"]):
        number = one["part_number"]
        for data in (b"wrong", pieces[number]) if number == 2 else (pieces[number],):
            headers = {"Content-Length": str(len(data))}
            server.headers = {**server.headers, **headers}
            answer = server.send("PUT", urlsplit(one["url"]).path, data)
            assert answer.status == 200, answer.body
            tags[number] = answer.headers["etag"]
        server.headers.pop("Content-Length")
    parts = [{"part_number": n, "etag": tag, "url": "x"} for n, tag in tags.items()]
    for wrong in (parts[:2], [{**one, "etag": "x"} for one in parts]):
        refused = server.refused("POST", f"{MPU}/complete/{folder}", {**body, "parts": wrong})
        assert refused == (400, "INVALID_PARAMETER_VALUE")
    other = f"{experiment}/{run}/artifacts/other"
    assert server.refused("POST", f"{MPU}/complete/{other}", {**body, "parts": parts})[0] == 400
    server.ask("POST", f"{MPU}/complete/{folder}", {**body, "parts": parts})
    whole = b"".join(pieces[number] for number in (1, 2, 3))
    assert server.send("GET", f"{FILES}/{folder}/w.bin").body == whole
    (file,) = server.store.get(run).files
    assert (file.prefix, file.name, file.size) == ("model", "w.bin", len(whole))
    assert server.refused("POST", f"{MPU}/complete/{folder}", {**body, "parts": parts})[0] == 404


def test_what_is_aborted_is_not_there(server: Server) -> None:
    experiment = server.experiment("lab/vision")
    run = server.begin(experiment)
    folder = f"{experiment}/{run}/artifacts"
    begun = begin(server, folder, 1)
    body = {"path": "/home/me/w.bin", "upload_id": begun["upload_id"]}
    server.ask("POST", f"{MPU}/abort/{folder}", body)
    assert server.refused("PUT", f"{MPU}/part/{begun['upload_id']}/1", b"")[0] in (400, 404)
    assert server.refused("POST", f"{MPU}/complete/{folder}", {**body, "parts": []})[0] == 404
    for count in (0, -1, 100_000):
        refused = server.refused(
            "POST", f"{MPU}/create/{folder}", {"path": "w", "num_parts": count}
        )
        assert refused == (400, "INVALID_PARAMETER_VALUE")
    for bad in (f"{experiment}/nosuchrun/artifacts", "..", f"{experiment}/{run}/artifacts/%2e%2e"):
        answer = server.send("POST", f"{MPU}/create/{bad}", {"path": "w", "num_parts": 1})
        assert answer.status in (400, 404), bad
    assert list(server.store.get(run).files) == []
