"""However a program is started and wherever its code lies, a re-run runs the recorded code or says that it did not."""

from __future__ import annotations

import os
import sys
import time

import pytest

from anew.provenance.ran import ImportTimes, what_ran
from anew.reproduce.verdict import Verdict
from projects import TRAIN

USES = "import helper\n" + TRAIN.replace("x = 1.0", "x = helper.START")


def causes(judgement):
    return {(one.kind, one.what) for one in judgement.differences if one.weight == "likely"}


@pytest.mark.parametrize("inside", [False, True])
def test_started_through_a_symlink_it_runs_the_checkout(project, monkeypatch, inside):
    """Of the repository's folder, or of the script alone."""
    project.write("helper.py", "START = 1.0\n")
    project.commit(train=USES)
    if inside:
        link = project.path.parent / "link"
        link.symlink_to(project.path)
        project.call(sys.executable, "train.py", cwd=link)
    else:
        link = project.path.parent / "elsewhere" / "run.py"
        link.parent.mkdir()
        link.symlink_to(project.path / "train.py")
        project.call(sys.executable, str(link), cwd=link.parent)
    project.write("helper.py", "START = 100.0\n")
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL


def test_a_package_of_a_monorepo_that_the_path_leads_to_is_the_checkouts(project, monkeypatch):
    """As an editable install with a flat layout puts the folder of the package on the path."""
    project.write("libs/one/mylib/__init__.py", "START = 1.0\n")
    project.write("apps/train.py", "import mylib\n" + TRAIN.replace("x = 1.0", "x = mylib.START"))
    project.commit()
    paths = os.pathsep.join([str(project.path / "libs/one")])
    project.call(sys.executable, "apps/train.py", PYTHONPATH=paths)
    project.write("libs/one/mylib/__init__.py", "START = 100.0\n")
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert project.view(result.prefix).captured["ran"]["modules"].keys() == {
        "apps/train.py", "libs/one/mylib/__init__.py",
    }  # fmt: skip


def test_code_that_was_edited_during_the_start_is_named(project, monkeypatch):
    """After it was imported, and before the experiment was opened."""
    project.write("helper.py", "START = 1.0\n")
    edit = "import anew.tracking.experiment, helper, time, pathlib\ntime.sleep(0.05)\n"
    edit += "pathlib.Path('helper.py').write_text('START = 30.0\\n')\n"
    project.commit(train=edit + USES)
    said = project.run()
    assert "helper.py" in said
    assert project.view().captured["ran"]["changed"] == ["helper.py"]
    (result,) = project.reproduce(monkeypatch)
    assert ("code", "helper.py") in causes(result.judgement)


def test_a_module_that_the_program_wrote_and_imported_was_not_changed(project):
    program = "import anew.tracking.experiment, pathlib\n"
    program += "pathlib.Path('made.py').write_text('X = 1\\n')\nimport made\n"
    project.write(".gitignore", "made.py\n")
    project.commit(train=program + TRAIN)
    project.run()
    ran = project.view().captured["ran"]
    assert "made.py" in ran["modules"]
    assert "changed" not in ran


def test_a_time_in_the_future_is_no_change(tmp_path, monkeypatch):
    path = tmp_path / "a_module_of_the_future.py"
    path.write_text("")
    os.utime(path, (time.time() + 3600,) * 2)
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("a_module_of_the_future")
    try:
        assert "changed" not in what_ran(None, "/nowhere", ImportTimes())
    finally:
        del sys.modules["a_module_of_the_future"]


def test_a_checkpoint_at_an_absolute_path_is_told_as_what_it_is(project, monkeypatch):
    """The re-run of the second session reads the original's: nothing can put the re-run's own there."""
    last = project.path.parent / "last.txt"
    program = TRAIN.replace('config={"lr": 0.5}, ', "resume='allow', ").replace(
        "x = 1.0",
        f"x = float(open({str(last)!r}).read()) if os.path.exists({str(last)!r}) else 1.0",
    )
    project.commit(train=f"import os\n{program}open({str(last)!r}, 'w').write(str(x))\n")
    project.run()
    project.run()
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.DIVERGED
    assert str(last) in {one.what for one in result.judgement.differences}
