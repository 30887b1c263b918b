"""`reproduce.sh`: run for real, from a clone, with and without a new environment, and refused with a reason."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from projects import TRAIN, Project

from ..tracking.reading import segment

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """\
import json, random, sys
random.seed(3)
value = 1.0
for line in open("data/numbers.txt"):
    value = value * 0.5 + float(line) * random.random()
json.dump({"value": value, "argument": sys.argv[1]}, open("result.json", "w"))
"""


@pytest.fixture
def recorded(project: Project) -> Project:
    """A program without Anew in it, recorded from outside with uncommitted changes."""
    project.write("data/numbers.txt", "1\n2\n3\n")
    project.commit(train=PROGRAM)
    project.write("data/numbers.txt", "1\n2\n4\n")
    project.write("added.txt", "new")
    project.anew("run", "--prefix", "lab/toy", "--", "python", "train.py", "it's $HOME", check=True)
    return project


def script(project: Project, *arguments: str, check: bool = True, **environ: str):
    path = project.folder() / "reproduce.sh"
    return project.call(str(path), *arguments, check=check, cwd=project.path.parent, **environ)


def test_it_is_a_sound_shell_script(recorded):
    subprocess.run(["bash", "-n", recorded.folder() / "reproduce.sh"], check=True)
    shellcheck = shutil.which("shellcheck")
    if shellcheck:
        subprocess.run([shellcheck, "-S", "error", recorded.folder() / "reproduce.sh"], check=True)


def test_it_runs_the_recorded_command_on_the_recorded_code(recorded, tmp_path):
    result = json.loads((recorded.path / "result.json").read_text())
    recorded.git("add", "--all")
    recorded.git("reset", "--quiet", "--hard")
    into = tmp_path / "into"
    done = script(recorded, "--current", "--python", sys.executable, "--into", str(into))
    assert "applied the uncommitted changes" in done.stderr
    again = json.loads((into / "code/result.json").read_text())
    assert again == result
    assert again["argument"] == "it's $HOME"
    assert (into / "code/added.txt").read_text() == "new"


def test_it_runs_in_a_bare_environment(recorded, tmp_path):
    """No home, no locale, no variable but the path to git and a shell."""
    expected = json.loads((recorded.path / "result.json").read_text())
    folders = {str(Path(shutil.which(name) or "").parent) for name in ("git", "bash", "sed")}
    into = tmp_path / "into"
    done = subprocess.run(
        [recorded.folder() / "reproduce.sh", "--current", "--python", sys.executable, "--into", into],
        env={"PATH": os.pathsep.join(sorted(folders))}, cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((into / "code/result.json").read_text()) == expected


def test_it_works_from_a_clone_when_the_original_is_gone(recorded, tmp_path):
    result = json.loads((recorded.path / "result.json").read_text())
    clone = tmp_path / "clone"
    recorded.git("clone", "--quiet", str(recorded.path), str(clone))
    shutil.rmtree(recorded.path)
    into = tmp_path / "into"
    script(
        recorded, "--current", "--python", sys.executable, "--into", str(into), "--repo", str(clone)
    )
    assert json.loads((into / "code/result.json").read_text()) == result


def test_a_commit_on_no_branch_is_found(project, tmp_path):
    project.commit(
        train=PROGRAM.replace("data/numbers.txt", "train.py").replace("float(line)", "len(line)")
    )
    project.git("checkout", "--quiet", "--detach")
    project.commit(other="")
    project.anew("run", "--prefix", "lab/toy", "--", "python", "train.py", "x", check=True)
    (project.path / "result.json").unlink()
    project.git("checkout", "--quiet", "main")
    script(project, "--current", "--python", sys.executable, "--into", str(tmp_path / "into"))
    assert (tmp_path / "into/code/result.json").exists()


def test_what_the_program_records_does_not_mix_with_the_original(project, tmp_path):
    project.commit(
        train=TRAIN.replace("system_metrics=0", f"system_metrics=0, root={str(project.root)!r}")
    )
    project.run()
    script(project, "--current", "--python", sys.executable, "--into", str(tmp_path / "into"))
    assert project.view().metrics["loss"].count == 20
    first = segment(project.folder()).read_text().splitlines()
    again = segment(tmp_path / "into/experiments/lab/toy").read_text().splitlines()
    assert [json.loads(line)["m"]["loss"] for line in again] == [
        json.loads(line)["m"]["loss"] for line in first
    ]


def test_declared_data_is_checked_and_found(project, tmp_path):
    project.write(".gitignore", "data/\n")
    project.write("data/numbers.txt", "1\n2\n")
    project.commit(
        train=TRAIN.replace(
            "    x = 1.0\n",
            "    exp.inputs.add('data')\n    x = len(open('data/numbers.txt').read())\n",
        )
    )
    project.run()
    script(project, "--current", "--python", sys.executable, "--into", str(tmp_path / "a"))
    project.write("data/numbers.txt", "1\n3\n")
    done = script(
        project, "--current", "--python", sys.executable, "--into", str(tmp_path / "b"), check=False
    )
    assert done.returncode == 2
    assert "numbers.txt has changed" in done.stderr
    (project.path / "data/numbers.txt").unlink()
    done = script(
        project, "--current", "--python", sys.executable, "--into", str(tmp_path / "c"), check=False
    )
    assert "numbers.txt is missing" in done.stderr


def test_each_thing_that_is_wrong_is_said(recorded, tmp_path):
    def fails(match: str, *arguments: str, **environ: str) -> None:
        done = script(recorded, *arguments, check=False, **environ)
        assert done.returncode == 2, done.stderr
        assert match in done.stderr

    other = Project(tmp_path / "other")
    other.commit()
    fails("is not in", "--current", "--repo", str(other.path))
    fails("cannot be cloned", "--current", "--repo", str(tmp_path / "nowhere"))
    fails("no Python was found", "--python", "/no/python")
    fails("there is no option --fast", "--fast")
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").touch()
    fails("is not empty", "--current", "--into", str(full))
    patch = recorded.folder() / "environment/git.patch"
    patch.unlink()
    fails("git.patch is missing", "--current")
    patch.write_bytes(b"other")
    fails("is not the patch that was recorded", "--current")


def test_a_command_with_a_secret_has_to_be_given(project, tmp_path):
    project.commit(
        train=PROGRAM.replace("data/numbers.txt", "train.py").replace("float(line)", "len(line)")
    )
    project.anew(
        "run",
        "--prefix",
        "lab/toy",
        "--",
        "python",
        "train.py",
        "--token=hunter2hunter2",
        check=True,
    )
    done = script(project, "--current", check=False)
    assert done.returncode == 2
    assert "give the whole command" in done.stderr
    script(
        project, "--current", "--into", str(tmp_path / "into"), "--", "python", "train.py", "again"
    )
    assert json.loads((tmp_path / "into/code/result.json").read_text())["argument"] == "again"


def test_the_exit_code_is_the_programs(project):
    project.commit(train="raise SystemExit(7)\n")
    project.anew("run", "--prefix", "lab/toy", "--", "python", "train.py")
    done = script(project, "--current", check=False)
    assert done.returncode == 7
    assert "ended with 7" in done.stderr


@pytest.mark.slow
def test_a_fresh_clone_and_a_fresh_environment_give_the_same_final_metrics(project, tmp_path):
    """The environment of the run is a new one with two packages; it is made again from the record alone."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    python = str(venv / "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "numpy", "pyyaml"], check=True)
    program = (
        "import json, numpy as np, yaml\nrng = np.random.default_rng(1)\n"
        "w = np.zeros(3)\nfor step in range(50):\n    x = rng.normal(size=(32, 3)); y = x @ [1, 2, 3]\n"
        "    w -= 0.1 * x.T @ (x @ w - y) / 32\n"
        "json.dump({'loss': float(((w - [1, 2, 3]) ** 2).sum()), 'numpy': np.__version__}, open('metrics.json', 'w'))\n"
    )
    project.commit(train=program)
    project.anew("run", "--prefix", "lab/toy", "--", python, "train.py", check=True)
    packages = (project.folder() / "environment/requirements.txt").read_text()
    assert "numpy==" in packages
    assert "torch" not in packages
    expected = json.loads((project.path / "metrics.json").read_text())
    clone, into = tmp_path / "clone", tmp_path / "into"
    project.git("clone", "--quiet", str(project.path), str(clone))
    shutil.rmtree(project.path)
    shutil.rmtree(venv)
    script(project, "--repo", str(clone), "--into", str(into), HOME=str(Path.home()), PYTHONPATH="")
    assert json.loads((into / "code/metrics.json").read_text()) == expected
    assert (into / "venv/bin/python").exists()
