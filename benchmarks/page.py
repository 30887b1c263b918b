"""The page in a browser: how long until the first chart is drawn, and what it costs, beside other trackers' pages.

The browser is headless Chromium without a graphics card, 1440 × 900. Each measurement opens a window of its own, so that nothing is
cached. Servers run and have been asked once before, and the time counts from the navigation to the frame in which the first chart is
drawn. Each row gives the median; bytes are those that the browser received. With `--all`, the large sets are measured too.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anew import Experiment
from anew.server.static import BUNDLE

from .harness import Bench, Row, duration
from .synthetic import one_metric, write_experiment

POINTS = 1_000
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--disable-gpu", "--no-sandbox", "--disable-dev-shm-usage"]
DRAWN = ".panel[data-exact]"
LIMIT_MS = 90_000
_UNTIL_FIRST_CHART = """() => {
    const mark = performance.getEntriesByName("anew-first-chart")[0];
    if (!mark) return null;
    const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    const before = all.filter(one => one.responseEnd <= mark.startTime);
    return [mark.startTime / 1000, before.reduce((sum, one) => sum + one.transferSize, 0), before.length];
}"""


def run(bench: Bench) -> Iterator[Row]:
    """The first chart of 100 experiments beside other trackers, and the large sets if all is asked for."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield _bundle()
            yield from _hundred(bench, browser)
            if bench.all:
                yield from _thousand(bench, browser)
                yield from _ten_million(bench, browser)
                yield from _many_names(bench, browser)
        finally:
            browser.close()


@dataclass(frozen=True)
class Opening:
    """What opening a page cost."""

    seconds: float
    bytes: int
    requests: int


@dataclass(frozen=True)
class Site:
    """Where a page lies, and what a browser that was let in before carries."""

    url: str
    cookies: tuple[Any, ...] = ()


def _open(
    browser: Any, site: Site, path: str, drawn: str, then: Callable[[Any], None] | None = None
) -> Opening:
    """Open a page in a new window, until a chart is drawn."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        context.add_cookies(list(site.cookies))
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        received: list[int] = []
        session.on(
            "Network.loadingFinished", lambda one: received.append(int(one["encodedDataLength"]))
        )
        began = time.perf_counter()
        page.goto(site.url + path, wait_until="commit")
        page.locator(drawn).first.wait_for(state="attached", timeout=LIMIT_MS)
        page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        seconds = time.perf_counter() - began
        told = page.evaluate(
            _UNTIL_FIRST_CHART
        )  # a page that marks the moment is not asked for it again and again
        opening = Opening(*told) if told else Opening(seconds, sum(received), len(received))
        if then is not None:
            then(page)
        return opening
    finally:
        context.close()


def _median(openings: list[Opening]) -> Opening:
    return Opening(
        statistics.median(one.seconds for one in openings),
        round(statistics.median(one.bytes for one in openings)),
        round(statistics.median(one.requests for one in openings)),
    )


def curve(seed: int, count: int = POINTS) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A loss of its own for each experiment."""
    rng = np.random.default_rng(seed)
    steps = np.arange(count)
    falling = np.exp(-steps * (1 + seed % 7) / 1500)
    found: np.ndarray[Any, np.dtype[np.float64]] = (
        falling + 0.05 * rng.standard_normal(count) + seed % 5 / 10
    )
    return found


def _lines(seed: int, metrics: int) -> Iterator[bytes]:
    columns = [curve(seed * metrics + at) for at in range(metrics)]
    names = [f"train/m{at}" for at in range(metrics)]
    rows = []
    for step in range(POINTS):
        values = ",".join(
            f'"{name}":{column[step]!r}' for name, column in zip(names, columns, strict=True)
        )
        rows.append(
            f'{{"t":{1_790_000_000 + step},"m":{{{values}}},"s":{step}}}\n'.replace(
                "np.float64(", ""
            ).replace(")", "")
        )
    yield "".join(rows).encode()


def _recorded(root: Path, count: int, metrics: int) -> None:
    for seed in range(count):
        write_experiment(
            root, f"lab/page/e{seed:04d}", _lines(seed, metrics), params={"lr": seed % 5}
        )


