"""A program that knows TensorBoard, logging and matplotlib alone, with two lines of Anew around it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from anew import Store

PROGRAM = """
import logging

import anew

anew.start("alice/program", console="off", system_metrics=0)
anew.capture()

import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
from torch.utils.tensorboard import SummaryWriter

logging.basicConfig(level="INFO", format="%(message)s")
writer, losses = SummaryWriter("runs"), []
for epoch in range(3):
    losses.append(1 / (epoch + 1))
    writer.add_scalar("loss", losses[-1], epoch)
    logging.info("epoch %d", epoch)
writer.close()
plt.plot(losses)
plt.title("Loss")
plt.savefig("loss.png")
"""


@pytest.mark.slow
def test_a_program_leaves_what_it_left_before_and_an_experiment(tmp_path: Path):
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line for line in result.stderr.splitlines() if "anew" not in line] == [
        "epoch 0",
        "epoch 1",
        "epoch 2",
    ]
    assert (tmp_path / "loss.png").exists()
    assert list((tmp_path / "runs").glob("events.*"))
    view = Store(tmp_path / "experiments")["alice/program"]
    assert view.status == "completed"
    assert view.metrics["loss"].read().values.tolist() == [1.0, 0.5, 1 / 3]
    assert [line.message for line in view.logs()] == ["epoch 0", "epoch 1", "epoch 2"]
    assert [(value.name, value.kind) for value in view.values()] == [("Loss", "figure")]


def test_a_capture_imports_no_library(tmp_path: Path):
    program = (
        "import sys, anew\n"
        "with anew.Experiment('a/b', quiet=True, system_metrics=0), anew.capture(): pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    result = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    foreign = {"torch", "tensorboard", "tensorboardX", "lightning", "matplotlib", "numpy", "PIL"}
    assert not set(result.stdout.split()) & foreign
