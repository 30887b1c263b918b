"""A hundred thousand experiments: found by filters, listed, framed, indexed.

They are written to the scratch folder in the format of the disk (about 2.5 GB), each with 20 parameters,
10 metrics and 3 tags, and are gone afterwards.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from anew import Experiment, Store

from .harness import Bench, Row, duration, in_child, quantile, seconds_of
from .synthetic import write_many

QUERIES = (
    ("metrics.val_loss.min < {low} and params.lr >= {lr}", "metrics.val_loss.min"),
    ("metrics.val_acc > {mid} and params.batch_size == 128", "-metrics.val_acc"),
    ("metrics.train_loss.last < {low} and params.optimizer == 'adamw'", "-created_at"),
    ("metrics.`train/ppl`.max > {mid} and params.model.depth > 50", "params.lr"),
    ("metrics.val_loss < {mid} and params.lr < {lr} and 'resnet50' in tags", "metrics.val_loss"),
    ("status == 'failed' and metrics.grad_norm > {mid} and params.amp == true", "-params.lr"),
    ("metrics.`val/f1`.mean > {high} and params.model.name in ('unet', 'lstm')", "name"),
    ("params.data.name == 'coco' or metrics.train_loss.min < 0.01", "-metrics.train_loss.min"),
    (
        "project == 'project-07' and metrics.val_loss < {high} and params.warmup >= 1000",
        "params.warmup",
    ),
)
# No index answers these: a pattern, a negation, a sort by what is computed.
HARDER = (
    ("tags.team == 'speech' and metrics.val_acc.max > {mid} and params.seed < 50000", "duration"),
    ("name =~ 'run-0001' and metrics.throughput > {low} and params.lr > {lr}", "created_at"),
    ("not params.optimizer == 'sgd' and metrics.train_acc.first < {high}", "-metrics.train_acc"),
)
LIMIT = 50


def run(bench: Bench) -> Iterator[Row]:
    """Rows in the order of the life of such a store: indexed, asked, added to."""
    count = bench.size(100_000, 60)
    with bench.folder("catalog") as root:
        write_many(root, count)
        indexed, found = in_child(index, str(root))
        if found != count:
            raise RuntimeError(f"{found:,} of {count:,} experiments were indexed")
        yield Row(
            f"index {count:,} experiments from nothing",
            duration(indexed),
            "",
            "",
            "≤ 180 s",
            indexed <= 180,
        )
        with Store(root) as store:
            yield from _filters(bench, store, count)
            yield from _frame(bench, store, count)
        yield from _shell(bench, root, count)
        yield from _one_more(bench, root, count)
        yield _size(root, count)


def index(root: str) -> tuple[float, int]:
    """In a child: seconds until a store without a catalog has one, and how many it holds."""
    start = time.perf_counter()
    with Store(root) as store:
        found = len(store)
    return time.perf_counter() - start, found


def _filters(bench: Bench, store: Store, count: int) -> Iterator[Row]:
    for kinds, what, most in (
        (QUERIES, f"filter {count:,} on a metric and a param, sort, limit {LIMIT}", 0.05),
        (HARDER, "the same with a pattern, a negation or a computed sort", None),
    ):
        taken = _taken(bench, store, kinds)
        p95 = quantile(taken, 0.95)
        yield Row(
            f"{what}: p95 of {len(taken)} questions",
            duration(p95),
            f"{duration(statistics.median(taken))} (median)",
            "",
            "" if most is None else "≤ 50 ms",
            None if most is None else p95 <= most,
        )
    query, sort = QUERIES[1][0].format(mid=0.5), QUERIES[1][1]
    counted = statistics.median(
        seconds_of(lambda: store.search(query, sort=sort, limit=LIMIT).total)
        for _ in range(bench.size(7, 1))
    )
    yield Row("the same, and how many there are in all", duration(counted))


def _taken(bench: Bench, store: Store, kinds: tuple[tuple[str, str], ...]) -> list[float]:
    values = [
        {"low": 0.05, "mid": 0.5, "high": 0.9, "lr": 1e-3},
        {"low": 0.3, "mid": 0.8, "high": 0.99, "lr": 1e-4},
        {"low": 0.01, "mid": 0.2, "high": 0.7, "lr": 3e-2},
    ]
    taken = []
    for number in range(bench.size(4, 1)):
        for value in values:
            for text, sort in kinds:
                start = time.perf_counter()
                found = list(store.search(text.format(**value), sort=sort, limit=LIMIT))
                seconds = time.perf_counter() - start
                assert len(found) <= LIMIT
                if number or bench.quick:  # the first round warms the file cache
                    taken.append(seconds)
    return taken


def _frame(bench: Bench, store: Store, count: int) -> Iterator[Row]:
    import pandas as pd

    pd.DataFrame({"warm": [1]})
    taken = []
    for _ in range(bench.size(3, 1)):
        start = time.perf_counter()
        frame = store.list().to_pandas()
        taken.append(time.perf_counter() - start)
    assert len(frame) == count, (len(frame), count)
    seconds = statistics.median(taken)
    what = f"all {count:,} to a DataFrame ({frame.shape[1]} columns)"
    yield Row(what, duration(seconds), "", "", "≤ 3 s", seconds <= 3)


def _shell(bench: Bench, root: Path, count: int) -> Iterator[Row]:
    command = [sys.executable, "-m", "anew", "list"]
    environment = {**os.environ, "ANEW_ROOT": str(root), "COLUMNS": "120"}

    def listed() -> None:
        subprocess.run(command, env=environment, check=True, capture_output=True)

    seconds = statistics.median(seconds_of(listed) for _ in range(bench.size(7, 1)))
    yield Row(
        f"anew list of {count:,}, from the shell",
        duration(seconds),
        "",
        "",
        "≤ 1 s",
        seconds <= 1,
    )


def _one_more(bench: Bench, root: Path, count: int) -> Iterator[Row]:
    taken = []
    with Store(root) as store:
        for number in range(bench.size(20, 2)):
            with Experiment(
                f"bench/more/{number}", root=root, params={"lr": 0.1}, tags=["new"]
            ) as experiment:
                for step in range(100):
                    experiment.log_metric("val_loss", 1.0 / (step + 1.5), step=step)
            taken.append(seconds_of(store.refresh))
        assert store[f"bench/more/{number}"].metrics["val_loss"].count == 100
    seconds = statistics.median(taken)
    yield Row(
        f"one new experiment indexed among {count:,}",
        duration(seconds),
        "",
        "",
        "≤ 20 ms",
        seconds <= 0.02,
    )


def _size(root: Path, count: int) -> Row:
    size = sum(path.stat().st_size for path in root.glob("experiments.db*"))
    return Row("catalog on disk", f"{size / count:,.0f} bytes an experiment")
