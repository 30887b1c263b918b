"""`anew server` on a folder: ready, idle, asked for experiments and for panels, beside the same without a network.

The server is a process of its own on this machine, and the client keeps its connection, as a page or a notebook does.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import duckdb
import psutil

from anew import Store
from anew.query.panel import PanelQuestion

from .catalog import LIMIT, QUERIES
from .harness import (
    Bench,
    Row,
    at_most,
    duration,
    memory_of,
    paired_seconds,
    quantile,
    seconds_of,
    times,
)
from .many_experiments import BUCKETS, METRIC, written
from .synthetic import write_many

_MLFLOW_WAIT = 90.0
"""Seconds after which MLflow's server is given up."""
VALUES = (
    {"low": 0.05, "mid": 0.5, "high": 0.9, "lr": 1e-3},
    {"low": 0.3, "mid": 0.8, "high": 0.99, "lr": 1e-4},
)


def run(bench: Bench) -> Iterator[Row]:
    """Ready and idle, then panels, then filters."""
    yield from _panels(bench)
    yield from _filters(bench)


@contextmanager
def served(root: Path) -> Iterator[tuple[str, int, float]]:
    """A folder served by a process of its own: the URL, its process, and the seconds until it was ready."""
    command = [sys.executable, "-m", "anew", "server", str(root), "--port", "0", "--quiet"]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        yield url, process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _panels(bench: Bench) -> Iterator[Row]:
    points = bench.size(1_000, 50)
    for count in (bench.size(100, 20), bench.size(1_000, 30)):
        with bench.folder("served") as root:
            yield _panel(bench, root, count, points)


def _panel(bench: Bench, root: Path, count: int, points: int) -> Row:
    ids = written(root, count, points)
    question = PanelQuestion(ids=ids, metrics=(METRIC,), start=0, stop=points - 1, buckets=BUCKETS)
    with Store(root) as store:
        assert len(store.list()) == count
        store.backend.panel(question)  # makes the packs
    one = root / "sorted.parquet"
    packs = [str(path) for path in sorted(root.glob(".anew/packs/*/*.parquet"))]
    query = (
        f"SELECT experiment_id, step * {BUCKETS} // {points} AS bucket, min(value), max(value), "
        f"arg_max(value, step), count(*) FROM '{one}' WHERE name = '{METRIC}' GROUP BY ALL"
    )
    with duckdb.connect() as engine:
        engine.sql(
            f"COPY (FROM read_parquet({packs}) ORDER BY name, experiment_id, step) "
            f"TO '{one}' (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd)"
        )
        with served(root) as (url, _, _), Store(url) as there:
            took, other, ratio = paired_seconds(
                lambda: there.backend.panel(question),
                lambda: engine.sql(query).fetchnumpy(),
                rounds=bench.size(9, 2),
                warm=1,
            )
    return Row(
        f"panel over HTTP, {count:,} × {points:,} points → {BUCKETS} buckets",
        duration(took),
        f"{duration(other)} (DuckDB, one sorted file, no server)",
        *at_most(ratio, 1.5),
    )


def _filters(bench: Bench) -> Iterator[Row]:
    count = bench.size(100_000, 60)
    with bench.folder("served") as root:
        write_many(root, count, asked_only=True)
        with Store(root) as here:
            assert len(here) == count
            with served(root) as (url, process, ready):
                idle = memory_of(process)
                peer = _mlflow(root) if bench.size(1, 0) else None
                beside, ratio = ("", "") if peer is None else (f"{duration(peer[0])} (MLflow's server, empty)", times(ready / peer[0]))  # fmt: skip
                yield Row(
                    f"server of {count:,} experiments ready", duration(ready), beside, ratio, "≤ 1 s", ready <= 1
                )  # fmt: skip
                beside, ratio = ("", "") if peer is None else (f"{peer[1] / 1e6:,.0f} MB (MLflow's server, all its processes)", times(idle / peer[1]))  # fmt: skip
                yield Row(
                    "memory of the server, idle", f"{idle / 1e6:.0f} MB", beside, ratio, "≤ 150 MB", idle <= 150e6
                )  # fmt: skip
                with Store(url) as there:
                    yield _row(bench, here, there, count)


def _mlflow(root: Path) -> tuple[float, int] | None:
    """The seconds until MLflow's server answers, and the bytes of its processes; None where it is not installed."""
    if find_spec("mlflow") is None:
        return None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--port", str(port), "--backend-store-uri", f"sqlite:///{root}/mlflow.db",
        "--default-artifact-root", str(root / "mlflow"),
    ]  # fmt: skip
    quiet = subprocess.DEVNULL
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        while True:
            with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                if answer.status == 200:
                    took = time.perf_counter() - began
                    break
            if time.perf_counter() - began > _MLFLOW_WAIT:
                return None
            time.sleep(0.05)
        every = [process.pid, *(one.pid for one in psutil.Process(process.pid).children(True))]
        return took, sum(map(memory_of, every))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _asked(store: Store, question: str, sort: str) -> float:
    """Seconds until the answer to a question is there."""
    return seconds_of(lambda: list(store.search(question, sort=sort, limit=LIMIT)))


def _row(bench: Bench, here: Store, there: Store, count: int) -> Row:
    # Of each question the median of its rounds: what one takes once says as much of the machine as of the server.
    taken: dict[tuple[str, str], list[list[float]]] = {}
    for number in range(bench.size(4, 2)):
        for value in VALUES:
            for text, sort in QUERIES:
                question = text.format(**value)
                pair = [_asked(store, question, sort) for store in (there, here)]
                if number:  # the first round warms the file cache
                    taken.setdefault((question, sort), []).append(pair)
    ours, beside = (
        [statistics.median(pair[side] for pair in pairs) for pairs in taken.values()]
        for side in (0, 1)
    )
    more = quantile([a - b for a, b in zip(ours, beside, strict=True)], 0.95)
    return Row(
        f"filter {count:,} over HTTP, sort, limit {LIMIT}: p95 of {len(ours)} questions",
        duration(quantile(ours, 0.95)),
        f"{duration(quantile(beside, 0.95))} (in process); median {duration(statistics.median(ours))} and "
        f"{duration(statistics.median(beside))}",
        f"{duration(max(0.0, more))} more",
        "≤ 15 ms more",
        more <= 0.015,
    )
