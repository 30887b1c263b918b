"""Alerts on a server with accounts: who may set one that finds what, and who sees where it tells."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from typing import Any

import pytest

from anew import Experiment
from anew.alerts.sending import Sender
from anew.alerts.watching import Watch
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.callers import Grant, Role
from anew.server.identity.accounts import Accounts
from anew.server.table import API
from serving import Answer, InProcess, place_of

PLAIN = {"Content-Type": "application/json"}
SECRET = "T0K3N"
HOOK = f"https://hooks.example.org/{SECRET}"
_COUNT = itertools.count()
MAIL = "private.person@example.org"


@pytest.fixture
def root(tmp_path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def accounts(accounts_of_file: str):
    opened = Accounts(accounts_of_file, trusting=False)
    yield opened
    opened.close()


@pytest.fixture
def place(root):
    record(root, "lab/vision/one")
    opened = place_of(root)
    yield opened
    opened.close()


@pytest.fixture
def server(place, accounts):
    transport = InProcess(make_app(place, Access("x", identities=accounts, audit=accounts.audit)))
    yield transport
    transport.close()


def record(root: str, prefix: str) -> str:
    with Experiment(prefix=prefix, root=root, quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": float("nan")}, step=0)
    return exp.id


def who(accounts: Accounts, name: str, role: Role, project: str) -> dict[str, str]:
    name = f"{name} {next(_COUNT)}"
    accounts.add_user(name, [Grant(project, role)])
    token = accounts.create_token(name, Role.OWNER, user=name)
    return {**PLAIN, "Authorization": f"Bearer {token}"}


def linked(server: InProcess, maintainer: dict[str, str], project: str) -> dict[str, str]:
    """Whoever has opened a link to a project."""
    made = sent(server, "/shares", maintainer, project=project)
    answer = sent(server, "/login/share", PLAIN, share=json.loads(made.body)["link"])
    return {**PLAIN, "Cookie": answer.headers["set-cookie"].partition(";")[0]}


def sent(server: InProcess, path: str, headers: dict[str, str], **body: Any) -> Answer:
    return server.send("POST", f"{API}{path}", headers, json.dumps(body).encode())


def add(server: InProcess, headers: dict[str, str], project: str | None, *to: str) -> int:
    asked = {"name": "nan", "when": "nan", "to": to, "project": project}
    return sent(server, "/commands/alert/add", headers, **asked).status


def test_an_alert_finds_nothing_that_its_author_does_not_maintain(server, accounts):
    flat = who(accounts, "flat", Role.MAINTAINER, "lab")
    deep = who(accounts, "deep", Role.MAINTAINER, "lab/vision")
    wide = who(accounts, "wide", Role.MAINTAINER, "lab/*")
    allowed = {
        name: [add(server, shown, project) for project in (None, "lab", "lab/vision", "lab/vision/runs", "lab/audio")]
        for name, shown in (("flat", flat), ("deep", deep), ("wide", wide))
    }  # fmt: skip
    assert allowed == {
        "flat": [403, 403, 403, 403, 403],
        "deep": [403, 403, 200, 200, 403],
        "wide": [403, 200, 200, 200, 200],
    }


def test_what_an_alert_finds_is_seen_by_who_sees_the_experiment(server, accounts, place, root):
    wide = who(accounts, "wide", Role.MAINTAINER, "lab/*")
    assert add(server, wide, "lab") == 200
    for prefix in ("lab/flat", "lab/audio/two"):
        record(root, prefix)
    Watch(place.whole(), Sender({})).step()
    seen = {}
    for project in ("lab", "lab/audio", "lab/vision", "lab/*"):
        shown = who(accounts, "reads", Role.READER, project)
        told = json.loads(server.send("GET", f"{API}/alerts", shown).body)
        seen[project] = sorted(one["prefix"] for one in told["fired"])
    assert seen == {
        "lab": ["lab/flat"], "lab/audio": ["lab/audio/two"], "lab/vision": [], "lab/*": ["lab/audio/two", "lab/flat"],
    }  # fmt: skip


def test_where_an_alert_tells_is_seen_by_who_may_set_it_and_nobody_else(
    server, accounts, place, root
):
    maintains = who(accounts, "maintains", Role.MAINTAINER, "lab/vision")
    reports = who(accounts, "reports", Role.REPORTER, "lab/vision")
    assert add(server, maintains, "lab/vision", HOOK, MAIL, "other.person@example.org") == 200
    id_ = record(root, "lab/vision/two")
    Watch(place.whole(), Sender({"smtp": "smtp://127.0.0.1:1"})).step()

    def looked(shown: dict[str, str]) -> str:
        """All that can be asked of alerts."""
        answers = [
            server.send("GET", f"{API}/alerts", shown),
            server.send("GET", f"{API}/commands/alert/list", shown),
            server.send("GET", f"{API}/commands/alert/log", shown),
            server.send("GET", f"{API}/news?since=0", shown),
            sent(server, "/ask/documents", shown, history=True),
        ]
        assert {one.status for one in answers} == {200}
        return "".join(one.body.decode() for one in answers)

    def asked(shown: dict[str, str], text: str, at: list[str], **more: Any) -> int:
        """How many documents are found, or counted, by a text in whom they tell: of a list, nobody can ask what is in it."""
        says = {"at": at, "value": text, "within": True}
        found = sent(server, "/ask/documents", shown, kind="alert", says=[says], **more)
        assert found.status in (200, 403), found.body
        told = json.loads(found.body) if found.status == 200 else {}
        return len(told.get("documents", ())) + (told.get("total") or 0)

    assert SECRET in looked(maintains)
    assert MAIL in looked(maintains)
    for shown in (reports, linked(server, maintains, "lab/vision")):
        seen = looked(shown)
        assert "lab/vision/two" in seen
        assert SECRET not in seen
        assert "private.person" not in seen
        for at in (["to"], ["to", "0"], []):
            for more in ({}, {"newest": 0}, {"newest": 5}, {"history": True}):
                assert asked(shown, SECRET, at, **more) == 0, (at, more)
        told = json.loads(server.send("GET", f"{API}/alerts", shown).body)
        [alert] = told["alerts"]
        assert alert["to"] == [
            "https://hooks.example.org/…",
            "…@example.org",
            "…@example.org (2)",
        ]
        [fired] = told["fired"]
        assert fired["told"] != "seen here only"
        archive = sent(server, "/archive", shown, ids=[id_])
        with zipfile.ZipFile(io.BytesIO(archive.body)) as file:
            text = b"".join(map(file.read, file.namelist()))
        assert b"lab/vision/two" in text
        assert SECRET.encode() not in text


def test_an_archive_holds_nothing_of_other_projects(server, accounts, root):
    whole = who(accounts, "whole", Role.OWNER, "*")
    maintains = who(accounts, "maintains", Role.MAINTAINER, "lab/vision")
    own, hidden = record(root, "lab/vision/two"), record(root, "lab/audio/three")
    for scope in ("root", "project/lab", "project/lab/audio", "project/lab/vision"):
        # Each names the experiment that goes into the archive.
        body = {"text": f"written in {scope}", "experiment": own, "other": hidden}
        edit = {"type": "document", "kind": "note", "name": "x", "scope": scope, "body": body}
        assert sent(server, "/ask/append", whole, edits=[edit]).status == 200
    for shown, seen in (
        (maintains, {"project/lab/vision"}),
        (linked(server, maintains, "lab/vision"), {"project/lab/vision"}),
        (whole, {"root", "project/lab", "project/lab/audio", "project/lab/vision"}),
    ):
        archive = sent(server, "/archive", shown, ids=[own])
        with zipfile.ZipFile(io.BytesIO(archive.body)) as file:
            lines = [
                json.loads(line)
                for name in file.namelist()
                if name.startswith(".anew/")
                for line in file.read(name).splitlines()
            ]
        assert {one.get("scope", "root") for one in lines if one["k"] == "document"} == seen
