"""Runs with something otherwise on purpose: they say what it does, and are never taken for a reproduction."""

from __future__ import annotations

import pytest

from anew import Store
from anew.errors import InvalidValue, ReproduceError
from anew.reproduce.plan import make_plan
from anew.reproduce.replay import replay
from anew.reproduce.verdict import Verdict
from anew.reproduce.whatif import intended_plan
from projects import TRAIN

from ..cli.conftest import call

READS = TRAIN.replace("    x = 1.0\n", "    exp.inputs.add('in.txt')\n    x = float(open('in.txt').read())\n")  # fmt: skip
VARIABLE = "import os\n" + TRAIN.replace("x = 1.0", "x = float(os.environ.get('MY_START', 1))")


def run_with(project, monkeypatch, *wishes, **options):
    project.enter(monkeypatch)
    with Store(project.root) as store:
        plan = intended_plan(make_plan(store, store.get("lab/toy")), wishes)
        (result,) = replay(store, plan, figure=False, **options)
    return result


def kinds(differences):
    return {(one.kind, one.what) for one in differences}


def test_todays_code_with_a_change_that_matters(project, monkeypatch):
    commit = project.commit(train=TRAIN)
    project.run()
    project.commit(train=TRAIN.replace("x * 0.9", "x * 0.8"))
    project.write("helper.py", "X = 1\n")
    result = run_with(project, monkeypatch, "code")
    judgement = result.judgement
    assert (judgement.verdict, judgement.exit_code) == (Verdict.CHANGED, 1)
    assert [one.what for one in judgement.intended] == ["code"]
    assert ("code", "commit") in kinds(judgement.follows)
    assert ("code", "helper.py") in kinds(judgement.follows)
    assert judgement.differences == []
    child, original = project.view(result.prefix), project.view()
    assert (child.parent, child.relation, result.prefix) == (
        original.id,
        "what-if",
        "lab/toy-with-1",
    )
    assert "reproduction" not in original.captured
    assert "verdict" not in child.captured
    assert child.captured["what_if"]["verdict"] == "CHANGED"
    back = run_with(project, monkeypatch, f"code={commit}")
    assert back.judgement.verdict is Verdict.UNCHANGED


@pytest.mark.slow
def test_which_file_of_todays_code_changed_the_result_is_proven(project, monkeypatch):
    project.write("mylib.py", "A = 0.9\n")
    project.write("other.py", "B = 1\n")
    program = "import mylib, other\n" + TRAIN.replace("0.9", "mylib.A", 1)
    project.commit(train=program)
    project.run()
    project.write("mylib.py", "A = 0.8\n")
    project.write("other.py", "B = 2\n")
    project.commit(train=program + "# a remark\n")
    explanation = run_with(project, monkeypatch, "code", explained=True).judgement.explanation
    assert explanation.cause == "proven"
    assert kinds(explanation.causes) == {("code", "mylib.py")}
    assert ("code", "other.py") in kinds(explanation.cleared)


@pytest.mark.slow
def test_other_data(project, monkeypatch):
    project.write("in.txt", "1.0")
    project.write("other.txt", "2.0")
    project.write(".gitignore", "*.txt\n")
    project.commit(train=READS)
    project.run()
    result = run_with(project, monkeypatch, "data=in.txt=other.txt")
    assert result.judgement.verdict is Verdict.CHANGED
    assert ("data", "in.txt") in kinds(result.judgement.follows)


def test_a_variable_and_the_command_line(project, monkeypatch):
    project.commit(train=VARIABLE)
    project.run()
    same = run_with(project, monkeypatch, "variable=MY_START=1")
    assert same.judgement.verdict is Verdict.UNCHANGED
    done = call(
        "--root", project.root, "reproduce", "lab/toy", "--with", "variable=MY_START=4", "--json"
    )
    assert (done.code, done.json["verdict"]) == (1, "CHANGED")
    assert done.json["intended"][0]["what"] == "variable"
    assert "MY_START" in str(done.json["follows"])
    plan = call(
        "--root", project.root, "reproduce", "lab/toy", "--with", "cores=1", "--dry-run", "--json"
    ).json
    assert [one["what"] for one in plan["intended"]] == ["cores"]


def test_what_is_not_understood_is_refused(project, monkeypatch):
    project.commit(train=TRAIN)
    project.run()
    for wish in ("luck", "variable=1X=2", "packages=numpy", "cores=0", "data=x"):
        with pytest.raises((InvalidValue, ReproduceError)):
            run_with(project, monkeypatch, wish)
