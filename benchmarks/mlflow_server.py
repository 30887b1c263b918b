"""MLflow's API as our server answers it, beside MLflow's own server on SQLite: the same bodies by a plain HTTP client over one connection.

Both servers are processes of their own on this machine, and are asked in turn. The client of MLflow is left out of all rows but the last, since it alone takes longer than either server.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .accepting import await_mlflow
from .browsing import free_port
from .environments import QUIET
from .harness import Bench, Row
from .server import served

BATCH = 1_000
_CLIENT_RUNS = 20
PROGRAM = """
import time
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
client = MlflowClient()
name = f"client {time.time_ns()}"
began = time.perf_counter()
experiment = client.create_experiment(name)
for at in range(RUNS):
    run = client.create_run(experiment, run_name=f"run-{at}").info.run_id
    client.log_batch(run, params=[Param(f"p{n}", str(n)) for n in range(20)])
    for step in range(20):
        client.log_metric(run, "loss", 1 / (step + 1), step=step)
    client.log_batch(run, metrics=[Metric("acc", n / 500, 1_700_000_000_000 + n, n) for n in range(500)])
    client.set_tag(run, "done", "yes")
    client.set_terminated(run)
    client.get_run(run)
client.search_runs([experiment], "metrics.loss < 1", order_by=["metrics.acc DESC"])
print("TOOK", time.perf_counter() - began)
"""
"""What the unmodified client does for the last row."""
Post = Callable[[str, dict[str, Any]], dict[str, Any]]


def run(bench: Bench) -> Iterator[Row]:
    """Each kind of request, the servers in turn."""
    runs = bench.size(10_000, 20)
    rounds = bench.size(20, 2)
    with contextlib.ExitStack() as open_:
        root = open_.enter_context(bench.folder("ours"))
        url, _, _ = open_.enter_context(served(root))
        addresses = [f"{url}/mlflow"]
        posts = [open_.enter_context(_client(addresses[0]))]
        if not bench.quick:  # it takes longer to start than the rest
            place = open_.enter_context(bench.folder("mlflow"))
            addresses.append(open_.enter_context(_mlflow(place)))
            posts.append(open_.enter_context(_client(addresses[1])))
        sides = [_Side(post) for post in posts]
        for what, least, method in (
            ("start of a run", 5, _Side.start),
            ("log_batch of 1,000 points", 5, _Side.batch),
            ("log_metric", 10, _Side.metric),
            ("log_parameter", 10, _Side.param),
            ("set_tag", 10, _Side.tag),
        ):
            yield _row(what, least, _taken(sides, method, rounds))
        for side in sides:
            side.fill(runs)
        filtered = "metrics.loss < 0.01 and params.lr = '0.5'"
        for what, asked in (
            (
                "sorted by a metric, 100 of them",
                {"order_by": ["metrics.loss ASC"], "max_results": 100},
            ),
            ("by a metric and a parameter, 100 of them", {"filter": filtered, "max_results": 100}),
        ):
            taken = _taken(sides, lambda side, asked=asked: side.search(asked), min(rounds, 5))
            yield _row(f"search_runs over {runs:,} runs, {what}", 20, taken)
        if bench.quick:  # the client takes longer to import than the rest
            return
        times = [[_by_client(one, _CLIENT_RUNS) for one in addresses] for _ in range(3)]
        taken = [statistics.median(column) for column in zip(*times, strict=True)]
        yield _row(f"the unmodified client, {_CLIENT_RUNS} runs from start to end", 1, taken)


class _Side:
    """One server, and what was made there."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._experiment = post("experiments/create", {"name": "lab/vision"})["experiment_id"]
        self._many = post("experiments/create", {"name": "lab/many"})["experiment_id"]
        self._at = 0
        self.start()

    def start(self) -> None:
        self._run = self._begun(self._experiment)

    def _begun(self, experiment: str) -> str:
        self._at += 1
        tags = [
            {"key": "mlflow.user", "value": "ada"},
            {"key": "mlflow.source.type", "value": "LOCAL"},
        ]
        body = {
            "experiment_id": experiment,
            "start_time": 1_700_000_000_000 + self._at,
            "run_name": f"run-{self._at}",
            "tags": tags,
        }
        found: str = self._post("runs/create", body)["run"]["info"]["run_id"]
        return found

    def _point(self, key: str = "loss") -> dict[str, Any]:
        self._at += 1
        return {
            "key": key,
            "value": 1 / self._at,
            "timestamp": 1_700_000_000_000 + self._at,
            "step": self._at,
        }

    def batch(self) -> None:
        self._post(
            "runs/log-batch",
            {"run_id": self._run, "metrics": [self._point() for _ in range(BATCH)]},
        )

    def metric(self) -> None:
        self._post("runs/log-metric", {"run_id": self._run, **self._point()})

    def param(self) -> None:
        self._at += 1
        self._post(
            "runs/log-parameter", {"run_id": self._run, "key": f"p{self._at}", "value": "0.1"}
        )

    def tag(self) -> None:
        self._at += 1
        self._post(
            "runs/set-tag", {"run_id": self._run, "key": f"t{self._at % 7}", "value": str(self._at)}
        )

    def fill(self, runs: int) -> None:
        """Make the runs that are searched."""
        for at in range(runs):
            run_id = self._begun(self._many)
            metrics = [
                {
                    "key": key,
                    "value": (at * 7919 % runs) / runs,
                    "timestamp": 1_700_000_000_000,
                    "step": 0,
                }
                for key in ("loss", "acc")
            ]
            self._post(
                "runs/log-batch",
                {
                    "run_id": run_id,
                    "metrics": metrics,
                    "params": [{"key": "lr", "value": str(at % 10 / 10)}],
                },
            )

    def search(self, asked: dict[str, Any]) -> None:
        found = self._post("runs/search", {"experiment_ids": [self._many], **asked})
        assert "runs" in found or "filter" in asked


