"""The files of `deploy/` name only what is there: variables, options, ports and paths of the code."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from anew import settings
from anew.cli.server import server
from anew.server.app import document
from anew.server.limits import Limits
from anew.settings import SETTINGS
from tests.dockerfile import built

HERE = Path(__file__).parents[1]
DEPLOY = HERE / "deploy"
FILES = sorted(one for one in DEPLOY.rglob("*") if one.is_file())
MANIFESTS = sorted(DEPLOY.rglob("*.yaml"))
PORT = next(one.default for one in server.params if one.name == "port")


def _documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def _mappings(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for below in tree.values():
            yield from _mappings(below)
    elif isinstance(tree, list):
        for below in tree:
            yield from _mappings(below)


def _lists(text: str, word: str) -> list[list[str]]:
    return [json.loads(found) for found in re.findall(rf"^{word} (\[.*\])$", text, re.MULTILINE)]


def _containers() -> list[dict[str, Any]]:
    return [
        container
        for path in (DEPLOY / "kubernetes").iterdir()
        for mapping in _mappings(_documents(path))
        for container in mapping.get("containers", ())
    ]


def _services() -> list[dict[str, Any]]:
    return [
        one
        for one in _documents(DEPLOY / "compose.yaml")[0]["services"].values()
        if one["image"] == "anew"
    ]


def _commands() -> list[list[str]]:
    text = (DEPLOY / "Dockerfile").read_text()
    found = _lists(text, "CMD") + [one["command"] for one in _services()]
    found += [one["args"] for one in _containers()]
    comments = "\n".join(path.read_text() for path in MANIFESTS)
    return found + [line.split() for line in re.findall(r"^#.* (server user .*)$", comments, re.M)]


def _parsed(args: list[str]) -> click.Context:
    """What the command's own parser makes of arguments, nothing being run; raises UsageError where it accepts none such."""
    assert args[0] == "server"
    command: click.Command = server
    context = click.Context(command, info_name="server")
    rest = args[1:]
    while rest and isinstance(command, click.Group) and rest[0] in command.commands:
        command = command.commands[rest[0]]
        context, rest = click.Context(command, parent=context, info_name=rest[0]), rest[1:]
    click.Command.parse_args(command, context, list(rest))
    assert not context.args
    return context


def test_every_variable_is_one_that_the_settings_read() -> None:
    read = {one.variable for one in SETTINGS}
    read |= set(re.findall(r'"(ANEW_[A-Z_]+)"', Path(settings.__file__).read_text()))
    named = {name for path in FILES for name in re.findall(r"ANEW_[A-Z_]+", path.read_text())}
    assert {"ANEW_SERVER_CATALOG", "ANEW_SERVER_BLOBS"} <= named <= read


@pytest.mark.parametrize("args", _commands(), ids=" ".join)
def test_every_command_is_accepted_by_its_parser(args: list[str]) -> None:
    context = _parsed(args)
    if context.command is server:
        assert context.params["port"] == PORT
        assert context.params["host"] == "0.0.0.0"


def test_an_option_that_is_not_there_would_be_noticed() -> None:
    with pytest.raises(click.UsageError):
        _parsed(["server", "--no-such-option"])


def test_limits_are_those_that_the_server_knows() -> None:
    (example,) = re.findall(r"^LIMITS=(.*)$", (DEPLOY / "example.env").read_text(), re.M)
    (manifest,) = [
        one["value"]
        for container in _containers()
        for one in container.get("env", ())
        if one["name"] == "ANEW_SERVER_LIMITS"
    ]
    for text in (example, manifest):
        limits = Limits.of(settings.server_limits({"ANEW_SERVER_LIMITS": text}))
        assert limits.project_stored


def test_probes_and_ports_are_those_of_the_server() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    probes = [
        mapping["httpGet"] for one in _containers() for mapping in _mappings(one) if "httpGet" in mapping
    ]  # fmt: skip
    assert (
        {probe["path"] for probe in probes} == {"/healthz", "/readyz"} <= set(document()["paths"])
    )
    assert {probe["port"] for probe in probes} == {"http"}
    assert [port["containerPort"] for one in _containers() for port in one.get("ports", ())] == [PORT]  # fmt: skip
    assert f"EXPOSE {PORT}\n" in text
    assert f"http://127.0.0.1:{PORT}/healthz" in text
    assert all(port.endswith(f":{PORT}") for one in _services() for port in one["ports"])


def test_containers_run_as_nobody_special_on_a_read_only_file_system() -> None:
    user = int(re.findall(r"^USER (\d+)$", (DEPLOY / "Dockerfile").read_text(), re.M)[-1])
    assert user >= 1000
    for one in _services():
        assert one["user"] == str(user)
        assert one["read_only"]
        assert one["cap_drop"] == ["ALL"]
    assert len(_containers()) == 2
    for container in _containers():
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"]
        assert not own["allowPrivilegeEscalation"]
        assert own["capabilities"] == {"drop": ["ALL"]}
    pods = [
        mapping["securityContext"]
        for path in (DEPLOY / "kubernetes").iterdir()
        for mapping in _mappings(_documents(path))
        if "containers" in mapping
    ]
    assert all(pod["runAsNonRoot"] and pod["runAsUser"] == user for pod in pods)


def test_a_variable_that_compose_fills_in_is_in_the_example() -> None:
    wanted = set(re.findall(r"\$\{([A-Z_]+)\}", (DEPLOY / "compose.yaml").read_text()))
    given = re.findall(r"^([A-Z_]+)=", (DEPLOY / "example.env").read_text(), re.M)
    assert wanted == set(given)


@pytest.mark.slow
def test_the_steps_of_the_dockerfile_make_a_server_that_its_own_probe_finds_healthy(
    tmp_path: Path,
) -> None:
    image = built(DEPLOY / "Dockerfile", HERE, tmp_path)
    user = re.findall(r"^USER (\d+)$", (DEPLOY / "Dockerfile").read_text(), re.M)[-1]
    assert f"--uid {user} " in image.noted
    assert f"chown anew:anew {image.folder}/data {image.folder}/cache" in image.noted
    assert not (image.folder / "wheels").exists()
    text = (DEPLOY / "compose.yaml").read_text()
    (adding,) = re.findall(r"^#.* (server user .*)$", text, re.M)
    root = Path(image.environment["ANEW_ROOT"])
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port = str(made.getsockname()[1])
    data = image.folder / "data"

    def ran(words: list[str]) -> subprocess.CompletedProcess[str]:
        program = shutil.which(words[0], path=image.environment["PATH"])
        assert program is not None
        assert Path(program).is_relative_to(image.folder)
        words = [program, *(word.replace(str(PORT), port) for word in words[1:])]
        return subprocess.run(
            words, capture_output=True, text=True, check=False, cwd=data, env=image.environment
        )

    added = ran([*image.entry, *adding.split()])
    assert added.returncode == 0, added.stderr
    assert "https://runs.example.org/" in added.stdout
    command = [word if word != str(PORT) else port for word in (*image.entry, *image.command)]
    program = str(image.folder / "python" / "bin" / command[0])
    process = subprocess.Popen(
        [program, *command[1:]], stdout=subprocess.PIPE, text=True, cwd=data, env=image.environment
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline()
        healthy = ran(image.probe)
        assert healthy.returncode == 0, healthy.stderr
    finally:
        process.terminate()
        assert process.wait(300) == 0
        process.stdout.close()
    assert ran(image.probe).returncode != 0
    assert (root / ".anew").is_dir()
