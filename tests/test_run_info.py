"""RUN: who runs what, from where."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from anew.errors import InvalidName, InvalidValue
from anew.run_info import PROJECT_MARKERS, RUN, RunInfo

ALICE = {"USER": "alice"}


def project(tmp_path: Path, marker: str = "pyproject.toml") -> Path:
    root = tmp_path / "my-project"
    root.mkdir()
    if marker == ".git":
        (root / marker).mkdir()
    elif marker:
        (root / marker).write_text("")
    return root


def script(root: Path, path: str) -> RunInfo:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    run = RunInfo(ALICE)
    run.entry = str(file)
    return run


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("experiments/vision/resnet/train.py", "vision/resnet"),
        ("experiments/nlp/bert/train.py", "nlp/bert"),
        ("experiments/train.py", "train"),
        ("scripts/train.py", "scripts"),
        ("train.py", "train"),
        ("src/experiments/a/train.py", "src/experiments/a"),
        ("experiments/v1.2/train.py", "v1.2"),
    ],
)
def test_the_path_stem_is_the_folder_within_the_project(
    tmp_path: Path, path: str, stem: str
) -> None:
    root = project(tmp_path)
    run = script(root, path)
    assert run.path_stem == stem
    assert run.project_root == str(root)
    assert run.project == "my-project"
    assert run.prefix() == f"alice/my-project/{stem}"
    assert run.prefix("run 1") == f"alice/my-project/{stem}/run 1"


@pytest.mark.parametrize("marker", PROJECT_MARKERS)
def test_a_marker_makes_a_folder_the_project(tmp_path: Path, marker: str) -> None:
    root = project(tmp_path, marker)
    assert script(root, "a/b/train.py").project_root == str(root)


def test_without_a_marker_the_experiments_folder_tells(tmp_path: Path) -> None:
    run = script(project(tmp_path, ""), "experiments/vision/train.py")
    assert run.project_root == str(tmp_path / "my-project")
    assert run.path_stem == "vision"


def test_without_either_the_script_stands_alone(tmp_path: Path) -> None:
    run = script(project(tmp_path, ""), "somewhere/train.py")
    assert run.project_root == str(tmp_path / "my-project" / "somewhere")
    assert run.prefix() == "alice/somewhere/train"


def test_a_sweeps_folder_is_an_entry_too(tmp_path: Path) -> None:
    root = project(tmp_path)
    sweep = root / "experiments" / "vision" / "sweep"
    sweep.mkdir(parents=True)
    run = RunInfo(ALICE)
    run.entry = sweep
    assert run.entry == str(sweep)
    assert [f"{run.user}/{run.path_stem}/job_{job:03d}" for job in range(2)] == [
        "alice/vision/sweep/job_000",
        "alice/vision/sweep/job_001",
    ]


def test_an_entry_that_does_not_exist_is_a_script_if_it_looks_like_one(tmp_path: Path) -> None:
    root = project(tmp_path)
    run = RunInfo(ALICE)
    run.entry = root / "experiments" / "a" / "gone.py"
    assert run.path_stem == "a"
    run.entry = root / "experiments" / "a" / "later"
    assert run.path_stem == "a/later"


def test_an_entry_outside_the_project_given_goes_by_its_folder(tmp_path: Path) -> None:
    run = script(tmp_path / "elsewhere", "x/train.py")
    run.project_root = project(tmp_path)
    assert run.project == "my-project"
    assert run.path_stem == "x"


def test_odd_folders_make_valid_prefixes(tmp_path: Path) -> None:
    root = tmp_path / ".hidden: project "
    root.mkdir()
    (root / "setup.py").write_text("")
    assert script(root, "experiments/a?b/ c /train.py").prefix() == "alice/hidden- project/a-b/c"


@pytest.mark.parametrize(
    ("environ", "user"),
    [
        ({"ANEW_USER": "r", "ML_DASH_USER": "m", "USER": "u"}, "r"),
        ({"ML_DASH_USER": "m", "USER": "u"}, "m"),
        ({"USER": "u", "LOGNAME": "l"}, "u"),
        ({"USER": "", "USERNAME": "w"}, "w"),
        ({"USER": "CORP\\bob/x"}, "CORP-bob-x"),
    ],
)
def test_the_user_comes_from_the_environment(environ: dict[str, str], user: str) -> None:
    assert RunInfo(environ).user == user


def test_everything_can_be_set(tmp_path: Path) -> None:
    run = RunInfo(ALICE)
    run.entry = tmp_path
    run.user, run.project, run.project_root = "bob", "team/vision", tmp_path.parent
    assert run.prefix() == f"bob/team/vision/{tmp_path.name}"
    for name, value in (("user", "../x"), ("project", ""), ("project", "/abs")):
        with pytest.raises(InvalidName):
            setattr(run, name, value)
    for entry in ("", None, 3):
        with pytest.raises(InvalidValue, match="__file__"):
            run.entry = entry  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        run.entyr = "x"  # type: ignore[attr-defined]
    with pytest.raises(InvalidName):
        run.prefix("a/../b")


def test_now_is_one_time_for_the_whole_process() -> None:
    first = RUN.now
    time.sleep(0.01)
    assert RUN.now == first
    assert isinstance(first, datetime)
    assert first <= datetime.now()
    assert f"{RUN.now:%Y-%m-%d}"


def test_the_script_the_interpreter_runs_is_the_entry(tmp_path: Path) -> None:
    root = project(tmp_path)
    file = root / "experiments" / "vision" / "train.py"
    file.parent.mkdir(parents=True)
    file.write_text("from anew.run_info import RUN\nprint(RUN.path_stem, RUN.entry)\n")
    done = subprocess.run(
        [sys.executable, str(file)], capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stdout == f"vision {file}\n"
    asked = subprocess.run(
        [sys.executable, "-c", "from anew.run_info import RUN; print(RUN.entry)"],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
        cwd=root,
    )
    assert asked.stdout == f"{root}\n"


def test_it_shows_what_it_knows(tmp_path: Path) -> None:
    run = script(project(tmp_path), "experiments/a/train.py")
    assert repr(run).startswith("<RUN alice/my-project/a entry=")
