"""The experiments that pages are measured on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .synthetic import line, write_experiment

__all__ = ["POINTS", "curve", "recorded"]

POINTS = 1_000


def curve(seed: int, count: int = POINTS) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A loss of its own for each experiment."""
    rng = np.random.default_rng(seed)
    steps = np.arange(count)
    falling = np.exp(-steps * (1 + seed % 7) / 1500)
    found: np.ndarray[Any, np.dtype[np.float64]] = (
        falling + 0.05 * rng.standard_normal(count) + seed % 5 / 10
    )
    return found


def recorded(root: Path, count: int, metrics: int, points: int = POINTS) -> None:
    """Write experiments, as if they had ended a while ago: what has just been written is not packed yet."""
    then = time.time() - 3600
    for seed in range(count):
        prefix = f"lab/page/e{seed:04d}"
        write_experiment(root, prefix, _lines(seed, metrics, points), params={"lr": seed % 5})
        folder = root / prefix / "metrics"
        for path in (*folder.iterdir(), folder):
            os.utime(path, (then, then))


def _lines(seed: int, metrics: int, points: int) -> Iterator[bytes]:
    """The lines of all points: each logs all metrics."""
    columns = np.array([curve(seed * metrics + at, points) for at in range(metrics)])
    names = [f"train/m{at}" for at in range(metrics)]
    yield b"".join(
        line({"t": 1_790_000_000 + step, "m": dict(zip(names, values, strict=True)), "s": step})
        for step, values in enumerate(columns.T.tolist())
    )
