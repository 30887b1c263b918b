"""One log call: durable against `kill -9` when it returns, beside encoding and writing the same record.

Both run in the same process and take turns, a block of calls at a time. What a call costs is the time of a whole
block divided by its calls: a clock around each call would add the same constant to both sides and flatter the
ratio. Only the slowest calls (p99) are timed one by one, which a block cannot show. The experiment is a default one:
its background thread, system metrics and console capture are at work meanwhile.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from anew import Experiment

from .floor import Floor
from .harness import Bench, Row, at_most, duration, paired_calls, paired_seconds

ROUNDS, CALLS = 30, 5_000


def run(bench: Bench) -> Iterator[Row]:
    """Cost of a call over blocks, and p99, with 1 and with 10 scalars."""
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

            # Loops of their own, not a call more around each call: a closure would cost both sides the same.
            def one() -> None:
                for number in range(calls):
                    log_metric(names[0], values[number % 1_000], step=number)

            def many() -> None:
                for number in range(calls):
                    log_metrics(maps[number % 1_000], step=number)

            def beside() -> None:
                for number in range(calls):
                    floor.log(maps[number % 1_000], number)

            ours = one if scalars == 1 else many
            block, floor_block, ratio = paired_seconds(ours, beside, rounds=rounds)
            slowest = paired_calls(
                (lambda number: log_metric(names[0], values[number % 1_000], step=number))
                if scalars == 1
                else (lambda number: log_metrics(maps[number % 1_000], step=number)),
                lambda number: floor.log(maps[number % 1_000], number),
                rounds=rounds,
                calls=calls,
            )
        floor.close()
    what = f"log call, {scalars} scalar{'s' * (scalars > 1)}"
    beside_what = "(orjson + os.write)"
    yield Row(
        f"{what}, over blocks of {calls:,}",
        duration(block / calls),
        f"{duration(floor_block / calls)} {beside_what}",
        *at_most(ratio, 2),
    )
    took, floor_took, ratio = slowest.at(0.99)
    yield Row(
        f"{what}, p99",
        duration(took / 1e9),
        f"{duration(floor_took / 1e9)} {beside_what}",
        *at_most(ratio, 5),
    )
