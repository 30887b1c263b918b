"""A real store with a small sweep, a run with gaps and spikes, and one that is over before it began."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment
from anew.store import Store


def record(root: Path, name: str, **options: Any) -> Experiment:
    return Experiment(name, root=root, quiet=True, console="off", system_metrics=0, **options)


@pytest.fixture(scope="session")
def plotted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plots") / "experiments"
    for seed in range(2):
        for lr in (0.001, 0.01, 0.1):
            params = {"lr": lr, "seed": seed, "model": {"name": "cnn" if seed else "mlp"}}
            if lr == 0.1:
                params["warmup"] = 10
            with record(root, f"lab/sweep/lr{lr}-{seed}", params=params) as exp:
                for step in range(0, 20, 1 + seed):
                    exp.log_metrics(
                        {"train/loss": 2 - lr * step + seed, "val/loss": 3 - lr * step, "val/acc": lr * step},
                        step=step,
                    )  # fmt: skip
    with record(root, "lab/odd/gaps") as exp:
        for step, value in enumerate((1.0, math.nan, 2.0, math.nan, 3.0, 4.0, math.inf, -math.inf)):
            exp.log_metric("train/loss", value, step=step)
    with record(root, "lab/odd/spike") as exp:
        for step in range(20_000):
            exp.log_metric("train/loss", 1000.0 if step == 12_345 else 1.0, step=step)
    with record(root, "lab/odd/backwards") as exp:
        for step in (5, 3, 3, 1):
            exp.log_metric("train/loss", float(step), step=step)
            time.sleep(0.005)  # times are kept in milliseconds
    with record(root, "lab/odd/silent"):
        pass
    return root


@pytest.fixture
def store(plotted: Path) -> Iterator[Store]:
    with Store(plotted) as store:
        yield store


SWEEP = [f"lab/sweep/lr{lr}-{seed}" for seed in range(2) for lr in (0.001, 0.01, 0.1)]