def _taken(sides: list[_Side], call: Callable[[_Side], object], rounds: int) -> list[float]:
    """Seconds of a call at each side: the median of rounds in turn, after one that is not counted."""
    taken: list[list[float]] = [[] for _ in sides]
    for at in range(rounds + 1):
        for side, into in zip(sides, taken, strict=True):
            began = time.perf_counter()
            call(side)
            if at:
                into.append(time.perf_counter() - began)
    return [statistics.median(one) for one in taken]


def _by_client(address: str, runs: int) -> float:
    """Seconds that the unmodified client takes for some runs, once it is imported."""
    environment = {**os.environ, **QUIET, "MLFLOW_TRACKING_URI": address}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.replace("RUNS", str(runs))],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout.rpartition("TOOK ")[2])


def _row(what: str, least: int, taken: list[float]) -> Row:
    mine = f"{taken[0] * 1000:.2f} ms"
    if len(taken) < 2:
        return Row(what, mine, target=f"≥ {least}×")
    ratio = taken[1] / taken[0]
    return Row(
        what,
        mine,
        f"{taken[1] * 1000:.2f} ms (MLflow's server on SQLite)",
        f"{ratio:.1f}×",
        f"≥ {least}×",
        ratio >= least,
    )


@contextlib.contextmanager
def _client(base: str) -> Iterator[Post]:
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)

    def post(route: str, asked: dict[str, Any]) -> dict[str, Any]:
        sent = (
            f"{parts.path}/api/2.0/mlflow/{route}",
            json.dumps(asked),
            {"Content-Type": "application/json"},
        )
        try:
            connection.request("POST", *sent)
            answer = connection.getresponse()
        except OSError:  # closed by the server, which was not asked for some seconds
            connection.close()
            connection.request("POST", *sent)
            answer = connection.getresponse()
        found = answer.read()
        assert answer.status == 200, found
        told: dict[str, Any] = json.loads(found or b"{}")
        return told

    yield post
    connection.close()


@contextlib.contextmanager
def _mlflow(place: Path) -> Iterator[str]:
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{place}/mlflow.db", "--default-artifact-root", str(place),
    ]  # fmt: skip
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command,
        cwd=place,
        env={**os.environ, **QUIET},
        stdout=quiet,
        stderr=quiet,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await_mlflow(url, process)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
