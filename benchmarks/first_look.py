"""Looking at an experiment that is still being written: the first look, and looks after some news.

A look opens the store, asks for the metric's summary and for a chart of 1,000 points, in a new process (its
imports apart, which are the same for every look) or in one that kept the store open.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from anew import Experiment, Store

from .harness import Bench, Row, duration, in_child, times

PREFIX = "bench/look/one"
METRIC = "train/loss"


def run(bench: Bench) -> Iterator[Row]:
    """The first look, then looks after 0.1, 1 and 10 per cent of news from both kinds of process."""
    points = bench.size(1_000_000, 5_000)
    with bench.folder("look") as root, Experiment(PREFIX, root=root) as experiment:
        written = 0

        def write(count: int) -> None:
            nonlocal written
            for step in range(written, written + count):
                experiment.log_metric(METRIC, 1.0 / (step + 1.5), step=step)
            written += count

        write(points)
        first, seen = in_child(look, str(root))
        _check(seen, written)
        yield Row(
            f"first look at {points:,} unsealed points",
            duration(first),
            "",
            "",
            "≤ 1.5 s",
            first <= 1.5,
        )
        yield from _later(bench, "a new process", root, write, lambda: written, first, points)
        with Store(root) as store:
            _look(store)
            yield from _later(
                bench, "the same process", root, write, lambda: written, first, points, store
            )


def _later(
    bench: Bench,
    who: str,
    root: Path,
    write: Callable[[int], None],
    written: Callable[[], int],
    first: float,
    points: int,
    store: Store | None = None,
) -> Iterator[Row]:
    taken = {}
    for share in (0.001, 0.01, 0.1):
        rounds = []
        for _ in range(bench.size(3, 1)):
            write(int(points * share))
            if store is None:
                seconds, seen = in_child(look, str(root))
            else:
                start = time.perf_counter()
                seen = _look(store)
                seconds = time.perf_counter() - start
            _check(seen, written())
            rounds.append(seconds)
        taken[share] = statistics.median(rounds)
    for share, seconds in taken.items():
        # Twice the share of the news, and a tenth of the first look for what every look costs.
        most = 2 * share + 0.1
        ratio = seconds / first
        yield Row(
            f"look again from {who}, {share:.1%} more points",
            duration(seconds),
            f"{duration(first)} (first look)",
            times(ratio),
            f"≤ {most:.3g}×",
            ratio <= most,
        )


def _check(seen: int, written: int) -> None:
    if seen != written:
        raise RuntimeError(f"a look saw {seen:,} of {written:,} points")


def look(root: str) -> tuple[float, int]:
    """In a child: seconds of one look, and how many points it saw."""
    # What a look imports, before the clock starts.
    for module in ("duckdb", "numpy", "anew.reading.local.opening", "anew.stores.series.folder"):
        importlib.import_module(module)

    start = time.perf_counter()
    with Store(root) as store:
        seen = _look(store)
    return time.perf_counter() - start, seen


def _look(store: Store) -> int:
    metric = store[PREFIX].metrics[METRIC]
    metric.to_numpy(points=1_000)
    return metric.count
