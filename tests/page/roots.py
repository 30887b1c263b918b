"""Roots that the tests of the page look at: real experiments, recorded in a moment."""

from __future__ import annotations

import math
from pathlib import Path

from anew import Experiment

RATES = (0.3, 0.03, 0.003)
WIDTHS = (8, 32, 128)
SEEDS = (0, 1)
STEPS = 40


def loss(rate: float, width: int, seed: int, step: int) -> float:
    """What the network of these parameters lost at a step; the same wherever it is asked for."""
    return math.exp(-step * rate * (2 + width / 50)) + 0.01 * math.sin(seed + step)


def record_grid(root: Path) -> None:
    """Eighteen trainings as `make demo` has them; the two smallest of the highest rate fail."""
    for rate in RATES:
        for width in WIDTHS:
            for seed in SEEDS:
                record(root, rate, width, seed)


def record(root: Path, rate: float, width: int, seed: int, *, prefix: str = "demo/digits") -> str:
    """One training; its id."""
    try:
        with Experiment(
            f"{prefix}/lr{rate}-w{width}-s{seed}", root=str(root), quiet=True, system_metrics=0,
            params={"lr": rate, "width": width, "seed": seed, "opt": "adam"},
            tags={"sweep": "one", "baseline": None} if seed == 0 else {"sweep": "one"},
        ) as exp:  # fmt: skip
            for step in range(STEPS):
                value = loss(rate, width, seed, step)
                exp.log_metrics(
                    {"train/loss": value, "val/loss": value + 0.1, "val/acc": 1 - value / 2},
                    step=step,
                )
            if rate == 0.3 and width == 8:
                raise ArithmeticError("the loss is not finite")
    except ArithmeticError:
        pass
    return exp.id
