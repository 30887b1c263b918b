"""What an experiment costs its process: memory while it logs, time when it ends."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterator

from .harness import Bench, Row, duration, in_child, memory_of, start_child

MIB = 1 << 20


def run(bench: Bench) -> Iterator[Row]:
    """Time from the last call to the end of the process; growth of resident memory."""
    points = bench.size(1_000_000, 2_000)
    ours, beside = [], []
    for _ in range(bench.size(3, 1)):
        ours.append(_exit_of(bench, log_and_leave, points))
        beside.append(_exit_of(bench, write_and_leave, points))
    seconds = statistics.median(ours)
    yield Row(
        f"last call → process gone, after {points:,} points",
        duration(seconds),
        f"{duration(statistics.median(beside))} (orjson + os.write)",
        "",
        "≤ 0.3 s",
        seconds <= 0.3,
    )
    points = bench.size(5_000_000, 10_000)
    with bench.folder("memory") as folder:
        grown, opened = in_child(grow, str(folder), points)
    yield Row(
        f"growth of memory over {points:,} points",
        f"{grown / MIB:.1f} MB",
        f"{opened / MIB:.1f} MB (opening the experiment)",
        "",
        "≤ 8 MB",
        grown <= 8 * MIB,
    )


def _exit_of(bench: Bench, function: object, points: int) -> float:
    with bench.folder("exit") as folder:
        child = start_child(function, str(folder), points)  # type: ignore[arg-type]
        out, err = child.communicate()
        gone = time.monotonic()
        if child.returncode:
            raise RuntimeError(err[-2000:])
        last_call = next(line for line in out.splitlines() if line.startswith("last call "))
        return gone - float(last_call.rpartition(" ")[2])


def log_and_leave(folder: str, points: int) -> None:
    """In a child: log, say when the last call returned, leave."""
    from anew import Experiment

    with Experiment("bench/exit/one", root=folder, quiet=False) as experiment:
        log = experiment.log_metric
        for step in range(points):
            log("train/loss", 1.0 / (step + 1.5), step=step)
        _say_now()


def write_and_leave(folder: str, points: int) -> None:
    """In a child: the same by the floor."""
    from .floor import Floor

    floor = Floor(f"{folder}/floor.jsonl")
    for step in range(points):
        floor.log({"train/loss": 1.0 / (step + 1.5)}, step)
    _say_now()
    floor.close()


def _say_now() -> None:
    now = time.monotonic()
    os.write(sys.__stdout__.fileno() if sys.__stdout__ else 1, f"\nlast call {now!r}\n".encode())


def grow(folder: str, points: int) -> tuple[int, int]:
    """In a child: bytes of memory gained over that many points, and by opening the experiment."""
    from anew import Experiment

    before = memory_of()
    with Experiment("bench/memory/one", root=folder) as experiment:
        log = experiment.log_metrics
        names = [f"train/metric_{n}" for n in range(5)]
        log(dict.fromkeys(names, 0.5), step=0)
        time.sleep(2.0)  # the background thread has looked at the machine by then
        opened = memory_of()
        for step in range(points // len(names)):
            value = 1.0 / (step + 1.5)
            log(dict.fromkeys(names, value), step=step)
        grown = memory_of() - opened
    return grown, opened - before
