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
begun = time.process_time()
for epoch in range(3):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            batch = np.frombuffer(file.read(), np.float64).reshape(64, 256)
        for _ in range(4):
            batch = np.tanh(batch @ weights / 256)
print(time.process_time() - begun)
"""


def run(bench: Bench) -> Iterator[Row]:
    """Seconds and memory."""
    with bench.folder("verdict") as folder:
        count = bench.size(POINTS, 10_000)
        points = str(folder / "points")
        in_child(_record, points, count)
        seconds, memory = in_child(_compare, points)
        floor, least = in_child(_floor, points)
        yield Row(
            f"verdict on two experiments of {count:,} points, CPU of the process", duration(seconds),
            f"{duration(floor)} (reading both with NumPy)", times(seconds / floor), f"≤ {SECONDS_LIMIT:.0f} s",
            seconds <= SECONDS_LIMIT,
        )  # fmt: skip
        yield Row(
            "memory at most, of that process", f"{memory / 1e6:.0f} MB", f"{least / 1e6:.0f} MB", times(memory / least),
            f"≤ {MEMORY_LIMIT >> 20} MB", memory <= MEMORY_LIMIT,
        )  # fmt: skip
        again, alone = _small(folder, bench.size(5, 1))
        over = again - alone
        yield Row(
            "`anew reproduce` of a small program, CPU of all processes", duration(again), f"{duration(alone)} (the program)",
            f"{duration(max(0.0, over))} more", f"≤ {OVER_LIMIT:g} s more", over <= OVER_LIMIT,
        )  # fmt: skip
        on, off, ratio = _watched(folder, bench.size(9, 1), bench.size(300, 20))
        yield Row(
            "a loop that opens a file every few milliseconds, watched", duration(on), f"{duration(off)} (not watched)",
            f"{ratio:.3f}×", f"≤ {WATCH_LIMIT:g}×", ratio <= WATCH_LIMIT,
        )  # fmt: skip


def _record(folder: str, count: int) -> None:
    """Two experiments with the same points, indexed; and one of their columns as a file of NumPy."""
    import numpy as np

    from anew import Experiment, Store

    values = np.random.default_rng(0).standard_normal(count // METRICS).tolist()
    for name in ("a", "b"):
        with Experiment(f"bench/{name}", root=folder, system_metrics=0, quiet=True) as exp:
            for step, value in enumerate(values):
                exp.log_metrics({f"m{n}": value for n in range(METRICS)}, step=step)
        np.save(f"{folder}/{name}.npy", np.array(values * METRICS))
    with Store(folder) as store:
        for name in ("a", "b"):
            store.history(store.get(f"bench/{name}"))


def _compare(folder: str) -> tuple[float, int]:
    """Seconds of this process and bytes at most."""
    from anew import Store
    from anew.reproduce.comparison import compare

    with Store(folder) as store:
        judgement = compare(store, *(store.get(f"bench/{name}") for name in ("a", "b")))
    assert judgement.exit_code == 0, judgement.reason
    return _used()


def _floor(folder: str) -> tuple[float, int]:
    """The same of a process that reads both columns with NumPy and compares them."""
    import numpy as np

    a, b = (np.load(f"{folder}/{name}.npy") for name in ("a", "b"))
    assert (a.view(np.int64) == b.view(np.int64)).all()
    return _used()


def _used() -> tuple[float, int]:
    return time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


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
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, *command], cwd=project, env=environ, check=True, capture_output=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

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
