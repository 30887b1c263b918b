"""Points that a server accepts from programs, beside MLflow's server on SQLite: logged a thousand at a time, and one at a time.

A batch of a thousand is one request to either server. What a program logs one at a time is a request each with MLflow; with Anew it
goes into the journal first, and is sent from there in frames of a mebibyte.

Both servers are processes of their own on this machine, and each is asked by one client over one connection. Each is asked for so
many seconds, so that the group ends whatever a server makes of it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from anew.reading.remote.calls import Calls
from anew.reading.remote.connection import Connections
from anew.record.encode import encode_line
from anew.record.ids import new_id
from anew.sync.server import Server
from anew.sync.wire import Filing

from .browsing import free_port
from .environments import QUIET
from .harness import Bench, Row
from .server import served

SECONDS = 8.0
BATCH = 1_000
FRAME = 16_000
"""Points of one metric in a frame as it is cut from a journal."""
READY = 100.0
"""Seconds that MLflow's server may take until it answers."""
Send = Callable[[int, int], object]
"""Sends points: the number of the first, and how many."""


def run(bench: Bench) -> Iterator[Row]:
    """Both sizes, each server in turn."""
    seconds = bench.size(100, 5) / 100 * SECONDS
    with bench.folder("accepting") as root, bench.folder("mlflow") as place:
        with _ours(root) as send:
            mine = _rates(send, seconds, FRAME)
        theirs = None
        if not bench.quick:  # it takes longer to start than the rest
            with _mlflow(place) as send:
                theirs = _rates(send, seconds, 1)
    for at, (what, least) in enumerate(
        (("logged 1,000 at a time", 10), ("logged one at a time", 100))
    ):
        named = f"points accepted, {what}"
        if theirs is None:
            yield Row(named, f"{mine[at]:,.0f} a second", target=f"≥ {least}×")
            continue
        ratio = mine[at] / theirs[at]
        yield Row(
            named, f"{mine[at]:,.0f} a second", f"{theirs[at]:,.0f} a second (MLflow's server on SQLite)",
            f"{ratio:.0f}×", f"≥ {least}×", ratio >= least,
        )  # fmt: skip


def _rates(send: Send, seconds: float, single: int) -> tuple[float, float]:
    """Points a second in batches, and one by one, of which `single` make a request."""
    at = 0
    found = []
    for count in (BATCH, single):
        send(at, count)
        at += count
        first, began = at, time.perf_counter()
        while time.perf_counter() - began < seconds:
            send(at, count)
            at += count
        found.append((at - first) / (time.perf_counter() - began))
    return found[0], found[1]


@contextlib.contextmanager
def _ours(root: Path) -> Iterator[Send]:
    """Our server: points go as lines of a segment, as they do from a program's journal."""
    with served(root) as (url, _, _):
        client = Server(Calls(Connections(url), url), compress=False)
        one, size = new_id(), 0
        client.file("", [Filing(id=one, prefix="lab/x/accepted")])
        opened = encode_line({
            "k": "opened", "t": time.time(), "version": 1, "experiment_id": one, "name": "accepted",
            "role": "lead", "host": "elsewhere", "prefix": "lab/x/accepted",
        })  # fmt: skip
        client.append([client.frame(one, "journal/0001-main-aaaa.jsonl", 0, opened, b"", beside=False)])  # fmt: skip

        def send(first: int, count: int) -> None:
            nonlocal size
            lines = b"".join(
                encode_line({"s": n, "t": 1e9 + n, "m": {"loss": 1 / (n + 1)}})
                for n in range(first, first + count)
            )
            frame = client.frame(one, "metrics/0001-main-aaaa.jsonl", size, lines, b"", beside=False)  # fmt: skip
            size = client.append([frame])[0].size

        yield send
        client.close()


@contextlib.contextmanager
def _mlflow(place: Path) -> Iterator[Send]:
    """MLflow's server, asked as its client does."""
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{place}/mlflow.db", "--default-artifact-root", str(place),
    ]  # fmt: skip
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=place, env={**os.environ, **QUIET}, stdout=quiet, stderr=quiet, start_new_session=True
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        await_mlflow(url, process)
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=60)

        def post(route: str, asked: dict[str, object]) -> dict[str, dict[str, dict[str, str]]]:
            body = json.dumps(asked)
            connection.request(
                "POST", f"/api/2.0/mlflow/{route}", body, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            found = answer.read()
            assert answer.status == 200, found
            told: dict[str, dict[str, dict[str, str]]] = json.loads(found or b"{}")
            return told

        made = post("runs/create", {"experiment_id": "0", "start_time": int(time.time() * 1000)})
        run_id = made["run"]["info"]["run_id"]

        def send(first: int, count: int) -> None:
            points = [
                {"key": "loss", "value": 1 / (n + 1), "timestamp": 10**12 + n, "step": n}
                for n in range(first, first + count)
            ]
            if count == 1:
                post("runs/log-metric", {"run_id": run_id, **points[0]})
            else:
                post("runs/log-batch", {"run_id": run_id, "metrics": points})

        yield send
        connection.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_mlflow(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers.

    Raises:
        TimeoutError: It does not.
    """
    until = time.monotonic() + READY
    parts = urlsplit(url)
    while process.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        connection.close()
        time.sleep(0.2)
    raise TimeoutError("MLflow's server does not answer.")
