"""The pages of other trackers, with the same curves: what the first chart of theirs costs."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .browsing import Opening, Site, free_port, opened, window
from .environments import environment, python_of
from .page_data import curve

__all__ = ["MORE_PEERS", "PEERS"]

_WRITING_S = 60.0
"""How long the curves of a peer may take to be written; with fewer experiments than were asked for, the row says how many."""
_STARTING_S = 90.0


def _tensorboard(browser: Any, place: Path, count: int) -> tuple[list[Opening], int]:
    from tensorboardX import SummaryWriter

    until = time.monotonic() + _WRITING_S
    written = 0
    while written < count and time.monotonic() < until:
        writer = SummaryWriter(str(place / f"e{written:04d}"))
        for step, value in enumerate(curve(written)):
            writer.add_scalar("train/m0", float(value), step)
        writer.close()
        written += 1
    port = free_port()
    program = "from tensorboard.main import run_main; run_main()"
    command = [sys.executable, "-c", program, "--logdir", str(place), "--port", str(port), "--load_fast=false"]  # fmt: skip
    drawn = "card-view line-chart .series-view canvas, card-view line-chart .series-view svg path"
    all_there = f"http://127.0.0.1:{port}/data/runs"
    with _server(command, all_there, lambda text: text.count('"e') >= written):
        site = Site(f"http://127.0.0.1:{port}/?darkMode=false#timeseries")
        return [opened(browser, site, "", drawn) for _ in range(2)][1:], written


def _mlflow(browser: Any, place: Path, count: int) -> tuple[list[Opening], int]:
    # Through its store and not its server, which takes a second for what its store writes in a tenth of one.
    store = f"sqlite:///{place}/mlflow.db"
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    client = MlflowClient(store)
    experiment = client.create_experiment("page", artifact_location=str(place))
    until = time.monotonic() + _WRITING_S
    written = 0
    while written < count and time.monotonic() < until:
        made = client.create_run(experiment, run_name=f"e{written:04d}")
        points = [
            Metric("m0", float(value), 1_790_000_000_000 + step, step)
            for step, value in enumerate(curve(written))
        ]
        client.log_batch(made.info.run_id, metrics=points)
        client.set_terminated(made.info.run_id)
        written += 1
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "2", "--backend-store-uri", store, "--default-artifact-root", str(place)]  # fmt: skip
    with _server(command, f"http://127.0.0.1:{port}/health", lambda text: "OK" in text):
        path = f"#/experiments/{experiment}/runs?compareRunsMode=CHART"
        drawn = ".js-plotly-plot .scatterlayer .js-line"
        site = Site(f"http://127.0.0.1:{port}/")
        return [opened(browser, site, path, drawn) for _ in range(2)][1:], written


def _aim(browser: Any, place: Path, count: int) -> tuple[list[Opening], int]:
    written = _written_apart("aim", place, count)
    port = free_port()
    program = str(Path(python_of("aim")).with_name("aim"))
    command = [program, "up", "--yes", "--host", "127.0.0.1", "--port", str(port), "--repo", str(place)]  # fmt: skip
    address = f"http://127.0.0.1:{port}/"
    drawn = "svg.Visualization path.Line"
    with _server(command, address, lambda text: "<html" in text):
        # Its page draws nothing until a metric was chosen; what was chosen is then in the address, which is what is opened.
        with window(browser, Site(address)) as page:
            page.goto(f"{address}metrics")
            page.get_by_text("Skip").click()
            page.get_by_role("button", name="Metrics").click()
            page.get_by_text("m0", exact=True).last.click()
            page.keyboard.press("Escape")
            page.get_by_role("button", name="Search").first.click()
            page.locator(drawn).first.wait_for(state="attached")
            chosen = page.url
        return [opened(browser, Site(chosen), "", drawn)], written


def _trackio(browser: Any, place: Path, count: int) -> tuple[list[Opening], int]:
    written = _written_apart("trackio", place, count)
    port = free_port()
    program = (
        "import os, trackio; "
        f"os.environ['TRACKIO_DIR'] = {str(place)!r}; "
        f"trackio.show('page', open_browser=False, host='127.0.0.1', server_port={port}, block_thread=True)"
    )
    address = f"http://127.0.0.1:{port}/"
    os.environ["TRACKIO_DIR"] = str(place)  # which its package reads as it is imported
    try:
        with _server([python_of("trackio"), "-c", program], address, lambda text: "<html" in text):
            site = Site(f"{address}?project=page")
            return [opened(browser, site, "", ".vega-embed canvas.marks") for _ in range(2)][1:], written  # fmt: skip
    finally:
        del os.environ["TRACKIO_DIR"]


def _written_apart(tracker: str, place: Path, count: int) -> int:
    """Write curves with a tracker of another environment; how many there was time for."""
    curves = json.dumps([curve(seed).tolist() for seed in range(count)])
    script = str(Path(__file__).with_name("page_writers.py"))
    command = [python_of(tracker), script, tracker, str(place), str(_WRITING_S)]
    done = subprocess.run(
        command, input=curves, capture_output=True, text=True, check=True, cwd=place,
        env=environment(), timeout=4 * _WRITING_S,
    )  # fmt: skip
    return int(done.stdout.rstrip().rpartition("\n")[2])


PEERS: dict[str, Callable[[Any, Path, int], tuple[list[Opening], int]]] = {
    "TensorBoard": _tensorboard,
    "MLflow": _mlflow,
}
"""Each writes experiments, starts its server and opens its page; how many experiments there was time to write is told too."""

MORE_PEERS: dict[str, Callable[[Any, Path, int], tuple[list[Opening], int]]] = {
    "Aim": _aim,
    "trackio": _trackio,
}
"""Those that need an environment of their own, and a minute each to be written."""


@contextlib.contextmanager
def _server(command: list[str], url: str, ready: Callable[[str], bool]) -> Iterator[None]:
    """A server, once it is ready. What it starts ends with the process group of whoever measures."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environment())
    try:
        until = time.monotonic() + _STARTING_S
        while True:
            with contextlib.suppress(OSError):
                text = urllib.request.urlopen(url, timeout=5).read().decode()
                if ready(text):
                    break
            if time.monotonic() > until:
                raise TimeoutError(f"{command[2]} did not answer")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
