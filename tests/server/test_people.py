"""Comments, stars and preferences on a server with accounts: who may say what, and that nobody changes what another said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Store
from anew.journal.documents import RootJournal
from anew.journal.layout import RootLayout
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.callers import Caller, Grant, Role
from anew.server.identity.accounts import Accounts
from anew.server.intake.root_events import take_lines
from anew.server.table import API
from anew.sync.wire import RootEventsRequest
from serving import Answer, InProcess, place_of

PLAIN = {"Content-Type": "application/json"}
ONE, OTHER = "lab/vision/one", "lab/audio/two"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("store"))
    for prefix in (ONE, OTHER):
        with Experiment(prefix=prefix, root=folder, quiet=True, system_metrics=0) as exp:
            exp.log_metrics({"loss": 1.0}, step=0)
    return folder


@pytest.fixture(scope="module")
def accounts(accounts_of_file: str):
    opened = Accounts(accounts_of_file, trusting=False)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def server(root, accounts):
    place = place_of(root)
    transport = InProcess(make_app(place, Access("x", identities=accounts, audit=accounts.audit)))
    yield transport
    transport.close()
    place.close()


@pytest.fixture(scope="module")
def people(accounts) -> dict[str, dict[str, str]]:
    """What each shows who has a role in one project."""
    roles = {"rea": Role.READER, "ana": Role.REPORTER, "bo": Role.WRITER, "mai": Role.MAINTAINER}
    shown = {}
    for name, role in roles.items():
        accounts.add_user(name, [Grant("lab/vision", role)])
        token = accounts.create_token(name, Role.OWNER, user=name)
        shown[name] = {**PLAIN, "Authorization": f"Bearer {token}"}
    return shown


def did(server: InProcess, path: str, headers: dict[str, str], **body: Any) -> Answer:
    return server.send("POST", f"{API}/commands/{path}", headers, json.dumps(body).encode())


def got(server: InProcess, path: str, headers: dict[str, str]) -> Any:
    answer = server.send("GET", f"{API}{path}", headers)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def wrote(server: InProcess, headers: dict[str, str], **document: Any) -> int:
    edit = {"type": "document", **document}
    body = json.dumps({"edits": [edit]}).encode()
    return server.send("POST", f"{API}/ask/append", headers, body).status


def test_who_may_only_read_says_nothing_and_others_change_nothing_of_it(server, people):
    assert did(server, "comment/add", people["rea"], experiment=ONE, text="x").status == 403
    answer = did(server, "comment/add", people["ana"], experiment=ONE, text="why, @rea?")
    made = json.loads(answer.body)["comment"]
    assert (made["user"], made["scope"], made["mentions"]) == ("ana", "project/lab/vision", ["rea"])
    id_ = made["id"]
    for who in ("rea", "bo", "mai"):
        assert did(server, "comment/edit", people[who], comment=id_, text="other").status == 403
    for who in ("rea", "bo"):
        assert did(server, "comment/remove", people[who], comment=id_).status == 403
    # Nor does a document that is written without the commands.
    body = {"about": made["about"], "text": "other"}
    same = {"kind": "comment", "name": id_, "scope": made["scope"]}
    for who in ("rea", "bo", "mai"):
        assert wrote(server, people[who], **same, body=body) == 403
    assert did(server, "comment/resolve", people["rea"], comment=id_).status == 403
    settled = json.loads(did(server, "comment/resolve", people["bo"], comment=id_).body)["comment"]
    assert (settled["resolved_by"], settled["user"], settled["text"]) == ("bo", "ana", "why, @rea?")
    (seen,) = got(server, f"/comments?experiment={ONE}", people["rea"])
    assert (seen["text"], seen["user"], seen["resolved_by"]) == ("why, @rea?", "ana", "bo")
    assert got(server, "/comments?mentioning=rea", people["rea"]) == [seen]
    assert [one["kind"] for one in got(server, "/news?since=0", people["rea"])["items"]].count(
        "mention"
    ) == 1
    changed = json.loads(did(server, "comment/edit", people["ana"], comment=id_, text="so").body)
    assert changed["comment"]["text"] == "so"
    assert did(server, "comment/remove", people["mai"], comment=id_).status == 200
    assert got(server, f"/comments?experiment={ONE}", people["rea"]) == []
    # What was removed is nobody's to write anew.
    assert wrote(server, people["bo"], **same, body=body) == 403


def test_a_comment_lies_where_what_it_is_about_lies(server, people, root):
    with Store(root) as store:
        own, hidden = store.get(ONE).id, store.get(OTHER).id
    new = {"kind": "comment", "name": "fresh"}
    about = {"kind": "experiment", "id": own}
    for scope in ("root", "project/lab/audio", "user/ana"):
        body = {"about": about, "text": "x"}
        assert wrote(server, people["ana"], **new, scope=scope, body=body) == 403
    scope = "project/lab/vision"
    theirs = {"about": {"kind": "experiment", "id": hidden}, "text": "x"}
    assert wrote(server, people["ana"], **new, scope=scope, body=theirs) == 404
    assert did(server, "comment/add", people["ana"], experiment=OTHER, text="x").status == 404
    for wrong in (
        {},
        {"about": about},
        {"about": about, "text": " "},
        {"about": {**about, "kind": "x"}, "text": "x"},
    ):
        assert wrote(server, people["ana"], **new, scope=scope, body=wrong) == 400


def test_stars_preferences_and_looks_are_ones_own_also_of_who_may_only_read(
    server, people, accounts
):
    assert did(server, "star", people["rea"], experiments=[ONE]).status == 200
    assert did(server, "star", people["rea"], experiments=[OTHER]).status == 404
    assert (
        did(server, "preferences/set", people["rea"], preferences={"theme": "dark"}).status == 200
    )
    assert did(server, "news/seen", people["rea"], until=5.0).status == 200
    mine = got(server, "/mine", people["rea"])
    assert (mine["user"], mine["preferences"], mine["looked"]) == ("rea", {"theme": "dark"}, 5.0)
    assert [one["prefix"] for one in mine["stars"]] == [ONE]
    theirs = got(server, "/mine", people["mai"])
    assert (theirs["preferences"], theirs["stars"], theirs["looked"]) == ({}, [], None)
    # What belongs to others, and what is for all, is not for who may only read.
    assert wrote(server, people["mai"], kind="star", name="x", scope="user/rea", body={}) == 403
    assert wrote(server, people["rea"], kind="view", name="x", scope="user/rea", body={}) == 200
    assert wrote(server, people["rea"], kind="view", name="x", scope="root", body={}) == 403
    assert did(server, "pin", people["rea"], experiments=[ONE]).status == 403
    assert did(server, "pin", people["ana"], experiments=[ONE]).status == 200
    assert [one["user"] for one in got(server, "/mine", people["rea"])["pins"]] == ["ana"]
    # A link that shows a project is nobody.
    link = did_share(server, people["mai"])
    assert got(server, "/mine", link)["user"] == ""
    assert did(server, "star", link, experiments=[ONE]).status == 403
    assert did(server, "comment/add", link, experiment=ONE, text="x").status == 403


def did_share(server: InProcess, maintainer: dict[str, str]) -> dict[str, str]:
    body = json.dumps({"project": "lab/vision"}).encode()
    made = json.loads(server.send("POST", f"{API}/shares", maintainer, body).body)
    body = json.dumps({"share": made["link"]}).encode()
    answer = server.send("POST", f"{API}/login/share", PLAIN, body)
    return {**PLAIN, "Cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_a_badge_is_an_image_for_who_may_see_what_it_is_about(server, people):
    answer = server.send("GET", f"{API}/badge?experiment={ONE}", people["rea"])
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert b">completed</text>" in answer.body
    assert server.send("GET", f"{API}/badge?experiment={OTHER}", people["rea"]).status == 404
    assert server.send("GET", f"{API}/badge?experiment={ONE}").status == 401
    assert server.send("GET", f"{API}/badge", people["rea"]).status == 400


def test_what_is_sent_changes_no_comment_of_somebody_else(tmp_path: Path):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        with Experiment(prefix=ONE, root=folder, quiet=True, system_metrics=0) as exp:
            exp.log_metric("loss", 1.0)
    layout = RootLayout(str(here))
    journal = RootJournal(layout, user="ana")
    about = {"about": {"kind": "experiment", "id": "x"}, "text": "ana's"}
    journal.set_document("comment", "c1", about, scope="project/lab/vision")
    sender = RootJournal(RootLayout(str(there)), user="bo")
    sender.set_document("comment", "c1", {**about, "text": "forged"}, scope="project/lab/vision")
    sender.set_document("comment", "c2", about, scope="project/lab/vision")
    sender.set_document("comment", "c2", {**about, "text": "bo's"}, scope="project/lab/vision")
    sender.set_document("preferences", "page", {"theme": "dark"}, scope="user/ana")
    (file,) = Path(RootLayout(str(there)).journal).glob("*.jsonl")
    lines = b"".join(
        line for line in file.read_bytes().splitlines(True) if b'"k":"document"' in line
    )
    forged = lines.replace(b'"user":"bo"', b'"user":"ana"')
    bo: Any = Caller.of("bo", [Grant("lab/*", Role.WRITER), Grant("*", Role.WRITER)], user="bo")
    answer = take_lines(journal, layout, bo, RootEventsRequest(author="bo-1", lines=lines))
    assert (answer.taken, answer.refused) == (2, 2)
    answer = take_lines(journal, layout, bo, RootEventsRequest(author="bo-2", lines=forged))
    said = {one.name: one.body["text"] for one in journal.documents("comment") if one.body}
    assert said == {"c1": "ana's", "c2": "bo's"}
    assert journal.documents("preferences") == []
    # Their own they change from another machine as well.
    sender.set_document("comment", "c2", {**about, "text": "again"}, scope="project/lab/vision")
    new = file.read_bytes()
    take_lines(journal, layout, bo, RootEventsRequest(author="bo-3", lines=new))
    (own,) = journal.documents("comment", name="c2")
    assert own.body is not None
    assert own.body["text"] == "again"
