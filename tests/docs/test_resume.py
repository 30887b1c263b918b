"""The program of the page on resuming: killed and started again, it gives the curve of one that was never killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anew import Store

from .programs import DOCS

# The same promise without PyTorch.
PLAIN = """
import json, random, time
from anew import Experiment
random.seed(0)
with Experiment("alice/regression/long", resume="auto", quiet=True) as exp:
    ck, x, start = exp.files("checkpoints"), 1.0, 0
    if latest := ck.latest():
        state = json.loads(open(latest).read())
        random.setstate((state["rng"][0], tuple(state["rng"][1]), state["rng"][2]))
        x, start = state["x"], state["epoch"] + 1
    for epoch in range(start, 6):
        for _ in range(16):
            x *= random.uniform(0.9, 1.05)
            WAIT
        exp.log_metric("loss", x, step=epoch)
        ck.save({"x": x, "epoch": epoch, "rng": random.getstate()}, "state.json", step=epoch, keep_last=2, keep_best="loss")
"""


def page_program() -> str:
    found = re.search(
        r"```python\n(.*?)```", (DOCS / "guides" / "resume.md").read_text(), re.DOTALL
    )
    assert found
    return found[1]


def start(program: str, folder: Path, **variables: str) -> subprocess.Popen[bytes]:
    bare = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("ANEW_", "SLURM_")) or k == "ANEW_KEEP_COMMITS"
    }
    (folder / "train.py").write_text(program)
    return subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=folder,
        env=bare | {"ANEW_QUIET": "1", **variables},
        stdout=subprocess.DEVNULL,
    )


def saved(folder: Path) -> int:
    return len(list(folder.glob("experiments/alice/regression/long*/files/checkpoints/*/*")))


def curve(folder: Path) -> dict[int, float]:
    (view,) = Store(folder / "experiments").list()
    assert view.status == "completed"
    points = view.metrics["loss"].read()
    values: dict[int, float] = {}
    for step, value in zip(points.steps.tolist(), points.values.tolist(), strict=True):
        assert values.setdefault(int(step), float(value)) == float(value), "a repeated step repeats"
    return values


def killed_and_resumed(program: str, slow: str, tmp_path: Path, how: int) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    assert start(program, whole).wait(300) == 0
    process = start(slow, cut)
    deadline = time.monotonic() + 240
    while saved(cut) < 2 and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(how)
    process.wait(300)
    assert start(program, cut).wait(300) == 0
    assert curve(cut) == curve(whole)
    assert len(curve(cut)) == 6
    (view,) = Store(cut / "experiments").list()
    assert len(view.openings) == 2
    assert saved(cut) <= 3


def test_a_plain_loop_that_was_killed_goes_on_with_the_same_curve(tmp_path: Path) -> None:
    slow = PLAIN.replace("WAIT", "time.sleep(600 * (epoch == 2))")
    killed_and_resumed(PLAIN.replace("WAIT", "pass"), slow, tmp_path, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGUSR1])
def test_the_pages_training_that_was_killed_goes_on_with_the_same_curve(
    tmp_path: Path, how: int
) -> None:
    program = page_program()
    slow = program.replace(
        "            scheduler.step()\n",
        "            scheduler.step()\n            import time\n"
        "            while epoch == 2 and not stop:\n                time.sleep(0.05)\n",
    )
    assert slow != program
    killed_and_resumed(program, slow, tmp_path, how)
