"""Links that show some projects, read-only, until they end or are taken back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from anew import Experiment, Histogram, Image, Store, Table
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts
from anew.server.table import API
from serving import Answer, InProcess, place_of

PLAIN = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("store"))
    for prefix in ("lab/vision/one", "lab/audio/two"):
        with Experiment(prefix=prefix, root=folder, quiet=True, system_metrics=0) as exp:
            exp.log_metrics({"loss": 1.0}, step=0)
            exp.log_value("samples", Image(np.zeros((4, 4, 3), np.uint8)), step=0)
            exp.log_value("w", Histogram([1.0, 2.0]), step=0)
            exp.log_value("rows", Table(columns=["secret"], data=[[prefix]]), step=0)
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
def maintainer(accounts) -> dict[str, str]:
    token = accounts.create_token("m", Role.MAINTAINER, project="lab/vision")
    return {**PLAIN, "Authorization": f"Bearer {token}"}


def sent(server: InProcess, path: str, headers: dict[str, str], **body: Any) -> Answer:
    return server.send("POST", f"{API}{path}", headers, json.dumps(body).encode())


def opened(server: InProcess, link: str) -> dict[str, str]:
    answer = sent(server, "/login/share", PLAIN, share=link)
    assert answer.status == 200
    assert json.loads(answer.body)["role"] == "reader"
    return {**PLAIN, "Cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_whoever_has_the_link_reads_what_it_shows_and_nothing_else(server, accounts, maintainer):
    made = json.loads(sent(server, "/shares", maintainer, project="lab/vision").body)
    for _ in range(2):  # it is not used up
        shown = opened(server, made["link"])
        listed = json.loads(
            server.send("GET", f"{API}/experiments?total=1&columns=prefix", shown).body
        )
        assert (listed["total"], listed["columns"][0]["values"]) == (1, ["lab/vision/one"])
        edit = {"type": "field", "id": listed["ids"][0], "field": "notes", "value": "x"}
        assert sent(server, "/ask/append", shown, edits=[edit]).status == 403
        assert sent(server, "/shares", shown, project="lab/vision").status == 403
        assert server.send("GET", f"{API}/tokens", shown).status == 403
    assert made["link"] not in json.dumps(
        json.loads(server.send("GET", f"{API}/shares", maintainer).body)
    )
    number = made["share"]["number"]
    assert sent(server, "/shares/revoke", maintainer, number=number).status == 200
    assert server.send("GET", f"{API}/about", shown).status == 401
    assert sent(server, "/login/share", PLAIN, share=made["link"]).status == 401
    assert [one.action for one in accounts.audit.entries(limit=2)] == ["unshared", "shared"]


def test_a_link_says_nothing_of_where_the_store_lies(server, accounts, maintainer, root):
    made = sent(server, "/shares", maintainer, project="lab/vision")
    for shown in (opened(server, json.loads(made.body)["link"]), maintainer):
        for method, path in (("GET", "/about"), ("POST", "/ask/about")):
            answer = server.send(method, f"{API}{path}", shown, b"{}" if method == "POST" else b"")
            assert answer.status == 200
            assert root.encode() not in answer.body


def test_a_link_ends_with_its_time_and_so_do_the_sessions_it_began(server, accounts, maintainer):
    made = json.loads(sent(server, "/shares", maintainer, project="lab/vision", seconds=3600).body)
    shown = opened(server, made["link"])
    with accounts.database.writing() as connection:
        connection.execute("UPDATE shares SET expires_at = 1")
    assert server.send("GET", f"{API}/about", shown).status == 401
    assert sent(server, "/login/share", PLAIN, share=made["link"]).status == 401
    assert json.loads(server.send("GET", f"{API}/shares", maintainer).body) == []


def test_who_does_not_maintain_a_project_shares_and_unshares_nothing_of_it(
    server, accounts, maintainer
):
    for project in ("lab/*", "*", "lab/audio", "*/vision"):
        assert sent(server, "/shares", maintainer, project=project).status == 403
    other = {
        **PLAIN,
        "Authorization": "Bearer " + accounts.create_token("o", Role.OWNER, project="lab/audio"),
    }
    made = json.loads(sent(server, "/shares", maintainer, project="lab/vision").body)
    number = made["share"]["number"]
    assert json.loads(server.send("GET", f"{API}/shares", other).body) == []
    told = [sent(server, "/shares/revoke", other, number=one) for one in (number, 9999)]
    assert [one.status for one in told] == [404, 404]
    opened(server, made["link"])
    reader = {**PLAIN, "Authorization": "Bearer " + accounts.create_token("r", Role.READER)}
    assert sent(server, "/shares", reader, project="lab/vision").status == 403


def test_logging_out_ends_a_session_of_a_link(server, maintainer):
    made = json.loads(sent(server, "/shares", maintainer, project="lab/vision").body)
    shown = opened(server, made["link"])
    assert sent(server, "/logout", shown).status == 200
    assert server.send("GET", f"{API}/about", shown).status == 401


def test_space_is_told_by_project_and_user_of_what_one_may_see(server, accounts, maintainer):
    seen = json.loads(server.send("GET", f"{API}/usage/projects", maintainer).body)
    assert set(seen["projects"]) == {"lab/vision"}
    everything = {"Authorization": "Bearer " + accounts.create_token("all", Role.READER)}
    told = json.loads(server.send("GET", f"{API}/usage/projects", everything).body)
    assert set(told["projects"]) == {"lab/vision", "lab/audio"}
    assert sum(told["projects"].values()) == sum(told["users"].values()) > 0


def test_plots_and_media_of_a_shared_report_show_what_the_link_does_and_nothing_else(
    server, root, maintainer
):
    """Whatever a block asks for, whoever has the link is answered about the projects that it shows."""
    with Store(root) as store:
        other = store.get("lab/audio/two")
        image = other.values("samples")[0].stored.name
        blocks = [
            "plot: scatter", "plot: parallel\naxes: [prefix, duration]", "plot: boxes\nsetting: prefix", "plot: compare\nsetting: prefix", "plot: importance",
            "plot: histograms", "plot: tables", "tab: media", f"plot: scatter\nexperiments: [{other.id}]", f"names: [samples]\nexperiments: [{other.id}]",
        ]  # fmt: skip
        text = "\n".join(f"```anew\nproject: lab\n{one}\n```\n" for one in blocks)
        store.reports.save("drawn", text, "lab/vision")
    made = json.loads(sent(server, "/shares", maintainer, project="lab/vision").body)
    shown = opened(server, made["link"])
    pieces = json.loads(
        sent(server, "/reports/pieces", shown, text=text, project="lab/vision").body
    )
    assert [(one["block"] or {}).get("kind") for one in pieces] == [*["plot"] * 7, "media", None, None]  # fmt: skip
    assert all("no experiment" in one["problem"].lower() for one in pieces[8:])
    found = server.send("GET", f"{API}/report-files/drawn?project=lab/vision&form=html", shown)
    assert found.status == 200
    file = found.body.decode()
    assert "lab/vision/one" in file
    assert "1 experiment · each drawn" in file
    assert "audio" not in file
    # What the page asks for to draw them.
    every = pieces[1]["block"]["filter"]
    values = sent(server, "/analysis/values", shown, fields=["prefix"], filter=every)
    assert (values.status, json.loads(values.body)["columns"][0]["labels"]) == (200, ["lab/vision/one"])  # fmt: skip
    for path, body in (
        ("/analysis/histograms", {"ids": [other.id], "name": "w"}),
        ("/analysis/table", {"table": {"id": other.id, "name": "rows"}}),
    ):
        assert sent(server, path, shown, **body).status == 404
    assert sent(server, "/media", shown, ids=[other.id]).status == 404
    for path in ("media", f"thumbnail/{image}"):
        assert server.send("GET", f"{API}/experiments/{other.id}/{path}", shown).status == 404
    groups = {"result": "metrics.loss", "a": "host != ''", "b": "prefix =~ 'audio'"}
    assert json.loads(sent(server, "/analysis/compare", shown, **groups).body)["result"] is None
