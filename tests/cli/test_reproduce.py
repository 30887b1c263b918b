"""`run`, `reproduce`, `diff` and `check` as commands: what they print, and their exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from anew.record.status import Status
from projects import TRAIN, Project

from .conftest import Run, call


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def two(project: Project) -> Project:
    """`lab/toy`, and `lab/other`, which has another learning rate and diverges from step 10 on."""
    return of_two(project)


@pytest.fixture(scope="module")
def same_two(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """As `two`, for tests that change nothing."""
    return of_two(Project(tmp_path_factory.mktemp("two") / "project"))


@pytest.fixture
def ask(same_two: Project, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on these two, in this process."""
    monkeypatch.chdir(same_two.path)
    return lambda *arguments: call("--root", same_two.root, *arguments)


def of_two(project: Project) -> Project:
    project.commit(train=TRAIN)
    project.run()
    other = TRAIN.replace("lab/toy", "lab/other").replace('"lr": 0.5', '"lr": 0.25')
    project.commit(
        train=other.replace("        exp.log", "        x += 1e-9 * (step >= 10)\n        exp.log")
    )
    project.run()
    return project


# -- run -------------------------------------------------------------------------------------------


def test_run_tracks_any_program_with_its_output_exit_code_and_recipe(project):
    project.commit(
        tool="import sys\nprint('out'); print('err', file=sys.stderr); sys.exit(int(sys.argv[1]))\n"
    )
    done = project.anew(
        "run", "--prefix", "lab/tool", "-t", "nightly", "--", "python", "tool.py", "3"
    )
    assert done.returncode == 3
    assert done.stdout == "out\n"
    assert "err\n" in done.stderr
    view = project.view("lab/tool")
    assert (view.status, view.reason) == (Status.FAILED, "exit code 3")
    assert view.tags == {"nightly": None}
    assert sorted(view.console().split()) == ["err", "out"]
    assert view.captured["command"]["argv"] == ["python", "tool.py", "3"]
    assert view.captured["git"]["commit"]
    assert view.captured["environment"]["packages"] > 5
    folder = project.folder("lab/tool")
    assert (folder / "reproduce.sh").exists()
    assert "exit code 3" in (folder / "FAILED.txt").read_text()
    assert (
        project.anew("run", "--prefix", "lab/fine", "--", "python", "tool.py", "0").returncode == 0
    )
    assert project.view("lab/fine").status is Status.COMPLETED


def test_an_experiment_opened_inside_joins_it_whatever_its_name(project):
    project.commit(train=TRAIN)
    done = project.anew("run", "--prefix", "lab/outer", "--", "python", "train.py")
    assert done.returncode == 0
    view = project.view("lab/outer")
    assert view.metrics["loss"].count == 20
    assert view.config["lr"] == 0.5
    assert view.captured["seeds"]["seed"] == 7
    assert view.status is Status.COMPLETED
    assert not project.folder("lab/toy").exists()


def test_further_experiments_of_the_program_are_kept_below(project):
    project.commit(
        train="from anew import Experiment\nfor name in ('a/b', 'c/d', 'a/b', 'plain'):\n"
        "    with Experiment(name, system_metrics=0) as exp:\n        exp.log_metric('x', 1.0)\n"
    )
    assert project.anew("run", "--prefix", "lab/outer", "--", "python", "train.py").returncode == 0
    for prefix in ("lab/outer", "lab/outer/others/c/d", "lab/outer/others/a/b"):
        assert project.view(prefix).metrics["x"].count == 1
    assert len(list((project.root / "lab/outer/others").glob("plain-*"))) == 1


def test_of_several_programs_below_the_first_is_the_experiment_outside(project):
    project.commit(
        train="import subprocess, sys\nfrom anew import Experiment\n"
        "with Experiment('a/b', system_metrics=0) as exp:\n    exp.log_metric('x', 1.0)\n"
        "    if len(sys.argv) > 1: subprocess.run([sys.executable, 'train.py'], check=True)\n"
    )
    both = "python train.py inside && python train.py"
    assert project.anew("run", "--prefix", "lab/outer", "--", "sh", "-c", both).returncode == 0
    assert project.view("lab/outer").metrics["x"].count == 2, "a program and what it started"
    assert project.view("lab/outer/others/a/b").metrics["x"].count == 1


