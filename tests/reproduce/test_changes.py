"""One thing is changed between two runs: the verdict is right, the cause is named, and nothing else is."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from anew import Store
from anew.reproduce.comparison import compare
from projects import Project

from .changes import CHANGES, Change, State

pytestmark = pytest.mark.slow

SOURCES = Path(__file__).resolve().parents[2] / "src"
AT_LEAST = 0.9


@dataclass(frozen=True)
class Told:
    """What was said of one change: as the JSON of `anew diff` of both runs, and of `anew reproduce` of the first."""

    diff: dict[str, Any]
    again: dict[str, Any] | None


@functools.cache
def other_python() -> str | None:
    """An interpreter of another version; the recording side needs nothing but the standard library."""
    ours = sys.version_info[:2]
    names = [f"python3.{minor}" for minor in range(11, 16) if (3, minor) != ours]
    known = [found for name in names if (found := shutil.which(name))]
    known += map(str, Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python3"))
    for program in known:
        asked = subprocess.run(
            [program, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=False
        )  # fmt: skip
        version = tuple(map(int, asked.stdout.split())) if asked.returncode == 0 else ours
        if version >= (3, 11) and version != ours:
            return program
    return None


def missing(change: Change) -> str | None:
    """Why a change cannot be tried here."""
    if change.needs == "another interpreter" and other_python() is None:
        return "there is no second interpreter of at least 3.11"
    if change.needs == "two cores" and (
        len(os.sched_getaffinity(0)) < 2 or not shutil.which("taskset")
    ):
        return "one core is usable"
    return None


class World:
    """A project and what is beside it."""

    def __init__(self, folder: Path, change: Change) -> None:
        self.project = Project(folder / "code")
        self.beside = folder / "beside"
        self.beside.mkdir()
        self.change = change
        # The project's home is the folder above; a program that looks there finds nothing of ours.
        self.project.write(".gitignore", "local.json\nstate\ndata.txt\n__pycache__/\n")
        if "helper.py" in change.first.ignored:
            self.project.write(".gitignore", "helper.py\n")
        if "data.txt" in change.first.files:
            self.project.write(".gitignore", "__pycache__/\n")

    def filled(self, text: str) -> str:
        places = {"{beside}": self.beside, "{code}": self.project.path, "{python}": sys.executable}
        places["{other}"] = Path(other_python() or "")
        for name, place in places.items():
            text = text.replace(name, str(place))
        return text

    def become(self, state: State) -> None:
        """Bring about what a state says."""
        for name in state.gone:
            path = self.project.path / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, text in {**state.ignored, **state.files}.items():
            self.project.write(name, text)
        if state.files:
            self.project.commit()
        for name, text in state.dirty.items():
            self.project.write(name, text)
        for name, text in state.beside.items():
            path = self.beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if state.act is not None:
            state.act(self.project.path)

    def environ(self, *states: State) -> dict[str, str]:
        given = {name: value for state in states for name, value in state.environ.items()}
        return {name: self.filled(value) for name, value in given.items()}

    def run(self, *states: State) -> None:
        """Run the program as the states say, the later ones above the earlier."""
        command = next((s.command for s in reversed(states) if s.command), ("{python}", "train.py"))
        cwd = next((s.cwd for s in reversed(states) if s.cwd), ".")
        environ = self.project.environ | self.environ(*states)
        if "{other}" in command:
            packages = [path for path in sys.path if path.endswith("-packages")]
            # Without the packages, what is installed would be another change.
            environ["PYTHONPATH"] = os.pathsep.join([str(SOURCES), *packages])
        done = subprocess.run(
            [self.filled(word) for word in command], cwd=self.project.path / cwd, env=environ,
            input=states[-1].stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@functools.cache
def told(name: str, folder: Path) -> Told:
    """Run a program, change one thing, run it again, and compare."""
    change = CHANGES[name]
    world = World(folder, change)
    project = world.project
    world.become(change.first)
    world.run(change.first)
    with Store(project.root) as store:
        first = store.get("lab/toy").id
    world.become(change.then)
    again = None
    if change.again is not None:
        here = world.environ(change.first, change.then)
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in here.items():
                patch.setenv(variable, value)
                patch.setitem(project.environ, variable, value)
            (result,) = project.reproduce(
                patch, first, explained=change.again == "DIVERGED", python=world.filled(change.python) or None
            )  # fmt: skip
            again = result.to_dict()
    world.run(change.first, change.then)
    with Store(project.root) as store:
        second = next(view.id for view in store.list() if view.id != first)
        diff = compare(store, store.get(first), store.get(second), sides=("the first", "the second"))  # fmt: skip
        return Told(diff.to_dict(), again)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each change."""
    return {name: tmp_path_factory.mktemp("change") for name in CHANGES}


def foremost(judged: dict[str, Any]) -> list[dict[str, Any]]:
    """The differences that a reader looks at first: those of the greatest weight there is."""
    for weight in ("likely", "possible", "unlikely"):
        if found := [one for one in judged["differences"] if one["weight"] == weight]:
            return found
    return []


def is_cause(one: dict[str, Any], change: Change, beside: Path) -> bool:
    for kind, what in change.causes:
        what = what.replace("{beside}", str(beside))
        if one["kind"] == kind and (one["what"] == what or what in one.get("files", ())):
            return True
    return False


def judged(name: str, folders: dict[str, Path]) -> list[tuple[str, dict[str, Any]]]:
    """Each judgement of a change, with the verdict that is right."""
    change = CHANGES[name]
    if why := missing(change):
        pytest.skip(why)
    said = told(name, folders[name])
    pairs = [(change.diff, said.diff)]
    if change.again is not None and said.again is not None:
        pairs.append((change.again, said.again))
    return pairs


@pytest.mark.parametrize("name", CHANGES)
def test_the_verdict_on_one_change_is_right_and_no_other_cause_is_named(name, folders):
    change = CHANGES[name]
    for verdict, said in judged(name, folders):
        assert said["verdict"] == verdict, said
        if verdict == "DIVERGED":
            others = [one for one in foremost(said) if not is_cause(one, change, folders[name] / "beside")]  # fmt: skip
            assert not others, others
            explanation = said["explanation"] or {}
            assert explanation.get("cause") != "not deterministic"
            wrong = [one for one in explanation.get("causes", ()) if not is_cause(one, change, folders[name] / "beside")]  # fmt: skip
            assert not wrong, wrong


def test_the_cause_of_nine_changes_of_ten_is_named(folders):
    named: list[str] = []
    missed: list[str] = []
    for name, change in CHANGES.items():
        if missing(change):
            continue
        for number, (verdict, said) in enumerate(judged(name, folders)):
            if verdict == "DIVERGED":
                found = [one for one in foremost(said) if is_cause(one, change, folders[name] / "beside")]  # fmt: skip
                (named if found else missed).append(f"{name} ({('diff', 'reproduce')[number]})")
    rate = len(named) / (len(named) + len(missed))
    print(f"causes named: {len(named)} of {len(named) + len(missed)} ({rate:.0%}); not: {missed}")
    assert rate >= AT_LEAST, missed
