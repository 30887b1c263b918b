"""Experiments run again for real: from clean commits, dirty trees, fresh clones, with and without seeds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anew import Store
from anew.errors import NotFound, ReproduceError, StillRunning
from anew.record.status import Status
from anew.reproduce.verdict import Verdict
from projects import TRAIN, Project

from ..tracking.reading import segment


def test_a_seeded_program_comes_back_bit_for_bit_as_a_child_experiment(project, monkeypatch):
    project.commit(train=TRAIN)
    project.run()
    before = project.untouched()
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert [m.metric for m in result.judgement.metrics] == ["loss"]
    assert result.judgement.metrics[0].matched == 20
    assert [m.metric for m in result.judgement.apart] == ["train/time"]
    assert result.judgement.differences == []
    child = project.view(result.prefix)
    assert (child.parent, child.relation) == (project.view().id, "reproduces")
    assert child.status is Status.COMPLETED
    after = project.untouched()
    assert {k: v for k, v in after.items() if k != "experiments"} == {
        k: v for k, v in before.items() if k != "experiments"
    }


def test_the_verdict_is_kept_with_both_experiments_and_a_figure_with_the_child(
    project, monkeypatch
):
    project.commit(train=TRAIN)
    project.run()
    (result,) = project.reproduce(monkeypatch, figure=True)
    child, original = project.view(result.prefix), project.view()
    assert child.captured["verdict"]["verdict"] == "IDENTICAL"
    assert child.captured["verdict"]["metrics"]["loss"]["matched"] == 20
    assert original.captured["reproduction"]["b"] == child.id
    assert original.captured["reproduction"]["metrics"] == {"loss": "IDENTICAL"}
    assert result.figure is not None
    assert Path(result.figure).read_bytes().startswith(b"\x89PNG")


def test_without_a_seed_it_diverges_and_nothing_is_claimed_of_the_cause(project, monkeypatch):
    project.commit(train=TRAIN.replace("seed_everything(7)", ""))
    project.run()
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.DIVERGED
    metric = result.judgement.metrics[0]
    assert (metric.metric, metric.step) == ("loss", 0)
    assert metric.difference == abs(metric.a - metric.b) > 0
    assert [d.kind for d in result.judgement.differences] == ["random state"]
    assert result.judgement.explanation is None  # nothing was proven


def test_a_program_that_gives_another_result_each_time_is_proven_not_to_be_deterministic(
    project, monkeypatch
):
    project.commit(train=TRAIN.replace("seed_everything(7)", ""))
    project.run()
    (result,) = project.reproduce(monkeypatch, explained=True)
    explanation = result.judgement.explanation
    assert (explanation.cause, explanation.metric, explanation.step) == (
        "not deterministic",
        "loss",
        0,
    )
    with Store(project.root) as store:
        assert len(store.list(reproductions=True)) == 3


def test_a_program_whose_cause_was_not_captured_is_not_blamed(project, monkeypatch):
    program = TRAIN.replace("x = 1.0", "x = float(open(PATH).read())")
    secret = project.path.parent / "number"
    secret.write_text("1.0")
    project.commit(train=f"PATH = {str(secret)!r}\n{program}")
    project.run()
    secret.write_text("2.0")
    (result,) = project.reproduce(monkeypatch, explained=True)
    assert result.judgement.verdict is Verdict.DIVERGED
    assert result.judgement.explanation.cause in ("inputs", "not captured")
    assert result.judgement.explanation.runs == 2


def test_a_dirty_tree_comes_back_after_it_was_cleaned_and_from_a_fresh_clone(
    project, monkeypatch, tmp_path
):
    program = """\
import os
from pathlib import Path
from anew import Experiment
import renamed_to
here = Path(__file__).parent
with Experiment("lab/toy", system_metrics=0) as exp:
    exp.log_metric("modified", float((here / "modified.txt").read_text()))
    exp.log_metric("added", float((here / "sub/added.txt").read_text()))
    exp.log_metric("deleted", float((here / "deleted.txt").exists()))
    exp.log_metric("renamed", renamed_to.VALUE)
    exp.log_metric("binary", float(sum((here / "data.bin").read_bytes())))
    exp.log_metric("executable", float(os.access(here / "tool.sh", os.X_OK)))
