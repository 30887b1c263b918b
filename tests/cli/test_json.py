"""The page about JSON is held against what commands print."""

import contextlib
import json
import re
from pathlib import Path

import pytest

from anew import Experiment
from anew.cli.errors import EXIT_CODES
from anew.journal.layout import RootLayout
from anew.syncing.outbox import Outbox

from ..serving import over_a_socket
from ..tracking.reading import segment

PAGE = (
    Path(__file__).resolve().parents[2] / "docs" / "reference" / "command-line-output.md"
).read_text()
REF = "alice/vision/sweep/run-0"
COMMANDS = {
    "list": ["list"],
    "list --group-by": ["list", "--group-by", "params.lr"],
    "watch --once": ["watch", "--once"],
    "best": ["best", "val/loss"],
    "goal": ["goal", "val/loss", "min"],
    "alert add": ["alert", "add", "other", "--when", "nan"],
    "alert list": ["alert", "list"],
    "alert log": ["alert", "log"],
    "alert test": ["alert", "test", "broken"],
    "alert run": ["alert", "run"],
    "alert remove": ["alert", "remove", "broken"],
    "views list": ["views", "list"],
    "views show": ["views", "show", "overview"],
    "views save": ["views", "save", "overview", "-"],
    "views remove": ["views", "remove", "overview"],
    "views default": ["views", "default", "overview"],
    "show": ["show", REF],
    "compare": ["compare", REF, "alice/vision/sweep/run-1"],
    "plot": ["plot", REF, "val/loss"],
    "reports list": ["reports", "list"],
    "reports show": ["reports", "show", "paper"],
    "reports save": ["reports", "save", "paper", "-"],
    "reports export": ["reports", "export", "paper", "paper.md"],
    "reports remove": ["reports", "remove", "paper"],
    "comment add": ["comment", "add", REF, "good"],
    "comment list": ["comment", "list", REF],
    "comment edit": ["comment", "edit", "COMMENT", "better"],
    "comment resolve": ["comment", "resolve", "COMMENT"],
    "comment reopen": ["comment", "reopen", "COMMENT"],
    "comment remove": ["comment", "remove", "COMMENT"],
    "star": ["star", REF],
    "pin": ["pin", REF],
    "preferences": ["preferences"],
    "preferences set": ["preferences", "set", "theme", "dark"],
    "preferences clear": ["preferences", "clear", "theme"],
    "news": ["news"],
    "news seen": ["news", "seen"],
    "badge": ["badge", REF, "-o", "badge.svg"],
    "history": ["history", REF, "-m", "val/loss"],
    "logs": ["logs", REF, "--tail", "1"],
    "files": ["files", REF],
    "open": ["open", REF],
    "tag": ["tag", REF],
    "note": ["note", REF],
    "tag --filter": ["tag", "--filter", "status != 'running'", "seen", "--dry-run"],
    "describe": ["describe", REF],
    "hide": ["hide", REF],
    "delete --dry-run": ["delete", REF, "--dry-run"],
    "rename": ["rename", REF, "another"],
    "edit": ["edit", REF],
    "delete": ["delete", REF, "--yes"],
    "stop": ["stop", REF, "--no-wait"],
    "sync": ["sync", REF, "--to", "http://127.0.0.1:9"],
    "sync --status": ["sync", "--status"],
    "login": ["login", "SERVER", "--token-stdin"],
    "logout": ["logout", "http://127.0.0.1:9"],
    "restore": ["restore", REF],
    "restore --list": ["restore", "--list"],
    "forward": ["forward", REF, "--to", "tensorboard"],
    "models list": ["models", "list"],
    "models show": ["models", "show", "vit"],
    "models register": ["models", "register", "vit", REF],
    "models promote": ["models", "promote", "vit:1", "production"],
    "models demote": ["models", "demote", "vit", "best"],
    "models edit": ["models", "edit", "vit", "--tag", "a=b"],
    "models rename": ["models", "rename", "vit", "other"],
    "models delete": ["models", "delete", "vit"],
    "models restore": ["models", "restore", "gone"],
    "models save": ["models", "save", "file", "out"],
    "lineage": ["lineage", "vit"],
    "export": ["export", REF, "--to", "out.zip"],
    "du": ["du"],
    "gc": ["gc", "--dry-run"],
    "doctor": ["doctor"],
    "seal": ["seal"],
    "rebuild": ["rebuild"],
    "version": ["version"],
    "server token create": ["server", "token", "create", "other", "--role", "reader"],
    "server token list": ["server", "token", "list"],
    "server token revoke": ["server", "token", "revoke", "cluster"],
    "server audit": ["server", "audit"],
    "server share create": ["server", "share", "create", "alice"],
    "server share list": ["server", "share", "list"],
    "server share revoke": ["server", "share", "revoke", "1"],
    "server user add": ["server", "user", "add", "bob"],
    "server user link": ["server", "user", "link", "al"],
    "server user role": ["server", "user", "role", "al", "reader"],
    "server user list": ["server", "user", "list"],
    "server user remove": ["server", "user", "remove", "al"],
}


