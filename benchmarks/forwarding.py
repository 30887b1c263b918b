"""What forwarding to three other trackers costs the program that logs, beside the same program without it.

The two take turns as whole processes, because what is to be found out is how much a process that sends takes away from
one that logs on a machine with few cores. Calls are timed only once every tracker has taken its first records: their
libraries have been imported then, and they are sending at full speed while the program logs at full speed.

What sends steps back for everything else on the machine, so on one with other work to do a round may wait for minutes until
the trackers have taken anything: measure on a quiet machine, where all of it takes two to three minutes.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator

from anew import Experiment

from .harness import Bench, Row, at_most, duration, in_child, medians, quantile

ROUNDS, SECONDS = 5, 3.0
READY_SECONDS = 250.0


def run(bench: Bench) -> Iterator[Row]:
    """A log call's median, p99 and mean; the start and the end; how fast each tracker takes records."""
    rounds, seconds = bench.size(ROUNDS, 1), 0.05 if bench.quick else SECONDS
    for scalars in (1, 10):
        taken: dict[str, list[tuple[float, float]]] = {}
        for number in range(rounds):
            found = {}
            for how in (True, False) if number % 2 else (False, True):
                with bench.folder("forwarding") as folder:
                    found[how] = in_child(_log, str(folder), how, scalars, seconds)
            for what in found[True]:
                taken.setdefault(what, []).append((found[True][what], found[False][what]))
        several = f"{scalars} scalar{'s' * (scalars > 1)}"
        for what in ("median", "p99", "mean"):
            ours, beside, ratio = medians(taken[what])
            limit = at_most(ratio, 2) if what != "p99" else (f"{ratio:.2f}×", "", None)
            yield Row(
                f"log call, {several}, 3 forwarders sending: {what}", duration(ours), f"{duration(beside)} (none)", *limit
            )  # fmt: skip
        if scalars == 1:
            ours, beside, _ = medians(taken["start"])
            yield Row(
                "start of an experiment with 3 forwarders", duration(ours), f"{duration(beside)} (none)",
                f"{duration(max(0.0, ours - beside))} more",
            )  # fmt: skip
    with bench.folder("forwarding") as folder:
        lines = bench.size(20_000, 200)
        for kind, per_second, lost in in_child(_throughput, str(folder), lines):
            yield Row(
                f"records of 2 points a second, forwarded to {kind}", f"{per_second:,.0f}/s", "", "", "0 missing" if lost is not None else "",
                None if lost is None else lost == 0,
            )  # fmt: skip


def _places(folder: str) -> list[str]:
    return [f"mlflow:sqlite:///{folder}/mlflow.db", "wandb:offline", "tensorboard"]


def _log(folder: str, forwarded: bool, scalars: int, seconds: float) -> dict[str, float]:
    os.environ["ANEW_FORWARD_WAIT"] = "0"
    os.chdir(folder)  # where MLflow leaves its artifacts
    names = [f"train/metric_{n}" for n in range(scalars)]
    experiment = Experiment(
        "bench/forwarding/one", root=folder, forward_to=_places(folder) if forwarded else None
    )
    begun = time.perf_counter()
    experiment.run.start()
    started = time.perf_counter() - begun
    for step in range(1_000):
        experiment.log_metrics(dict.fromkeys(names, 0.5), step=step)
    if forwarded:
        _until_all_have_records(experiment)
    else:
        time.sleep(0.5)
    taken = []
    clock = time.perf_counter_ns
    metrics = dict.fromkeys(names, 0.25)
    step, until = 1_000, time.perf_counter() + seconds
    begun = time.perf_counter()
    while time.perf_counter() < until:
        for _ in range(100):
            before = clock()
            experiment.log_metrics(metrics, step=step)
            taken.append(clock() - before)
            step += 1
        # A program that trains does something between: the calls of a loop that only logs would be few programs'.
        time.sleep(0.002)
    experiment.run.complete()
    _stop(experiment)
    return {
        "median": statistics.median(taken) / 1e9,
        "p99": quantile(taken, 0.99) / 1e9,
        "mean": statistics.fmean(taken) / 1e9,
        "start": started,
    }


def _until_all_have_records(experiment: Experiment) -> None:
    from anew.forwarding.progress import read_all

    until = time.monotonic() + READY_SECONDS
    while True:
        places = read_all(experiment.folder)
        if len(places) == 3 and all(place.points for place in places.values()):
            return
        if time.monotonic() > until:
            raise TimeoutError(f"not every tracker took records: {places}")
        time.sleep(0.05)


def _stop(experiment: Experiment) -> None:
    """End what sends: the next round is to have the machine for itself."""
    recording = experiment.life.last
    for forwarding in recording.forwardings if recording else ():
        if forwarding._sending is not None:
            forwarding._sending.stop()


def _throughput(folder: str, lines: int) -> list[tuple[str, float, int | None]]:
    from anew import Store

    os.chdir(folder)
    with Experiment("bench/forwarding/all", root=folder, system_metrics=0) as experiment:
        for step in range(lines):
            experiment.log_metrics({"loss": 1 / (step + 1), "acc": step / lines}, step=step)
    found: list[tuple[str, float, int | None]] = []
    with Store(folder) as store:
        for place in _places(folder):
            begun = time.perf_counter()
            (sent,) = store.forward(experiment.id, place)[experiment.id]
            took = time.perf_counter() - begun
            found.append((place.partition(":")[0], lines / took, 2 * lines - sent.points))
    return found
