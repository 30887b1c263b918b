"""`server token` and `server user`: who may use a server."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.cli.main import cli
from anew.postgres import is_postgres
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts


@pytest.fixture
def root(tmp_path: Path) -> str:
    folder = tmp_path / "store"
    folder.mkdir()
    return str(folder)


@pytest.fixture(params=["folder", "group"])
def where(request: pytest.FixtureRequest, root: str) -> str:
    """Where the accounts lie."""
    return root if request.param == "folder" else request.getfixturevalue("make_database")()


@pytest.fixture
def run(request: pytest.FixtureRequest, root, capsys):
    at = request.getfixturevalue("where") if "where" in request.fixturenames else root
    option = "--catalog" if is_postgres(at) else "--root"

    def call(*args: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as left:
            cli.main(["server", *args, option, at])
        printed = capsys.readouterr()
        assert left.value.code == code, printed
        return printed.out

    return call


def test_a_token_is_printed_once_and_listed_without_itself(run, where):
    token = run(
        "token", "create", "cluster", "--role", "writer", "--project", "lab/*", "-q"
    ).strip()
    accounts = Accounts(where)
    assert accounts.of_token(token).role_in("lab/x") is Role.WRITER
    listed = run("token", "list")
    assert "cluster" in listed
    assert token not in listed + run("token", "list", "--json")
    (one,) = json.loads(run("token", "list", "--json"))["tokens"]
    assert (one["name"], one["role"], one["project"], one["expires_at"]) == (
        "cluster",
        "writer",
        "lab/*",
        None,
    )
    run("token", "revoke", "cluster")
    assert accounts.of_token(token) is None
    run("token", "revoke", "cluster", code=3)
    accounts.close()


@pytest.mark.parametrize(("text", "seconds"), [("90d", 90 * 86400), ("12h", 12 * 3600)])
def test_a_token_ends_when_it_is_told_to(run, text, seconds):
    made = json.loads(run("token", "create", "t", "--role", "reader", "--expires", text, "--json"))
    assert made["expires_at"] == pytest.approx(time.time() + seconds, abs=120)
    assert made["token"].startswith("anew_")


@pytest.mark.parametrize(
    "args",
    [
        ["--expires", "soon"],
        ["--expires", "2001-01-01"],
        ["--project", "a/b/c"],
        ["--role", "king"],
    ],
)
def test_a_token_that_cannot_be_is_refused(run, root, args):
    rest = [] if "--role" in args else ["--role", "reader"]
    run("token", "create", "t", *rest, *args, code=2)
    accounts = Accounts(root)
    assert accounts.tokens() == []
    accounts.close()


def test_a_user_is_added_with_a_link_of_one_use_and_removed(run, where):
    link = run(
        "user", "add", "al", "--role", "reader", "--url", "https://x.org/runs/", "-q"
    ).strip()
    assert link.startswith("https://x.org/runs/#link=")
    accounts = Accounts(where)
    begun = accounts.redeem(link.partition("#link=")[2])
    assert begun.caller.role_in("lab/x") is Role.READER
    run("user", "role", "al", "owner", "--project", "lab")
    run("user", "role", "al", "none")
    (one,) = json.loads(run("user", "list", "--json"))["users"]
    assert one["roles"] == {"lab": "owner", "~al": "owner"}
    assert "al" in run("user", "list")
    other = run("user", "link", "al", "-q").strip()
    assert accounts.redeem(other.partition("#link=")[2]).caller.name == "al"
    run("user", "add", "root", "--admin")
    run("user", "remove", "al")
    assert accounts.of_session(begun.secret) is None
    run("user", "remove", "root", code=2)
    run("user", "remove", "nobody", code=3)
    accounts.close()


def test_a_link_to_a_project_is_printed_once_listed_without_its_secret_and_taken_back(run, where):
    link = run("share", "create", "lab/vision", "--url", "https://runs.example.org/", "-q").strip()
    assert link.startswith("https://runs.example.org/#share=")
    secret = link.partition("#share=")[2]
    accounts = Accounts(where)
    begun = accounts.shares.redeem(secret)
    assert begun is not None
    assert begun.caller.role_in("lab/vision") is Role.READER
    assert begun.caller.role_in("lab/other") is Role.ANYONE
    (one,) = json.loads(run("share", "list", "--json"))["shares"]
    assert (one["project"], one["number"]) == ("lab/vision", 1)
    assert one["expires_at"] - time.time() == pytest.approx(30 * 86400, abs=3600)
    assert secret not in run("share", "list") + run("share", "list", "--json")
    run("share", "revoke", "7", code=3)
    run("share", "revoke", "1")
    assert accounts.shares.redeem(secret) is None
    assert accounts.of_session(begun.secret) is None
    assert run("share", "list", "-q") == ""
    actions = [one["action"] for one in json.loads(run("audit", "--json"))["entries"]]
    assert actions[:2] == ["unshared", "shared"]
    accounts.close()


@pytest.mark.parametrize("args", [["a//b"], ["lab", "--expires", "2001-01-01"]])
def test_a_link_that_cannot_be_is_refused(run, args):
    run("share", "create", *args, code=2)


def test_what_was_done_is_shown(run, where):
    assert json.loads(run("audit", "--json")) == {"entries": []}
    assert run("audit") == ""
    run("token", "create", "cluster", "--role", "writer")
    run("token", "revoke", "cluster")
    actions = [one["action"] for one in json.loads(run("audit", "--json"))["entries"]]
    assert actions == ["token revoked", "token created"]
    assert "cluster" in run("audit")
    assert len(run("audit", "-n", "1", "-q").splitlines()) == 1


def test_accounts_of_a_folder_that_is_not_there_are_not_made(tmp_path, capsys):
    for args in (["token", "list"], ["user", "add", "al"]):
        with pytest.raises(SystemExit) as left:
            cli.main(["server", *args, "--root", str(tmp_path / "gone")])
        assert left.value.code == 3
    assert not (tmp_path / "gone").exists()
    capsys.readouterr()


def test_accounts_are_no_part_of_the_store(run, root, tmp_path):
    with Experiment(prefix="lab/x/one", root=root, quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    run("token", "create", "cluster", "--role", "writer")
    with Store(root) as store:
        assert [view.prefix for view in store.list()] == ["lab/x/one"]
        assert not [one for one in store.doctor() if "server" in str(one.path)]
        target = tmp_path / "all.zip"
        store.export(None, target)
        assert not [name for name in zipfile.ZipFile(target).namelist() if "server" in name]
        store.rebuild()
        store.gc(older_than=0)
    accounts = Accounts(root)
    assert [one.name for one in accounts.tokens()] == ["cluster"]
    accounts.close()


def test_a_store_is_backed_up_and_restored(run, root, tmp_path, capsys):
    with Experiment(prefix="lab/x/one", root=root, quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0})
    backup = str(tmp_path / "backup")
    made = json.loads(run("backup", backup, "--json"))
    assert (made["experiments"], made["backup"], made["accounts"]) == (1, backup, False)
    run("restore", backup, code=2)
    assert json.loads(run("rebuild", "--json"))["experiments"] == 1
    other = str(tmp_path / "other")
    with pytest.raises(SystemExit) as left:
        cli.main(["server", "restore", backup, "--root", other, "--json"])
    assert left.value.code == 0
    assert json.loads(capsys.readouterr().out)["experiments"] == 1
    with Store(other) as store:
        assert [view.prefix for view in store.list()] == ["lab/x/one"]


@pytest.mark.parametrize(
    "given",
    [
        ["--oidc-issuer", "https://id.example"],
        ["--oidc-issuer", "https://id.example", "--oidc-client", "x"],
    ],
)
def test_sign_on_needs_a_provider_a_client_and_the_address_of_the_server(root, given, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["server", root, *given])
    assert left.value.code == 2
    capsys.readouterr()


def test_the_accounts_of_a_group_are_found_by_the_environment_and_a_folder_goes_before_it(
    root, make_database, monkeypatch, capsys
):
    url = make_database()
    monkeypatch.setenv("ANEW_SERVER_CATALOG", url)

    def names(*args: str) -> list[str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["server", "token", *args])
        assert left.value.code == 0
        return capsys.readouterr().out.split()

    names("create", "of-the-group", "--role", "reader", "-q")
    names("create", "of-the-folder", "--role", "reader", "-q", "--root", root)
    assert names("list", "-q") == ["of-the-group"]
    assert names("list", "-q", "--root", root) == ["of-the-folder"]


def test_what_is_no_database_or_none_that_answers_is_told_without_its_password(capsys):
    for url in ("mysql://u:secret@h/d", "postgresql://u:secret@127.0.0.1:1/d"):
        with pytest.raises(SystemExit) as left:
            cli.main(["server", "token", "list", "--catalog", url])
        assert left.value.code not in (0, None)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        assert "secret" not in printed.err + printed.out


@pytest.mark.parametrize("before", [["FOLDER"], ["--root", "FOLDER"]])
def test_commands_are_about_the_folder_that_is_named_before_them(before, tmp_path, root, capsys):
    named = [root if one == "FOLDER" else one for one in before]
    for args in (["user", "add", "ada", "--admin", "--role", "owner"], ["user", "list", "--json"]):
        with pytest.raises(SystemExit) as left:
            cli.main(["server", *named, *args])
        assert left.value.code == 0
        printed = capsys.readouterr().out
    assert [one["name"] for one in json.loads(printed)["users"]] == ["ada"]


def test_an_option_for_serving_is_no_option_of_a_command(root, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["server", root, "--port", "1", "user", "list"])
    assert left.value.code == 2
    assert "--port" in capsys.readouterr().err
