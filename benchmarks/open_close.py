"""A whole small experiment beside three files of the same content, written the way people write them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .harness import Bench, Row, at_most, duration, in_child, paired_seconds

PARAMS: dict[str, Any] = {
    "lr": 3e-4,
    "batch_size": 128,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "model": {"name": "resnet50", "depth": 50, "width": 64, "dropout": 0.1, "norm": "batch"},
    "data": {"name": "digits", "split": 0.8, "shuffle": True, "augment": ["flip", "crop"]},
    "epochs": 90,
    "warmup": 500,
    "seed": 1,
    "amp": True,
    "clip": 1.0,
    "schedule": "cosine",
    "workers": 8,
}
TAGS = ["baseline", "vision", "nightly"]
POINTS = 100


def run(bench: Bench) -> Iterator[Row]:
    """Seconds from opening to closing, and the files it leaves."""
    with bench.folder("open_close") as folder:
        took, floor_took, ratio, files = in_child(measure, str(folder), bench.size(30, 2))
    yield Row(
        "open → close, 20 params, 3 tags, 100 points",
        duration(took),
        f"{duration(floor_took)} (JSON, YAML, JSONL)",
        *at_most(ratio, 5),
    )
    yield Row("files it leaves", str(files), "3", "", "≤ 12", files <= 12)


def measure(folder: str, rounds: int) -> tuple[float, float, float, int]:
    """In a child, whose terminal nobody sees: medians of both, of their ratios, and our files."""
    from anew import Experiment

    count = 0

    def ours() -> None:
        nonlocal count
        count += 1
        with Experiment(
            f"bench/open/{count}", root=folder, params=PARAMS, tags=TAGS, quiet=False
        ) as experiment:
            for step in range(POINTS):
                experiment.log_metric("train/loss", 1.0 / (step + 1.5), step=step)

    def beside() -> None:
        three_files(Path(folder) / f"floor-{len(os.listdir(folder))}")

    medians = paired_seconds(ours, beside, rounds=rounds, warm=3)
    files = sum(path.is_file() for path in (Path(folder) / f"bench/open/{count}").rglob("*"))
    return *medians, files


def three_files(folder: Path) -> None:
    """Parameters and tags as JSON, parameters as YAML, points as JSON lines."""
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text(json.dumps({"params": PARAMS, "tags": TAGS}, indent=2))
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    with (folder / "metrics.jsonl").open("w") as file:
        for step in range(POINTS):
            record = {"step": step, "time": time.time(), "train/loss": 1.0 / (step + 1.5)}
            file.write(json.dumps(record) + "\n")
