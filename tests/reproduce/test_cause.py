"""Causes by proof: real re-runs with one thing at a time as it was."""

from __future__ import annotations

import os
import shutil
import zipfile

import pytest

from anew import Store
from anew.reproduce.cause import Budget
from projects import TRAIN

READS = TRAIN.replace("    x = 1.0\n", "    exp.inputs.add('in.txt')\n    x = float(open('in.txt').read())\n")  # fmt: skip
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_package_is_installed_as_it_was_where_that_is_asked_for(project, monkeypatch, tmp_path):
    wheels, site = tmp_path / "wheels", tmp_path / "site-packages"
    wheels.mkdir()
    for version, value in (("1.0", 1.0), ("1.1", 2.0)):
        wheel(wheels, version, value)
    program = TRAIN.replace("import random\n", "import random, mylib\n").replace('"loss": x', '"loss": x * mylib.VALUE')  # fmt: skip
    project.commit(train=program)
    unpack(wheels / "mylib-1.0-py3-none-any.whl", site)
    project.run(PYTHONPATH=str(site))
    shutil.rmtree(site)
    unpack(wheels / "mylib-1.1-py3-none-any.whl", site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.syspath_prepend(str(site))
    (asked_nothing,) = project.reproduce(monkeypatch, explained=True)
    assert [one.what for one in asked_nothing.judgement.explanation.suspects] == ["mylib"]
    for name in ("PIP", "UV"):
        monkeypatch.setenv(f"{name}_FIND_LINKS", str(wheels))
        monkeypatch.setenv(f"{name}_NO_INDEX", "1")
    (result,) = project.reproduce(monkeypatch, explained=True, installs=True)
    assert result.judgement.explanation.cause == "proven"
    assert causes(result) == [("package", "mylib")]


def wheel(folder, version, value):
    info = f"mylib-{version}.dist-info"
    with zipfile.ZipFile(folder / f"mylib-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr("mylib.py", f"VALUE = {value}\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: mylib\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(
            f"{info}/RECORD", f"mylib.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )


def unpack(path, folder):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_the_number_of_cores_is_proven_to_be_the_cause(project, monkeypatch):
    project.commit(train="import os\n" + TRAIN.replace("x = 1.0", "x = float(len(os.sched_getaffinity(0)))"))  # fmt: skip
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:1])
    try:
        project.run()
    finally:
        os.sched_setaffinity(0, before)
    (result,) = project.reproduce(monkeypatch, explained=True)
    assert causes(result) == [("hardware", "usable_cores")]
    assert os.sched_getaffinity(0) == before


@pytest.mark.slow
def test_an_input_that_was_committed_once_is_found_in_the_history(project, monkeypatch):
    project.write("in.txt", "1.0")
    first = project.commit(train=READS)
    project.git("rm", "--quiet", "--cached", "in.txt")
    project.write(".gitignore", "in.txt\n")
    project.commit()
    project.run()
    project.write("in.txt", "2.0")
    (result,) = project.reproduce(monkeypatch, explained=True)
    assert first
    assert causes(result) == [("data", "in.txt")]


@pytest.mark.slow
def test_the_search_ends_at_its_budget_and_names_nothing(project, monkeypatch):
    project.write(".gitignore", "local.txt\nother.txt\n")
    project.write("local.txt", "2.0")
    project.write("other.txt", "x")
    project.commit(train=IGNORED)
    project.run()
    (result,) = project.reproduce(monkeypatch, explained=True, budget=Budget(runs=1))
    explanation = result.judgement.explanation
    assert (explanation.cause, explanation.causes, explanation.runs) == ("inputs", [], 3)
    assert {"local.txt", "other.txt"} <= {one.what for one in explanation.suspects}
    (none,) = project.reproduce(monkeypatch, explained=True, budget=Budget(runs=0))
    assert none.judgement.explanation.runs == 2
