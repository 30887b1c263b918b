"""What a server as the root costs the program that logs, beside the same program without one, and when others see a point.

Three servers: one that answers, one that is not there, and one that takes connections and never answers. Calls of an
experiment with a server and of one without take turns, a block at a time, in one process, and what counts is the
processor time of the thread that calls: the machine has other work to do, that of the process that pushes among it.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from anew import Experiment, Store
from anew.journal.layout import RootLayout
from anew.syncing.outbox import Outbox

from .harness import Bench, Row, at_most, duration, in_child, medians, quantile, start_child
from .server import served

ROUNDS, CALLS = 30, 5_000
STARTS = 15
POINTS, EVERY = 60, 0.25
MOST_START = 5e-3
MOST_VISIBLE = 1.5


def run(bench: Bench) -> Iterator[Row]:
    """Log calls and starts with each server, then the time until a point is seen."""
    with bench.folder("lab") as lab, servers(lab) as found:
        for what, url in found.items():
            yield from _calls(bench, what, url)
            yield _start(bench, what, url)
        yield _visible(bench, found["alive"])


@contextmanager
def servers(root: Path) -> Iterator[dict[str, str]]:
    """The addresses of a server that answers, of none, and of one that never answers."""
    with served(root) as (url, _, _), socket.socket() as none, socket.socket() as slow:
        none.bind(("127.0.0.1", 0))  # and not listening: it refuses
        slow.bind(("127.0.0.1", 0))
        slow.listen(64)
        yield {
            "alive": url,
            "dead": f"http://127.0.0.1:{none.getsockname()[1]}",
            "slow": f"http://127.0.0.1:{slow.getsockname()[1]}",
        }


def _calls(bench: Bench, what: str, url: str) -> Iterator[Row]:
    rounds, calls = bench.size(ROUNDS, 2), bench.size(CALLS, 50)
    with bench.folder("syncing") as folder:
        found = in_child(_log, str(folder), url, rounds, calls)
    ours, beside, ratio = medians([tuple(pair) for pair in found["cpu"]])
    yield Row(
        f"log call, server {what}: processor time of the caller", duration(ours / calls), f"{duration(beside / calls)} (none)",
        *at_most(ratio, 1.1),
    )  # fmt: skip
    yield Row(
        f"log call, server {what}: p99", duration(found["p99"][0]), f"{duration(found['p99'][1])} (none)",
        f"{found['p99'][0] / found['p99'][1]:.2f}×",
    )  # fmt: skip


def _log(
    folder: str, url: str, rounds: int, calls: int
) -> dict[str, list[list[float]] | list[float]]:
    os.environ.update(ANEW_LOCAL=f"{folder}/with", ANEW_SYNC_WAIT="0", ANEW_HEARTBEAT="1")
    with Experiment("bench/a/with", root=url) as ours, Experiment("bench/a/without", root=f"{folder}/without") as beside:  # fmt: skip
        pairs: list[list[float]] = []
        slowest: tuple[list[float], list[float]] = [], []

        def block(log: Callable[..., object], taken: list[float]) -> float:
            began = time.thread_time()
            for step in range(calls):
                log("loss", 0.25, step=step)
            spent = time.thread_time() - began
            for step in range(calls // 10):
                before = time.perf_counter()
                log("loss", 0.25, step=step)
                taken.append(time.perf_counter() - before)
            time.sleep(0.02)  # a program that trains does something between
            return spent

        for number in range(rounds + 1):
            turns = [(ours.log_metric, 0), (beside.log_metric, 1)]
            spent = [0.0, 0.0]
            for log, which in turns if number % 2 else reversed(turns):
                spent[which] = block(log, slowest[which])
            pairs.append(spent)
    _end(f"{folder}/with", url)
    return {"cpu": pairs[1:], "p99": [quantile(one, 0.99) for one in slowest]}


def _start(bench: Bench, what: str, url: str) -> Row:
    """Starts with a server and without one take turns, each in a program of its own: by the clock, and in processor time."""
    walls: list[tuple[float, float]] = []
    spent: list[tuple[float, float]] = []
    with bench.folder("syncing") as folder:
        for number in range(bench.size(STARTS, 1)):
            pair = [(0.0, 0.0), (0.0, 0.0)]
            for which in (0, 1) if number % 2 else (1, 0):
                wall, cpu = in_child(_begin, str(folder), url if which == 0 else "")
                pair[which] = (wall, cpu)
            walls.append((pair[0][0], pair[1][0]))
            spent.append((pair[0][1], pair[1][1]))
        _end(f"{folder}/with", url)
    ours, beside, _ = medians(walls)
    more = statistics.median(a - b for a, b in walls)
    busy = statistics.median(a - b for a, b in spent)
    return Row(
        f"start of an experiment, server {what}", duration(ours), f"{duration(beside)} (none)",
        f"{1e3 * more:+.2f} ms; {1e3 * busy:+.2f} ms of processor time", "≤ +5 ms", more <= MOST_START,
    )  # fmt: skip


def _begin(folder: str, url: str) -> tuple[float, float]:
    """Seconds of a start, and those of processor time that its process used for it."""
    os.environ.update(ANEW_LOCAL=f"{folder}/with", ANEW_SYNC_WAIT="0")
    began, used = time.perf_counter(), time.process_time()
    experiment = Experiment("bench/a/start", root=url or f"{folder}/without")
    experiment.run.start()
    took = time.perf_counter() - began, time.process_time() - used
    experiment.finish()
    return took


def _visible(bench: Bench, url: str) -> Row:
    count = bench.size(POINTS, 3)
    with bench.folder("syncing") as folder:
        child = start_child(_log_slowly, str(folder), url, count)
        seen: dict[int, float] = {}
        late: list[float] = []
        with Store(url) as store:
            until = time.monotonic() + 120 + count * EVERY
            while len(late) < count and time.monotonic() < until:
                found = store.list("name == 'seen'", limit=1)
                if found and "at" in found[0].metrics:
                    now = time.time()
                    metric = found[0].metrics["at"]
                    if metric.last_step is not None and metric.last_step not in seen:
                        seen[metric.last_step] = now
                        # Several points arrive together: the oldest of them waited longest.
                        first = max((s for s in seen if s < metric.last_step), default=-1) + 1
                        for step in range(first, metric.last_step + 1):
                            written = metric.last - (metric.last_step - step) * EVERY
                            late.append(now - written)
                time.sleep(0.02)
        child.communicate(timeout=120)
        _end(folder, url)
    p95 = quantile(late, 0.95) if late else float("inf")
    return Row(
        f"log call returned → seen by another client, {len(late)} points: p95", duration(p95), f"median {duration(statistics.median(late or [p95]))}",
        "", "≤ 1.5 s", p95 <= MOST_VISIBLE,
    )  # fmt: skip


def _log_slowly(folder: str, url: str, count: int) -> None:
    os.environ.update(ANEW_LOCAL=folder)
    with Experiment("bench/a/seen", root=url, system_metrics=0) as experiment:
        for step in range(count):
            experiment.log_metric("at", time.time(), step=step)
            time.sleep(EVERY)


def _end(folder: str | Path, url: str) -> None:
    """End the process that pushes: the next measurement is to have the machine, and then the folder, for itself."""
    state = Outbox(RootLayout(str(folder)), url).state()
    if state is None:
        return
    until = time.monotonic() + 10.0
    with suppress(ProcessLookupError):
        os.kill(state.pid, signal.SIGTERM)
        while time.monotonic() < until:
            time.sleep(0.05)
            os.kill(state.pid, 0)
