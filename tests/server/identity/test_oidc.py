"""Sign-on, against a certified provider that runs as a process of its own (npm: oidc-provider)."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import urllib.parse
from pathlib import Path

import httpx
import pytest

from anew.errors import InvalidSetting, NotAllowed
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts
from anew.server.identity.oidc import Identity, Provider, SignOn
from serving import InProcess, place_of

HERE = Path(__file__).parent / "provider"
SERVER = "http://127.0.0.1:5700"
CALLBACK = f"{SERVER}/api/v1/login/oidc/callback"


@pytest.fixture
def accounts(accounts_at: str):
    opened = Accounts(accounts_at, trusting=False)
    yield opened
    opened.close()


# -- what needs no provider ------------------------------------------------------------------------


def test_who_comes_for_the_first_time_gets_an_account_without_roles(accounts):
    begun = accounts.sign_on(Identity("https://id.example", "7", "al"))
    assert (begun.caller.name, begun.caller.admin) == ("al", False)
    assert begun.caller.role_in("lab/vision") is Role.ANYONE
    again = accounts.sign_on(Identity("https://id.example", "7", "renamed"))
    assert again.caller.name == "al"


def test_a_name_that_somebody_has_is_not_given_to_who_is_called_so_elsewhere(accounts):
    accounts.add_user("al", admin=True)
    for name in ("al", "AL", "a/l", ""):
        with pytest.raises(NotAllowed):
            accounts.sign_on(Identity("https://id.example", "7", name))
    connected = accounts.sign_on(Identity("https://id.example", "7", "al"), "al")
    assert connected.caller.admin
    assert accounts.sign_on(Identity("https://id.example", "7", "al")).caller.name == "al"
    with pytest.raises(NotAllowed):
        accounts.sign_on(Identity("https://other.example", "7", "al"))
    accounts.add_user("bo")
    with pytest.raises(NotAllowed):
        accounts.sign_on(Identity("https://id.example", "7", "al"), "bo")


@pytest.mark.parametrize(
    "issuer",
    ["http://id.example", "ftp://id.example", "id.example", "http://127.0.0.1.example", ""],
)
def test_a_provider_without_encryption_is_refused(issuer):
    with pytest.raises(InvalidSetting):
        SignOn(Provider(issuer, "anew", "", SERVER))


def test_the_secret_is_not_shown():
    assert "hidden-secret" not in repr(
        Provider("https://id.example", "anew", "hidden-secret", SERVER)
    )


def test_a_server_without_a_provider_sends_nobody_anywhere(accounts, tmp_path):
    place = place_of(str(tmp_path))
    server = InProcess(make_app(place, Access("x", identities=accounts)))
    assert server.send("GET", "/api/v1/login/oidc").status == 401
    assert server.send("GET", "/api/v1/login/oidc/callback?code=x&state=y").status == 401
    server.close()
    place.close()


# -- with one --------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        return int(made.getsockname()[1])


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory):
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("node and npm are not there")
    folder = tmp_path_factory.mktemp("provider")
    for name in ("package.json", "provider.js"):
        shutil.copy(HERE / name, folder / name)
    installed = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        capture_output=True,
        timeout=300,
        check=False,
    )
    if installed.returncode:
        pytest.skip("the provider cannot be installed here")
    port = free_port()
    process = subprocess.Popen(
        [node, "provider.js", str(port), CALLBACK],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout.readline().strip() == "ready"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(300)
        process.stdout.close()


def log_in(address: str, name: str) -> str:
    """What the provider sends the browser back to, once somebody has logged in there and agreed."""
    with httpx.Client(timeout=300) as browser:
        answer = browser.get(address)
        for _ in range(12):
            if answer.is_redirect:
                target = urllib.parse.urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(CALLBACK):
                    return target.removeprefix(SERVER)
                answer = browser.get(target)
                continue
            form = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert form is not None, answer.text
            given = {"prompt": prompt[1], "login": name, "password": "any"}
            answer = browser.post(urllib.parse.urljoin(str(answer.url), form[1]), data=given)
    raise AssertionError("the provider never came to an end")


def cookie(answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


@pytest.mark.slow
def test_people_sign_on_at_a_provider(issuer, accounts, tmp_path):
    sign_on = SignOn(Provider(issuer, "anew", "secret-of-anew", SERVER))
    place = place_of(str(tmp_path))
    access = Access("x", identities=accounts, audit=accounts.audit, sign_on=sign_on)
    server = InProcess(make_app(place, access))
    with contextlib.closing(place), contextlib.closing(server):
        begun = server.send("GET", "/api/v1/login/oidc")
        assert begun.status == 303
        address = begun.headers["location"]
        assert address.startswith(issuer)
        assert "code_challenge_method=S256" in address
        back = log_in(address, "al")
        # Whoever is handed the answer of somebody else's sign-on has not begun it.
        assert server.send("GET", back).status == 403
        begun = server.send("GET", "/api/v1/login/oidc")
        back = log_in(begun.headers["location"], "al")
        done = server.send("GET", back, {"Cookie": cookie(begun)})
        assert done.status == 303
        assert done.headers["location"] == f"{SERVER}/"
        shown = {"Cookie": cookie(done)}
        assert json.loads(server.send("GET", "/api/v1/about", shown).body)["user"] == "al"
        assert (
            server.send("GET", back, {"Cookie": cookie(begun)}).status == 403
        )  # an answer is used once
        # Somebody who is logged in connects another identity with their account.
        begun = server.send("GET", "/api/v1/login/oidc", shown)
        back = log_in(begun.headers["location"], "other")
        assert server.send("GET", back, {"Cookie": cookie(begun)}).status == 303
        assert [one.name for one in accounts.users()] == ["al"]
        wrong = urllib.parse.urlsplit(
            log_in(server.send("GET", "/api/v1/login/oidc").headers["location"], "bo")
        )
        state = urllib.parse.parse_qs(wrong.query)["state"][0]
        assert (
            server.send("GET", f"/api/v1/login/oidc/callback?code=wrong&state={state}").status
            == 403
        )
        assert [one.name for one in accounts.users()] == ["al"]


@pytest.mark.slow
def test_a_provider_that_does_not_know_the_server_vouches_for_nobody(issuer):
    sign_on = SignOn(Provider(issuer, "anew", "wrong", SERVER))
    started = sign_on.begin()
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(log_in(started.address, "al")).query)
    with pytest.raises(NotAllowed) as raised:
        sign_on.finish(query["state"][0], started.secret, query["code"][0])
    assert "wrong" not in str(raised.value)


def test_a_provider_that_does_not_answer_is_said():
    with pytest.raises(NotAllowed):
        SignOn(Provider(f"http://127.0.0.1:{free_port()}", "anew", "", SERVER)).begin()
