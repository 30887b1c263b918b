"""What a command prints with `--json` is what the server answers: for a folder, through a server, and over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import anew
from anew import Store
from anew.cli.main import main
from anew.commands.answers import ANSWERS

from ..serving import over_a_socket

ONE, OTHER = "alice/v/run-0", "alice/v/run-1"
# The route, what is asked of it, and the command line.
CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("list", {}, ["list"]),
    ("list", {"filter": "params.lr > 0.15", "tag": "t=1", "sort": ["-loss"], "limit": 1, "offset": 0}, ["list", "params.lr > 0.15", "-t", "t=1", "--sort", "-loss", "-n", "1"]),
    ("list", {"status": ["completed"], "project": "v", "limit": 0}, ["list", "-s", "completed", "--project", "v", "--all"]),
    ("list", {"group_by": "params.lr", "columns": "loss"}, ["list", "--group-by", "params.lr", "-c", "loss"]),
    ("best", {"metric": "loss", "limit": 1, "status": "any"}, ["best", "loss", "-n", "1", "-s", "any"]),
    ("show", {"experiment": ONE}, ["show", ONE]),
    ("compare", {"experiments": [ONE, OTHER], "metric": "loss"}, ["compare", ONE, OTHER, "-m", "loss"]),
    ("compare", {"filter": "project == 'v'"}, ["compare", "-f", "project == 'v'"]),
    ("history", {"experiments": [ONE, OTHER]}, ["history", ONE, OTHER]),
    ("history", {"experiments": ONE, "metric": "loss", "on": "acc", "points": 2}, ["history", ONE, "-m", "loss", "--on", "acc", "--points", "2"]),
    ("history", {"experiments": ONE, "on": "time", "start": 1, "stop": 2}, ["history", ONE, "--on", "time", "--start", "1", "--stop", "2"]),
    ("logs", {"experiments": [ONE, OTHER], "level": "warning"}, ["logs", ONE, OTHER, "-l", "warning"]),
    ("files", {"experiment": ONE}, ["files", ONE]),
    ("files", {"experiment": ONE, "patterns": "*.txt"}, ["files", ONE, "*.txt"]),
    ("goal", {}, ["goal"]),
    ("restore", {}, ["restore", "--list"]),
    ("views", {}, ["views", "list"]),
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
        store.models.register("m", f"{ONE}:notes.txt", why="first")
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
    assert not ended.value.code
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


def test_a_question_that_cannot_be_is_refused(served: tuple[str, str]):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{served[1]}/api/v1/commands/compare")
    assert refused.value.code == 400
    refused.value.close()