def test_a_run_by_name_alone_or_without_one_is_joined_too(project):
    project.commit(train=TRAIN)
    assert project.anew("run", "--prefix", "plain", "--", "python", "train.py").returncode == 0
    assert project.anew("run", "--", "python", "train.py").returncode == 0
    names = sorted(
        p.name.rsplit("-", 1)[0] for p in project.root.iterdir() if (p / "journal").exists()
    )
    assert names == ["plain", "train"]
    for folder in project.root.iterdir():
        if (folder / "journal").exists():
            assert project.view(folder.name).metrics["loss"].count == 20


def test_a_program_whose_experiment_fails_inside_is_failed_with_its_traceback(project):
    project.commit(
        train=TRAIN.replace("        exp.log", "        1 / (3 - step)\n        exp.log")
    )
    assert project.anew("run", "--prefix", "lab/outer", "--", "python", "train.py").returncode == 1
    assert project.view("lab/outer").status is Status.FAILED
    text = (project.folder("lab/outer") / "FAILED.txt").read_text()
    assert "ZeroDivisionError" in text
    assert "Failed at step 2" in text


def test_a_killed_program_is_failed_and_says_by_what(project):
    project.commit(
        train=TRAIN.replace(
            "        exp.log",
            "        import os; os.kill(os.getpid(), 9 * (step == 5))\n        exp.log",
        )
    )
    assert (
        project.anew("run", "--prefix", "lab/outer", "--", "python", "train.py").returncode == 137
    )
    view = project.view("lab/outer")
    assert (view.status, view.reason) == (Status.FAILED, "ended by SIGKILL")
    assert view.metrics["loss"].count == 5


def test_an_interrupted_run_is_cancelled_and_the_program_may_finish_its_way(project):
    project.commit(
        tool="import time\n"
        "try:\n    print('ready', flush=True); time.sleep(3600)\n"
        "except KeyboardInterrupt:\n    print('saving', flush=True); raise SystemExit(0)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "anew", "run", "--prefix", "lab/tool", "--", "python", "tool.py"],
        cwd=project.path, env=project.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=600)
    assert output == "saving\n"
    assert project.view("lab/tool").status is Status.CANCELLED


def test_a_program_that_is_not_there_is_refused_and_records_nothing(project):
    project.commit()
    done = project.anew("run", "--", "no-such-program")
    assert done.returncode == 2
    assert "'no-such-program'" in done.stderr
    done = project.anew("run", "--", "python", "missing.py")
    assert "'missing.py'" in done.stderr
    assert project.anew("run").returncode == 2
    assert not project.root.exists()


def test_options_of_the_program_are_the_programs(project):
    project.commit(tool="import sys; print(sys.argv[1:])\n")
    done = project.anew("run", "python", "tool.py", "--prefix", "x", "-q", "--help")
    assert done.stdout == "['--prefix', 'x', '-q', '--help']\n"


# -- reproduce -------------------------------------------------------------------------------------


def test_reproduce_prints_the_verdict_and_exits_with_it(two):
    done = two.anew("reproduce", "lab/other")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "IDENTICAL: all 20 points of 1 metric are the same to the last bit"
    )
    assert "train/time" in done.stderr
    assert "kept as lab/other-again-1" in done.stderr
    assert "reproduction.png" in done.stderr


