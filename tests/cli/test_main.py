import json
import re

import click
import pytest

from anew.cli.main import _ELSEWHERE, _TREE, cli

from .conftest import call


def walk(command: click.Command, path: str = "anew"):
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            below = command.get_command(click.Context(command), name)
            yield from walk(below, f"{path} {name}")


COMMANDS = dict(walk(cli))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_explains_itself_with_examples(path):
    outcome = call(*path.split()[1:], "--help")
    assert outcome.code == 0
    assert "Examples:" in outcome.out
    assert path in outcome.out.split("Examples:")[1]


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_says_what_it_does(path):
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option):
            assert (parameter.help or "").strip(), parameter.name


@pytest.mark.parametrize("name", list(cli.commands))
def test_the_overview_says_what_the_command_says_of_itself(name):
    said = " ".join((cli.commands[name].help or "").split("\n\n")[0].split())
    assert said == _TREE[name][2]


def test_an_unknown_command_suggests_one():
    outcome = call("lst")
    assert outcome.code == 2
    assert "Did you mean 'list'?" in outcome.err


def test_nothing_asked_is_a_mistake_and_shows_the_help():
    outcome = call()
    assert outcome.code == 2
    assert "Usage: anew" in outcome.err + outcome.out


def test_options_stand_before_or_after_the_command(made):
    before = call("--root", made, "--json", "list").json
    after = call("list", "--root", made, "--json").json
    assert [one["id"] for one in before["experiments"]] == [
        one["id"] for one in after["experiments"]
    ]


def test_quiet_and_json_exclude_each_other(made):
    assert call("--root", made, "-q", "list", "--json").code == 2


def test_errors_are_json_too_when_data_is(made):
    outcome = call("--root", made, "show", "alice/vision/sweep/run-9", "--json")
    assert (outcome.code, outcome.out) == (3, "")
    error = json.loads(outcome.err)["error"]
    assert error["kind"] == "NotFound"
    assert error["exit_code"] == 3
    assert error["nearest"]
    outcome = call("--root", made, "list", "--json", "-n", "0")
    assert json.loads(outcome.err)["error"]["exit_code"] == 2


def test_versions_are_told():
    assert call("version").out.startswith("anew ")
    assert set(call("version", "--json").json) == {"anew", "python", "platform", "packages"}
    assert call("version", "-q").out.strip() == call("--version").out.split()[-1]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell):
    outcome = call("completion", shell)
    assert outcome.code == 0
    assert "_ANEW_COMPLETE" in outcome.out


def test_experiments_complete_from_what_was_typed(made):
    from click.shell_completion import ShellComplete

    call("--root", made, "list")
    complete = ShellComplete(cli, {}, "anew", "_ANEW_COMPLETE")
    found = complete.get_completions(["--root", str(made), "show"], "alice/vision/sweep/run-1")
    assert [item.value for item in found] == ["alice/vision/sweep/run-1"]
    assert complete.get_completions(["--root", str(made / "nowhere"), "show"], "a") == []


def test_commands_complete():
    from click.shell_completion import ShellComplete

    complete = ShellComplete(cli, {}, "anew", "_ANEW_COMPLETE")
    assert [item.value for item in complete.get_completions([], "reb")] == ["rebuild"]


@pytest.mark.parametrize("name", sorted(_ELSEWHERE))
def test_a_command_of_another_tool_says_what_to_type(name):
    assert name not in cli.commands
    outcome = call(name)
    assert (outcome.code, _ELSEWHERE[name] in outcome.err) == (2, True)
    for command in re.findall(r"`anew (\w+)", _ELSEWHERE[name]):
        assert command in cli.commands
