"""Causes by proof: real re-runs with one thing at a time as it was."""

from __future__ import annotations

from anew import Store
from projects import TRAIN

IGNORED = TRAIN.replace(
    "    x = 1.0\n",
    """\
    import os
    os.path.exists('other.txt') and open('other.txt').read()
    x = float(open('local.txt').read()) if os.path.exists('local.txt') else 1.0
""",
)


def causes(result):
    return [(one.kind, one.what) for one in result.judgement.explanation.causes]


def test_a_file_that_git_ignores_is_proven_to_be_the_cause(project, monkeypatch):
    project.write(".gitignore", "local.txt\nother.txt\n")
    project.write("local.txt", "2.0")
    project.write("other.txt", "x")
    project.commit(train=IGNORED)
    project.run(NOBODY_LISTS="1")
    (result,) = project.reproduce(monkeypatch, explained=True)
    explanation = result.judgement.explanation
    assert explanation.cause == "proven"
    assert causes(result) == [("data", "local.txt")]
    assert ("data", "other.txt") in [(one.kind, one.what) for one in explanation.cleared]
    assert ("variable", "NOBODY_LISTS") not in [(one.kind, one.what) for one in explanation.causes]
    with Store(project.root) as store:
        runs = store.list(reproductions=True)
        probes = [one for one in runs if "probe" in one.captured]
        assert len(runs) - 1 == explanation.runs
        assert len(probes) == explanation.runs - 2
        kept = store.get(result.experiment_id).captured["verdict"]["explanation"]
    assert kept["cause"] == "proven"
    assert kept["runs"] == explanation.runs
    assert [one["what"] for one in kept["causes"]] == ["local.txt"]


def test_a_variable_that_is_set_now_is_proven_to_be_the_cause(project, monkeypatch):
    project.commit(
        train="import os\n" + TRAIN.replace("x = 1.0", "x = float(os.environ.get('MY_START', 1))")
    )
    project.run()
    monkeypatch.setenv("MY_START", "3")
    monkeypatch.setenv("MY_OTHER", "3")
    (result,) = project.reproduce(monkeypatch, explained=True)
    assert result.judgement.explanation.cause == "proven"
    assert causes(result) == [("variable", "MY_START")]


def test_what_cannot_be_swapped_is_suspected_and_not_named(project, monkeypatch):
    data = project.path.parent / "data.txt"
    data.write_text("1.0")
    project.commit(train=f"PATH = {str(data)!r}\n" + TRAIN.replace("x = 1.0", "x = float(open(PATH).read())"))  # fmt: skip
    project.run()
    data.write_text("2.0")
    monkeypatch.setenv("MY_OTHER", "3")
    (result,) = project.reproduce(monkeypatch, explained=True)
    explanation = result.judgement.explanation
    assert explanation.cause == "inputs"
    assert explanation.causes == []
    assert [one.what for one in explanation.suspects] == [str(data)]
    assert [one.what for one in explanation.cleared] == ["MY_OTHER"]
