"""Every command with `--root http://…`: it does there what it does on a folder, or says why it does not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import numpy as np
import pytest

from anew import Experiment, Store
from anew.cli.main import cli
from anew.server.group.address import GroupAddress
from anew.server.limits import Limits
from anew.server.running import place_of as place_of_root
from anew.server.table import API
from anew.sync.push import push
from anew.weights import Repository

from ..serving import in_process, over_a_socket, place_over_a_socket
from .conftest import call

A, B = "lab/x/a", "lab/x/b"
OK, USAGE, MISSING, REFUSED = 0, 2, 3, 5
COMMANDS: dict[str, tuple[tuple[str, ...], int]] = {
    "list": ((), OK),
    "show": ((A,), OK),
    "compare": ((A, B), OK),
    "best": (("loss",), OK),
    "plot": ((A, B, "loss"), OK),
    "history": ((A,), OK),
    "logs": ((A,), OK),
    "watch": (("--once",), OK),
    "files": ((A, "--save", "out"), OK),
    "open": ((A, "notes.txt"), OK),
    "tag": ((A, "good"), OK),
    "note": ((A, "a note"), OK),
    "edit": ((A, "--param", "z=3"), OK),
    "describe": ((A, "what it is"), OK),
    "rename": ((A, "another name"), OK),
    "hide": ((A, "loss"), OK),
    "undo": ((), OK),  # the hiding
    "move": ((B, "lab/x/c"), OK),
    "stop": ((A,), REFUSED),  # it has ended
    "delete": (("lab/x/c", "--yes"), OK),
    "restore": (("lab/x/c",), OK),
    "export": (("--all", "-o", "all.zip"), OK),
    "du": ((), OK),
    "diff": ((A, "lab/x/c"), 1),
    "check": ((A, "--baseline", A), OK),
    "reproduce": ((A, "--dry-run"), USAGE),  # nothing was captured
    "sync": ((), OK),
    "weights log": (("experiments/ID",), OK),
    "weights show": (("experiments/ID",), OK),
    "weights diff": (("experiments/ID~1", "experiments/ID"), OK),
    "weights branch": ((), OK),
    "weights tag": ((), OK),
    "weights status": ((), OK),
    "weights init": ((), OK),
    "weights checkout": (("experiments/ID", "--to", "w.npz"), OK),
    "weights push": (("copy", "experiments/ID"), OK),
    "goal": (("loss", "min"), OK),
    "alert add": (("broken", "--when", "nan"), OK),
    "alert list": ((), OK),
    "alert run": ((), OK),
    "alert log": ((), OK),
    "alert test": (("broken",), OK),
    "alert remove": (("broken",), OK),
    "views save": (("overview", "view.yaml"), OK),
    "views list": ((), OK),
    "views show": (("overview",), OK),
    "views default": (("overview",), OK),
    "views remove": (("overview",), OK),
    "comment add": ((A, "good"), OK),
    "comment list": ((A,), OK),
    "star": ((A,), OK),
    "pin": ((A,), OK),
    "preferences set": (("theme", "dark"), OK),
    "preferences clear": (("theme",), OK),
    "news seen": ((), OK),
    "badge": ((A, "-o", "badge.svg"), OK),
    "reports save": (("paper", "paper.md"), OK),
    "reports list": ((), OK),
    "reports show": (("paper",), OK),
    "reports export": (("paper", "paper.html"), OK),
    "reports remove": (("paper",), OK),
    "models register": (("vit", f"{A}:notes.txt"), OK),
    "models list": ((), OK),
    "models promote": (("vit:1", "production"), OK),
    "models edit": (("vit", "--tag", "team=vision"), OK),
    "models show": (("vit",), OK),
    "models save": (("vit@production", "saved"), OK),
    "lineage": (("vit@production",), OK),
    "models demote": (("vit", "production"), OK),
    "models rename": (("vit", "vit2"), OK),
    "models delete": (("vit2",), OK),
    "models restore": (("vit2",), OK),
    # What only the machine that holds the store can do says so.
    "forward": ((A, "--to", "tensorboard:tb"), USAGE),
    "gc": ((), USAGE),
    "doctor": ((), USAGE),
    "seal": ((), USAGE),
    "rebuild": ((), USAGE),
    "weights commit": (("given.npz", "-m", "x"), USAGE),
    "weights merge": (("experiments/ID",), USAGE),
    "weights pull": (("copy", "experiments/ID"), USAGE),
    "weights gc": ((), USAGE),
    "weights fsck": ((), USAGE),
    "weights du": ((), USAGE),
}
ELSEWHERE = {
    "agent",
    "mcp",
    "sweep",
    "ui",
    "login",
    "logout",
    "run",
    "import",
    "completion",
    "version",
    "comment edit",
    "comment remove",
    "comment reopen",
    "comment resolve",
}
"""Those that ask no store, serve until they are ended, or have tests of their own (`import`, `sweep`, `agent`, `comment`)."""


def leaves(command: click.Command, at: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from leaves(below, (*at, name))
    else:
        yield " ".join(at)


def test_every_command_is_known_here():
    found = {name for name in leaves(cli) if not name.startswith("server ")}
    assert found == COMMANDS.keys() | ELSEWHERE


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    root = tmp_path_factory.mktemp("served")
    id = recorded(root)
    with over_a_socket(str(root)) as url:
        yield url, id, root


def recorded(root: Path) -> str:
    """Record what the commands are about; the id of the experiment that has weights."""
    id = ""
    for number, prefix in enumerate((A, B)):
        with Experiment(prefix, root=str(root), quiet=True, system_metrics=0) as exp:
            for step in range(5):
                exp.log_metrics({"loss": (1.0 + number) / (step + 1)}, step=step)
            exp.files().save_text("hello\n", "notes.txt")
            exp.log("a message")
        if not number:
            id, weights = exp.id, Repository(root / "weights", init=True, branch=f"experiments/{exp.id}")  # fmt: skip
            for value in (1.0, 2.0):
                weights.stage_weights({"w": np.full(3, value)})
                weights.commit("a version", experiment=id)
    return id


def test_each_command_works_or_says_where_it_does(
    served: tuple[str, str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    walk(served, tmp_path, monkeypatch)


@pytest.mark.slow
def test_each_command_does_the_same_with_the_stores_of_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_database: Callable[[], str]
):
    id = recorded(tmp_path / "here")
    address = GroupAddress(make_database(), str(tmp_path / "bucket"), str(tmp_path / "cache"))
    with place_over_a_socket(place_of_root(address, "tester", Limits())) as url:
        assert push(tmp_path / "here", url).complete
        walk((url, id, tmp_path / "here"), tmp_path, monkeypatch)


def walk(served: tuple[str, str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call every command."""
    url, id, _ = served
    monkeypatch.chdir(tmp_path)
    np.savez("given.npz", w=np.ones(3))
    Path("view.yaml").write_text("filter: status == 'completed'\n")
    Path("paper.md").write_text("# Found\n\n```anew\nfigure: loss\n```\n")
    wrong = {}
    for name, (given, code) in COMMANDS.items():
        arguments = [one.replace("ID", id) for one in given]
        done = call(*name.split(), *arguments, "--root", url)
        if done.code != code:
            wrong[name] = (done.code, done.err or done.out)
    assert wrong == {}
    assert (tmp_path / "out/notes.txt").read_text() == "hello\n"
    assert np.load("w.npz")["w"].tolist() == [2.0] * 3
    assert Repository("copy").branches() == Repository(served[2] / "weights").branches()