def test_reproduce_as_json_is_one_document(project):
    project.commit(train=TRAIN.replace("seed_everything(7)", ""))
    project.run()
    done = project.anew("reproduce", "lab/toy", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["verdict"] == "DIVERGED"
    assert document["metrics"]["loss"]["step"] == 0
    assert document["explanation"]["cause"] == "not deterministic"
    assert all(name.startswith("system/") for name in document["left_out"])
    assert list(document["apart"]) == ["train/time"]
    assert document["child_prefix"] == "lab/toy-again-1"
    several = json.loads(project.anew("reproduce", "lab/toy", "--json", "--times", "2").stdout)
    assert several["verdict"] == "DIVERGED"
    assert len(several["runs"]) == 2
    assert several["spread"]["loss"]["std"] > 0


def test_a_dry_run_prints_the_plan_and_does_nothing(two):
    two.write("train.py", TRAIN + "\n# dirty\n")
    two.run()
    before = two.untouched()
    done = two.anew("reproduce", "lab/toy", "--dry-run")
    assert done.returncode == 0
    assert "check out" in done.stdout
    assert "uncommitted files: train.py" in done.stdout
    assert "train.py" in done.stdout.splitlines()[-2]
    plan = json.loads(two.anew("reproduce", "lab/toy", "--dry-run", "--json").stdout)
    assert plan["patched"] == ["train.py"]
    assert plan["command"][1:] == ["train.py"]
    assert two.untouched() == before


def test_a_refusal_is_a_sentence_on_standard_error(ask: Run):
    done = ask("reproduce", "lab/toy", "--repo", "/")
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("error: / ")
    assert ask("reproduce", "lab/nobody").code == 3


@pytest.mark.slow
def test_a_new_environment_is_made_from_the_record(project, tmp_path):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    python = str(venv / "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "pyyaml"], check=True)
    project.commit(train="import sys, yaml; print(yaml.__version__, sys.prefix)\n")
    project.anew("run", "--prefix", "lab/toy", "--", python, "train.py", check=True)
    done = project.anew("reproduce", "lab/toy", "--env", "venv", HOME=str(Path.home()))
    assert done.returncode == 2, "it logged no metrics"
    assert "making an environment with venv" in done.stderr
    version, prefix = project.view("lab/toy-again-1").console().split()
    assert "anew-environment-" in prefix
    assert version == project.view("lab/toy").console().split()[0]
    assert not Path(prefix).exists()
    assert project.anew("reproduce", "lab/toy", "--env", "uv", PATH="/usr/bin:/bin").returncode == 2


# -- diff and check --------------------------------------------------------------------------------


def test_diff_tells_the_first_step_the_size_and_what_was_captured_differently(ask: Run):
    done = ask("diff", "lab/toy", "lab/other")
    assert done.code == 1
    assert "DIVERGED: 1 of 1 metric diverged, first loss at step 10" in done.out
    assert "from step 10 on, first by 1e-09" in done.out
    assert "config lr: 0.5 → 0.25" in done.out
    assert "which changed train.py" in done.out
    assert ask("diff", "lab/toy", "lab/toy").code == 0


def test_diff_of_two_names_of_one_experiment_names_it(ask: Run):
    done = ask("diff", "lab/toy", "lab/toy~1")
    assert done.code == 0
    assert "~1" in done.err
    assert "~1" not in ask("diff", "lab/toy", "lab/other").err


def test_diff_draws_both_curves(ask: Run, tmp_path):
    path = tmp_path / "curves.png"
    ask("diff", "lab/toy", "lab/other", "-o", str(path))
    assert path.read_bytes().startswith(b"\x89PNG")


def test_tolerances_are_general_or_by_pattern(ask: Run):
    def code(*options: str) -> int:
        return ask("diff", "lab/toy", "lab/other", *options).code

    assert code("--rtol", "1e-6") == 0
    assert code("--atol", "1e-6") == 0
    assert code("--atol", "1e-12") == 1
    assert code("--atol", "los*=1e-6") == 0
    assert code("--atol", "other*=1e-6") == 1
    assert code("--atol", "1e-6", "--atol", "loss=0") == 1
    assert code("--ignore", "loss") == 2
    assert code("-m", "train/time") == 1
    for wrong in ("x", "-1", "nan", "inf", "loss=x"):
        assert code("--rtol", wrong) == 2


def test_check_is_a_gate(ask: Run):
    assert ask("check", "lab/toy", "--baseline", "lab/toy").code == 0
    failing = ask("check", "lab/other", "--baseline", "lab/toy")
    assert failing.code == 1
    assert "DIVERGED" in failing.out
    assert "BASELINE" in failing.out
    passing = ask("check", "lab/other", "--baseline", "lab/toy", "--rtol", "1e-3", "--quiet")
    assert (passing.code, passing.out) == (0, "")
    assert ask("check", "lab/other").code == 3  # nothing is held of it
    assert ask("check", "lab/other", "--baseline", "nobody").code == 3
    document = json.loads(ask("check", "lab/other", "--baseline", "lab/toy", "--json").out)
    assert (document["verdict"], document["metrics"]["loss"]["step"]) == ("DIVERGED", 10)


@pytest.mark.slow
def test_progress_against_the_original_is_told_when_the_curve_leaves_it(project):
    program = TRAIN.replace("seed_everything(7)", "").replace(
        "        exp.log", "        import time; time.sleep(0.05)\n        exp.log"
    )
    project.commit(train=program)
    project.run()
    done = project.anew("reproduce", "lab/toy")
    assert "loss differs at step 0:" in done.stderr
