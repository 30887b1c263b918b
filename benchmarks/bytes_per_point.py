"""Bytes on disk per point: as the training process writes them, and once sealed.

Names of metrics are those of an ordinary training (`train/loss`); values are losses of float32 precision, as
a framework hands them out. A row beside it shows what full float64 noise costs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from anew import Experiment, Store

from .harness import Bench, Row
from .synthetic import curve, one_metric, write_experiment


def run(bench: Bench) -> Iterator[Row]:
    """Live with 1 and 10 metrics a call; sealed for the same and for values that are all noise."""
    points = bench.size(200_000, 5_000)
    for metrics in (1, 10):
        with bench.folder("bytes") as root:
            _log(root, metrics, points)
            live = _bytes(root, ".jsonl") / points
            sealed = _seal(root, points)
        what = f"{metrics} metric{'s' * (metrics > 1)} a call"
        yield Row(f"bytes a point, live, {what}", f"{live:.1f}", "", "", "≤ 70", live <= 70)
        yield Row(f"bytes a point, sealed, {what}", f"{sealed:.2f}", "", "", "≤ 6", sealed <= 6)
    with bench.folder("bytes") as root:
        write_experiment(root, "bench/bytes/one", one_metric("train/loss", points))
        sealed = _seal(root, points)
    yield Row(
        "bytes a point, sealed, steps of 10 ± 1 ms", f"{sealed:.2f}", "", "", "≤ 6", sealed <= 6
    )
    with bench.folder("bytes") as root:
        _log(root, 1, points, noise=True)
        sealed = _seal(root, points)
    yield Row("bytes a point, sealed, float64 noise", f"{sealed:.2f}", "8 (the value alone)")


def _log(root: Path, metrics: int, points: int, *, noise: bool = False) -> None:
    names = ["train/loss", *(f"train/metric_{n}" for n in range(1, metrics))]
    lines = points // metrics
    curves = [
        [random.random() for _ in range(lines)] if noise else curve(lines, seed).tolist()
        for seed in range(metrics)
    ]
    with Experiment("bench/bytes/one", root=root, system_metrics=0) as experiment:
        for step in range(lines):
            experiment.log_metrics(
                {name: values[step] for name, values in zip(names, curves, strict=True)}, step=step
            )


def _seal(root: Path, points: int) -> float:
    with Store(root) as store:
        store.seal()
    return _bytes(root, ".parquet") / points


def _bytes(root: Path, suffix: str) -> int:
    folder = root / "bench/bytes/one/metrics"
    return sum(path.stat().st_size for path in folder.glob(f"*{suffix}"))
