"""Experiments written by the real writer, for those who read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anew import Experiment


def make(root: Path, prefix: str, *, steps: int = 10, offset: float = 0.0, **options: Any) -> str:
    """A completed experiment with two metrics; its id."""
    options.setdefault("params", {"lr": 0.1, "model": {"depth": 4}})
    with Experiment(prefix, root=root, quiet=True, **options) as exp:
        for step in range(steps):
            exp.log_metrics(
                {"train/loss": offset + 1 / (step + 1), "val_acc": offset + step / 10}, step=step
            )
        return exp.id
