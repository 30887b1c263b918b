"""A tracker's environment is made once, and its programs know nothing of the machine."""

from __future__ import annotations

import re
import subprocess
import zipfile

import pytest

from tests.trackers import environments
from tests.trackers.environments import ASKED, HERE, MOST_RECORDED, PINS, environment

PROGRAM = """
import getpass, importlib.metadata, json, os, platform, signal, sys

folder, answers, *rest = sys.argv[1:]
with open(os.path.join(folder, "store"), "w") as file:
    file.write("stored")
with open(answers, "w") as file:
    json.dump([importlib.metadata.version("trackio"), getpass.getuser(), platform.node(), os.getcwd() == folder, rest], file)
if rest == ["die"]:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_program_runs_with_the_tracker_that_is_pinned_and_may_be_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("ANEW_ROOT", "/not/for/the/program")
    made = environment("trackio")
    answers = made.run(PROGRAM, tmp_path / "a")
    assert answers == ["0.43.0", "somebody", "somewhere", True, []]
    assert made.run(PROGRAM, tmp_path / "b", "die", killed=True)[-1] == ["die"]
    assert (tmp_path / "b" / "store").read_text() == "stored"
    with pytest.raises(AssertionError):
        made.run(PROGRAM, tmp_path / "c", killed=True)


@pytest.mark.slow
def test_an_environment_that_is_there_is_not_made_again(monkeypatch):
    environment("trackio")

    def refused(*arguments: str) -> str:
        raise AssertionError(arguments)

    monkeypatch.setattr(environments, "_uv", refused)
    environments.Environment("trackio")


def test_an_environment_that_cannot_be_made_skips_its_tests_except_in_continuous_integration(
    monkeypatch, tmp_path
):
    def fails(*arguments: str) -> str:
        raise subprocess.CalledProcessError(1, arguments, stderr="no network")

    monkeypatch.setattr(environments, "_uv", fails)
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception):
        environment.__wrapped__("trackio")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(subprocess.CalledProcessError):
        environment.__wrapped__("trackio")


@pytest.mark.parametrize("pins", sorted(PINS.glob("*.txt")), ids=lambda path: path.stem)
def test_every_version_is_pinned_and_no_host_is_named(pins):
    first, *lines = pins.read_text().splitlines()
    assert first.startswith(ASKED)
    assert lines
    assert all(re.fullmatch(r"[a-z0-9-]+==\S+( ; .+)?", line) for line in lines)
    for asked in first.removeprefix(ASKED).split():
        name, _, version = asked.partition("==")
        found = [one.partition(" ")[0] for one in lines if one.startswith(f"{name}==")]
        assert asked in found if version else found


@pytest.mark.parametrize(
    "path",
    sorted([*HERE.glob("*/recorded.zip"), *HERE.glob("awkward/*.zip")]),
    ids=lambda p: f"{p.parent.name}-{p.stem}",
)
def test_what_is_recorded_is_small_and_names_nobody(path):
    assert path.stat().st_size <= MOST_RECORDED
    names = re.compile(rb"/home/\w+|/work/|/root/|/Users/\w+")
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            assert not names.search(archive.read(name)), name
