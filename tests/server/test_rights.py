"""Roles, routes and projects: who may do what, to their own project and to others, held against every route of the table."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any, get_args

import msgspec
import pytest

from anew import Experiment, Store
from anew.query.edits import AppendQuestion
from anew.query.scope import project_of
from anew.reading.wire import encode
from anew.record import edits
from anew.record.edits import Edit
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.callers import Caller, Grant, Role
from anew.server.identity.accounts import Accounts
from anew.server.table import API, ROUTES
from serving import Answer, InProcess, place_of

from .test_security import ENTRANCES, called

OWN, OTHER = "lab/vision/mine", "other/vision/theirs"
PACKED = {"Content-Type": "application/msgpack"}
# What streams without end, what ends the session that is called with, and what answers with all that its caller has set before.
WALKED = [
    route
    for route in ROUTES
    if route.name not in ("events", "logout", "login-link", "do-preferences-set")
]
NEEDED = {
    edits.TagsEdit: Role.REPORTER, edits.FieldEdit: Role.REPORTER, edits.ParamsEdit: Role.WRITER, edits.CaptureEdit: Role.WRITER,
    edits.DeleteEdit: Role.MAINTAINER, edits.RestoreEdit: Role.MAINTAINER, edits.MoveEdit: Role.MAINTAINER,
    edits.DocumentEdit: Role.REPORTER, edits.ClaimEdit: Role.WRITER, edits.VersionEdit: Role.WRITER, edits.AliasEdit: Role.WRITER,
    edits.SinkEdit: None, edits.MetricsEdit: Role.WRITER,
}  # fmt: skip
"""What one who has a role in one project needs for an edit; None for what nobody like that may."""
ROLES = [role for role in Role if role is not Role.ANYONE]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("store"))
    for prefix in (OWN, OTHER):
        name = prefix.rpartition("/")[2]
        with Experiment(prefix=prefix, root=folder, quiet=True, system_metrics=0) as exp:
            exp.log_metrics({"loss": 1.0, f"metric_{name}": 1.0}, step=0)
            exp.params.set({f"param_{name}": name})
            exp.files("docs").save_text("text", f"{name}.txt")
    return folder


@pytest.fixture(scope="module")
def ids(root: str) -> dict[str, str]:
    with Store(root) as store:
        return {view.prefix: view.id for view in store.list()}


@pytest.fixture(scope="module")
def place(root: str):
    opened = place_of(root)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory):
    opened = Accounts(str(tmp_path_factory.mktemp("accounts")), trusting=False)
    opened.add_user("root", admin=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def server(place, accounts):
    transport = InProcess(
        make_app(place, Access("tester", identities=accounts, audit=accounts.audit))
    )
    yield transport
    transport.close()


@pytest.fixture(scope="module")
def tokens(accounts) -> dict[Role, dict[str, str]]:
    return {
        role: {
            "Authorization": "Bearer " + accounts.create_token(f"t{role}", role, project="lab/*")
        }
        for role in ROLES
    }


def told(answer: Answer, id_: str) -> tuple[int, bytes]:
    """What an answer says, whichever experiment was asked for and however long it took."""
    body = answer.body.replace(id_.encode(), b"ID").replace(id_[:8].encode(), b"ID")
    return answer.status, re.sub(rb'"(seconds|until)":[0-9.e-]+', b"", body)


@pytest.mark.parametrize(
    "role",
    [
        pytest.param(one, marks=() if one in (ROLES[0], ROLES[-1]) else pytest.mark.slow)
        for one in ROLES
    ],
    ids=lambda role: role.name.lower(),
)
def test_what_lies_in_another_project_is_not_there_on_any_route(server, tokens, ids, role):
    hidden, nothing = ids[OTHER], "zzzzzzzzzzzz"
    for route in WALKED:
        there = called(server, route, hidden, **tokens[role])
        nowhere = called(server, route, nothing, **tokens[role])
        assert told(there, hidden) == told(nowhere, nothing), route.path
        assert b"theirs" not in there.body, route.path
        by_prefix = called(server, route, OTHER, **tokens[role])
        assert b"theirs" not in by_prefix.body.replace(OTHER.encode(), b""), route.path
        if route.role > role:
            assert there.status == 403, route.path
        elif "{ref}" in route.path:
            assert there.status == 404, route.path


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name.lower())
def test_a_role_is_enough_for_the_routes_that_need_it_and_no_others(server, tokens, ids, role):
    for route in WALKED:
        if route.changes:
            continue
        answer = called(server, route, ids[OWN], **tokens[role])
        if route.admin or route.role > role:
            assert answer.status == 403, route.path
        elif route.name not in {"tokens", "audit", "metrics", *ENTRANCES}:
            assert answer.status != 401, route.path
            assert b"NotAllowed" not in answer.body, route.path


def test_everything_of_a_project_that_one_may_see_is_shown_and_counted(server, tokens):
    listed = json.loads(
        server.send("GET", f"{API}/experiments?total=1&columns=prefix", tokens[Role.READER]).body
    )
    assert listed["total"] == 1
    assert listed["columns"][0]["values"] == [OWN]
    names = json.loads(
        server.send("GET", f"{API}/names?kind=metric&counts=1", tokens[Role.READER]).body
    )
    assert [(one["name"], one["count"]) for one in names] == [("loss", 1), ("metric_mine", 1)]
    hint = server.send("GET", f"{API}/experiments?filter=params.param_thers>1", tokens[Role.READER])
    assert hint.status == 400
    assert b"theirs" not in hint.body


def edit_of(kind: type[Any], id_: str, scope: str) -> Edit:
    made: dict[type[Any], Edit] = {
        edits.TagsEdit: edits.TagsEdit(id=id_, add={"x": None}),
        edits.FieldEdit: edits.FieldEdit(id=id_, field="notes", value="x"),
        edits.ParamsEdit: edits.ParamsEdit(id=id_, params={"x": 1}),
        edits.MetricsEdit: edits.MetricsEdit(id=id_, hide=("x",)),
        edits.CaptureEdit: edits.CaptureEdit(id=id_, what="x", data={"x": 1}),
        edits.DeleteEdit: edits.DeleteEdit(id=id_),
        edits.RestoreEdit: edits.RestoreEdit(id=id_),
        edits.MoveEdit: edits.MoveEdit(id=id_, prefix=f"{project_of(OWN)}/moved"),
        edits.DocumentEdit: edits.DocumentEdit(
            kind="view", name="x", body={"when": "nan"}, scope=scope
        ),
        edits.ClaimEdit: edits.ClaimEdit(kind="model", name="x", scope=scope),
        edits.VersionEdit: edits.VersionEdit(
            kind="model", name="x", number=1, target="x", scope=scope
        ),
        edits.AliasEdit: edits.AliasEdit(kind="model", name="x", alias="y", number=1, scope=scope),
        edits.SinkEdit: edits.SinkEdit(name="x"),
    }
    assert set(made) == set(get_args(Edit))
    return made[kind]


def appended(server: InProcess, shown: dict[str, str], *given: Edit) -> Answer:
    body = encode(AppendQuestion(tuple(given)))
    return server.send("POST", f"{API}/ask/append", PACKED | shown, body)


@pytest.mark.parametrize("kind", get_args(Edit), ids=lambda kind: kind.__name__)
def test_an_edit_needs_its_role_in_the_project_it_changes(server, tokens, ids, kind, place):
    backend = place.backend(Caller("root", Role.OWNER))
    lasting = kind in (edits.DeleteEdit, edits.RestoreEdit, edits.MoveEdit)
    if kind is edits.RestoreEdit:
        backend.append(AppendQuestion(tuple(edits.DeleteEdit(id=one) for one in ids.values())))
    mine = edit_of(kind, ids[OWN], "project/lab/vision")
    theirs = edit_of(kind, ids[OTHER], "project/other/vision")
    for role in ROLES:
        refused = appended(server, tokens[role], theirs)
        assert refused.status in (403, 404), role
        if role >= Role.REPORTER and hasattr(theirs, "id"):
            nowhere = appended(
                server, tokens[role], msgspec.structs.replace(theirs, id="zzzzzzzzzzzz")
            )
            assert told(refused, ids[OTHER]) == told(nowhere, "zzzzzzzzzzzz")
        if lasting and role >= Role.MAINTAINER:
            continue
        enough = NEEDED[kind] is not None and role >= NEEDED[kind]
        answer = appended(server, tokens[role], mine)
        assert answer.status == (200 if enough else 403), (role, answer.body)
    if kind is edits.MoveEdit:
        away = edits.MoveEdit(id=ids[OWN], prefix="other/vision/taken")
        assert appended(server, tokens[Role.OWNER], away).status == 403
    if lasting:
        assert appended(server, tokens[Role.MAINTAINER], mine).status == 200
        back: dict[type[Any], Edit] = {
            edits.DeleteEdit: edits.RestoreEdit(id=ids[OWN]),
            edits.RestoreEdit: edits.RestoreEdit(id=ids[OTHER]),
            edits.MoveEdit: edits.MoveEdit(id=ids[OWN], prefix=OWN),
        }
        backend.append(AppendQuestion((back[kind],)))


@pytest.mark.parametrize(
    ("kind", "needed"),
    [("view", Role.REPORTER), ("model", Role.WRITER), ("alert", Role.MAINTAINER), ("alerted", Role.MAINTAINER), ("mentioned", Role.MAINTAINER), ("version", Role.WRITER), ("alias", Role.WRITER)],
)  # fmt: skip
def test_what_is_written_beside_experiments_needs_the_same_role_by_every_way(
    server, tokens, kind, needed
):
    """By an edit, and as an event of a journal that is sent: an alert has the server send mail, an alias is what is deployed."""
    scope = "project/lab/vision"
    written: dict[str, Edit] = {
        "version": edits.VersionEdit(kind="model", name="x", number=1, target="x", scope=scope),
        "alias": edits.AliasEdit(kind="model", name="x", alias="y", number=1, scope=scope),
    }
    edit = written.get(
        kind, edits.DocumentEdit(kind=kind, name="x", body={"when": "nan"}, scope=scope)
    )
    for role in ROLES:
        assert appended(server, tokens[role], edit).status == (200 if role >= needed else 403), role
        event = {"t": 1.0, "id": f"{kind}{role}", "scope": scope, "name": "x", "number": 1, "target": "x", "alias": "y", "body": {}}  # fmt: skip
        event |= (
            {"k": kind, "kind": "model"} if kind in written else {"k": "document", "kind": kind}
        )
        lines = msgspec.json.encode(event) + b"\n"
        body = msgspec.msgpack.encode({"author": "somebody", "lines": lines})
        answer = server.send("POST", f"{API}/upload/events", PACKED | tokens[role], body)
        if role < Role.WRITER:
            assert answer.status == 403
        else:
            found = json.loads(answer.body)
            assert (found["taken"], found["refused"]) == ((1, 0) if role >= needed else (0, 1)), (
                role
            )


def test_the_record_tells_who_did_what_to_who_owns_the_project_or_looks_after_the_server(
    server, accounts, tokens, ids, place
):
    body = encode({"edits": [{"type": "field", "id": ids[OWN], "field": "notes", "value": "seen"}]})
    assert (
        server.send("POST", f"{API}/ask/append", PACKED | tokens[Role.REPORTER], body).status == 200
    )
    audit = json.loads(server.send("GET", f"{API}/audit?limit=1", tokens[Role.OWNER]).body)
    assert (audit[0]["who"], audit[0]["action"], audit[0]["project"]) == (
        "t2",
        "field",
        "lab/vision",
    )
    assert ids[OWN] in audit[0]["target"]
    assert server.send("GET", f"{API}/audit", tokens[Role.MAINTAINER]).status == 403
    accounts.audit.note("bo", "user:9", "deleted", "other/vision", "x")
    assert b"other/vision" not in server.send("GET", f"{API}/audit", tokens[Role.OWNER]).body
    (newest,) = accounts.audit.entries(limit=1)
    assert [one.number for one in accounts.audit.entries(limit=2, before=newest.number)] == [
        newest.number - 1,
        newest.number - 2,
    ]


def test_what_is_written_down_is_there_for_every_route_that_changes_something():
    """Each either notes it, or says in the table that the experiments themselves tell of it."""
    for route in ROUTES:
        if route.changes and route.noted and not route.foreign and route.name not in ENTRANCES:
            handler = route.reply or route.stream
            source = inspect.getsource(handler)
            noting = ("call.note(", "append_noted(", "_Acting(")
            assert any(word in source for word in noting), route.name


# -- over HTTP, for people -------------------------------------------------------------------------


def session(server: InProcess, accounts: Accounts, name: str) -> dict[str, str]:
    body = json.dumps({"link": accounts.link_for(name)}).encode()
    plain = {"Content-Type": "application/json"}
    answer = server.send("POST", f"{API}/login/link", plain, body)
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0], **plain}


def sent(server: InProcess, path: str, headers: dict[str, str], **body: Any) -> Answer:
    return server.send("POST", f"{API}{path}", headers, json.dumps(body).encode())


def test_people_make_tokens_that_never_do_more_than_they_may_and_tokens_make_none(
    server, accounts, tokens
):
    accounts.add_user("al", [Grant("lab/*", Role.WRITER)])
    accounts.add_user("bo")
    mine, other = session(server, accounts, "al"), session(server, accounts, "bo")
    made = json.loads(sent(server, "/tokens", mine, name="hers", role="owner").body)
    assert accounts.of_token(made["token"]).role_in("lab/vision") is Role.WRITER
    shown = {"Authorization": f"Bearer {made['token']}", "Content-Type": "application/json"}
    assert sent(server, "/tokens", shown, name="more", role="reader").status == 403
    listed = json.loads(server.send("GET", f"{API}/tokens", mine).body)
    assert [one["name"] for one in listed] == ["hers"]
    assert json.loads(server.send("GET", f"{API}/tokens", other).body) == []
    assert sent(server, "/tokens/revoke", other, name="hers").status == 404
    assert sent(server, "/tokens/revoke", mine, name="hers").status == 200
    assert accounts.of_token(made["token"]) is None
    assert sent(server, "/tokens", mine, name="x", role="king").status == 400


def test_owners_say_who_has_which_role_in_their_projects_and_admins_who_there_is(server, accounts):
    accounts.add_user("cy", [Grant("lab/vision", Role.OWNER)])
    accounts.add_user("di")
    owner, admin = session(server, accounts, "cy"), session(server, accounts, "root")
    assert (
        sent(server, "/roles", owner, user="di", project="lab/vision", role="reader").status == 200
    )
    for project in ("lab/*", "*", "lab/audio", "~di"):
        assert sent(server, "/roles", owner, user="cy", project=project, role="owner").status == 403
    assert sent(server, "/users", owner, name="ed").status == 403
    link = json.loads(
        sent(server, "/users", admin, name="ed", role="reader", project="lab/*").body
    )["link"]
    assert accounts.redeem(link).caller.role_in("lab/x") is Role.READER
    assert b'"ed"' in server.send("GET", f"{API}/users", admin).body
    assert sent(server, "/roles", admin, user="ed", project="*", role="owner").status == 200
    assert sent(server, "/users/remove", admin, name="ed").status == 200
    actions = [one.action for one in accounts.audit.entries(limit=3)]
    assert actions == ["user removed", "role set", "user added"]


def test_a_command_changes_what_its_caller_may_and_nothing_else(server, tokens, ids):
    def asked(role: Role, command: str, **question: Any) -> tuple[int, Any]:
        shown = {"Content-Type": "application/json", **tokens[role]}
        answer = server.send(
            "POST", f"{API}/commands/{command}", shown, json.dumps(question).encode()
        )
        return answer.status, json.loads(answer.body)

    for role, name, more, status in (
        (Role.READER, "tag", {"tags": ["x"]}, 403),
        (Role.REPORTER, "tag", {"tags": ["x"]}, 200),
        (Role.REPORTER, "hide", {"metrics": ["loss"]}, 403),
        (Role.WRITER, "hide", {"metrics": ["loss"]}, 200),
        (Role.WRITER, "hide", {"metrics": ["loss"], "show": True}, 200),
        (Role.WRITER, "move", {"prefix": "lab/vision/moved"}, 403),
        (Role.OWNER, "move", {"prefix": "other/vision/taken"}, 403),
    ):
        assert asked(role, name, experiment=OWN, **more)[0] == status, (role, name)
    for role in ROLES:
        assert asked(role, "tag", experiment=OTHER, tags=["x"])[0] in (403, 404)
        assert asked(role, "delete", experiments=[ids[OTHER]])[0] in (403, 404)
    assert asked(Role.WRITER, "delete", experiments=[OWN])[0] == 403
    status, changed = asked(Role.OWNER, "tag", filter="prefix =~ 'vision'", tags=["y"])
    assert (status, [one["prefix"] for one in changed["changed"]]) == (200, [OWN])
    assert asked(Role.REPORTER, "alert/add", name="a", when="nan", project="lab/vision")[0] == 403
    assert asked(Role.REPORTER, "goal", metric="loss", better="min", project="other")[0] == 403