@contextlib.contextmanager
def _shown(browser: Any, root: Path) -> Iterator[Site]:
    """A root as `anew ui` shows it, once it was looked at."""
    port = _free_port()
    command = [sys.executable, "-m", "anew", "ui", "--root", str(root), "--quiet", "--no-browser", "--port", str(port)]  # fmt: skip
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SSH_")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)
    context = browser.new_context()
    try:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        address, _, token = link.partition("#")
        page = context.new_page()  # the link is of one use: what it gives is carried on
        page.goto(f"{address}?tab=charts#{token}")
        page.locator(DRAWN).first.wait_for(state="attached", timeout=LIMIT_MS)
        yield Site(address, tuple(context.cookies()))
    finally:
        context.close()
        process.kill()
        process.communicate()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _bundle() -> Row:
    """What the document names: all that the first chart is made with."""
    document = Path(BUNDLE, "index.html").read_bytes()
    named = re.findall(rb'(?:src|href)="\./(assets/[^"]+\.(?:js|css))"', document)
    files = [document, *(Path(BUNDLE, os.fsdecode(name)).read_bytes() for name in named)]
    size = sum(len(gzip.compress(one, 6)) for one in files)
    return Row(
        "the files of the first chart, compressed", f"{size / 1000:.0f} kB", "", "", "≤ 150 kB", size <= 150_000
    )  # fmt: skip


def _hundred(bench: Bench, browser: Any) -> Iterator[Row]:
    count, rounds = bench.size(100, 5), bench.size(5, 1)
    what = f"first chart, {count} experiments × {POINTS:,} points"
    with bench.folder("hundred") as root:
        _recorded(root, count, 5)
        with _shown(browser, root) as site:
            ours = _median([_open(browser, site, "?tab=charts", DRAWN) for _ in range(rounds)])
    for name, peer in (("TensorBoard", _tensorboard), ("MLflow", _mlflow)):
        with bench.folder(name.lower()) as place:
            try:
                beside = _median(peer(browser, place, count, 1))
                said = f"{duration(beside.seconds)} ({name}), {beside.bytes / 1e6:.1f} MB"
                ratio = f"{ours.seconds / beside.seconds:.2f}"
            except Exception as error:  # noqa: BLE001  (a peer that does not come up costs its row alone)
                said, ratio = f"{name}: {type(error).__name__}", ""
        reached = ours.seconds <= 0.9
        yield Row(f"{what}, beside {name}", duration(ours.seconds), said, ratio, "≤ 0.9 s", reached)
    size = f"{ours.bytes / 1000:.0f} kB in {ours.requests} requests"
    yield Row(f"{what}: received", size, "", "", "≤ 900 kB", ours.bytes <= 900_000)


def _thousand(bench: Bench, browser: Any) -> Iterator[Row]:
    count = bench.size(1_000, 10)
    frames: list[float] = []
    five: list[float] = []

    def look(page: Any) -> None:
        page.locator(DRAWN).nth(4).wait_for(state="attached", timeout=LIMIT_MS)
        five.append(page.evaluate("performance.now()") / 1000)

    def alone(page: Any) -> None:
        page.wait_for_timeout(500)
        frames.append(_frame(page))

    with bench.folder("thousand") as root:
        _recorded(root, count, 5)
        time.sleep(bench.size(31, 0))  # what has just been written is not packed yet
        with _shown(browser, root) as site:
            openings = [_open(browser, site, "?tab=charts", DRAWN, look) for _ in range(3)]
            for _ in range(3):
                _open(browser, site, "?tab=charts&metrics=m0", DRAWN, alone)
            grouped = [
                _open(browser, site, "?tab=charts&group=params.lr&metrics=m0", DRAWN)
                for _ in range(3)
            ]
    first = _median(openings).seconds
    all_five = statistics.median(five)
    frame = statistics.median(frames)
    group = _median(grouped).seconds
    what = f"{count:,} experiments × {POINTS:,} points"
    yield Row(f"first chart, {what}, all drawn", duration(first), "", "", "≤ 1.2 s", first <= 1.2)
    yield Row(f"five panels, {what}", duration(all_five), "", "", "≤ 3 s", all_five <= 3)
    yield Row(f"a frame of {count:,} lines", duration(frame), "", "", "≤ 120 ms", frame <= 0.12)
    yield Row(f"first chart of groups, {what}", duration(group), "", "", "≤ 0.8 s", group <= 0.8)


def _frame(page: Any) -> float:
    """Seconds from a change of an axis until the frame in which all lines are drawn again is made."""
    taken: float = page.evaluate(
        """async () => {
            const times = [];
            for (let round = 0; round < 5; round += 1) {
                await new Promise(done => requestAnimationFrame(done));
                const began = performance.now();
                document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "y", bubbles: true }));
                await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
                times.push(performance.now() - began);
            }
            return times.sort((a, b) => a - b)[2];
        }"""
    )
    return taken / 1000


