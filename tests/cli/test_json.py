"""The page about JSON is held against what commands print."""

import json
import re
from pathlib import Path

import pytest

from anew.cli.errors import EXIT_CODES

from ..tracking.reading import segment

PAGE = (
    Path(__file__).resolve().parents[2] / "docs" / "reference" / "command-line-output.md"
).read_text()
REF = "alice/vision/sweep/run-0"
COMMANDS = {
    "list": ["list"],
    "watch --once": ["watch", "--once"],
    "best": ["best", "val/loss"],
    "show": ["show", REF],
    "compare": ["compare", REF, "alice/vision/sweep/run-1"],
    "plot": ["plot", REF, "val/loss"],
    "report": ["report", REF, "-o", "report.html"],
    "logs": ["logs", REF, "--tail", "1"],
    "files": ["files", REF],
    "open": ["open", REF],
    "tag": ["tag", REF],
    "note": ["note", REF],
    "param": ["param", REF],
    "delete": ["delete", REF, "--yes"],
    "restore": ["restore", REF],
    "restore --list": ["restore", "--list"],
    "forward": ["forward", REF, "--to", "tensorboard"],
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
def test_a_document_has_the_keys_of_the_page(change, store_root, name):
    if name.startswith("restore"):
        change("delete", REF, "--yes")
    if name == "doctor":
        points = segment(store_root / REF)
        points.write_bytes(b"{broken\n" + points.read_bytes())
    if name.startswith("server"):
        change("server", "token", "create", "cluster", "--role", "reader")
        change("server", "user", "add", "al")
        change("server", "user", "add", "root", "--admin")
    outcome = change(*COMMANDS[name], "--json")
    assert outcome.code == (6 if name == "doctor" else 0)
    document = json.loads(outcome.out)
    outer, inner = DOCUMENTED[name]
    assert set(document) == set(outer)
    if inner:
        members = document[outer[-1]]
        assert members
        assert set(members[0]) == set(inner)


def test_the_page_has_every_command_that_prints_json():
    assert set(DOCUMENTED) == set(COMMANDS)


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
