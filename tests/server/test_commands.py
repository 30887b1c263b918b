"""What a command prints with `--json` is what the server answers: for a folder, through a server, and over HTTP."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import anew
from anew import Store
from anew.alerts.firing import fire
from anew.cli.main import main
from anew.commands.acting import ACTIONS
from anew.commands.answers import ANSWERS
from anew.query.question import FactsQuestion

from ..serving import over_a_socket

ONE, OTHER = "alice/v/run-0", "alice/v/run-1"
# The route, what is asked of it, and the command line.
CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("list", {}, ["list"]),
    ("list", {"filter": "params.lr > 0.15", "tag": "t=1", "sort": ["-loss"], "limit": 1, "offset": 0}, ["list", "params.lr > 0.15", "-t", "t=1", "--sort", "-loss", "-n", "1"]),
    ("list", {"status": ["completed"], "project": "v", "limit": 0}, ["list", "-s", "completed", "--project", "v", "--all"]),
    ("list", {"group_by": "params.lr", "columns": "loss"}, ["list", "--group-by", "params.lr", "-c", "loss"]),
    ("list", {"view": "overview", "filter": "params.lr > 0.15"}, ["list", "params.lr > 0.15", "--view", "overview"]),
    ("best", {"metric": "loss", "limit": 1, "status": "any"}, ["best", "loss", "-n", "1", "-s", "any"]),
    ("show", {"experiment": ONE}, ["show", ONE]),
    ("compare", {"experiments": [ONE, OTHER], "metric": "loss"}, ["compare", ONE, OTHER, "-m", "loss"]),
    ("compare", {"filter": "project == 'v'"}, ["compare", "-f", "project == 'v'"]),
    ("badge", {"experiment": ONE, "metric": "loss"}, ["badge", ONE, "-m", "loss"]),
    ("badge", {"best": "loss", "project": "alice/v", "label": "loss"}, ["badge", "--best", "loss", "-p", "alice/v", "--label", "loss"]),
    ("history", {"experiments": [ONE, OTHER]}, ["history", ONE, OTHER]),
    ("history", {"experiments": ONE, "metric": "loss", "on": "acc", "points": 2}, ["history", ONE, "-m", "loss", "--on", "acc", "--points", "2"]),
    ("history", {"experiments": ONE, "on": "time", "start": 1, "stop": 2}, ["history", ONE, "--on", "time", "--start", "1", "--stop", "2"]),
    ("logs", {"experiments": [ONE, OTHER], "level": "warning"}, ["logs", ONE, OTHER, "-l", "warning"]),
    ("files", {"experiment": ONE}, ["files", ONE]),
    ("files", {"experiment": ONE, "patterns": "*.txt"}, ["files", ONE, "*.txt"]),
    ("open", {"experiment": ONE}, ["open", ONE]),
    ("open", {"experiment": ONE, "name": "x"}, ["open", ONE, "x"]),
    ("open", {"experiment": ONE, "name": "*.txt"}, ["open", ONE, "*.txt"]),
    ("lineage", {"what": ONE}, ["lineage", ONE]),
    ("lineage", {"what": "m:1"}, ["lineage", "m:1"]),
    ("goal", {}, ["goal"]),
    ("comment/list", {"experiment": ONE}, ["comment", "list", ONE]),
    ("comment/list", {"resolved": False, "since": "1d"}, ["comment", "list", "--open", "--since", "1d"]),
    ("star", {}, ["star"]),
    ("pin", {}, ["pin"]),
    ("preferences", {}, ["preferences"]),
    ("news", {"since": "2020-01-01", "limit": 3}, ["news", "--since", "2020-01-01", "-n", "3"]),
    ("restore", {}, ["restore", "--list"]),
    ("views", {}, ["views", "list"]),
    ("views/show", {"name": "overview", "history": True}, ["views", "show", "overview", "--history"]),
    ("reports", {}, ["reports", "list"]),
    ("reports/show", {"name": "paper", "history": True}, ["reports", "show", "paper", "--history"]),
    ("watch", {"recent": "1h"}, ["watch", "--once", "--recent", "1h"]),
    ("plot", {"experiments": [ONE, OTHER, "loss"]}, ["plot", ONE, OTHER, "loss"]),
    ("plot", {"filter": "project == 'v'", "metric": "loss", "against": "lr"}, ["plot", "-f", "project == 'v'", "-m", "loss", "--against", "lr"]),
    ("plot", {"experiments": ONE, "metric": "acc", "x": "loss", "smooth": 0.5}, ["plot", ONE, "-m", "acc", "-x", "loss", "--smooth", "0.5"]),
    ("diff", {"first": ONE, "second": OTHER, "rtol": "loss=0.1"}, ["diff", ONE, OTHER, "--rtol", "loss=0.1"]),
    ("diff", {"first": ONE, "second": OTHER, "equivalent": "1"}, ["diff", ONE, OTHER, "--equivalent", "1"]),
    ("du", {"experiments": ONE}, ["du", ONE]),
    ("alert/list", {}, ["alert", "list"]),
    ("alert/log", {}, ["alert", "log"]),
    ("models", {}, ["models", "list"]),
    ("models/show", {"model": "m"}, ["models", "show", "m"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    root = str(tmp_path_factory.mktemp("commands") / "store")
    for number in range(3):
        path = f"alice/v/run-{number}"
        params = {"lr": 0.1 * (number + 1), "path": "data/x", "big": 2**60 + 1}
        with anew.Experiment(
            path, root=root, params=params, tags={"t": "1"}, quiet=True, system_metrics=0
        ) as exp:
            for step in range(3):
                exp.log_metrics({"loss": 1 / (step + 1 + number)}, step=step)
            exp.log_metrics({"acc": float("nan"), "n": 7}, step=0)
            exp.log_metrics({"acc": 0.5}, step=1)
            exp.log("careful", level="warning")
            exp.log_value("x", anew.Text("hello"))
            file = Path(root).parent / "notes.txt"
            file.write_text("hello")
            exp.files().save(str(file))
    with Store(root) as store:
        store.set_goal("loss", "min", main=True)
        store.saved_views.save("overview", {"filter": "status == 'completed'"})
        store.reports.save("paper", "# Found\n")
        store.models.register("m", f"{ONE}:notes.txt", why="first")
        store.alerts.add("broken", when="nan", to=["https://example.org/secret"])
        alert = store.alerts.get("broken")
        (one,) = store.backend.facts(FactsQuestion(ids=(store.get(ONE).id,), now=0.0))
        fire(store.backend, alert, one, "acc is NaN", 1.0)
        store.comments.add(ONE, "why does it fall here, @bo?", metric="loss", step=2)
        store.stars.add(ONE)
        store.pins.add(ONE, OTHER)
        store.preferences.set("theme", "dark")
        store.delete("alice/v/run-2")
    with over_a_socket(root) as url:
        yield root, url


@pytest.mark.parametrize(("name", "question", "line"), CASES)
def test_a_command_prints_what_the_server_answers(
    name: str,
    question: dict[str, Any],
    line: list[str],
    served: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
):
    root, url = served
    query = urllib.parse.urlencode(question, doseq=True)
    with urllib.request.urlopen(f"{url}/api/v1/commands/{name}?{query}") as reply:
        answer = json.load(reply)
    assert any(answer.values()), "there is something to compare"
    there, here = (printed(line, at, capsys) for at in (url, root))
    assert there == answer
    assert pathless(here) == pathless(answer)


def printed(line: list[str], root: str, capsys: pytest.CaptureFixture[str]) -> Any:
    with pytest.raises(SystemExit) as ended:
        main([*line, "--json", "--root", root])
    assert line[0] == "diff" or not ended.value.code  # the code of `diff` is its verdict
    out = capsys.readouterr().out
    if line[0] == "logs":  # a document for each line, as they come
        return {"lines": [json.loads(one) for one in out.splitlines()]}
    return json.loads(out)


def pathless(document: Any) -> Any:
    """A document without paths of this machine, which a server has none of."""
    if isinstance(document, dict):
        return {
            key: None if key == "path" and str(value).startswith("/") else pathless(value)
            for key, value in document.items()
        }
    return [pathless(one) for one in document] if isinstance(document, list) else document


def test_every_answer_is_compared():
    assert {name for name, _, _ in CASES} == set(ANSWERS)
    assert {name for name, _, _ in ACTS} == set(ACTIONS) - {"stop"}


BOTH = "project == 'v'"
# What is changed, one after the other.
ACTS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("tag", {"experiment": ONE, "tags": ["good", "stage=two"], "remove": ["t"]}, ["tag", ONE, "good", "stage=two", "-r", "t"]),
    ("tag", {"filter": BOTH, "tags": ["seen"], "dry_run": True}, ["tag", "-f", BOTH, "seen", "-n"]),
    ("tag", {"filter": BOTH, "tags": ["seen"]}, ["tag", "-f", BOTH, "seen"]),
    ("edit", {"experiment": ONE, "param": {"lr": 0.5, "model.depth": 3}, "remove": ["path"], "why": "typo"}, ["edit", ONE, "-p", "lr=0.5", "-p", "model.depth=3", "-r", "path", "--why", "typo"]),
    ("note", {"experiment": ONE, "text": "one"}, ["note", ONE, "one"]),
    ("note", {"experiment": ONE, "text": "two", "append": True}, ["note", ONE, "--append", "two"]),
    ("note", {"experiment": ONE}, ["note", ONE]),
    ("describe", {"experiment": ONE, "text": "what it is"}, ["describe", ONE, "what it is"]),
    ("describe", {"experiment": ONE, "clear": True}, ["describe", ONE, "--clear"]),
    ("rename", {"experiment": ONE, "name": "best"}, ["rename", ONE, "best"]),
    ("hide", {"experiment": ONE, "metrics": ["ac*"], "why": "wrong"}, ["hide", ONE, "ac*", "--why", "wrong"]),
    ("hide", {"experiment": ONE, "metrics": ["acc"], "show": True}, ["hide", ONE, "acc", "--show"]),
    ("edit", {"filter": BOTH, "param": {"lr": 0.75, "new": {"deep": [1]}}, "remove": ["big"]}, ["edit", "-f", BOTH, "-p", "lr=0.75", "-p", 'new={"deep": [1]}', "-r", "big"]),
    ("undo", {"command": "edit"}, ["undo"]),
    ("hide", {"filter": BOTH, "metrics": ["n"], "why": "no use"}, ["hide", "-f", BOTH, "n", "--why", "no use"]),
    ("undo", {"command": "hide", "dry_run": True}, ["undo", "-n"]),
    ("undo", {"command": "hide"}, ["undo"]),
    ("goal", {"metric": "acc", "better": "max", "project": "alice/v"}, ["goal", "acc", "max", "-p", "alice/v"]),
    ("goal", {"metric": "acc", "project": "alice/v", "clear": True}, ["goal", "acc", "-p", "alice/v", "--clear"]),
    ("views/save", {"name": "mine", "file": "filter: params.lr > 1"}, ["views", "save", "mine", "FILE"]),
    ("views/save", {"name": "own", "filter": "params.lr > 1", "mine": True}, ["views", "save", "own", "--filter", "params.lr > 1", "--mine"]),
    ("views/default", {"name": "mine"}, ["views", "default", "mine"]),
    ("views/default", {}, ["views", "default", "--none"]),
    ("views/remove", {"name": "mine"}, ["views", "remove", "mine"]),
    ("reports/save", {"name": "mine", "file": "filter: params.lr > 1"}, ["reports", "save", "mine", "FILE"]),
    ("reports/remove", {"name": "mine"}, ["reports", "remove", "mine"]),
    ("alert/add", {"name": "end", "when": "ended", "to": ["me@example.org"]}, ["alert", "add", "end", "--when", "ended", "--to", "me@example.org"]),
    ("alert/remove", {"name": "end"}, ["alert", "remove", "end"]),
    ("comment/add", {"experiment": ONE, "text": "here", "metric": "loss", "step": 1}, ["comment", "add", ONE, "here", "-m", "loss", "--step", "1"]),
    ("comment/edit", {"comment": "COMMENT", "text": "two"}, ["comment", "edit", "COMMENT", "two"]),
    ("comment/resolve", {"comment": "COMMENT"}, ["comment", "resolve", "COMMENT"]),
    ("comment/reopen", {"comment": "COMMENT"}, ["comment", "reopen", "COMMENT"]),
    ("comment/remove", {"comment": "COMMENT"}, ["comment", "remove", "COMMENT"]),
    ("star", {"experiments": [OTHER]}, ["star", OTHER]),
    ("pin", {"experiments": [ONE], "remove": True}, ["pin", ONE, "-r"]),
    ("preferences/set", {"preferences": {"units": "si"}}, ["preferences", "set", "units", "si"]),
    ("preferences/clear", {"name": "theme"}, ["preferences", "clear", "theme"]),
    ("news/seen", {}, ["news", "seen"]),
    ("models/register", {"model": "m", "target": f"{OTHER}:notes.txt", "tag": ["a=b"], "alias": ["new"]}, ["models", "register", "m", f"{OTHER}:notes.txt", "-t", "a=b", "-a", "new"]),
    ("models/promote", {"version": "m:1", "alias": "old", "why": "it works"}, ["models", "promote", "m:1", "old", "--why", "it works"]),
    ("models/demote", {"model": "m", "alias": "old"}, ["models", "demote", "m", "old"]),
    ("models/edit", {"name": "m", "description": "text", "tag": ["x=1"]}, ["models", "edit", "m", "--description", "text", "-t", "x=1"]),
    ("models/delete", {"name": "m:2", "why": "wrong"}, ["models", "delete", "m:2", "--why", "wrong"]),
    ("models/restore", {"name": "m:2"}, ["models", "restore", "m:2"]),
    ("models/rename", {"model": "m", "name": "n"}, ["models", "rename", "m", "n"]),
    ("move", {"experiment": OTHER, "prefix": "alice/w/run"}, ["move", OTHER, "alice/w/run"]),
    ("move", {"experiment": "alice/w", "prefix": "alice/v"}, ["move", "alice/w", "alice/v"]),
    ("delete", {"experiments": [ONE], "dry_run": True}, ["delete", ONE, "-n"]),
    ("delete", {"experiments": [ONE]}, ["delete", ONE, "-y"]),
    ("restore", {"filter": "prefix =~ 'run-0'", "dry_run": True}, ["restore", "-f", "prefix =~ 'run-0'", "-n"]),
    ("restore", {"experiments": [ONE]}, ["restore", ONE]),
]  # fmt: skip
MOMENTS = {
    "time",
    "edited",
    "resolved_at",
    "resolved_by",
    "looked",
    "at",
    "by",
    "user",
    "host",
    "created_at",
    "updated_at",
    "withdrawn_at",
    "bytes",
}


def test_a_change_answers_over_http_what_the_command_prints(
    served: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    root, _ = served
    (tmp_path / "view.yaml").write_text("filter: params.lr > 1")
    with Store(root) as store:
        comment = store.comments.list()[0].id
    one, other = (str(shutil.copytree(root, tmp_path / name)) for name in ("one", "other"))
    told: Any = None  # what the newest command of many changed
    with over_a_socket(one) as url:
        for name, question, line in ACTS:
            put = {"FILE": str(tmp_path / "view.yaml"), "COMMENT": comment}
            words = [put.get(word, word) for word in line]
            question = {
                key: comment if value == "COMMENT" else value for key, value in question.items()
            }
            if name == "undo":
                question = {**question, "changed": told}
            answer = posted(f"{url}/api/v1/commands/{name}", question)
            told = told if name == "undo" else answer.get("changed")
            answer, there = timeless(answer), timeless(pathless(printed(words, other, capsys)))
            if name == "comment/add":  # each has an id of its own
                del answer["comment"]["id"], there["comment"]["id"]
            assert answer == there, line
            if name == "hide" and "experiment" in question:
                with urllib.request.urlopen(
                    f"{url}/api/v1/commands/show?experiment={ONE}"
                ) as reply:
                    assert ("acc" in json.load(reply)["metrics"]) is question.get("show", False)
        with Store(one) as store:
            id = store.get(ONE).id
        for name, question, code in (
            ("tag", {"experiment": ONE, "filter": BOTH}, 400),
            ("stop", {"experiments": [ONE]}, 400),
            (
                "undo",
                {"changed": told_of(id, {"notes": [[], ["another"]]})},
                409,
            ),  # it was changed again since
            (
                "undo",
                {"changed": told_of(ONE, {"notes": [[], ["one\ntwo"]]})},
                409,
            ),  # that is no id
            ("undo", {"changed": told_of(id, {})}, 400),
            ("undo", {"changed": told_of(id, {"tags.": [[], ["x"]]})}, 400),
            ("undo", {"changed": told_of(id, {"notes": [[1], ["one\ntwo"]]})}, 400),
            ("undo", {"changed": told_of(id, {"prefix": [[], ["x"]]})}, 400),
            ("undo", {"changed": told_of(id, {"notes": [[], []], "name": [[], []]})}, 400),
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                posted(f"{url}/api/v1/commands/{name}", question)
            assert refused.value.code == code
            refused.value.close()
    with Store(one) as first, Store(other) as second:
        for store in (first, second):
            view = store.get(ONE)
            assert (view.name, view.notes, dict(view.tags)) == (
                "best", "one\ntwo", {"good": None, "stage": "two", "seen": None},
            )  # fmt: skip
            assert (view.params["lr"], store.get("alice/v/run").id) == (0.5, store.get("run-1").id)


def told_of(id: str, what: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": id, "prefix": ONE, "what": what}]


def posted(url: str, question: dict[str, Any]) -> Any:
    body = json.dumps(question).encode()
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked) as reply:
        return json.load(reply)


def timeless(document: Any) -> Any:
    """A document without when, by whom and where something was done, and without what that takes on disk."""
    if isinstance(document, dict):
        return {key: timeless(value) for key, value in document.items() if key not in MOMENTS}
    return [timeless(one) for one in document] if isinstance(document, list) else document


def test_a_question_that_cannot_be_is_refused(served: tuple[str, str]):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{served[1]}/api/v1/commands/compare")
    assert refused.value.code == 400
    refused.value.close()
