"""Who is let in: links, sessions, tokens, and nobody."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.errors import InvalidValue, NotAllowed
from anew.reading.remote.opening import open_server
from anew.server.access import COOKIE, Access
from anew.server.app import make_app
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts
from anew.server.identity.local import LocalUser
from anew.server.table import API
from serving import Answer, InProcess, place_of

PLAIN = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("store"))
    with Experiment(prefix="lab/vision/one", root=folder, quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    return folder


@pytest.fixture(scope="module")
def place(root: str):
    opened = place_of(root)
    yield opened
    opened.close()


@pytest.fixture
def accounts(tmp_path: Path):
    opened = Accounts(str(tmp_path), first="starter")
    yield opened
    opened.close()


@pytest.fixture
def server(place, accounts):
    transport = InProcess(make_app(place, Access("starter", identities=accounts)))
    yield transport
    transport.close()


def logged_in(server: InProcess, link: str, **more: str) -> Answer:
    body = json.dumps({"link": link, **more}).encode()
    return server.send("POST", f"{API}/login/link", PLAIN, body)


def session_of(answer: Answer) -> dict[str, str]:
    name, _, secret = answer.headers["set-cookie"].partition(";")[0].partition("=")
    assert name == f"{COOKIE}_5700"
    return {"Cookie": f"{COOKIE}_5700={secret}"}


def about(server: InProcess, headers: dict[str, str] | None = None) -> Answer:
    return server.send("GET", f"{API}/about", headers or {})


def test_a_link_becomes_a_session_that_no_script_can_read(server, accounts):
    answer = logged_in(server, accounts.first_link(), name="al")
    assert answer.status == 200
    told = json.loads(answer.body)
    assert (told["user"], told["role"], told["admin"]) == ("al", "owner", True)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert answer.headers["cache-control"] == "no-store"
    who = json.loads(about(server, session_of(answer)).body)
    assert (who["user"], who["role"], who["admin"]) == ("al", "owner", True)


def test_without_accounts_whoever_reaches_the_server_is_its_user_and_with_one_nobody_is(
    server, accounts
):
    assert json.loads(about(server).body)["user"] == "starter"
    accounts.add_user("al", admin=True)
    answer = about(server)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert server.send("GET", "/healthz").status == 200


def test_where_nobody_is_trusted_nobody_is_let_in_even_without_accounts(place, tmp_path):
    accounts = Accounts(str(tmp_path), trusting=False)
    server = InProcess(make_app(place, Access("starter", identities=accounts)))
    assert about(server).status == 401
    server.close()
    accounts.close()


def test_a_link_works_once_also_when_many_use_it_at_once(server, accounts):
    link = accounts.first_link()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: logged_in(server, link), range(16)))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 15
    assert {"set-cookie" in answer.headers for answer in answers if answer.status == 401} == {False}


@pytest.mark.parametrize("link", ["", "x", "a" * 43, "\0", "\ud7ff", "' or 1=1 --", "a" * 100_000])
def test_what_is_no_link_lets_nobody_in(server, link):
    assert logged_in(server, link).status == 401


def test_a_name_that_no_account_can_have_does_not_use_the_link_up(server, accounts):
    link = accounts.first_link()
    assert logged_in(server, link, name="a/b").status == 400
    assert logged_in(server, link).status == 200


def test_logging_out_ends_the_session_and_not_only_the_cookie(server, accounts):
    session = session_of(logged_in(server, accounts.first_link()))
    answer = server.send("POST", f"{API}/logout", {**PLAIN, **session}, b"{}")
    assert answer.status == 200
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert about(server, session).status == 401
    assert server.send("POST", f"{API}/logout", PLAIN, b"{}").status == 200


def written(server, shown, scope):
    """The answer to who writes a document."""
    edit = {"type": "document", "kind": "star", "name": "a", "scope": scope, "body": {}}
    body = json.dumps({"edits": [edit]}).encode()
    return server.send("POST", f"{API}/ask/append", {**PLAIN, **shown}, body).status


def test_a_token_is_let_in_until_it_is_revoked_and_never_falls_back_to_a_session(server, accounts):
    session = session_of(logged_in(server, accounts.first_link()))
    token = accounts.create_token("cluster", Role.READER)
    shown = {"Authorization": f"Bearer {token}"}
    assert json.loads(about(server, shown).body)["user"] == "cluster"
    assert written(server, shown, "root") == 403
    accounts.revoke_token("cluster")
    assert about(server, {**shown, **session}).status == 401


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer anew_x", "anew_x", "Bearer \xff"]
)
def test_what_is_no_token_lets_nobody_in_even_where_nobody_has_an_account(server, shown):
    assert about(server, {"Authorization": shown}).status == 401


def test_a_page_for_one_user_lets_in_whoever_has_the_link_and_nobody_else(place):
    user = LocalUser("al")
    server = InProcess(make_app(place, Access("al", identities=user)))
    assert about(server).status == 401
    session = session_of(logged_in(server, user.link()))
    assert json.loads(about(server, session).body)["user"] == "al"
    assert about(server, {"Cookie": f"{COOKIE}_5700=x"}).status == 401
    server.close()


def test_a_server_that_lets_nobody_change_anything_does_not_let_its_owner_either(place, accounts):
    server = InProcess(make_app(place, Access("starter", role=Role.READER, identities=accounts)))
    session = session_of(logged_in(server, accounts.first_link()))
    told = json.loads(about(server, session).body)
    assert (told["role"], told["admin"], told["writing"]) == ("reader", False, False)
    assert {written(server, session, scope) for scope in ("root", f"user/{told['user']}")} == {403}
    server.close()


def test_no_answer_repeats_a_credential(server, accounts, capfd):
    link, token = accounts.first_link(), accounts.create_token("t", Role.READER)
    accounts.revoke_token("t")
    wrong = server.send(
        "POST", f"{API}/login/link", PLAIN, json.dumps({"link": link, "name": 3}).encode()
    )
    assert wrong.status == 400
    refused = about(server, {"Authorization": f"Bearer {token}"})
    began = logged_in(server, link)
    secret = session_of(began)["Cookie"].partition("=")[2]
    for answer in (wrong, refused, began):
        for one in (link, token, secret):
            assert one.encode() not in answer.body
    written = "".join(capfd.readouterr())
    assert not [one for one in (link, token, secret) if one in written]


# -- programs --------------------------------------------------------------------------------------


def test_a_store_shows_the_token_of_the_environment(server, accounts, monkeypatch):
    accounts.add_user("root", admin=True)
    opened = open_server("http://127.0.0.1:5700", server)
    with pytest.raises(NotAllowed):
        opened.backend.about()
    token = accounts.create_token("look", Role.READER)
    opened = open_server("http://127.0.0.1:5700", server, token=token)
    with Store(opened.backend, upkeep=opened.upkeep) as store:
        assert [view.name for view in store.list()] == ["one"]
        with pytest.raises(NotAllowed):
            store.delete(store.list()[0].id)


def test_a_token_does_not_cross_a_network_in_the_clear(server, accounts):
    accounts.add_user("root", admin=True)
    token = accounts.create_token("look", Role.READER)
    sent: list[dict[str, str]] = []

    class Watched:
        def send(self, method, path, headers, body, **more):
            sent.append(dict(headers))
            return server.send(method, path, headers, body, **more)

        def close(self) -> None:
            pass

    for url, shown in (
        ("http://192.0.2.1:5700", False), ("http://lab.example.org", False), ("http://localhost.example.org", False),
        ("https://lab.example.org", True), ("http://127.0.0.1:5700", True), ("http://[::1]:5700", True),
    ):  # fmt: skip
        sent.clear()
        backend = open_server(url, Watched(), token=token).backend
        if shown:
            assert backend.about().user == "look"
        else:
            with pytest.raises(NotAllowed) as raised:
                backend.about()
            assert token not in str(raised.value)
            assert "https://" in str(raised.value)
        assert all(("Authorization" in headers) == shown for headers in sent)


@pytest.mark.parametrize("token", ["a b", "a\nb", "\xff", "a\r\nHost: x"])
def test_what_no_header_can_hold_is_refused_and_not_repeated(token):
    with pytest.raises(InvalidValue) as raised:
        open_server("https://lab.example.org", token=token)
    assert token not in str(raised.value)


def test_the_entrance_says_how_somebody_comes_in_and_who_is(server, accounts, place):
    def entrance(of: InProcess, headers: dict[str, str] | None = None) -> dict[str, object]:
        return json.loads(of.send("GET", f"{API}/login", headers or {}).body)

    first = accounts.first_link()
    session = session_of(logged_in(server, first, name="al"))
    nobody = {"user": None, "session": False, "accounts": True, "sign_on": None}
    assert entrance(server) == nobody
    assert entrance(server, session) == {**nobody, "user": "al", "session": True}
    assert entrance(server, {"Cookie": f"{COOKIE}_5700=wrong"}) == nobody
    alone = InProcess(make_app(place, Access("me", identities=LocalUser("me"))))
    assert entrance(alone) == {**nobody, "accounts": False}
    alone.close()