def documented():
    """Command → its own keys, and the list inside with the keys of its members."""
    rows = re.findall(r"^\| (`[a-z].*?) \| (.*) \|$", PAGE.split("## JSON")[1], re.M)
    for names, keys in rows:
        outer, _, inner = keys.partition(":")
        outer = outer.split(";")[0]
        inner = inner.split("(")[0]
        for name in re.findall(r"`([^`]+)`", names):
            yield name, re.findall(r"`([^`]+)`", outer), re.findall(r"`([^`]+)`", inner)


DOCUMENTED = {name: (outer, inner) for name, outer, inner in documented()}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_document_has_the_keys_of_the_page(change, store_root, name, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(store_root.parent / "config"))
    if name.startswith("restore"):
        change("delete", REF, "--yes")
    if name == "doctor":
        points = segment(store_root / REF)
        points.write_bytes(b"{broken\n" + points.read_bytes())
    if name.startswith("server"):
        change("server", "token", "create", "cluster", "--role", "reader")
        change("server", "share", "create", "alice/vision")
        change("server", "user", "add", "al")
        change("server", "user", "add", "root", "--admin")
    if name.startswith("alert"):
        change("alert", "add", "broken", "--when", "ended")
        change("tag", REF, "seen")
        change("alert", "run")
    if name.startswith("views"):
        change("views", "save", "overview", "-", input="x: time\n")
    if name.startswith("reports"):
        change("reports", "save", "paper", "-", input="# Found\n")
    if name.startswith("comment"):
        said = change("comment", "add", REF, "hm", "--json").json["comment"]["id"]
        if name == "comment reopen":
            change("comment", "resolve", said)
    if name.startswith("preferences"):
        change("preferences", "set", "theme", "light")
    if name.startswith(("models", "lineage")):
        change("models", "register", "vit", REF, "-a", "best")
        file = change("files", REF, "--json").json["files"][0]
        change("models", "register", "file", f"{REF}:{file['name']}")
        change("models", "register", "gone", REF)
        change("models", "delete", "gone")
    if name == "sync --status":
        Outbox(RootLayout(str(store_root)), "http://127.0.0.1:9").register("opened", "k7f3", REF)
    with contextlib.ExitStack() as stack:
        arguments = [said if one == "COMMENT" else one for one in COMMANDS[name]]
        if name == "stop":  # a process never signals itself
            running = Experiment(REF, root=store_root, resume="must", quiet=True, system_metrics=0)
            stack.enter_context(running)
        if name == "login":
            server = stack.enter_context(over_a_socket(str(store_root)))
            arguments = [server if one == "SERVER" else one for one in arguments]
        given = "x: time\n" if name.startswith("views") else "anew_token\n"
        outcome = change(*arguments, "--json", input=given)
    assert outcome.code == {"doctor": 6, "sync": 1}.get(name, 0)
    document = json.loads(outcome.out)
    outer, inner = DOCUMENTED[name]
    assert set(document) == set(outer)
    if inner:
        members = document[outer[-1]]
        assert members
        assert set(members[0]) == set(inner)


def test_the_page_has_every_command_that_prints_json():
    # Those that replace a whole store, and those that judge a result, are held by tests of their own.
    elsewhere = {"server backup", "server restore", "server rebuild", "server doctor", "undo"}
    elsewhere |= {"server migrate", "server gc"}
    elsewhere |= {"reproduce", "diff", "check", "check --baseline"}
    assert set(DOCUMENTED) - elsewhere == set(COMMANDS)


def test_an_experiment_in_a_list_has_the_keys_of_the_page(run):
    text = PAGE.split("An experiment in a list has the keys")[1].split("\n\n")[0]
    inner = re.search(r"\(per name (.*?)\)", text, re.S).group(1)
    outer = re.sub(r"\(.*?\)", "", text, flags=re.S)
    one = run("list", "--json", "-t", "sweep").json["experiments"][0]
    assert set(one) == set(re.findall(r"`([^`]+)`", outer))
    assert set(one["metrics"]["val/loss"]) == set(re.findall(r"`([^`]+)`", inner))


def test_the_page_has_the_exit_codes():
    table = dict(re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.M))
    assert {int(code): text for code, text in table.items()} == EXIT_CODES
