"""A notebook is run again from its recorded cells, in a fresh kernel."""

from __future__ import annotations

import sys

import pytest

from anew import Store
from anew.errors import ReproduceError
from anew.reproduce.kernel import cells_of
from anew.reproduce.plan import make_plan
from anew.reproduce.verdict import Verdict

CELLS = [
    "import random\nimport anew\nfrom helper import START\nanew.seed_everything(7)",
    "exp = anew.start('lab/toy', system_metrics=0)",
    "%config InlineBackend.figure_formats = ['png']\nx = START\nthis_name_is_not_there",
    "for step in range(5):\n    x = x * 0.9 + random.random()\n    anew.log_metric('loss', x, step=step)",
    "'# %% [9]\\n'\nanew.finish()",
]
EXECUTE = """\
import sys
from anew.reproduce.kernel import main
sys.exit(main(sys.argv[1]))
"""


def recorded(project, cells):
    """An experiment of a notebook with these cells, run in a kernel as Jupyter does."""
    project.write("helper.py", "START = 1.0\n")
    project.commit(execute=EXECUTE)
    text = "\n\n".join(f"# %% [{n}]\n{cell}" for n, cell in enumerate(cells, 1)) + "\n"
    path = project.path.parent / "cells.py"
    path.write_text(text)
    folder = str(project.path.parent / "ipython")
    done = project.call(sys.executable, "execute.py", str(path), IPYTHONDIR=folder)
    assert "this_name_is_not_there" in done.stderr or len(cells) < 5
    return project


@pytest.mark.slow
def test_its_cells_are_run_again_with_the_recorded_code(project, monkeypatch):
    recorded(project, CELLS)
    view = project.view()
    assert view.captured["command"]["notebook"] is True
    assert cells_of((view.read_capture("notebook.py") or b"").decode())[:1] == CELLS[:1]
    project.write("helper.py", "START = 100.0\n")
    monkeypatch.setenv("IPYTHONDIR", str(project.path.parent / "ipython"))
    (result,) = project.reproduce(monkeypatch)
    assert result.judgement.verdict is Verdict.IDENTICAL, result.ended.tail
    assert result.judgement.metrics[0].matched == 5


def test_cells_that_were_changed_since_or_held_a_secret_are_refused(project, monkeypatch):
    secret = "token = 'ghp_" + "a1B2" * 9 + "'"
    recorded(project, [secret, *CELLS[:2], "anew.log_metric('loss', 1.0)", "anew.finish()"][:4])
    project.enter(monkeypatch)
    with Store(project.root) as store:
        with pytest.raises(ReproduceError, match="secret"):
            make_plan(store, store.get("lab/toy"))
        path = project.folder() / "environment" / "notebook.py"
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data + b"# more\n")
        with pytest.raises(ReproduceError, match="recorded"):
            make_plan(store, store.get("lab/toy"))


def test_cells_come_back_as_they_were_written():
    cells = ["a = 1", "def f():\n\n    return 2\n", "'''\n# %% [1]\n'''", ""]
    text = "\n\n".join(f"# %% [{n}]\n{cell}" for n, cell in enumerate(cells, 1)) + "\n"
    assert cells_of(text) == cells
