"""The routes of registered models: what they do, who may, and what nobody in another project sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts
from anew.server.table import API
from serving import InProcess, place_of

Calls = Callable[..., tuple[int, Any]]


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    """Calls a route as somebody with a role in `lab/*`, or in `other/*`; the status and the answer."""
    for prefix in ("lab/vision/one", "other/vision/two"):
        with Experiment(prefix, root=tmp_path / "store", quiet=True, system_metrics=0) as exp:
            exp.files("models").save_text("weights", "best.pt")
    accounts = Accounts(str(tmp_path / "accounts"), trusting=False)
    accounts.add_user("root", admin=True)
    place = place_of(str(tmp_path / "store"))
    transport = InProcess(make_app(place, Access("t", identities=accounts, audit=accounts.audit)))

    def call(
        method: str, path: str, body: object = None, *, role: Role = Role.WRITER, of: str = "lab"
    ) -> tuple[int, Any]:
        token = accounts.create_token(f"t{len(accounts.tokens())}", role, project=f"{of}/*")
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = b"" if body is None else json.dumps(body).encode()
        answer = transport.send(method, f"{API}{path}", headers, data)
        return answer.status, json.loads(answer.body)

    yield call
    transport.close()
    place.close()
    accounts.close()


def registered(calls: Calls) -> None:
    target = {"model": "vit", "target": "lab/vision/one:models/best.pt", "why": "best"}
    status, made = calls("POST", "/models/register", target)
    assert (status, made["number"], made["points_to"], made["why"]) == (200, 1, "file", "best")


def test_a_model_is_registered_promoted_edited_renamed_deleted_and_restored(calls: Calls):
    registered(calls)
    moved = {"version": "vit:1", "alias": "production", "why": "shipped"}
    assert calls("POST", "/models/promote", moved)[1]["number"] == 1
    edited = {"ref": "vit:1", "description": "small", "add": {"a": "b"}}
    (version,) = calls("POST", "/models/edit", edited)[1]["versions"]
    assert (version["description"], version["tags"]) == ("small", {"a": "b"})
    assert calls("POST", "/models/rename", {"model": "vit", "name": "net"})[0] == 200
    status, model = calls("GET", "/models/net")
    assert (status, model["scope"]) == (200, "project/lab/vision")
    assert [one["what"] for one in model["history"]][-1] == "renamed"
    assert calls("POST", "/models/demote", {"model": "net", "alias": "production"})[1]["aliases"] == []  # fmt: skip
    assert calls("POST", "/models/delete", {"ref": "net"})[0] == 200
    assert calls("GET", "/models")[1] == []
    assert [one["name"] for one in calls("GET", "/models?gone=1")[1]] == ["net"]
    assert calls("POST", "/models/restore", {"ref": "net"})[1]["name"] == "net"
    of = calls("GET", "/lineage?of=net")[1]
    assert of["experiment"]["prefix"] == "lab/vision/one"


def test_a_promotion_that_demands_a_verdict_is_refused_without_one(calls: Calls):
    registered(calls)
    asked = {"version": "vit:1", "alias": "production", "require": "identical"}
    status, answer = calls("POST", "/models/promote", asked)
    assert (status, answer["error"]["code"]) == (409, "NotVerified")
    assert answer["error"]["command"].startswith("anew reproduce ")


def test_models_of_another_project_are_not_there(calls: Calls):
    registered(calls)
    assert calls("GET", "/models", of="other")[1] == []
    for method, path, body in (
        ("GET", "/models/vit", None),
        ("GET", "/lineage?of=vit", None),
        ("POST", "/models/delete", {"ref": "vit"}),
        ("POST", "/models/promote", {"version": "vit:1", "alias": "best"}),
    ):
        assert calls(method, path, body, of="other")[0] == 404, path
    # A name is free in every project.
    target = {"model": "vit", "target": "other/vision/two:models/best.pt"}
    assert calls("POST", "/models/register", target, of="other")[1]["number"] == 1
    assert len(calls("GET", "/models")[1]) == 1


def test_who_may_only_comment_changes_no_model(calls: Calls):
    registered(calls)
    for path, body in (
        ("register", {"model": "x", "target": "lab/vision/one"}),
        ("edit", {"ref": "vit", "description": "mine"}),
        ("rename", {"model": "vit", "name": "x"}),
        ("delete", {"ref": "vit"}),
        ("promote", {"version": "vit:1", "alias": "best"}),
    ):
        assert calls("POST", f"/models/{path}", body, role=Role.REPORTER)[0] == 403, path
    edit = {"k": "document", "kind": "model", "name": "vit", "body": None, "scope": "project/lab/vision"}  # fmt: skip
    answer = calls("POST", "/ask/append", {"edits": [{"type": "document", **edit}]}, role=Role.REPORTER)  # fmt: skip
    assert answer[0] in (400, 403)
    assert len(calls("GET", "/models")[1]) == 1
