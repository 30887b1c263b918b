"""The routes for people, scripts and pages, asked in this process."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from anew import Experiment
from anew.query.panel import Panel
from anew.reading.columns import decode_columns
from anew.reading.wire import decode
from anew.server.routes import Nothing
from anew.server.table import API, ROUTES
from serving import Answer, InProcess, in_process


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("served")
    source = root / "notes.html"
    source.write_text("<script>alert(1)</script>")
    for n in range(3):
        exp = Experiment(
            prefix=f"lab/vision/e{n}", root=str(root), quiet=True, system_metrics=0, params={"lr": n / 10}
        )  # fmt: skip
        with exp:
            for step in range(50):
                exp.log_metrics({"train/loss": n + 1 / (step + 1)}, step=step)
            exp.log("it goes well")
            exp.files("docs").save(source)
    return str(root)


@pytest.fixture(scope="module")
def server(store: str):
    with in_process(store) as transport:
        yield transport


def get(server: InProcess, path: str, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.send("GET", path if path[:1] == "/" and path[:4] != "/exp" else API + path, names)


def told(answer: Answer) -> dict:
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_experiments_are_filtered_sorted_and_shown_as_columns(server):
    filter_ = quote("params.lr > 0")
    found = told(
        get(server, f"/experiments?filter={filter_}&sort=-params.lr&columns=name&columns=params.lr&total=true&limit=1")
    )  # fmt: skip
    assert (found["total"], len(found["ids"])) == (2, 1)
    assert [(one["name"], one["values"]) for one in found["columns"]] == [
        ("name", ["e2"]),
        ("params.lr", [0.2]),
    ]
    groups = told(get(server, "/experiments?group=project"))
    assert [one["values"] for one in groups["columns"]] == [["vision"], [3]]


def test_one_experiment_goes_by_its_name_or_the_start_of_its_id(server):
    one = told(get(server, "/experiments/e1"))
    assert one["prefix"] == "lab/vision/e1"
    assert one["metrics"]["train/loss"]["count"] == 50
    assert told(get(server, f"/experiments/{one['id'][:9]}"))["id"] == one["id"]
    missing = get(server, "/experiments/e9")
    assert missing.status == 404
    assert json.loads(missing.body)["error"]["code"] == "NotFound"


def test_a_metric_whose_name_has_slashes_gives_its_points(server):
    (one,) = told(get(server, "/experiments/e1/series/train/loss"))["series"]
    assert (len(one["values"]), one["values"][0]) == (50, 2.0)
    (some,) = told(get(server, "/experiments/e1/series/train/loss?start=3&stop=5"))["series"]
    assert some["steps"] == [3, 4]
    assert get(server, "/experiments/e1/series/loss").status == 404


def test_lines_and_names_are_found(server):
    assert told(get(server, "/experiments/e1/lines?limit=1&backward=true"))["messages"]
    names = told(get(server, f"{API}/names?kind=metric&counts=1"))
    assert [(one["name"], one["count"]) for one in names] == [("train/loss", 3)]
    values = told(get(server, f"{API}/names?kind=value&field=params.lr"))
    assert {one["value"] for one in values} == {0.0, 0.1, 0.2}


def test_a_panel_comes_in_every_encoding(server):
    question = {
        "filter": "params.lr > 0",
        "metrics": ["train/loss"],
        "buckets": 5,
        "group": ["project"],
    }
    body = json.dumps(question).encode()

    def panel(accept: str) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": accept}
        return server.send("POST", f"{API}/panel", headers, body)

    plain = told(panel("*/*"))
    packed = decode(panel("application/msgpack").body, Panel)
    columns = decode_columns(panel("application/x-anew-columns").body)
    assert plain["buckets"]["count"] == [[10] * 5] * 2
    assert packed.buckets.count.tolist() == columns["buckets"]["count"].tolist()
    assert packed.buckets.last.tolist() == plain["buckets"]["last"]
    assert columns["series"] == plain["series"]
    assert columns["groups"][0]["members"] == 2
    too_many = json.dumps({**question, "buckets": 10**6}).encode()
    refused = server.send("POST", f"{API}/panel", {"Content-Type": "application/json"}, too_many)
    assert refused.status == 400


def test_an_answer_that_the_asker_has_is_not_sent_again(server):
    for path in (f"{API}/version", "/experiments", "/experiments/e1"):
        first = get(server, path)
        again = get(server, path, If_None_Match=first.headers["etag"])
        assert (again.status, again.body) == (304, b"")


def test_answers_are_compressed_on_the_way_to_another_machine(server):
    headers = {"Accept-Encoding": "gzip, zstd"}
    path = f"{API}/openapi.json"
    here = server.send("GET", path, headers)
    assert "content-encoding" not in here.headers
    zstd = server.send("GET", path, headers, client="192.0.2.1")
    assert zstd.headers["content-encoding"] == "zstd"
    there = server.send("GET", path, {"Accept-Encoding": "gzip"}, client="192.0.2.1")
    assert there.headers["content-encoding"] == "gzip"
    assert gzip.decompress(there.body) == here.body


def test_bytes_come_whole_or_in_ranges_and_a_browser_runs_none_of_them(server):
    (file,) = told(get(server, "/experiments/e1?parts=files"))["files"]
    path = f"/experiments/e1/content/file/{quote(file['path'])}"
    whole = get(server, path)
    assert whole.body == b"<script>alert(1)</script>"
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["content-disposition"].startswith("attachment")
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in whole.headers["content-security-policy"]
    assert get(server, path, If_None_Match=whole.headers["etag"]).status == 304
    for asked, expected, span in (
        ("bytes=1-6", b"script", "bytes 1-6/25"),
        ("bytes=16-", b"</script>"[-9:], "bytes 16-24/25"),
        ("bytes=-3", b"pt>", "bytes 22-24/25"),
    ):
        part = get(server, path, Range=asked)
        assert (part.status, part.body, part.headers["content-range"]) == (206, expected, span)
    assert get(server, path, Range="bytes=25-").status == 416
    assert get(server, path, Range="bytes=9-2,1-1").status == 200
    stale = get(server, path, Range="bytes=1-6", If_Range='"another"')
    assert stale.status == 200


def test_experiments_come_as_a_zip_file(server, tmp_path: Path):
    import zipfile

    (id_,) = told(get(server, "/experiments?filter=name%3D%3D'e1'"))["ids"]
    body = json.dumps({"ids": [id_]}).encode()
    answer = server.send("POST", f"{API}/archive", {"Content-Type": "application/json"}, body)
    (tmp_path / "x.zip").write_bytes(answer.body)
    names = zipfile.ZipFile(tmp_path / "x.zip").namelist()
    assert any(name.startswith("lab/vision/e1/") for name in names)
    assert not any("e0" in name for name in names)


def test_a_filter_that_cannot_be_read_points_at_the_mistake(server):
    answer = get(server, "/experiments?filter=" + quote("metrics.train/loss <"))
    error = json.loads(answer.body)["error"]
    assert answer.status == 400
    assert error["code"] == "QueryError"
    assert isinstance(error["position"], int)


def test_what_nobody_knows_is_refused_with_a_document(server):
    for path, status in (
        ("/nope", 404),
        (f"{API}/experiments?colums=name", 400),
        (f"{API}/panel", 405),
    ):
        answer = get(server, path)
        assert answer.status == status
        assert json.loads(answer.body)["error"]["message"]


def test_the_document_describes_every_route_with_real_schemas(server):
    document = told(get(server, f"{API}/openapi.json"))
    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]
    for route in (one for one in ROUTES if not one.foreign):
        path = route.path.replace(":path}", "}")
        operation = document["paths"][path][route.method.lower()]
        assert operation["operationId"] == route.name
        assert operation["summary"]
        fields = {field.encode_name for field in msgspec.structs.fields(route.question)}
        if route.method == "GET":
            assert {one["name"] for one in operation["parameters"]} == fields
        elif route.question is not Nothing:
            reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            assert set(schemas[reference.rpartition("/")[2]]["properties"]) == fields
    names = [route.name for route in ROUTES]
    assert len(set(names)) == len(names)
    references = [
        part.partition('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]
    ]
    assert set(references) <= set(schemas)
