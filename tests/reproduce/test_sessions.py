"""Experiments that were continued are run again session by session, each from what the one before it left."""

from __future__ import annotations

import os
import sys

import pytest

from anew.reproduce.carrying import Carried, written
from anew.reproduce.verdict import Verdict

# Keeps its own checkpoint beside the program, and goes on from it; STOP says where it is ended from outside.
RESUMES = """\
import json, os, random, signal, sys
from anew import Experiment, seed_everything

LR = 0.1
seed_everything(7)
with Experiment("lab/toy", system_metrics=0, resume="allow") as exp:
    x, begin = 1.0, 0
    if os.path.exists("last.json"):
        x, begin, state = json.load(open("last.json"))
        random.setstate((state[0], tuple(state[1]), state[2]))
    for step in range(begin, int(sys.argv[1])):
        x = x * (1 - LR) + random.random() * LR
        exp.log_metric("loss", x, step=step)
        if os.environ.get("STOP") == str(step):
            os.kill(os.getpid(), int(os.environ["SIGNAL"]))
        if step % 5 == 4:
            json.dump([x, step + 1, random.getstate()], open("last.json", "w"))
"""


@pytest.fixture
def resumed(project):
    project.write(".gitignore", "last.json\n")
    project.commit(train=RESUMES)
    project.run("train.py", "10")
    return project


def test_each_session_is_run_again_from_what_the_one_before_it_left(resumed, monkeypatch):
    """The second has other code and another command; the checkpoint of the original is another by then."""
    resumed.commit(train=RESUMES.replace("LR = 0.1", "LR = 0.2"))
    resumed.run("train.py", "20")
    (resumed.path / "last.json").write_text("[100.0, 3, [3, [], null]]")
    said: list[str] = []
    (result,) = resumed.reproduce(monkeypatch, say=said.append)
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert result.judgement.metrics[0].matched == 20
    child = resumed.view(result.prefix)
    assert [one.captured["command"]["argv"][-1] for one in child.openings] == ["10", "20"]
    assert (resumed.path / "last.json").read_text().startswith("[100.0")


def test_the_session_that_parts_first_is_named(resumed, monkeypatch):
    noisy = RESUMES.replace("random.random() * LR", "random.SystemRandom().random() * LR")
    resumed.commit(train=noisy)
    resumed.run("train.py", "20")
    (result,) = resumed.reproduce(monkeypatch)
    metric = result.judgement.metrics[0]
    assert (metric.verdict, metric.step, metric.session) == (Verdict.DIVERGED, 10, 2)


@pytest.mark.parametrize("number", [9, 2])
def test_a_session_that_was_ended_from_outside_is_ended_where_it_was(project, monkeypatch, number):
    project.write(".gitignore", "last.json\n")
    project.commit(train=RESUMES)
    project.call(sys.executable, "train.py", "20", check=False, STOP="12", SIGNAL=str(number))
    project.run("train.py", "20")
    original = project.view()
    assert original.metrics["loss"].count == 23  # steps 10 to 12 came twice
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert result.judgement.metrics[0].matched == 23


def test_after_a_session_that_fails_in_the_re_run_alone_none_is_begun(resumed, monkeypatch):
    program = f"import os\nif {str(resumed.path)!r} != os.getcwd(): raise SystemExit(3)\n"
    resumed.commit(train=program + RESUMES)
    resumed.run("train.py", "20")
    resumed.run("train.py", "30")
    (result,) = resumed.reproduce(monkeypatch)
    assert (result.judgement.verdict, result.ended.code) == (Verdict.DIVERGED, 3)
    assert resumed.view(result.prefix).metrics["loss"].count == 10


def test_a_command_that_is_given_is_run_once(resumed, monkeypatch):
    resumed.run("train.py", "20")
    (result,) = resumed.reproduce(monkeypatch, command=[sys.executable, "train.py", "20"])
    assert len(resumed.view(result.prefix).openings) == 1
    assert result.judgement.verdict is Verdict.IDENTICAL


def test_what_a_session_wrote_is_carried_and_what_it_only_read_is_not(tmp_path):
    work, aside = tmp_path / "work", tmp_path / "aside"
    (work / "sub").mkdir(parents=True)
    (work / "sub/kept").write_text("1")
    (work / "changed").write_text("1")
    before = written(str(work))
    (work / "changed").write_text("22")
    (work / "sub/new").write_text("3")
    os.symlink("sub", work / "link")
    (work / "__pycache__").mkdir()
    (work / "__pycache__/x.pyc").write_text("")
    carried = Carried(str(work), before, str(aside))
    assert carried.paths == ["changed", "link", "sub/new"]
    (work / "changed").write_text("of the next commit")
    carried.put_into(str(work))
    assert (work / "changed").read_text() == "22"
    assert (work / "sub/new").read_text() == "3"
    assert os.readlink(work / "link") == "sub"
    assert not aside.exists()