def _ten_million(bench: Bench, browser: Any) -> Iterator[Row]:
    count = bench.size(10_000_000, 100_000)
    from anew import Store

    with bench.folder("long") as root:
        write_experiment(root, "lab/page/one", one_metric("loss", count))
        with Store(root) as store:
            store.seal()
        with _shown(browser, root) as site:
            whole = _median([_open(browser, site, "?tab=charts", DRAWN) for _ in range(3)])
            zooms: list[float] = []

            def zoom(page: Any) -> None:
                box = page.locator(".plot").first.bounding_box()
                y = box["y"] + 100
                page.mouse.move(box["x"] + 300, y)
                page.mouse.down()
                page.mouse.move(box["x"] + 301, y + 1)
                page.mouse.move(box["x"] + 304.5, y)
                began = time.perf_counter()
                with page.expect_response("**/panel"):
                    page.mouse.up()
                page.locator(".panel:not(.waiting)").first.wait_for()
                zooms.append(time.perf_counter() - began)

            for _ in range(3):
                _open(browser, site, "?tab=charts", DRAWN, zoom)
    part = statistics.median(zooms)
    yield Row(
        f"first chart, {count:,} points",
        duration(whole.seconds),
        "",
        "",
        "≤ 1.0 s",
        whole.seconds <= 1,
    )
    yield Row(f"zoom into {count:,} points", duration(part), "", "", "≤ 0.3 s", part <= 0.3)


def _many_names(bench: Bench, browser: Any) -> Iterator[Row]:
    count = bench.size(10_000, 100)
    nodes: list[int] = []
    with bench.folder("names") as root:
        with Experiment("lab/page/one", root=str(root), quiet=True, system_metrics=0) as exp:
            for step in range(3):
                exp.log_metrics(
                    {f"layer{at % 40}/weight{at}": float(at) for at in range(count)}, step=step
                )
            exp.log_metrics({"val/loss": 1.0}, step=0)
        with _shown(browser, root) as site:
            count_nodes = "document.querySelectorAll('*').length"
            openings = [
                _open(
                    browser,
                    site,
                    "?tab=charts",
                    DRAWN,
                    lambda page: nodes.append(page.evaluate(count_nodes)),
                )
                for _ in range(3)
            ]
    took = _median(openings).seconds
    yield Row(
        f"first chart, {count:,} metric names", duration(took), "", "", "≤ 1.5 s", took <= 1.5
    )
    yield Row(
        f"elements, {count:,} metric names",
        f"{max(nodes):,}",
        "",
        "",
        "≤ 4,000",
        max(nodes) <= 4000,
    )


# -- others ----------------------------------------------------------------------------------------


def _tensorboard(browser: Any, place: Path, count: int, rounds: int) -> list[Opening]:
    from tensorboardX import SummaryWriter

    for seed in range(count):
        writer = SummaryWriter(str(place / f"e{seed:04d}"))
        for step, value in enumerate(curve(seed)):
            writer.add_scalar("train/m0", float(value), step)
        writer.close()
    port = _free_port()
    program = "from tensorboard.main import run_main; run_main()"
    command = [
        sys.executable,
        "-c",
        program,
        "--logdir",
        str(place),
        "--port",
        str(port),
        "--load_fast=false",
    ]
    with _server(
        command, f"http://127.0.0.1:{port}/data/runs", lambda text: text.count('"e') >= count
    ):
        url = f"http://127.0.0.1:{port}/?darkMode=false#timeseries"
        drawn = (
            "card-view line-chart .series-view canvas, card-view line-chart .series-view svg path"
        )
        return [_open(browser, Site(url), "", drawn) for _ in range(rounds + 1)][1:]


def _mlflow(browser: Any, place: Path, count: int, rounds: int) -> list[Opening]:
    port = _free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--backend-store-uri", f"sqlite:///{place}/mlflow.db", "--default-artifact-root", str(place)]  # fmt: skip
    with _server(command, f"http://127.0.0.1:{port}/health", lambda text: "OK" in text):
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
        from mlflow import MlflowClient
        from mlflow.entities import Metric

        client = MlflowClient(f"http://127.0.0.1:{port}")
        experiment = client.create_experiment("page")
        for seed in range(count):
            made = client.create_run(experiment, run_name=f"e{seed:04d}")
            points = [
                Metric("m0", float(value), 1_790_000_000_000 + step, step)
                for step, value in enumerate(curve(seed))
            ]
            client.log_batch(made.info.run_id, metrics=points)
            client.set_terminated(made.info.run_id)
        url = f"http://127.0.0.1:{port}/#/experiments/{experiment}/runs?compareRunsMode=CHART"
        return [
            _open(browser, Site(url), "", ".js-plotly-plot .scatterlayer .js-line")
            for _ in range(rounds + 1)
        ][1:]


@contextlib.contextmanager
def _server(command: list[str], url: str, ready: Callable[[str], bool]) -> Iterator[None]:
    """A server in a process group of its own, once it is ready."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        until = time.monotonic() + 150
        while True:
            with contextlib.suppress(OSError):
                text = urllib.request.urlopen(url, timeout=5).read().decode()
                if ready(text):
                    break
            if time.monotonic() > until:
                raise TimeoutError(command[0])
            time.sleep(0.2)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()
