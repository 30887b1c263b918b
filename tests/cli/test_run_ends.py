"""`anew run`: whatever way the program ends, its exit code decides."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from anew import Store

PROGRAM = """
import os, signal, sys
from anew import Experiment
exp = Experiment("a/inside", system_metrics=0)
exp.run.start()
exp.log_metric("x", 1.0, step=0)
{end}
"""


@pytest.mark.parametrize(
    ("end", "code", "status"),
    [
        ("os._exit(3)", 3, "failed"),
        ("os._exit(0)", 0, "completed"),
        ("os.execv('/bin/sh', ['sh', '-c', 'exit 5'])", 5, "failed"),
        ("os.execv('/bin/true', ['true'])", 0, "completed"),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137, "failed"),
        ("os.kill(os.getpid(), signal.SIGTERM)", 143, "failed"),
        ("raise SystemExit(max(6, 1))", 6, "failed"),
        ("exp.run.complete(); sys.exit(7)", 7, "failed"),
    ],
)
def test_the_exit_code_of_the_program_decides(
    root: Path, tmp_path: Path, end: str, code: int, status: str
) -> None:
    (tmp_path / "train.py").write_text(PROGRAM.format(end=end))
    done = subprocess.run(
        [sys.executable, "-m", "anew", "--root", str(root), "run", "--", sys.executable, "train.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    [view] = Store(root).list()
    assert str(view.status) == status
    assert view.metrics["x"].count == 1
