"""Real trainings with a seed come back to the last bit; without one they do not, and that is proven.

Each is started as its user would start it, from a repository of its own. Afterwards every program in the working tree is
spoiled: what comes back can only have come from the checkout.
"""

from __future__ import annotations

import importlib.util
import json
import os
import site
import sys
from pathlib import Path
from typing import Any

import pytest

from anew.reproduce.verdict import Verdict
from projects import Project

from .trainings import TRAININGS, Training

SEEDED = "SEED = 7\n"
IN_CELLS = SEEDED.replace("\n", "\\n")  # as JSON has it
IGNORED = ".venv/\n*.egg-info/\nbuild/\nout/\noutputs/\nmultirun/\nlightning_logs/\n__pycache__/\nuv.lock\ncheckpoint.json\n*.csv\nevaluated.txt\n"


def started(training: Training, folder: Path, *, seeded: bool = True) -> Project:
    """A repository with the training, which has been run once; its working tree is spoiled."""
    if importlib.util.find_spec(training.needs) is None:
        pytest.skip(f"{training.needs} is not installed")
    project = Project(folder)
    # The machine of a test has other things to do.
    project.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    project.environ |= {"ANEW_SYSTEM_METRICS": "0", **training.environ}
    project.write(".gitignore", IGNORED)
    for name, text in training.files.items():
        if not seeded:
            text = text.replace(SEEDED, "SEED = None\n").replace(IN_CELLS, "SEED = None\\n")
        project.write(name, text)
    project.commit()
    if training.editable:
        environment(project, training.editable)
    if training.needs == "uv":
        import uv

        folder = os.path.dirname(uv.find_uv_bin())
        project.environ["PATH"] = os.pathsep.join([project.environ["PATH"], folder])
    for start in training.starts:
        project.call(*start)
    for path in [*project.path.rglob("*.py"), *project.path.rglob("*.ipynb")]:
        if ".venv" not in path.parts:
            path.write_text("raise SystemExit('the working tree ran')\n")
    return project


def environment(project: Project, packages: tuple[str, ...]) -> None:
    """Make an environment of the project's own, which sees the packages of this one, and install packages into it."""
    folder = project.path / ".venv"
    project.call(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = folder / "bin" / "python"
    inside = folder / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    lines = [f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages()]
    (inside / "zz_outer.pth").write_text("".join(lines))
    project.environ["PATH"] = os.pathsep.join([str(python.parent), project.environ["PATH"]])
    installed = [word for package in packages if package != "." for word in ("-e", package)]
    if installed:
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", str(python))  # fmt: skip
        project.call(*pip, "install", "--no-deps", "--no-build-isolation", *installed)


def again(project: Project, prefix: str, *options: str) -> dict[str, Any]:
    """What `anew reproduce --json` says of an experiment."""
    done = project.call("python", "-m", "anew", "reproduce", prefix, "--json", *options, check=False)  # fmt: skip
    try:
        said: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise AssertionError(done.stdout + done.stderr) from None
    return said | {"status": done.returncode}


def each(said: dict[str, Any]) -> list[dict[str, Any]]:
    return said.get("runs") or [said]


def came_back(training: Training, project: Project, *options: str) -> None:
    for prefix in training.again:
        said = again(project, prefix, *options)
        for one in each(said):
            assert one["verdict"] == Verdict.IDENTICAL.value, json.dumps(one, indent=1)
            points = [metric["matched"] for metric in one["metrics"].values()]
            assert sum(points) >= 4, points
        assert said["status"] == 0


def is_shown_not_to_be_deterministic(training: Training, project: Project) -> None:
    prefix = training.again[-1]
    said = again(project, prefix, "--explain")
    assert said["verdict"] == Verdict.DIVERGED.value, json.dumps(said, indent=1)
    assert said["explanation"]["cause"] == "not deterministic", json.dumps(said, indent=1)
    assert said["status"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_with_a_seed_comes_back_bit_for_bit(name, tmp_path):
    training = TRAININGS[name]
    came_back(training, started(training, tmp_path / "project"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, one in TRAININGS.items() if one.unseeded])
def test_the_same_training_without_a_seed_is_proven_not_to_be_deterministic(name, tmp_path):
    training = TRAININGS[name]
    is_shown_not_to_be_deterministic(
        training, started(training, tmp_path / "project", seeded=False)
    )


@pytest.mark.soak
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_with_a_seed_comes_back_every_time(name, tmp_path):
    training = TRAININGS[name]
    came_back(training, started(training, tmp_path / "project"), "--times", "5")


@pytest.mark.soak
@pytest.mark.parametrize("name", TRAININGS)
def test_no_training_without_a_seed_is_taken_for_deterministic(name, tmp_path):
    training = TRAININGS[name]
    is_shown_not_to_be_deterministic(
        training, started(training, tmp_path / "project", seeded=False)
    )