"""
    binary = bytes(range(256)) * 40
    project.write("modified.txt", "1")
    project.write("deleted.txt", "here")
    project.write("data.bin", binary)
    project.write("renamed_from.py", "VALUE = 5.0\n" + "# filler\n" * 20)
    project.commit(train=program)
    project.write("modified.txt", "2")
    project.write("sub/added.txt", "3")
    (project.path / "deleted.txt").unlink()
    (project.path / "renamed_from.py").rename(project.path / "renamed_to.py")
    project.write("data.bin", binary[::-1][:5000])
    project.write("tool.sh", "#!/bin/sh\n").chmod(0o755)
    status = project.git("status", "--porcelain")
    project.run()
    assert project.git("status", "--porcelain") == status, "recording left the index as it was"
    expected = {"modified": 2.0, "added": 3.0, "deleted": 0.0, "renamed": 5.0, "executable": 1.0}
    metrics = project.view().metrics
    assert {k: metrics[k].last for k in expected} == expected

    # Nothing of it is in the object store: the patch alone can bring it back.
    project.git("checkout", "--quiet", "--", ".")
    project.git("clean", "--quiet", "--force", "-d")
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert not [d for d in result.judgement.differences if d.kind == "code"]

    clone = tmp_path / "clone"
    project.git("clone", "--quiet", "--no-local", str(project.path), str(clone))
    project.path.rename(tmp_path / "gone")
    project.path = clone
    (again,) = project.reproduce(monkeypatch)
    assert again.judgement.verdict is Verdict.IDENTICAL
    assert again.prefix == "lab/toy-again-2"


def test_a_changed_package_is_named_and_the_result_compared(project, monkeypatch, tmp_path):
    site = tmp_path / "site"

    def install(version: str, value: float) -> None:
        shutil.rmtree(site, ignore_errors=True)
        (site / f"mylib-{version}.dist-info").mkdir(parents=True)
        (site / "mylib.py").write_text(f"VALUE = {value}\n")

    program = TRAIN.replace("import random\n", "import random, mylib\n").replace(
        '"loss": x', '"loss": x * mylib.VALUE'
    )
    project.commit(train=program)
    install("1.0", 1.0)
    project.run(PYTHONPATH=str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.syspath_prepend(str(site))
    assert project.reproduce(monkeypatch)[0].judgement.verdict is Verdict.IDENTICAL
    install("1.1", 1.0000001)
    said: list[str] = []
    (result,) = project.reproduce(monkeypatch, say=said.append)
    assert result.judgement.verdict is Verdict.DIVERGED
    assert "differs: the package mylib: 1.0 → 1.1" in said
    assert ("package", "mylib", "1.0", "1.1") in [
        (d.kind, d.what, d.a, d.b) for d in result.judgement.differences
    ]
    (close,) = project.reproduce(monkeypatch, tolerance=_tolerance(rtol=1e-5))
    assert close.judgement.verdict is Verdict.WITHIN_TOLERANCE


def _tolerance(**options):
    from anew.reproduce.verdict import Tolerance

    return Tolerance(**options)


def test_a_changed_input_is_found_before_the_run_and_named_as_the_cause(project, monkeypatch):
    program = """\
from anew import Experiment, seed_everything
seed_everything(1)
with Experiment("lab/toy", system_metrics=0) as exp:
    exp.inputs.add("data/train.csv")
    for step, line in enumerate(open("data/train.csv")):
        exp.log_metric("loss", float(line), step)
"""
    project.write(".gitignore", "data/\n")
    project.write("data/train.csv", "1\n2\n3\n")
    project.commit(train=program)
    project.run()
    (same,) = project.reproduce(monkeypatch)
    assert same.judgement.verdict is Verdict.IDENTICAL
    assert not same.judgement.differences
    project.write("data/train.csv", "1\n2\n4\n")
    said: list[str] = []
    (result,) = project.reproduce(monkeypatch, say=said.append)
    assert any("warning" in line and "data/train.csv" in line for line in said)
    assert (result.judgement.verdict, result.judgement.metrics[0].step) == (Verdict.DIVERGED, 2)
    assert [(d.kind, d.what) for d in result.judgement.differences] == [("data", "data/train.csv")]
    before = project.untouched()
    with pytest.raises(ReproduceError):
        project.reproduce(monkeypatch, strict=True)
    assert project.untouched() == before
    (project.path / "data/train.csv").unlink()
    before = project.untouched()
    with pytest.raises(ReproduceError):
        project.reproduce(monkeypatch)
    assert project.untouched() == before


def test_an_editable_project_is_imported_from_the_checkout(project, monkeypatch):
    project.write("src/pkg/__init__.py", "VALUE = 1.0\n")
    project.commit(
        train=(
            "import pkg\nfrom anew import Experiment\n"
            "with Experiment('lab/toy', system_metrics=0) as exp:\n    exp.log_metric('x', pkg.VALUE)\n"
        )
    )
    # What an editable install does: the interpreter itself adds the folder at its start.
    site = project.path.parent / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        f"import sys; sys.path.append({str(project.path / 'src')!r})"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    project.environ["PYTHONPATH"] = str(site)
    project.run()
    project.write("src/pkg/__init__.py", "VALUE = 2.0\n")
    assert project.reproduce(monkeypatch)[0].judgement.verdict is Verdict.IDENTICAL


def test_the_right_one_of_several_experiments_of_a_program_is_compared(project, monkeypatch):
    program = """\
