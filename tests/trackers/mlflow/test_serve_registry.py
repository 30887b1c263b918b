"""MLflow's registry of models through the server: the store's own models, in MLflow's words.

The bodies are those that the client sends.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anew import Store
from anew.server.access import Access
from anew.server.callers import Grant, Role
from anew.server.identity.accounts import Accounts

from .served import FILES, Server
from .test_serve import server as server


def make(server: Server, name: str, **more: Any) -> Any:
    return server.ask("POST", "registered-models/create", {"name": name, **more})[
        "registered_model"
    ]


def version(server: Server, name: str, source: str, **more: Any) -> Any:
    body = {"name": name, "source": source, **more}
    return server.ask("POST", "model-versions/create", body)["model_version"]


def run_with_a_model(server: Server) -> tuple[str, str]:
    experiment = server.experiment("lab/vision")
    run = server.begin(experiment, run_name="first")
    for name in ("MLmodel", "weights.bin"):
        answer = server.send("PUT", f"{FILES}/{experiment}/{run}/artifacts/model/{name}", b"x")
        assert answer.status == 200, answer.body
    return experiment, run


def test_a_version_of_the_client_is_a_version_of_the_store(server: Server) -> None:
    experiment, run = run_with_a_model(server)
    make(server, "vit", tags=[{"key": "team", "value": "x"}], description="small")
    source = f"mlflow-artifacts:/{experiment}/{run}/artifacts/model"
    made = version(server, "vit", source, run_id=run, tags=[{"key": "a", "value": ""}])
    assert (made["version"], made["source"], made["run_id"]) == ("1", source, run)
    server.ask("POST", "registered-models/alias", {"name": "vit", "alias": "best", "version": "1"})
    found = server.store.models["vit@best"]
    assert (found.fact.points_to, found.fact.ref, found.fact.experiment) == ("mlflow", "model", run)
    assert [one.name for one in found.files()] == ["MLmodel", "weights.bin"]
    assert found.tags == {"a": ""}
    by_alias = server.ask("GET", "registered-models/alias", name="vit", alias="best")
    assert by_alias["model_version"]["aliases"] == ["best"]
    uri = server.ask("GET", "model-versions/get-download-uri", name="vit", version="1")
    assert uri == {"artifact_uri": source}
    assert version(server, "vit", "models:/vit@best")["source"] == "models:/vit@best"
    assert server.ask("GET", "model-versions/get-download-uri", name="vit", version="2") == uri


def test_a_version_of_the_store_is_a_version_of_the_client(server: Server) -> None:
    experiment, run = run_with_a_model(server)
    models = server.store.models
    models.create("ours", description="made here")
    models.register("ours", f"{run}:model")
    shown = server.ask("GET", "registered-models/get", name="ours")["registered_model"]
    assert shown["description"] == "made here"
    (one,) = shown["latest_versions"]
    assert one["source"] == f"mlflow-artifacts:/{experiment}/{run}/artifacts/model"
    assert one["run_id"] == run


def test_a_source_that_the_caller_may_not_see_stays_an_address(server: Server) -> None:
    make(server, "vit")
    for source in ("runs:/nosuchrun/model", "s3://bucket/model"):
        version(server, "vit", source)
    facts = [one.fact for one in server.store.models.get("vit").versions]
    assert [(one.points_to, one.experiment) for one in facts] == [("address", None)] * 2


@pytest.mark.parametrize(
    "source",
    ["", "/etc/passwd", "file:///etc/passwd", "FILE:/etc", "a/../b", "s3://b/..%2f..%2fx", "C:\\x", "~/x", "./x", "runs:/a/%252e%252e/x", "s3://b/x%00"],
)  # fmt: skip
def test_a_source_on_some_disk_is_refused(server: Server, source: str) -> None:
    make(server, "vit")
    body = {"name": "vit", "source": source}
    assert server.refused("POST", "model-versions/create", body) == (400, "INVALID_PARAMETER_VALUE")


def test_names_are_given_once_and_missing_ones_say_so(server: Server) -> None:
    make(server, "vit")
    taken = (400, "RESOURCE_ALREADY_EXISTS")
    gone = (404, "RESOURCE_DOES_NOT_EXIST")
    wrong = (400, "INVALID_PARAMETER_VALUE")
    assert server.refused("POST", "registered-models/create", {"name": "vit"}) == taken
    make(server, "deit")
    renaming = {"name": "deit", "new_name": "vit"}
    assert server.refused("POST", "registered-models/rename", renaming) == taken
    assert server.refused("GET", "registered-models/get", name="no") == gone
    assert server.refused("GET", "model-versions/get", name="vit", version="1") == gone
    assert server.refused("GET", "model-versions/get", name="vit", version="x") == wrong
    assert server.refused("GET", "registered-models/alias", name="vit", alias="no") == wrong
    for alias in ("latest", "v1", "a b", ""):
        body = {"name": "vit", "alias": alias, "version": "1"}
        assert server.refused("POST", "registered-models/alias", body) == wrong
    for name in ("", " ", "a/b", "a:b", "a@b"):
        assert server.refused("POST", "registered-models/create", {"name": name}) == wrong


def test_stages_tags_descriptions_and_withdrawal(server: Server) -> None:
    make(server, "vit")
    for _ in range(3):
        version(server, "vit", "s3://bucket/model")
    for number in ("1", "2"):
        body = {"name": "vit", "version": number, "stage": "production", "archive_existing_versions": True}  # fmt: skip
        changed = server.ask("POST", "model-versions/transition-stage", body)["model_version"]
        assert changed["current_stage"] == "Production"
    latest = server.ask("POST", "registered-models/get-latest-versions", {"name": "vit"})
    stages = {one["current_stage"]: one["version"] for one in latest["model_versions"]}
    assert stages == {"None": "3", "Production": "2", "Archived": "1"}
    at = {"name": "vit", "version": "3"}
    server.ask("PATCH", "model-versions/update", {**at, "description": "third"})
    server.ask("POST", "model-versions/set-tag", {**at, "key": "k", "value": "v"})
    server.ask("POST", "model-versions/set-tag", {**at, "key": "l", "value": "w"})
    server.ask("DELETE", "model-versions/delete-tag", {**at, "key": "k"})
    one = server.ask("GET", "model-versions/get", **at)["model_version"]
    assert (one["description"], one["tags"]) == ("third", [{"key": "l", "value": "w"}])
    server.ask("DELETE", "model-versions/delete", at)
    assert server.refused("GET", "model-versions/get", **at)[0] == 404
    assert version(server, "vit", "s3://bucket/model")["version"] == "4"


def test_searching(server: Server) -> None:
    for name in ("b", "a", "c"):
        make(server, name, tags=[{"key": "team", "value": name}])
    make(server, "words", tags=[{"key": "mlflow.prompt.is_prompt", "value": "true"}])
    version(server, "a", "s3://bucket/1")
    version(server, "a", "s3://bucket/2")
    version(server, "b", "s3://bucket/1")

    def models(**asked: Any) -> list[str]:
        found = server.ask("GET", "registered-models/search", **asked)
        return [one["name"] for one in found.get("registered_models", [])]

    def versions(**asked: Any) -> list[str]:
        found = server.ask("GET", "model-versions/search", **asked)
        return [one["name"] + one["version"] for one in found.get("model_versions", [])]

    assert models() == ["a", "b", "c"]
    assert models(order_by="name DESC", max_results=2) == ["c", "b"]
    assert models(filter="name LIKE 'a%' AND tags.team = 'a'") == ["a"]
    assert models(filter="tags.`mlflow.prompt.is_prompt` = 'true'") == ["words"]
    assert versions(filter="name = 'a'", order_by="version_number ASC") == ["a1", "a2"]
    assert versions(filter="source_path = 's3://bucket/1'", order_by="name") == ["a1", "b1"]
    assert versions(filter="version_number > 1") == ["a2"]
    page = server.ask("GET", "registered-models/search", max_results=2)
    rest = server.ask("GET", "registered-models/search", page_token=page["next_page_token"])
    assert [one["name"] for one in rest["registered_models"]] == ["c"]
    assert server.refused("GET", "model-versions/search", filter="nope = 'x'")[0] == 400


@pytest.mark.parametrize("role", [Role.READER, Role.REPORTER])
def test_who_may_not_write_may_not_promote(root: Path, role: Role) -> None:
    root.mkdir(exist_ok=True)
    accounts = Accounts(str(root))
    accounts.redeem(accounts.first_link(), "ada")
    for name, grant in (("bob", Grant("lab", Role.WRITER)), ("eve", Grant("lab", role)), ("mal", Grant("other", Role.OWNER))):  # fmt: skip
        accounts.add_user(name, [grant])
    tokens = {name: accounts.create_token(name, Role.OWNER, user=name) for name in ("bob", "eve", "mal")}  # fmt: skip
    server = Server(root, Access("ada", identities=accounts))
    try:
        server.headers = {"Authorization": f"Bearer {tokens['bob']}"}
        make(server, "vit")
        version(server, "vit", "s3://bucket/model")
        (made,) = Store(str(root)).models
        assert made.scope == "project/lab"
        alias = {"name": "vit", "alias": "best", "version": "1"}
        for name, refusal in (("eve", 403), ("mal", 404)):
            server.headers = {"Authorization": f"Bearer {tokens[name]}"}
            assert server.refused("POST", "registered-models/alias", alias)[0] == refusal
            new = {"name": "vit", "source": "s3://bucket/2"}
            assert server.refused("POST", "model-versions/create", new)[0] == refusal
    finally:
        server.stop()
    found = Store(str(root)).models.get("vit")
    assert (found.aliases, len(found.versions)) == ({}, 1)
