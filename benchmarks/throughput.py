"""Many calls: one process, eight with an experiment each, eight on one experiment; 200,000 calls a process.

The floor runs the same way, with a file per process. The clock starts when the processes have come to rest:
what a start costs, and what is captured then in the background, is measured elsewhere (`open_close`,
`first_point`, `capture`). Afterwards every point is looked for in the files.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from .harness import Bench, Row, medians, result_of, start_child, times

CALLS = 200_000
PROCESSES = 8
ROUNDS = 3
METRIC = "train/loss"


def run(bench: Bench) -> Iterator[Row]:
    """Rate beside the floor's, and what is missing, for each arrangement."""
    calls = bench.size(CALLS, 500)
    processes = bench.size(PROCESSES, 2)
    for what, count, shared in (
        (f"{calls:,} calls", 1, False),
        (f"{processes} processes, an experiment each", processes, False),
        (f"{processes} processes on one experiment", processes, True),
    ):
        yield from _rows(bench, what, count, calls, shared)


def _rows(bench: Bench, what: str, count: int, calls: int, shared: bool) -> Iterator[Row]:
    taken: list[tuple[float, float]] = []
    lost = errors = 0
    for _ in range(bench.size(ROUNDS, 1)):
        with bench.folder("throughput") as folder:
            prefixes = [f"bench/many/{0 if shared else n}" for n in range(count)]
            ours, failed = _together(folder, write_ours, prefixes, calls, count if shared else 0)
            errors += failed
            lost += count * calls - _written(folder, prefixes)
        with bench.folder("throughput") as folder:
            beside, _ = _together(folder, write_floor, [str(n) for n in range(count)], calls)
        taken.append((ours, beside))
    ours, beside, ratio = medians(taken)
    points = count * calls
    yield Row(
        f"{what}, points a second",
        f"{points / ours:,.0f}",
        f"{points / beside:,.0f} (orjson + os.write)",
        times(1 / ratio),
        "≥ 0.5×",
        1 / ratio >= 0.5,
    )
    clean = not lost and not errors
    yield Row(f"{what}, lost and errors", f"{lost} and {errors}", "", "", "0 and 0", clean)


def _together(
    folder: Path, writer: Callable[..., Any], names: list[str], calls: int, *more: Any
) -> tuple[float, int]:
    """Seconds from the first call of any process to the last of all, and how many failed."""
    gate = folder / "gate"
    children = [
        start_child(writer, str(folder), name, calls, number, *more)
        for number, name in enumerate(names)
    ]
    while len(list(folder.glob("ready-*"))) < len(names):
        if any(child.poll() for child in children):
            break
        time.sleep(0.005)
    gate.touch()
    spans, failed = [], 0
    for child in children:
        try:
            spans.append(result_of(child))
        except RuntimeError as error:
            failed += 1
            print(error)
    if not spans:
        raise RuntimeError("no writer finished")
    return max(end for _, end in spans) - min(start for start, _ in spans), failed


def _wait(folder: str, number: int) -> None:
    _come_to_rest()
    (Path(folder) / f"ready-{number}").touch()
    while not (Path(folder) / "gate").exists():
        time.sleep(0.002)


def _come_to_rest() -> None:
    """Wait until this process and what it started use no processor any more, ten seconds at most."""
    resting = 0
    end = time.monotonic() + 10
    while resting < 3 and time.monotonic() < end:
        before = sum(os.times()[:4])
        time.sleep(0.1)
        resting = resting + 1 if sum(os.times()[:4]) - before < 0.02 else 0


def write_ours(
    folder: str, prefix: str, calls: int, number: int, ranks: int
) -> tuple[float, float]:
    """In a child: log `calls` points to an experiment; when the first call began and the last ended.

    With `ranks`, it is one of so many ranks of a launch, which share the experiment.
    """
    from anew import Experiment

    if ranks:
        os.environ.update(RANK=str(number), WORLD_SIZE=str(ranks), ANEW_LAUNCH=folder)

    with Experiment(prefix, root=folder) as experiment:
        log = experiment.log_metric
        log("warm", 0.0, step=0)
        _wait(folder, number)
        start = time.monotonic()
        for step in range(calls):
            log(METRIC, 1.0 / (step + 1.5), step=step)
        end = time.monotonic()
    return start, end


def write_floor(folder: str, name: str, calls: int, number: int) -> tuple[float, float]:
    """In a child: the same by the floor, to a file of its own."""
    from .floor import Floor

    floor = Floor(f"{folder}/floor/{name}.jsonl")
    _wait(folder, number)
    start = time.monotonic()
    for step in range(calls):
        floor.log({METRIC: 1.0 / (step + 1.5)}, step)
    end = time.monotonic()
    floor.close()
    return start, end


def _written(folder: Path, prefixes: list[str]) -> int:
    """How many points are in the files, each writer's steps counted once."""
    found = 0
    for prefix in set(prefixes):
        by_writer: dict[str, set[int]] = {}
        for path in (folder / prefix / "metrics").glob("*.jsonl"):
            steps = by_writer.setdefault(path.name.split(".")[0], set())
            for line in path.read_bytes().splitlines():
                record = orjson.loads(line)
                if METRIC in record["m"]:
                    steps.add(record["s"])
        found += sum(map(len, by_writer.values()))
    return found
