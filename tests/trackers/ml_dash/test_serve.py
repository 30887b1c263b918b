"""Clients of ml-dash write ordinary experiments through the server: nothing is lost, doubled, or written where it should not be.

`requests.jsonl` is what the real client asked (see `record.py`); `test_client.py` runs that client.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anew import Experiment, Status, Store
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.backup import back_up, restore
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts
from anew.trackers.ml_dash.translate import blocks_of, entry_row, metric_row, row_back
from serving import InProcess, place_of

RECORDED = [
    json.loads(line) for line in Path(__file__).with_name("requests.jsonl").read_text().splitlines()
]
JSON = {"Content-Type": "application/json", "Authorization": "Bearer a"}


class Server:
    """The application on a folder, which can be stopped and started again."""

    def __init__(self, root: Path, role: Role = Role.OWNER) -> None:
        root.mkdir(exist_ok=True)
        self.root, self._role = root, role
        self.start()

    def start(self) -> None:
        self.place = place_of(str(self.root))
        self._transport = InProcess(make_app(self.place, Access("tester", role=self._role)))

    def stop(self) -> None:
        self._transport.close()
        self.place.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        headers = {"Authorization": "Bearer a"} | ({"Content-Type": kind} if kind else {})
        return self._transport.send(method, f"/dash{path}", headers, data)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.send(method, path, body)
        assert answer.status == 200, (method, path, answer.status, answer.body)
        return json.loads(answer.body)

    def open(self, *names: str, **more: Any) -> str:
        """Open an experiment `owner/project/…/name` as the client does; its id."""
        owner, project, *folders, name = names
        node = {"type": "PROJECT", "name": project, "slug": project}
        at = self.ask("POST", f"/api/namespaces/{owner}/nodes", node)["project"]["id"]
        parent = "ROOT"
        for folder in folders:
            asked = {"type": "FOLDER", "projectId": at, "parentId": parent, "name": folder}
            parent = self.ask("POST", f"/api/namespaces/{owner}/nodes", asked)["node"]["id"]
        asked = {"type": "EXPERIMENT", "projectId": at, "parentId": parent, "name": name, **more}
        return str(self.ask("POST", f"/api/namespaces/{owner}/nodes", asked)["experiment"]["id"])

    def log(self, id_: str, metric: str, *rows: dict[str, Any]) -> Any:
        return self.ask(
            "POST", f"/api/experiments/{id_}/metrics/{metric}/append-batch", {"dataPoints": rows}
        )

    def end(self, id_: str, status: str) -> Any:
        return self.ask("PATCH", f"/api/nodes/exp-{id_}", {"status": status})


@pytest.fixture
def server(root: Path) -> Iterator[Server]:
    made = Server(root)
    yield made
    made.stop()


def replay(server: Server, times: int = 1, *, restart: bool = False) -> dict[str, str]:
    """Send what the client sent, each write so many times; the ids that were recorded, with those of now."""
    ids: dict[str, str] = {}
    for one in RECORDED:
        path, body = one["path"].removeprefix("/dash"), base64.b64decode(one["body"])
        for old, new in ids.items():
            path, body = path.replace(old, new), body.replace(old.encode(), new.encode())
        answers = []
        writes = one["method"] != "GET" and "graphql" not in path
        # What the client deleted is gone; an experiment that ended would be continued by being opened again.
        again = writes and one["method"] != "DELETE" and b'"EXPERIMENT"' not in body
        for _ in range(times if again else 1):
            answers.append(server.send(one["method"], path, body, one["type"]))
            if restart and again:
                server.restart()
        assert {answer.status for answer in answers} == {one["status"]}, (
            one["method"],
            path,
            answers[-1].body,
        )
        answer = answers[0]
        expected = base64.b64decode(one["answer"])
        if expected.startswith(b"{") and not path.endswith(("/download", "=jsonl")):
            match(json.loads(expected), json.loads(answer.body), ids, path)
        else:
            assert answer.body == expected
    return ids


def match(old: Any, new: Any, ids: dict[str, str], where: str) -> None:
    """An answer is the recorded one, but for ids and times."""
    assert type(old) is type(new) or None in (old, new), where
    if isinstance(old, dict):
        assert old.keys() == new.keys(), where
        for key, value in old.items():
            if key in ("experimentId", "id") and isinstance(value, str):
                ids |= dict(zip(re.split("[-:]", value), re.split("[-:]", new[key]), strict=True))
                continue
            match(value, new[key], ids, f"{where} {key}")
    elif isinstance(old, list):
        assert len(old) == len(new), where
        for one, other in zip(old, new, strict=True):
            match(one, other, ids, where)
    elif not re.search(r"(At|timestamp|Id)$|id$", where):
        assert old == new, where


# -- the whole of it -------------------------------------------------------------------------------


@pytest.mark.parametrize(("times", "restart"), [(1, False), (2, False), (2, True)])
def test_what_the_real_client_sent_is_an_ordinary_experiment_however_often_each_request_came(
    server: Server, times: int, restart: bool
):
    replay(server, times, restart=restart)
    with Store(server.root) as store:
        view = store.get("alice/vision/deep/resnet 50%")
        assert view.status is Status.COMPLETED
        assert [one.status for one in view.openings] == [
            Status.COMPLETED,
            Status.FAILED,
            Status.COMPLETED,
        ]
        assert view.description == "a run"
        assert set(view.tags) == {"base", "v2"}
        assert list(view.bindrs) == ["gpu-1"]
        assert view.params == {"learning_rate": 0.001, "model": {"depth": 3}}
        assert view.metrics["eval/acc"].read(order="written").values.tolist() == [
            0,
            1,
            2,
            3,
            4,
            50,
            99,
        ]
        assert view.metrics["eval/acc"].read(order="written").steps.tolist() == [
            0,
            10,
            20,
            30,
            40,
            50,
            99,
        ]
        assert view.metrics["train/a b%/loss"].count == 5
        assert view.metrics["odd?name/v"].count == 1
        assert view.metrics["both/loss"].last == 0.5
        assert view.metrics["robot/position/x"].read().values.tolist() == [1.5, 2.5]
        assert [line.message for line in view.logs()] == ["Training started", "careful", "bad"]
        assert [line.level for line in view.logs()] == ["info", "warning", "critical"]
        assert sorted((f.prefix, f.name) for f in view.files) == [
            ("configs", "c.json"), ("models", "model.pth"), ("models/deep x", "model.pth"),
        ]  # fmt: skip
        assert all(f.read_bytes() == b"weights" * 100 for f in view.files if f.name == "model.pth")
        assert store.get("alice/vision/other").status is Status.CANCELLED
        assert len(store.list()) == 2


# -- retries ---------------------------------------------------------------------------------------


def test_a_batch_is_recognised_by_what_it_holds_and_rows_that_are_equal_are_kept(server: Server):
    id_ = server.open("lab", "p", "run")
    timed = [{"loss": 0.5, "_ts": 1_700_000_000.25}, {"loss": 0.5, "_ts": 1_700_000_001.5}]
    assert server.log(id_, "m", *timed)["startIndex"] == 0
    assert server.log(id_, "m", {"loss": 1.0, "_ts": 1_700_000_002.0})["startIndex"] == 2
    assert (
        server.log(id_, "m", *timed)["startIndex"] == 0
    )  # the answer was lost, and another rank wrote meanwhile
    plain = [{"loss": 0.5}, {"loss": 0.5}]
    assert server.log(id_, "m", *plain)["startIndex"] == 3
    assert server.log(id_, "m", *plain)["startIndex"] == 3
    assert server.log(id_, "m", {"loss": 0.25})["startIndex"] == 5
    assert server.log(id_, "m", *plain)["startIndex"] == 6  # not the last: it is meant
    with Store(server.root) as store:
        assert store.get(id_).metrics["m/loss"].count == 8


def test_a_server_that_was_killed_before_it_answered_knows_what_it_wrote(server: Server):
    id_ = server.open("lab", "p", "run")
    rows = [
        {"loss": n / 3, "step": n, "note": "x", "_ts": 1_700_000_000 + n / 7} for n in range(50)
    ]
    server.log(id_, "a/b", *rows)
    server.restart()
    assert server.log(id_, "a/b", *rows[20:])["startIndex"] == 20
    assert (
        server.log(id_, "a/b", {"loss": 9.0, "step": 50, "_ts": 1_700_000_100.0})["startIndex"]
        == 50
    )
    with Store(server.root) as store:
        view = store.get(id_)
        assert view.metrics["a/b/loss"].count == 51
        assert len(view.openings) == 1  # the program never noticed


# -- life ------------------------------------------------------------------------------------------


def age(server: Server, seconds: float) -> None:
    then = time.time() - seconds
    for path in server.root.rglob("*.jsonl"):
        os.utime(path, (then, then))


def test_a_client_that_is_silent_is_shown_failed_until_it_speaks_again(server: Server):
    id_ = server.open("lab", "p", "run")
    server.log(id_, "m", {"v": 1})
    events = next(server.root.glob("lab/p/run/journal/*main*"))
    text = events.read_text()
    # As if it had begun long ago: the time of the opening is a sign of life too.
    first = re.sub(r'"t":[0-9.]+', f'"t":{time.time() - 900}', text, count=1)
    events.write_text(first)
    age(server, 800)
    with Store(server.root) as store:
        view = store.get(id_)
        assert view.status is Status.FAILED
        assert "127.0.0.1" in (view.reason or "")
    server.log(id_, "m", {"v": 2})
    with Store(server.root) as store:
        assert store.get(id_).status is Status.RUNNING
    assert b'"closed"' not in events.read_bytes()


def test_what_arrives_after_the_end_is_kept_and_changes_no_status(server: Server):
    id_ = server.open("lab", "p", "run")
    server.end(id_, "COMPLETED")
    server.end(id_, "COMPLETED")
    server.log(id_, "m", {"v": 1})
    server.ask("POST", f"/api/experiments/{id_}/parameters", {"data": {"late.x": 1}})
    with Store(server.root) as store:
        view = store.get(id_)
        assert (view.status, view.metrics["m/v"].count) == (Status.COMPLETED, 1)
        assert len(view.openings) == 1
    server.end(id_, "CANCELLED")
    with Store(server.root) as store:
        assert store.get(id_).status is Status.CANCELLED
    assert server.open("lab", "p", "run") == id_
    with Store(server.root) as store:
        assert store.get(id_).status is Status.RUNNING


@pytest.mark.parametrize("logs", [True, False])
def test_a_program_goes_on_where_its_server_was_restored_from_a_backup(
    server: Server, tmp_path: Path, logs: bool
):
    id_ = server.open("lab", "p", "run")
    server.log(id_, "m", {"v": 1})
    server.stop()
    back_up(str(server.root), str(tmp_path / "backup"))
    server.root = tmp_path / "restored"
    restore(str(tmp_path / "backup"), str(server.root))
    server.start()
    if logs:
        server.log(id_, "m", {"v": 2})
    server.end(id_, "COMPLETED")
    with Store(server.root) as store:
        view = store.get(id_)
        assert (view.status, view.metrics["m/v"].count) == (Status.COMPLETED, 1 + logs)


def test_an_experiment_that_was_deleted_does_not_come_back(server: Server):
    id_ = server.open("lab", "p", "run")
    server.log(id_, "m", {"v": 1})
    shutil.rmtree(server.root / "lab/p/run")
    for body in ({"dataPoints": [{"v": 2}]},):
        answer = server.send("POST", f"/api/experiments/{id_}/metrics/m/append-batch", body)
        assert answer.status == 404
    assert server.send("PATCH", f"/api/nodes/exp-{id_}", {"status": "COMPLETED"}).status == 404
    assert not (server.root / "lab/p/run").exists()


def test_a_project_that_is_deleted_lies_in_the_trash(server: Server):
    ids = {server.open("lab", "p", name) for name in ("one", "two")}
    for one in ids:
        server.end(one, "COMPLETED")
    kept = server.open("lab", "q", "three")
    node = json.loads(server.send("GET", f"/api/nodes/exp-{kept}").body)
    assert node["status"] == "RUNNING"
    found = server.ask(
        "POST", "/graphql", {"query": '{ namespace(slug: "lab") { projects { id slug } } }'}
    )
    (project,) = (p["id"] for p in found["data"]["namespace"]["projects"] if p["slug"] == "p")
    answer = json.loads(server.send("DELETE", f"/api/projects/{project}", kind="").body)
    assert answer["deleted"] == 2
    with Store(server.root) as store:
        assert [one.id for one in store.list()] == [kept]
        assert {one.id for one in store.trash()} == ids


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["50% of it", "a?b#c", "..", "../../x", "journal", "ü/é", "CON", " spaced ", "x\u202ey", "a" * 400, "."]
)  # fmt: skip
def test_any_name_is_filed_inside_of_the_store_or_refused(server: Server, name: str):
    before = sorted(os.listdir(server.root.parent))
    body = {"type": "EXPERIMENT", "projectSlug": "p", "parentId": "ROOT", "name": name}
    answer = server.send("POST", "/api/namespaces/lab/nodes", body)
    assert answer.status in (200, 400)
    if answer.status == 200:
        id_ = json.loads(answer.body)["experiment"]["id"]
        with Store(server.root) as store:
            assert store.get(id_).prefix.startswith("lab/p/")
    assert sorted(os.listdir(server.root.parent)) == before


# -- files -----------------------------------------------------------------------------------------


def form(id_: str, data: bytes, **fields: str) -> tuple[bytes, str]:
    parts = {
        "type": "FILE",
        "experimentId": id_,
        "parentId": f"exp-{id_}",
        "name": "a.bin",
        **fields,
    }
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in parts.items()
    )
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: text/plain\r\n\r\n'
    return body + head + data + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


def files_of(server: Server) -> list[str]:
    with Store(server.root) as store:
        return [f"{f.prefix}/{f.name}" for one in store.list() for f in one.files]


def test_a_large_file_arrives_in_pieces_and_is_read_back_with_its_checksum(server: Server):
    id_ = server.open("lab", "p", "run")
    data = os.urandom(5 << 20)
    digest = hashlib.sha256(data).hexdigest()
    body, kind = form(id_, data, checksum=digest)
    node = json.loads(server.send("POST", "/api/namespaces/lab/nodes", body, kind).body)
    assert node["physicalFile"]["checksum"] == digest
    assert server.send("GET", f"/api/nodes/{node['node']['id']}/download").body == data


@pytest.mark.parametrize(
    "fields",
    [
        {"checksum": "0" * 64}, {"name": "../up"}, {"name": ""}, {"metadata": "{"}, {"metadata": "[]"},
        {"experimentId": "nosuchthing"}, {"parentId": "sub-nosuchthing-eA"}, {"parentId": "exp-other"},
    ],
    ids=str,
)  # fmt: skip
def test_a_form_that_is_refused_leaves_nothing(server: Server, fields: dict[str, str]):
    id_ = server.open("lab", "p", "run")
    body, kind = form(id_, b"data", **fields)
    assert server.send("POST", "/api/namespaces/lab/nodes", body, kind).status in (400, 404)
    assert files_of(server) == []
    assert not [
        path
        for path in server.root.rglob("*")
        if path.is_file() and path.suffix in (".part", ".bin")
    ]


@pytest.mark.parametrize("cut", [-4, -12, 300])
def test_a_form_that_is_cut_short_leaves_nothing(server: Server, cut: int):
    id_ = server.open("lab", "p", "run")
    body, kind = form(id_, b"data" * 100)
    assert server.send("POST", "/api/namespaces/lab/nodes", body[:cut], kind).status == 400
    assert files_of(server) == []


# -- who may ---------------------------------------------------------------------------------------


def test_who_may_only_read_writes_nothing(root: Path):
    made = Server(root, Role.READER)
    answer = made.send("POST", "/api/namespaces/lab/nodes", {"type": "PROJECT", "name": "p"})
    assert answer.status == 403
    made.stop()


def test_a_token_writes_to_its_projects_alone(root: Path):
    root.mkdir()
    accounts = Accounts(str(root))
    accounts.add_user("alice", admin=True)
    token = accounts.create_token("cluster", Role.WRITER, project="lab/*")
    place = place_of(str(root))
    transport = InProcess(make_app(place, Access("starter", identities=accounts)))

    def send(method: str, path: str, body: Any = None, shown: str = token) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {shown}"}
        return transport.send(method, f"/dash{path}", headers, json.dumps(body or {}).encode())

    def opened(owner: str) -> Any:
        node = {"type": "EXPERIMENT", "projectSlug": "p", "parentId": "ROOT", "name": "run"}
        return send("POST", f"/api/namespaces/{owner}/nodes", node)

    id_ = json.loads(opened("lab").body)["experiment"]["id"]
    assert opened("other").status == 404
    rows = {"dataPoints": [{"v": 1, "_ts": 1_700_000_000.0}]}
    assert send("POST", f"/api/experiments/{id_}/metrics/m/append-batch", rows).status == 200
    for shown in ("", "nonsense", "anew_nonsense"):
        answer = send("POST", f"/api/experiments/{id_}/metrics/m/append-batch", rows, shown)
        assert answer.status == 401
    with Experiment(prefix="other/p/run", root=str(root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"v": 1.0})
    assert send("POST", f"/api/experiments/{exp.id}/metrics/m/append-batch", rows).status == 404
    assert send("PATCH", f"/api/nodes/exp-{exp.id}", {"status": "FAILED"}).status == 404
    # It may write, and not delete.
    send("PATCH", f"/api/nodes/exp-{id_}", {"status": "COMPLETED"})
    assert send("DELETE", f"/api/nodes/exp-{id_}").status == 403
    transport.close()
    place.close()
    accounts.close()


def test_a_client_that_always_shows_a_token_works_where_nobody_has_an_account(root: Path):
    root.mkdir()
    accounts = Accounts(str(root))
    place = place_of(str(root))
    transport = InProcess(make_app(place, Access("starter", identities=accounts)))
    statuses = {}
    for shown in ("anything", "anew_nonsense"):
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {shown}"}
        statuses[shown] = transport.send(
            "POST", "/dash/graphql", headers, b'{"query": "{ me { id } }"}'
        ).status
    assert statuses == {"anything": 200, "anew_nonsense": 401}
    transport.close()
    place.close()
    accounts.close()


@pytest.mark.parametrize(
    "query", ["{", "{ me { secret } }", "{ me" * 5000, '{ experimentById(id: "x") { id } }']
)
def test_a_query_that_cannot_be_answered_says_why(server: Server, query: str):
    answer = json.loads(server.send("POST", "/graphql", {"query": query}).body)
    assert answer["errors"][0]["message"]


# -- values ----------------------------------------------------------------------------------------

FIELDS = st.dictionaries(
    st.text("abcxyz._", min_size=1, max_size=5).filter(lambda name: name not in ("_ts", "step", "timestamp")),
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.text(max_size=5), st.none(),
        st.lists(st.integers(-5, 5), max_size=3),
    ),
    max_size=4,
)  # fmt: skip


def written(line: dict[str, Any], group: str) -> dict[str, Any]:
    """A line as a row that is read back."""
    return {
        "values": {name.removeprefix(f"{group}/"): value for name, value in line["m"].items()},
        "step": line.get("s"), "time": line["t"], "metadata": line.get("x"),
    }  # fmt: skip


@settings(max_examples=100)
@given(fields=FIELDS, step=st.none() | st.integers(-(1 << 62), 1 << 62), at=st.floats(1e9, 2e9))
def test_a_row_comes_back_as_it_was_given(fields: dict[str, Any], step: int | None, at: float):
    data = {**fields, "_ts": at} | ({} if step is None else {"step": step})
    back = row_back(written(metric_row(data).line("g", 0.0), "g"), track=False)
    assert back == data
    assert row_back(written(metric_row(data).line("g", 0.0), "g"), track=True) is None
    (block,) = blocks_of([data])
    assert [column["name"] for column in block["columns"]] == list(data)


@settings(max_examples=50)
@given(
    fields=FIELDS.map(lambda found: {k.replace(".", "-"): v for k, v in found.items()}),
    at=st.floats(0, 1.8e9),
)
def test_an_entry_of_a_track_comes_back_flat(fields: dict[str, Any], at: float):
    entry = {"timestamp": at, **fields, "pose": {"yaw": 0.5, "of": {"x": [1]}}}
    line = entry_row(entry, 1.8e9).line("topic", 1.8e9)
    back = row_back(written(line, "topic"), track=True)
    assert back == {"timestamp": at, **fields, "pose.yaw": 0.5, "pose.of.x": [1]}
    assert line["t"] == (at if at >= 1e9 else 1.8e9)