READ = (
    ("list",), ("list", "--group-by", "status", "-c", "loss"), ("show", A), ("compare", A, B), ("best", "loss"), ("goal",),
    ("history", A, B), ("logs", A), ("logs", A, B), ("files", A), ("open", A), ("tag", A), ("note", A), ("edit", A), ("hide", A),
    ("plot", A, B, "loss"), ("diff", A, B), ("lineage", A), ("models", "list"), ("restore", "--list"),
)  # fmt: skip


def test_what_a_program_reads_is_the_same_from_a_folder_and_from_a_server(tmp_path: Path):
    recorded(tmp_path)
    with over_a_socket(str(tmp_path)) as url:
        for command in READ:
            here = call(*command, "--json", "--root", tmp_path)
            there = call(*command, "--json", "--root", url)
            assert here.code == there.code, command
            assert _documents(here.out) == _documents(there.out), command


def _documents(out: str) -> list[Any]:
    """What was printed: one document, or one a line."""
    try:
        return [_told(json.loads(out))]
    except ValueError:
        return [_told(json.loads(line)) for line in out.splitlines()]


def test_a_document_tells_what_the_route_tells(tmp_path: Path):
    recorded(tmp_path)
    with in_process(str(tmp_path)) as server:

        def got(path: str) -> Any:
            return json.loads(server.send("GET", f"{API}{path}").body)

        def printed(*command: str) -> Any:
            return call(*command, "--json", "--root", tmp_path).json

        listed, route = (
            printed("list"),
            got(
                "/experiments?total=1&sort=-created_at&columns=prefix&columns=status&columns=duration&columns=metrics.loss.min"
            ),
        )
        columns = {one["name"]: one["values"] for one in route["columns"]}
        ours = listed["experiments"]
        assert (listed["total"], [one["id"] for one in ours]) == (route["total"], route["ids"])
        for name in ("prefix", "status", "duration"):
            assert [one[name] for one in ours] == columns[name]
        assert [one["metrics"]["loss"]["min"] for one in ours] == columns["metrics.loss.min"]
        ref = quote(ours[0]["id"], safe="")
        facts, shown = got(f"/experiments/{ref}?parts=metrics"), printed("show", ours[0]["id"])
        for name in sorted(facts.keys() & shown.keys() - {"metrics", "values"}):
            assert facts[name] == shown[name], name
        assert facts["metrics"]["loss"]["last"] == shown["metrics"]["loss"]["last"]
        lines = got(f"/experiments/{ref}/lines")
        (message,) = (
            json.loads(one) for one in call("logs", ref, "--json", "--root", tmp_path).lines
        )
        assert [message["message"]] == lines["messages"]
        assert [message["level"]] == lines["levels"]
        grouped, route = printed("list", "--group-by", "status"), got("/experiments?group=status")
        assert [one["n"] for one in grouped["groups"]] == route["columns"][1]["values"]
        assert printed("models", "list")["models"] == got("/models")
        assert printed("restore", "--list")["trash"] == got("/trash")


def _told(found: Any) -> Any:
    """A document without the paths of this machine, which no server tells, and the picture of time."""
    if isinstance(found, dict):
        return {key: _told(one) for key, one in found.items() if key not in ("path", "synced")}
    return [_told(one) for one in found] if isinstance(found, list) else found


def test_messages_and_points_are_followed_over_the_network(served: tuple[str, str, Path]):
    url, _, root = served
    exp = Experiment("lab/x/live", root=str(root), quiet=True, system_metrics=0)
    exp.run.start()
    go_on = threading.Event()

    def train() -> None:
        for number in range(3):
            exp.log(f"message {number}")
            exp.log_metrics({"loss": float(number)}, step=number)
            assert go_on.wait(300)
            go_on.clear()
        exp.run.complete()

    training = threading.Thread(target=train)
    training.start()
    with Store(url) as store:
        found = []
        for line in store.get("lab/x/live").follow(interval=0.02):
            found.append(line.message)
            go_on.set()
        assert found == ["message 0", "message 1", "message 2"]
        assert store.get("lab/x/live").metrics["loss"].count == 3
    training.join(300)
