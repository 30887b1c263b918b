"""Experiments in a notebook, run by a real kernel."""

from __future__ import annotations

import inspect
import operator
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment
from later import later

from .reading import points, state

nbclient = later("nbclient")
nbformat = later("nbformat")


def run(folder: Path, *cells: str, allow_errors: bool = False) -> list[str]:
    """Run cells in a kernel, shut it down as Jupyter does, and give what each printed."""
    made: Any = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        made, timeout=300, startup_timeout=300, allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder)}}, kernel_name="python3",
    )  # fmt: skip
    client.execute(env={**_environment(folder)})
    return ["".join(o.get("text", "") for o in cell.outputs) for cell in made.cells]


def _environment(folder: Path) -> dict[str, str]:
    import os

    return {
        **os.environ,
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_DATA_DIR": str(folder / "jupyter"),
        "ANEW_ROOT": str(folder / "experiments"),
    }


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run notebooks in, with the kernel of this interpreter."""
    import json
    import sys

    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": command, "display_name": "Python", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    return tmp_path


def test_a_notebook_prints_logs_fails_in_a_cell_and_goes_on(kernel: Path) -> None:
    printed = run(
        kernel,
        "import anew, sys\nanew.start('a/b', system_metrics=0)\nprint('first')",
        "print('second', end='')\nprint(' line')\nprint('careful', file=sys.stderr)",
        "typo",
        "for i in range(5):\n    anew.log_metric('x', float(i), step=i)\nprint('third')",
        "with anew.Experiment('a/other', system_metrics=0):\n    anew.log_metric('y', 1.0)\nanew.log_metric('x', 5.0, step=5)",
        "import asyncio\nasync def job(n):\n"
        "    with anew.Experiment(f'a/job{n}', system_metrics=0):\n"
        "        for i in range(3):\n            anew.log_metric('n', float(n)); await asyncio.sleep(0.01)\n"
        "await asyncio.gather(job(0), job(1))",
        "print('the end')",
        allow_errors=True,
    )  # fmt: skip
    assert [printed[i] for i in (0, 1, 3, 6)] == [
        "first\n", "second line\ncareful\n", "third\n", "the end\n",
    ]  # fmt: skip
    root = kernel / "experiments"
    folder = root / "a" / "b"
    assert [v for *_, v in points(folder)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert [v for *_, v in points(root / "a" / "other")] == [1.0]
    for number in (0, 1):
        assert [v for *_, v in points(root / "a" / f"job{number}")] == [float(number)] * 3
    kept = (folder / "logs" / "train.log").read_text()
    for line in ("first", "second line", "careful", "third", "the end"):
        assert f"{line}\n" in kept
    got = state(folder)
    assert got.outcome() == ("completed", None)
    assert got.captured["command"]["notebook"]
    assert "problems" not in got.captured


def test_a_cell_that_starts_again_ends_what_the_cell_before_started(kernel: Path) -> None:
    cell = "import anew\nexp = anew.start('a/{}', system_metrics=0)\nanew.log_metric('x', 1.0)"
    run(kernel, cell.format("one"), cell.format("two"), "anew.finish()\nprint('still here')")
    for name in ("one", "two"):
        folder = kernel / "experiments" / "a" / name
        assert state(folder).outcome() == ("completed", None)
        assert len(points(folder)) == 1


def test_help_of_experiment_names_what_is_called_most():
    told = inspect.getdoc(Experiment) or ""
    experiment = Experiment("a/b", mode="disabled")
    for name in ("log", "log_metrics", "params.set", "files", "log_value", "weights", "finish"):
        assert f"exp.{name}" in told
        assert operator.attrgetter(name)(experiment) is not None


def test_an_open_experiment_is_shown_with_its_id_and_status():
    experiment = Experiment("a/<b>", mode="disabled")
    shown = experiment._repr_html_()
    assert "a/&lt;b&gt;" in shown
    assert str(experiment.status) in shown
