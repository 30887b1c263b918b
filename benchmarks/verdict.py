"""What a verdict costs: a million points, a small program run again, and watching which files a program reads."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .harness import Bench, Row, duration, in_child, medians, times

POINTS, METRICS = 1_000_000, 10
SECONDS_LIMIT, MEMORY_LIMIT = 15.0, 300 << 20
OVER_LIMIT = 1.5  # seconds that a re-run of a small program takes over its own time
WATCH_LIMIT = 1.02
_PROGRAM = """
import random
from anew import Experiment, seed_everything
seed_everything(1)
with Experiment("bench/small", system_metrics=0, quiet=True) as exp:
    for step in range(200):
        exp.log_metric("loss", random.random(), step=step)
"""
# A training in small: batches come from files, and the arithmetic between them takes a few milliseconds.
_TRAINING = """
import os, sys, time
import numpy as np
if sys.argv[1] == "on":
    from anew.monitor.reads import watch
    watch()
folder = sys.argv[2]
names = sorted(os.listdir(folder))
weights = np.ones((256, 256))
begun = time.perf_counter()
for epoch in range(3):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            batch = np.frombuffer(file.read(), np.float64).reshape(64, 256)
        for _ in range(4):
            batch = np.tanh(batch @ weights / 256)
print(time.perf_counter() - begun)
"""


def run(bench: Bench) -> Iterator[Row]:
    """Seconds and memory."""
    with bench.folder("verdict") as folder:
        count = bench.size(POINTS, 10_000)
        seconds, memory, floor = in_child(_compare, str(folder / "points"), count)
        yield Row(
            f"verdict on two experiments of {count:,} points", duration(seconds), f"{duration(floor)} (reading both)",
            times(seconds / floor), f"≤ {SECONDS_LIMIT:.0f} s", seconds <= SECONDS_LIMIT,
        )  # fmt: skip
        yield Row(
            "memory at most, of the process", f"{memory / 1e6:.0f} MB", "", "", f"≤ {MEMORY_LIMIT >> 20} MB", memory <= MEMORY_LIMIT
        )  # fmt: skip
        again, alone = _small(folder, bench.size(5, 1))
        over = again - alone
        yield Row(
            "`anew reproduce` of a small program", duration(again), f"{duration(alone)} (the program)",
            f"{duration(max(0.0, over))} more", f"≤ {OVER_LIMIT:g} s more", over <= OVER_LIMIT,
        )  # fmt: skip
        on, off, ratio = _watched(folder, bench.size(9, 1), bench.size(300, 20))
        yield Row(
            "a loop that opens a file every few milliseconds, watched", duration(on), f"{duration(off)} (not watched)",
            f"{ratio:.3f}×", f"≤ {WATCH_LIMIT:g}×", ratio <= WATCH_LIMIT,
        )  # fmt: skip


def _compare(folder: str, count: int) -> tuple[float, int, float]:
    import numpy as np

    from anew import Experiment, Store
    from anew.reproduce.comparison import compare

    values = np.random.default_rng(0).standard_normal(count // METRICS).tolist()
    for name in ("a", "b"):
        with Experiment(f"bench/{name}", root=folder, system_metrics=0, quiet=True) as exp:
            for step, value in enumerate(values):
                exp.log_metrics({f"m{n}": value for n in range(METRICS)}, step=step)
    taken = []
    with Store(folder) as store:
        views = [store.get(f"bench/{name}") for name in ("a", "b")]
        begun = time.perf_counter()
        for view in views:
            store.history(view)
        taken.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        judgement = compare(store, *views)
        taken.append(time.perf_counter() - begun)
    assert judgement.exit_code == 0, judgement.reason
    return taken[1], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, taken[0]


def _small(folder: Path, rounds: int) -> tuple[float, float]:
    project = folder / "project"
    project.mkdir()
    (project / "train.py").write_text(_PROGRAM)
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=B", "-c", "user.email=b@example.org", "commit", "--quiet", "-m", "all"],
    ):
        subprocess.run(["git", *arguments], cwd=project, check=True)
    environ = os.environ | {
        "ANEW_ROOT": str(folder / "small"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }

    def call(*command: str) -> float:
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, *command], cwd=project, env=environ, check=True, capture_output=True
        )
        return time.perf_counter() - begun

    taken = []
    for _ in range(rounds + 1):
        alone = call("train.py")
        taken.append((call("-m", "anew", "reproduce", "bench/small", "-y"), alone))
    ours, beside, _ = medians(taken[1:])
    return ours, beside


def _watched(folder: Path, rounds: int, files: int) -> tuple[float, float, float]:
    data = folder / "batches"
    data.mkdir()
    for number in range(files):
        (data / f"{number:04d}").write_bytes(bytes(64 * 256 * 8))

    def once(how: str) -> float:
        command = [sys.executable, "-c", _TRAINING, how, str(data)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    taken = []
    for number in range(rounds + 1):
        order = ("on", "off") if number % 2 else ("off", "on")
        found = {how: once(how) for how in order}
        taken.append((found["on"], found["off"]))
    return medians(taken[1:])
