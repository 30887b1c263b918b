"""Commits that no remote has: the record holds a second patch, against the newest commit that one has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from anew import Store
from anew.errors import ReproduceError
from anew.reproduce.plan import make_plan
from anew.reproduce.verdict import Verdict
from projects import TRAIN, Project


@pytest.fixture
def pushed(project: Project) -> Project:
    """One commit is on a remote; a later one, and a change after it, are not."""
    remote = project.path.parent / "remote.git"
    project.git("init", "--quiet", "--bare", str(remote))
    project.git("remote", "add", "origin", str(remote))
    project.write("helper.py", "START = 5.0\n")
    project.commit(train=TRAIN)
    project.git("push", "--quiet", "origin", "main")
    project.write("helper.py", "START = 1.0\n")
    project.write("data.bin", bytes(range(256)))
    project.commit(train="import helper\n" + TRAIN.replace("x = 1.0", "x = helper.START"))
    project.write("helper.py", "START = 2.0\n")
    return project


def clone(project: Project, folder: Path) -> Path:
    """What another machine has of the code: what was pushed."""
    remote = str(project.path.parent / "remote.git")
    subprocess.run(["git", "clone", "--quiet", "-b", "main", remote, str(folder)], check=True)
    return folder


def test_a_clone_of_what_was_pushed_is_enough(pushed, monkeypatch, tmp_path):
    pushed.run()
    git = pushed.view().captured["git"]
    assert git["pushed"] == pushed.git("rev-parse", "HEAD~1")
    assert pushed.view().read_capture("pushed.patch")
    elsewhere = clone(pushed, tmp_path / "elsewhere")
    (result,) = pushed.reproduce(monkeypatch, repo=str(elsewhere))
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert not [one for one in result.judgement.differences if one.kind == "code"]


def test_reproduce_sh_applies_it_too(pushed, tmp_path):
    pushed.run()
    elsewhere = clone(pushed, tmp_path / "elsewhere")
    script = str(pushed.folder() / "reproduce.sh")
    done = pushed.call(
        "bash", script, "--current", "--repo", str(elsewhere), "--python", sys.executable,
        "--into", str(tmp_path / "work"),
    )  # fmt: skip
    with Store(tmp_path / "work" / "experiments") as store:
        again = store.get("lab/toy").metrics["loss"].last
    assert again == pushed.view().metrics["loss"].last, done.stderr


def test_there_is_none_where_the_commit_was_pushed_or_there_is_no_remote(pushed, project):
    pushed.git("push", "--quiet", "origin", "main")
    pushed.run()
    assert "pushed" not in pushed.view().captured["git"]
    assert pushed.view().read_capture("pushed.patch") is None


def test_changes_since_that_are_too_large_are_said_to_be(pushed, monkeypatch, tmp_path):
    pushed.write("large.bin", bytes(11 << 20))
    pushed.commit()
    pushed.run()
    git = pushed.view().captured["git"]
    assert git["pushed"]
    assert "bytes" in git["pushed_why"]
    assert "pushed_patch" not in git
    elsewhere = clone(pushed, tmp_path / "elsewhere")
    pushed.enter(monkeypatch)
    with Store(pushed.root) as store, pytest.raises(ReproduceError) as refused:
        make_plan(store, store.get("lab/toy"), repo=str(elsewhere))
    assert refused.value.why == "no commit"
