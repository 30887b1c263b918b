"""The SDK's own client, with the server as a process of its own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
import pytest

from anew import Experiment, Store
from anew.agents.bounded import MOST
from anew.server.access import Access
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts
from later import later

from ..serving import place_of, place_over_a_socket

mcp = later("mcp")
pytestmark = pytest.mark.skipif(find_spec("mcp") is None, reason="the SDK is not installed")

READING = {
    "list_experiments", "search", "show_experiment", "compare", "best", "history", "difference", "verdict", "logs",
}  # fmt: skip
WRITING = {"tag_experiment", "note_experiment", "describe_experiment", "correct_params"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("agents") / "experiments")
    for name, rate in (("one", 0.1), ("two", 0.2)):
        with Experiment(
            prefix=f"lab/vision/{name}",
            root=folder,
            quiet=True,
            system_metrics=0,
            params={"lr": rate},
        ) as exp:
            for step in range(300):
                exp.log_metrics({"loss": rate / (step + 1), "acc": step / 300}, step=step)
            for number in range(600):
                exp.log(f"line {number} " + "x" * 100)
    with Experiment(prefix="lab/audio/hidden", root=folder, quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    return folder


Call = Callable[..., Any]


def with_client(work: Callable[[Any, Call], Any], *options: str, **environ: str) -> Any:
    """Do something with a client of `anew mcp`."""
    given = mcp.StdioServerParameters(
        command=sys.executable, args=["-m", "anew", "mcp", *options], env={**os.environ, **environ}
    )

    async def main() -> Any:
        async with mcp.Client(given) as client:

            async def call(tool: str, **arguments: Any) -> Any:
                found = await client.call_tool(tool, arguments)
                (content,) = found.content
                assert len(content.text) <= MOST
                return content.text if found.is_error else json.loads(content.text)

            with anyio.fail_after(300):
                return await work(client, call)

    return anyio.run(main)


def test_an_agent_reads_everything_and_changes_nothing(root: str) -> None:
    async def work(client: Any, call: Call) -> None:
        tools = {one.name: one for one in (await client.list_tools()).tools}
        assert set(tools) == READING
        assert all(one.annotations.read_only_hint for one in tools.values())
        assert "filter" in tools["list_experiments"].input_schema["properties"]
        listed = await call("list_experiments", filter="params.lr > 0.15")
        assert [one["prefix"] for one in listed["experiments"]] == ["lab/vision/two"]
        one, two = "lab/vision/one", "lab/vision/two"
        assert {e["prefix"] for e in (await call("search", text="vision"))["experiments"]} == {
            one,
            two,
        }
        assert (await call("search", text="los"))["metrics"] == ["loss"]
        assert (await call("show_experiment", experiment=one))["params"] == {"lr": 0.1}
        compared = await call("compare", experiments=[one, two])
        assert set(compared["params"]) == {"lr"}
        assert (await call("best", metric="loss", limit=1))["best"][0]["experiment"][
            "prefix"
        ] == one
        curves = (await call("history", experiments=[one, two], metrics=["loss"], points=20))[
            "series"
        ]
        assert [(one["metric"], one["total"]) for one in curves] == [("loss", 300)] * 2
        assert all(len(one["steps"]) == len(one["values"]) <= 40 for one in curves)
        parts = await call("difference", first=one, second=two)
        assert [(d["metric"], d["step"]) for d in parts["differences"]] == [("loss", 0)]
        judged = await call("verdict", first=one, second=two)
        assert judged["verdict"] == "DIVERGED"
        lines = await call("logs", experiment=one, tail=500)
        assert lines["newest_first"][0]["message"].startswith("line 599 ")
        assert lines["left_out"]["newest_first"] + len(lines["newest_first"]) == 500
        assert "no experiment 'lab/vision/onne'" in await call(
            "show_experiment", experiment="lab/vision/onne"
        )
        assert "val" in await call("list_experiments", filter="metrics.val < 1")
        assert "tag_experiment" in await call_error(
            client, "tag_experiment", experiment=one, add=["x"]
        )

    with_client(work, "--root", root)
    with Store(root) as store:
        assert not store["lab/vision/one"].tags


async def call_error(client: Any, tool: str, **arguments: Any) -> str:
    """What is said of a tool that is not there."""
    try:
        found = await client.call_tool(tool, arguments)
    except mcp.MCPError as error:
        return str(error)
    assert found.is_error
    return str(found.content[0].text)


@pytest.mark.parametrize(
    "role",
    [Role.READER, pytest.param(Role.WRITER, marks=pytest.mark.slow)],
    ids=lambda role: role.name.lower(),
)
def test_an_agent_may_do_on_a_server_what_its_token_may(
    root: str, tmp_path: Path, role: Role
) -> None:
    accounts = Accounts(str(tmp_path), trusting=False)
    token = accounts.create_token("agent", role, project="lab/vision")

    async def work(client: Any, call: Call) -> None:
        assert {one.name for one in (await client.list_tools()).tools} == READING | WRITING
        assert (await call("list_experiments"))["total"] == 2
        assert "no experiment" in await call("show_experiment", experiment="lab/audio/hidden")
        noted = await call("note_experiment", experiment="lab/vision/two", text="seen by an agent")
        changed = await call(
            "correct_params", experiment="lab/vision/two", params={"seen": role.name}, why="a test"
        )
        if role is Role.READER:
            assert "may not do that" in noted
            assert "may not do that" in changed
        else:
            assert noted["notes"] == "seen by an agent"
            assert changed["params"]["seen"] == "WRITER"

    place = place_of(root)
    access = Access("tester", identities=accounts, audit=accounts.audit)
    with place_over_a_socket(place, access) as url:
        with_client(work, "--root", url, "--write", ANEW_TOKEN=token)
    place.close()
    accounts.close()
