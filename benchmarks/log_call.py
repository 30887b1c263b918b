"""One log call: durable against `kill -9` when it returns, beside encoding and writing the same record.

Both run in the same process and take turns in blocks, each call timed by itself. The experiment is a default
one: its background thread, system metrics and console capture are at work meanwhile.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from anew import Experiment

from .floor import Floor
from .harness import Bench, Row, at_most, duration, paired_calls

ROUNDS, CALLS = 30, 2_000


def run(bench: Bench) -> Iterator[Row]:
    """Median and p99 of a call with 1 and with 10 scalars."""
    rounds, calls = bench.size(ROUNDS, 2), bench.size(CALLS, 50)
    for scalars in (1, 10):
        yield from _rows(bench, scalars, rounds, calls)


def _rows(bench: Bench, scalars: int, rounds: int, calls: int) -> Iterator[Row]:
    names = [f"train/metric_{n}" for n in range(scalars)]
    maps = [{name: random.random() for name in names} for _ in range(1_000)]
    values = [metrics[names[0]] for metrics in maps]
    with bench.folder("log_call") as folder:
        floor = Floor(folder / "floor" / "points.jsonl")
        with Experiment("bench/log/call", root=folder) as experiment:
            log_metric, log_metrics = experiment.log_metric, experiment.log_metrics

            def one(number: int) -> None:
                log_metric(names[0], values[number % 1_000], step=number)

            def many(number: int) -> None:
                log_metrics(maps[number % 1_000], step=number)

            def beside(number: int) -> None:
                floor.log(maps[number % 1_000], number)

            pair = paired_calls(one if scalars == 1 else many, beside, rounds=rounds, calls=calls)
        floor.close()
    what = f"log call, {scalars} scalar{'s' * (scalars > 1)}"
    for label, fraction, most in (("median", 0.5, 2), ("p99", 0.99, 5)):
        took, floor_took, ratio = pair.at(fraction)
        yield Row(
            f"{what}, {label}",
            duration(took / 1e9),
            f"{duration(floor_took / 1e9)} (orjson + os.write)",
            *at_most(ratio, most),
        )
