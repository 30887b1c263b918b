"""What brings the difference between two experiments, by running the second with parts of the first."""

from __future__ import annotations

import pytest

from projects import TRAIN

from ..cli.conftest import call

PROGRAM = "import sys, mylib\n" + TRAIN.replace("x = 1.0", "x = float(sys.argv[1])").replace(
    "0.9", "mylib.A"
)


def asked(project, *arguments):
    done = call(
        "--root", project.root, "diff", "lab/toy~1", "lab/toy", "--explain", "--json", *arguments
    )
    explanation = done.json["explanation"]
    causes = {(one["kind"], one["what"]) for one in explanation["causes"]}
    return done.code, explanation["cause"], causes, explanation


def recorded(project, code, argument, **environ):
    project.write("mylib.py", code)
    project.commit(train=PROGRAM)
    project.run("train.py", argument, **environ)


@pytest.mark.slow
def test_a_changed_file_is_told_from_what_changed_with_it(project, monkeypatch):
    recorded(project, "A = 0.9\n", "1", MY_OTHER="1")
    project.write("unused.py", "X = 1\n")
    recorded(project, "A = 0.8\n", "1")
    project.enter(monkeypatch)
    code, cause, causes, explanation = asked(project)
    assert (code, cause, causes) == (1, "proven", {("code", "mylib.py")})
    assert "unused.py" in [one["what"] for one in explanation["cleared"]]


@pytest.mark.slow
def test_two_changes_that_are_needed_together_are_named_together(project, monkeypatch):
    recorded(project, "A = 0.9\n", "1")
    recorded(project, "A = 0.8\n", "2")
    project.enter(monkeypatch)
    _, cause, causes, _ = asked(project)
    assert cause == "proven"
    assert causes == {("code", "mylib.py"), ("command", "arguments")}


def test_a_second_that_does_not_come_back_explains_nothing(project, monkeypatch):
    recorded(project, "A = 0.9\n", "1")
    recorded(project, "import random\nA = 0.8 + random.SystemRandom().random()\n", "1")
    project.enter(monkeypatch)
    code, cause, causes, _ = asked(project)
    assert (code, cause, causes) == (1, "not deterministic", set())