from anew import Experiment
for name, value in (("lab/first", 1.0), ("lab/toy", 2.0), ("nameless", 3.0), ("lab/last", 4.0)):
    with Experiment(name, system_metrics=0) as exp:
        exp.log_metric("x", value)
"""
    project.commit(train=program)
    project.run()
    with Store(project.root) as store:
        assert len(store) == 4
        nameless = store.list(name="nameless")[0]
    for ref, value in (("lab/toy", 2.0), (nameless.prefix, 3.0), ("lab/last", 4.0)):
        (result,) = project.reproduce(monkeypatch, ref)
        assert result.judgement.verdict is Verdict.IDENTICAL
        assert project.view(result.prefix).metrics["x"].last == value
        assert project.view(result.prefix).metrics["x"].count == 1
        others = project.root / result.prefix / "others"
        assert len([p for p in others.rglob("journal") if p.is_dir()]) == 3
    assert project.view("lab/first").metrics["x"].count == 1, "the original was not written to"
    with Store(project.root) as store:
        assert len(store.list()) == 4, "what ran again does not count again"
        assert store.list().left_out == 3 * 4


def test_a_program_with_a_root_of_its_own_does_not_touch_the_original(project, monkeypatch):
    project.commit(
        train=TRAIN.replace("system_metrics=0", f"system_metrics=0, root={str(project.root)!r}")
    )
    project.run()
    assert project.reproduce(monkeypatch)[0].judgement.verdict is Verdict.IDENTICAL
    assert project.view().metrics["loss"].count == 20


def test_several_runs_share_a_checkout_and_tell_their_spread(project, monkeypatch):
    from anew.reproduce.spread import spread_of

    project.commit(train=TRAIN.replace("seed_everything(7)", ""))
    project.run()
    results = project.reproduce(monkeypatch, times=3)
    assert [r.prefix for r in results] == [f"lab/toy-again-{n}" for n in (1, 2, 3)]
    row = spread_of(results)["loss"]
    assert row["runs"] == 3
    assert row["min"] < row["mean"] < row["max"]
    assert row["std"] > 0


def test_a_failing_re_run_says_that_it_failed(project, monkeypatch):
    program = TRAIN.replace(
        "for step in range(20):", "for step in range(20 if not os.path.exists(FLAG) else 5):"
    )
    flag = project.path.parent / "flag"
    program = (
        f"import os\nFLAG = {str(flag)!r}\n"
        + program
        + "if os.path.exists(FLAG): raise SystemExit('no')\n"
    )
    project.commit(train=program)
    project.run()
    flag.touch()
    (result,) = project.reproduce(monkeypatch)
    assert (result.judgement.verdict, result.judgement.metrics[0].step) == (Verdict.DIVERGED, 5)
    assert "the re-run failed: exit code 1" in result.judgement.notes
    assert project.view(result.prefix).status is Status.FAILED


def test_code_outside_git_comes_back_from_what_was_loaded(tmp_path, monkeypatch):
    project = Project(tmp_path / "loose", git=False)
    project.write("helper.py", "FACTOR = 3.0\n")
    project.write(
        "train.py",
        TRAIN.replace("import random\n", "import random, helper\n").replace(
            "x * 0.9", "x * 0.3 * helper.FACTOR"
        ),
    )
    project.run()
    project.write("helper.py", "FACTOR = 1.0\n")
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL


def test_submodules_and_changes_inside_them_come_back(project, monkeypatch, tmp_path):
    library = Project(tmp_path / "library")
    library.write("lib.py", "VALUE = 1.0\n")
    library.commit()
    project.git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(library.path),
        "vendor/lib",
    )
    project.commit(
        train=(
            "import sys\nsys.path.insert(0, 'vendor/lib')\nimport lib\nfrom anew import Experiment\n"
            "with Experiment('lab/toy', system_metrics=0) as exp:\n    exp.log_metric('x', lib.VALUE)\n"
        )
    )
    project.write("vendor/lib/lib.py", "VALUE = 2.5\n")
    project.run()
    assert "vendor/lib" in project.view().captured["git"]["submodules"]
    project.write("vendor/lib/lib.py", "VALUE = 9.0\n")
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert project.view(result.prefix).metrics["x"].last == 2.5


# -- what cannot be done: each refused with a reason, and nothing changed ---------------------------


@pytest.fixture
def recorded(project: Project) -> Project:
    project.commit(train=TRAIN)
    project.run()
    return project


def refused(project: Project, monkeypatch, match: str, error=ReproduceError, **options) -> None:
    before = project.untouched()
    with pytest.raises(error, match=match):
        project.reproduce(monkeypatch, **options)
    assert project.untouched() == before


def test_a_commit_that_is_not_in_the_clone(recorded, monkeypatch, tmp_path):
    other = Project(tmp_path / "other")
    other.commit()
    refused(
        recorded,
        monkeypatch,
        r"Commit \w{12} of lab/toy is not in the clone at .*other.*git fetch",
        repo=str(other.path),
    )
    refused(recorded, monkeypatch, "git repository", repo=str(tmp_path))


def test_a_patch_that_does_not_apply(project, monkeypatch):
    project.commit(train=TRAIN)
    project.write("train.py", TRAIN + "# changed\n")
    project.run()
    patch = project.folder() / "environment/git.patch"
    data = patch.read_bytes()
    # A sound patch that was made for other code, with its hash recorded.
    import hashlib

    broken = data.replace(b" with Experiment", b" without Experiment")
    broken = data.replace(b"         exp.log_metrics", b"         exp.log_nothing")
    assert broken != data
    patch.unlink()
    patch.write_bytes(broken)
    refused(project, monkeypatch, "has been changed")
    journal = segment(project.folder(), "journal")
    journal.write_bytes(
        journal.read_bytes().replace(
            hashlib.sha256(data).hexdigest().encode(), hashlib.sha256(broken).hexdigest().encode()
        )
    )
    with Store(project.root) as store:
        store.rebuild()
    changed = {"confirmed": True, "repo": str(project.path)}  # by hand, so it is not one's own
    refused(
        project,
        monkeypatch,
        r"does not apply to commit \w{12}: error: patch failed: train.py",
        **changed,
    )
    patch.unlink()
    refused(project, monkeypatch, "is gone")


def test_a_missing_interpreter(recorded, monkeypatch):
    refused(recorded, monkeypatch, "/no/python.*--python", python="/no/python")
    refused(recorded, monkeypatch, "false", python=shutil.which("false"))


def test_an_original_that_is_still_running(recorded, monkeypatch):
    from anew import Experiment

    with Experiment("lab/running", root=recorded.root, quiet=True, console="off", system_metrics=0):
        refused(recorded, monkeypatch, "is still running", StillRunning, ref="lab/running")


def test_a_recorded_command_that_is_gone(project, monkeypatch):
    project.write(".gitignore", "ignored.py\n")
    project.commit()
    project.write("ignored.py", TRAIN)
    project.run("ignored.py")
    refused(project, monkeypatch, "'ignored.py'")
    tool = project.path.parent / "tool.sh"
    tool.write_text(f"#!/bin/sh\nexec {sys.executable} ignored.py\n")
    tool.chmod(0o755)
    project.anew("run", "--prefix", "lab/tool", "--", str(tool), check=True)
    tool.unlink()
    refused(project, monkeypatch, "tool.sh", ref="lab/tool")


def test_a_secret_in_the_command_line_is_asked_for_again(project, monkeypatch):
    project.commit(train=TRAIN)
    project.run("train.py", "--token", "hunter2hunter2")
    refused(project, monkeypatch, r"\*\*\*")
    (result,) = project.reproduce(monkeypatch, command=("python", "train.py", "--token", "again"))
    assert result.judgement.verdict is Verdict.IDENTICAL


def test_an_interactive_session(project, monkeypatch):
    project.commit(train=TRAIN)
    subprocess.run(
        [sys.executable, "-i"], input=TRAIN.replace("    exp", "    exp"), cwd=project.path, env=project.environ,
        text=True, capture_output=True, check=True,
    )  # fmt: skip
    refused(project, monkeypatch, "interactive session")


def test_an_unknown_experiment(recorded, monkeypatch):
    refused(recorded, monkeypatch, "nobody", NotFound, ref="lab/nobody")


EVALUATE = """\
from anew import Experiment

