"""Every refusal of `reproduce` as a document and an exit code, as the reference has them in one table."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass

import pytest

from anew import Experiment
from projects import TRAIN, Project

from .conftest import call

READS = TRAIN.replace("    x = 1.0\n", "    x = float(open('data.txt').read())\n")


@dataclass(frozen=True)
class Refusal:
    """What is asked of which experiment, and what is answered."""

    experiment: str
    arguments: tuple[str, ...]
    kind: str
    why: str | None
    code: int


REFUSALS = {
    "an unknown experiment": Refusal("lab/nobody", (), "NotFound", None, 3),
    "one that still runs": Refusal("lab/running", (), "StillRunning", None, 5),
    "one of another machine": Refusal("lab/theirs", (), "Refused", None, 5),
    "a command with a secret": Refusal("lab/secret", (), "ReproduceError", "secret", 2),
    "a program that is gone": Refusal("lab/gone", (), "ReproduceError", "no program", 2),
    "an interactive session": Refusal("lab/typed", (), "ReproduceError", "interactive", 2),
    "a folder without git": Refusal("lab/toy", ("--repo", "{outside}"), "ReproduceError", "no commit", 2),
    "a clone without the commit": Refusal("lab/toy", ("--repo", "{other}"), "ReproduceError", "no commit", 2),
    "a patch that is gone": Refusal("lab/dirty", (), "ReproduceError", "no patch", 2),
    "data that is missing": Refusal("lab/data", (), "ReproduceError", "input missing", 2),
    "an input that nobody declared": Refusal("lab/toy", ("--input", "x=/tmp"), "ReproduceError", "no such input", 2),
    "a link to elsewhere": Refusal("lab/toy", ("--link", "../elsewhere"), "ReproduceError", "link out of reach", 2),
    "an unknown variable": Refusal("lab/toy", ("--variable", "NOBODY"), "ReproduceError", "no such variable", 2),
    "an interpreter that is not there": Refusal("lab/toy", ("--python", "/no/python"), "ReproduceError", "no interpreter", 2),
    "packages that are not the recorded ones": Refusal("lab/packages", ("--env", "venv"), "ReproduceError", "no packages", 2),
    "a strict re-run after a change": Refusal("lab/changed", ("--strict",), "ReproduceError", "strict", 2),
    "a directory that no commit has": Refusal("lab/inside", (), "ReproduceError", "no directory", 2),
}  # fmt: skip


def named(name: str, program: str = TRAIN) -> str:
    return program.replace("lab/toy", f"lab/{name}")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which each of the experiments was recorded."""
    folder = tmp_path_factory.mktemp("refusals")
    project = Project(folder / "project")
    project.write(".gitignore", "gone.py\ndata.txt\nscratch/\n")
    declared = READS.replace("    x = float", "    exp.inputs.add('data.txt')\n    x = float")
    names = ("secret", "theirs", "packages")
    files = {name: named(name) for name in names}
    files |= {name: named(name, declared) for name in ("data", "changed")}
    project.commit(toy=TRAIN, inside=named("inside"), dirty="", **files)
    project.write("data.txt", "1.0")
    project.write("gone.py", named("gone"))
    for name in ("toy", "gone", "theirs", "packages", "changed"):
        project.run(f"{name}.py")
    project.run("secret.py", "--token", "hunter2hunter2")
    (project.path / "gone.py").unlink()
    (project.path / "scratch").mkdir()
    project.call(sys.executable, "../inside.py", cwd=project.path / "scratch")
    (project.path / "scratch/typed").write_text(named("typed"))
    project.call("sh", "-c", f"{sys.executable} -i < scratch/typed")
    project.write("dirty.py", named("dirty"))
    project.run("dirty.py")
    (project.folder("lab/dirty") / "environment/git.patch").unlink()
    packages = project.folder("lab/packages") / "environment/requirements.txt"
    packages.unlink()
    packages.write_text("evil==1.0\n")
    project.write("data.txt", "2.0")
    project.call(sys.executable, "data.py")
    (folder / "moved").mkdir()
    return project


def rewrite_host(project: Project, prefix: str) -> None:
    for path in (project.folder(prefix) / "journal").glob("*.jsonl"):
        path.write_text(re.sub(r'"host":\s*"[^"]*"', '"host":"elsewhere"', path.read_text()))


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_a_document_and_an_exit_code_and_changes_nothing(
    project, monkeypatch, tmp_path, name
):
    refusal = REFUSALS[name]
    project.enter(monkeypatch)
    running = None
    if refusal.experiment == "lab/running":
        running = Experiment(
            "lab/running", root=project.root, quiet=True, console="off", system_metrics=0
        )
        running.run.start()
    if refusal.experiment == "lab/theirs":
        rewrite_host(project, "lab/theirs")
        assert call("--root", project.root, "rebuild").code == 0
    if refusal.experiment == "lab/data":
        (project.path / "data.txt").rename(tmp_path / "data.txt")
    places = {"{outside}": str(tmp_path), "{other}": str(tmp_path / "other")}
    if "{other}" in refusal.arguments:
        Project(tmp_path / "other").commit()
    words = [places.get(word, word) for word in refusal.arguments]
    before = project.untouched()
    try:
        outcome = call("--root", project.root, "reproduce", refusal.experiment, "--json", *words)
    finally:
        if running is not None:
            running.run.complete()
        if refusal.experiment == "lab/data":
            (tmp_path / "data.txt").rename(project.path / "data.txt")
    error = json.loads(outcome.err.strip().splitlines()[-1])["error"]
    assert outcome.out == ""
    assert (error["kind"], error.get("why"), error["exit_code"]) == (refusal.kind, refusal.why, refusal.code)  # fmt: skip
    assert outcome.code == refusal.code
    if running is None:
        assert project.untouched() == before