with Experiment("lab/toy", resume="must", system_metrics=0) as exp:
    exp.log_metric("test/accuracy", 0.9, step=exp.last_step)
    exp.log_metric("loss", 0.01, step=exp.last_step + 1)
"""


def test_what_an_evaluation_added_later_is_not_asked_of_a_re_run_of_the_training(
    project, monkeypatch
):
    project.commit(train=TRAIN, evaluate=EVALUATE)
    project.run()
    project.run("evaluate.py")
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict == "IDENTICAL"
    assert [m.metric for m in result.judgement.metrics] == ["loss"]
    assert result.judgement.metrics[0].points_a == 20
    assert "test/accuracy" in result.judgement.left_out


def test_no_metrics_in_common_is_not_comparable(recorded, monkeypatch):
    recorded.commit(other=TRAIN.replace('"loss"', '"other"').replace("lab/toy", "lab/other"))
    recorded.run("other.py")
    done = recorded.anew("diff", "lab/toy", "lab/other")
    assert done.returncode == 2
    assert "NOT COMPARABLE: they have no metrics in common" in done.stdout


def test_a_worktree_left_by_an_aborted_attempt_is_removed_and_said(recorded, monkeypatch):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = recorded.temporary / f"anew-{dead.pid}-abc" / "code"
    left.parent.mkdir()
    recorded.git("worktree", "add", "--quiet", "--detach", str(left))
    mine = recorded.path.parent / "users-own"
    recorded.git("worktree", "add", "--quiet", "--detach", str(mine))
    said: list[str] = []
    (result,) = recorded.reproduce(monkeypatch, say=said.append)
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert any(f"anew-{dead.pid}-abc" in line for line in said)
    assert not left.parent.exists()
    assert mine.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_the_child_and_removes_the_checkout(project, number):
    flag = project.path.parent / "flag"
    program = TRAIN.replace(
        "        exp.log_metrics", f"        import os, time; time.sleep(3600 * (step == 5 and os.path.exists({str(flag)!r})))\n        exp.log_metrics"
    )  # fmt: skip
    project.commit(train=program)
    project.run()
    flag.touch()
    before = project.untouched()
    process = subprocess.Popen(
        [sys.executable, "-m", "anew", "reproduce", "lab/toy"], cwd=project.path, env=project.environ,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    points = project.folder("lab/toy-again-1") / "metrics"
    deadline = time.monotonic() + 300
    while not (points.exists() and any(p.read_bytes().count(b"\n") >= 5 for p in points.iterdir())):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 130, errors
    assert "was interrupted" in errors
    child = project.view("lab/toy-again-1")
    assert child.status is Status.CANCELLED
    assert child.metrics["loss"].count == 5
    after = project.untouched()
    assert (after["worktrees"], after["temporary"], after["status"]) == (
        before["worktrees"], before["temporary"], before["status"],
    )  # fmt: skip


def test_an_experiment_opened_again_by_a_prefix_without_a_slash_is_the_same_one(
    project, monkeypatch
):
    program = """\
from anew import Experiment
for value in (1.0, 2.0):
    with Experiment(prefix="toy", system_metrics=0, resume="allow") as exp:
        exp.log_metric("x", value)
"""
    project.commit(train=program)
    project.run()
    (result,) = project.reproduce(monkeypatch, "toy")
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert project.view(result.prefix).metrics["x"].count == 2
    assert not (project.root / result.prefix / "others").exists()


@pytest.mark.parametrize(("which", "value"), [("toy~1", 1.0), ("toy~2", 2.0)])
def test_of_experiments_that_a_program_opens_under_one_prefix_the_one_that_is_meant_counts(
    project, monkeypatch, which, value
):
    program = """\
from anew import Experiment
for value in (1.0, 2.0):
    with Experiment(prefix="toy", system_metrics=0) as exp:
        exp.log_metric("x", value)
"""
    project.commit(train=program)
    project.run()
    (result,) = project.reproduce(monkeypatch, which)
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert project.view(result.prefix).metrics["x"].last == value
