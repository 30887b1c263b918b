"""The page in a browser: how long until the first chart is drawn, and what it costs, beside other trackers' pages.

The browser is headless Chromium without a graphics card, 1440 × 900. Each measurement opens a window of its own, so that nothing is
cached. Servers run and have been asked once before, and the time counts from the navigation to the frame in which the first chart is
drawn. Each row gives the median; bytes are those that the browser received. Each part is measured in a process of its own that ends
when its time is over, with everything it has started; the others go on. With `--all`, the largest sets are measured too.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from anew import Experiment, Store
from anew.server.static import BUNDLE

from .browsing import (
    DRAWN,
    Opening,
    Received,
    as_installed,
    chromium,
    command_of,
    free_port,
    median,
    opened,
    shown,
    window,
)
from .harness import CHECKOUT, Bench, Row, duration
from .page_data import POINTS, recorded
from .page_media import measured_grid
from .page_peers import MORE_PEERS, PEERS
from .page_views import forty_panels, one_file
from .synthetic import one_metric, write_experiment, write_many

CHARTS = "?tab=charts"
_FRAME = """async () => {
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
_FOLLOW = """() => {
    window.seen = [];
    const said = document.querySelector(".panel .said");
    new MutationObserver(() => requestAnimationFrame(() => {
        const points = /([\\d\\s]+) points/u.exec(said.textContent);
        seen.push([performance.timeOrigin + performance.now(), Number(points?.[1].replace(/\\D/gu, "") ?? 0)]);
    })).observe(said, { subtree: true, childList: true, characterData: true });
}"""
_UNTIL_OTHER_ROWS = """change => new Promise((done, failed) => {
    setTimeout(() => failed(new Error("no other rows came")), 30_000);
    const first = () => document.querySelector(".row:not(.head)")?.innerText;
    const before = first();
    const began = performance.now();
    const look = () => first() !== before && first() ? requestAnimationFrame(() => done((performance.now() - began) / 1000)) : setTimeout(look, 2);
    eval(change);
    look();
})"""

_TELLING = """async filter => {
    const began = performance.now();
    await (await fetch("api/v1/telling?filter=" + encodeURIComponent(filter))).json();
    return (performance.now() - began) / 1000;
}"""
_UNTIL_DRAWN = """([change, of]) => new Promise((done, failed) => {
    setTimeout(() => failed(new Error("it was not drawn")), 60_000);
    const began = performance.now();
    const drawn = () => document.querySelector(`[data-plot="${of[0]}"][data-count="${of[1]}"] canvas`);
    const look = () => drawn() ? requestAnimationFrame(() => requestAnimationFrame(() => done((performance.now() - began) / 1000))) : setTimeout(look, 2);
    const clicked = document.querySelector(change);
    if (!clicked) failed(new Error(`there is no ${change}`));
    clicked.click();
    look();
})"""
"""From a click until a plot of so many experiments is on the screen."""

_TYPED = """document.activeElement.value = %s;
document.activeElement.dispatchEvent(new Event("input", { bubbles: true }))"""
"""The list follows what is typed."""


def run(bench: Bench) -> Iterator[Row]:
    """The files, then the parts one after the other."""
    yield _bundle()
    for name, (_, seconds, always) in PARTS.items():
        if always or bench.all:
            with bench.folder(name) as place:
                yield from _in_time(name, place, seconds, quick=bench.quick)


def _in_time(name: str, place: Path, seconds: float, *, quick: bool) -> Iterator[Row]:
    """The rows of a part, measured in a process of its own; one that says so where it could not be measured."""
    arguments = json.dumps([name, str(place), quick])
    command = [sys.executable, "-m", "benchmarks.child", "benchmarks.page:measured", arguments]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip
    try:
        out, said = process.communicate(timeout=seconds)
        if process.returncode:
            why = (said.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
            yield Row(f"{name}: not measured", why[:100], reached=False)
        else:
            yield from (Row(*row) for row in json.loads(out.rstrip().rpartition("\n")[2]))
    except subprocess.TimeoutExpired:
        yield Row(f"{name}: not measured", f"not within {seconds:.0f} s", reached=False)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def measured(name: str, place: str, quick: bool) -> list[list[Any]]:
    """The rows of a part, in the process that measures it."""
    measure, _, _ = PARTS[name]
    with chromium() as browser:
        rows = list(measure(browser, Path(place), lambda full, few: few if quick else full))
    return [[row.what, row.ours, row.beside, row.ratio, row.target, row.reached] for row in rows]


Size = Callable[[int, int], int]
Peer = Callable[[Any, Path, int], tuple[list[Opening], int]]


def _within(what: str, seconds: float, most: float) -> Row:
    return Row(what, duration(seconds), "", "", f"≤ {duration(most)}", seconds <= most)


def _bundle() -> Row:
    """What the document names: all that the first chart is made with."""
    document = Path(BUNDLE, "index.html").read_bytes()
    named = re.findall(rb'(?:src|href)="\./(assets/[^"]+\.(?:js|css))"', document)
    files = [document, *(Path(BUNDLE, os.fsdecode(name)).read_bytes() for name in named)]
    size = sum(len(gzip.compress(one, 6)) for one in files)
    what = "the files of the first chart, compressed"
    return Row(what, f"{size / 1000:.0f} kB", "", "", "≤ 150 kB", size <= 150_000)


def _hundred(browser: Any, place: Path, size: Size) -> Iterator[Row]:
    count, rounds = size(100, 5), size(5, 1)
    frames: list[float] = []
    root = place / "root"
    root.mkdir()
    recorded(root, count, 5)
    with shown(browser, root) as site:
        ours = median([opened(browser, site, CHARTS, DRAWN) for _ in range(rounds)])
        for _ in range(size(3, 1)):
            opened(browser, site, f"{CHARTS}&metrics=m0", DRAWN, lambda page: frames.append(_frame(page)))  # fmt: skip
    yield from _beside(browser, place, ours, count, PEERS)
    what = f"first chart, {count} experiments × {POINTS:,} points"
    received = f"{ours.bytes / 1000:.0f} kB in {ours.requests} requests"
    yield Row(f"{what}: received", received, "", "", "≤ 900 kB", ours.bytes <= 900_000)
    yield _within(f"a frame of {count} lines", statistics.median(frames), 0.03)


def _more_peers(browser: Any, place: Path, size: Size) -> Iterator[Row]:
    """Fifty experiments, beside the trackers that take a second or more to write one."""
    count = size(50, 3)
    root = place / "root"
    root.mkdir()
    recorded(root, count, 1)
    with shown(browser, root) as site:
        ours = median([opened(browser, site, CHARTS, DRAWN) for _ in range(size(3, 1))])
    yield from _beside(browser, place, ours, count, MORE_PEERS)


def _beside(
    browser: Any, place: Path, ours: Opening, count: int, peers: Mapping[str, Peer]
) -> Iterator[Row]:
    """The first chart of ours, beside that of each peer with the same curves."""
    what = f"first chart, {count} experiments × {POINTS:,} points"
    for name, peer in peers.items():
        beside = place / name.lower()
        beside.mkdir()
        try:
            openings, written = peer(browser, beside, count)
            theirs = median(openings)
            said = f"{duration(theirs.seconds)} ({name}), {theirs.bytes / 1e6:.1f} MB"
            said += "" if written == count else f", of {written} experiments"
            ratio = f"{ours.seconds / theirs.seconds:.2f}"
        except Exception as error:  # noqa: BLE001  (a peer that does not come up costs its row alone)
            said, ratio = f"{name}: {type(error).__name__}", ""
        reached = ours.seconds <= 0.9
        yield Row(f"{what}, beside {name}", duration(ours.seconds), said, ratio, "≤ 0.9 s", reached)


def _frame(page: Any) -> float:
    """Seconds from a change of an axis until the frame in which all lines are drawn again is made."""
    page.wait_for_timeout(500)
    taken: float = page.evaluate(_FRAME)
    return taken / 1000


def _ready(browser: Any, place: Path, size: Size) -> Iterator[Row]:
    """From the start of the command to the document, and what a page costs on which nothing happens, then one point a second."""
    root = place / "root"
    root.mkdir()
    count = size(50, 5)
    recorded(root, count, 1, points=20)
    with shown(browser, root):
        pass
    starts = [_started(root) for _ in range(size(5, 1))]
    yield _within("`anew ui` ready", statistics.median(starts), 1.0)
    quiet, ticks = size(60, 3), size(20, 2)
    with shown(browser, root) as site, window(browser, site) as page:
        page.goto(site.url + CHARTS)
        page.locator(DRAWN).first.wait_for(state="attached")
        page.wait_for_timeout(3000)
        received = Received(page)
        page.reload()  # so that what has begun already is seen too
        page.locator(DRAWN).first.wait_for(state="attached")
        page.wait_for_timeout(3000)
        before = received.bytes
        page.wait_for_timeout(1000 * quiet)
        idle = (received.bytes - before) * 60 / quiet
        what = f"a minute of {count} that have ended"
        yield Row(what, f"{idle:,.0f} bytes", "", "", "≤ 1 kB", idle <= 1000)
        with Experiment("lab/page/now", root=str(root), quiet=True, system_metrics=0) as exp:
            exp.log_metrics({"train/m0": 0.5}, step=0)
            page.wait_for_timeout(6000)
            page.evaluate(_FOLLOW)
            before = received.bytes
            called = []
            for step in range(1, ticks + 1):
                called.append(time.time() * 1000)
                exp.log_metrics({"train/m0": 0.5 / step}, step=step)
                page.wait_for_timeout(1000)
            page.wait_for_timeout(2000)
            tick = (received.bytes - before) / ticks
            seen = page.evaluate("seen")
        first = 20 * count + 2
        late = [
            min((at for at, points in seen if points >= first + n), default=float("inf")) - call
            for n, call in enumerate(called)
        ]
        what = f"one of {count} logs each second"
        yield Row(f"{what}: received", f"{tick:,.0f} bytes a tick", "", "", "≤ 2 kB", tick <= 2000)
        slowest = max(late) / 1000
        yield _within(f"{what}: drawn, slowest of {ticks}", slowest, 1.5)


def _started(root: Path) -> float:
    """Seconds from the start of the command until a browser has the document."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command_of(root, free_port()), stdout=subprocess.PIPE, text=True, env=as_installed()
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().partition("#")[0]
        urllib.request.urlopen(address, timeout=60).read()
        return time.perf_counter() - began
    finally:
        process.kill()
        process.communicate()


def _thousand(browser: Any, place: Path, size: Size) -> Iterator[Row]:
    count, rounds = size(1_000, 10), size(3, 1)
    frames: list[float] = []
    five: list[float] = []

    def look(page: Any) -> None:
        page.locator(DRAWN).nth(4).wait_for(state="attached")
        five.append(page.evaluate("performance.now()") / 1000)

    recorded(place, count, 5)
    with shown(browser, place) as site:
        first = median([opened(browser, site, CHARTS, DRAWN, look) for _ in range(rounds)])
        for _ in range(rounds):
            opened(browser, site, f"{CHARTS}&metrics=m0", DRAWN, lambda page: frames.append(_frame(page)))  # fmt: skip
        path = f"{CHARTS}&group=params.lr&metrics=m0"
        grouped = median([opened(browser, site, path, DRAWN) for _ in range(rounds)])
    what = f"{count:,} experiments × {POINTS:,} points"
    yield _within(f"first chart, {what}, all drawn", first.seconds, 1.2)
    yield _within(f"five panels, {what}", statistics.median(five), 3.0)
    yield _within(f"a frame of {count:,} lines", statistics.median(frames), 0.12)
    yield _within(f"first chart of groups, {what}", grouped.seconds, 0.8)


def _many_names(browser: Any, place: Path, size: Size) -> Iterator[Row]:
    count = size(10_000, 100)
    nodes: list[int] = []
    with Experiment("lab/page/one", root=str(place), quiet=True, system_metrics=0) as exp:
        for step in range(3):
            names = {f"layer{at % 40}/weight{at}": float(at) for at in range(count)}
            exp.log_metrics(names, step=step)
        exp.log_metrics({"val/loss": 1.0}, step=0)
    with shown(browser, place) as site:
        openings = [
            opened(browser, site, CHARTS, DRAWN, lambda page: nodes.append(_nodes(page)))
            for _ in range(size(3, 1))
        ]
    yield _within(f"first chart, {count:,} metric names", median(openings).seconds, 1.5)
    yield _most_nodes(f"{count:,} metric names", max(nodes))


def _nodes(page: Any) -> int:
    found: int = page.evaluate("document.querySelectorAll('*').length")
    return found


def _most_nodes(what: str, nodes: int) -> Row:
    return Row(f"elements, {what}", f"{nodes:,}", "", "", "≤ 4,000", nodes <= 4000)


def _ten_million(browser: Any, place: Path, size: Size) -> Iterator[Row]:
    count, rounds = size(10_000_000, 100_000), size(3, 1)
    zooms: list[float] = []
    write_experiment(place, "lab/page/one", one_metric("loss", count))
    with Store(place) as store:
        store.seal()

    def zoom(page: Any) -> None:
        box = page.locator(".plot").first.bounding_box()
        y = box["y"] + 100
        x = (
            box["x"] + 300 + 20 * len(zooms)
        )  # another place each time: the server keeps its answers
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 1, y + 1)
        page.mouse.move(x + 4.5, y)
        began = time.perf_counter()
        with page.expect_response("**/panel"):
            page.mouse.up()
        page.locator(".panel:not(.waiting)").first.wait_for()
        zooms.append(time.perf_counter() - began)

    with shown(browser, place) as site:
        whole = median([opened(browser, site, CHARTS, DRAWN) for _ in range(rounds)])
        for _ in range(rounds):
            opened(browser, site, CHARTS, DRAWN, zoom)
    yield _within(f"first chart, {count:,} points", whole.seconds, 1.0)
    yield _within(f"zoom into {count:,} points", statistics.median(zooms), 0.3)


def _rows(browser: Any, place: Path, size: Size) -> Iterator[Row]:
    """Tables of very many experiments."""
    for count in (size(10_000, 50), size(100_000, 100)):
        root = place / str(count)
        root.mkdir()
        write_many(root, count, asked_only=True)
        with Store(root) as store:
            store.refresh()  # taking in is measured elsewhere: here, it would be waited for
        with shown(browser, root, "?tab=table") as site, window(browser, site) as page:
            page.goto(f"{site.url}?tab=table")
            page.locator(".row:not(.head)").nth(5).wait_for()
            page.wait_for_timeout(3000)
            sorts = [
                page.evaluate(_UNTIL_OTHER_ROWS, f"document.querySelector('.head button.sort[title={field}]').click()")
                for field in ("name", "status", "name", "status")  # which are always on the screen
            ]  # fmt: skip
            page.goto(f"{site.url}?tab=table")
            filters = []
            for share in (0.8, 0.6, 0.4, 0.2):  # the newest is another one each time
                page.locator(".row:not(.head)").nth(5).wait_for()
                page.wait_for_timeout(1000)
                page.keyboard.press("/")
                filter_ = f"name < 'run-{int(count * share):06d}' and params.lr < 0.09"
                filters.append(page.evaluate(_UNTIL_OTHER_ROWS, _TYPED % json.dumps(filter_)))
                page.keyboard.press("Enter")
            tellings = [
                page.evaluate(_TELLING, f"params.lr < {most}") for most in (0.08, 0.06, 0.04)
            ]
            page.goto(
                f"{site.url}?tab=table&setting=params.lr&axes=params.lr,params.batch_size,params.optimizer,metrics.val_loss.min"
            )
            page.locator(".row:not(.head)").nth(5).wait_for()
            page.wait_for_timeout(2000)
            plots = [
                page.evaluate(_UNTIL_DRAWN, [change, [plot, count]])
                for plot, change in (("scatter", "nav a[href*='tab=analysis']"), ("parallel", ".kind:nth-child(2)"), ("slices", ".kind:nth-child(3)"))
            ]  # fmt: skip
            page.goto(f"{site.url}?tab=table")
            page.locator(".row:not(.head)").nth(5).wait_for()
            page.wait_for_timeout(1000)
            session = page.context.new_cdp_session(page)
            session.send("HeapProfiler.enable")
            session.send("HeapProfiler.collectGarbage")
            heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
            nodes = _nodes(page)
        what = f"{count:,} experiments"
        yield Row(f"heap, {what}", f"{heap:.0f} MB", "", "", "≤ 80 MB", heap <= 80)
        yield _most_nodes(what, nodes)
        yield _within(f"sort on the screen, {what}", statistics.median(sorts), 0.2)
        yield _within(f"filter on the screen, {what}", statistics.median(filters), 0.2)
        yield _within(f"what differs after a filter, {what}", statistics.median(tellings), 0.5)
        yield _within(f"scatter plot, {what}", plots[0], 1.0)
        yield _within(f"parallel coordinates, {what}", plots[1], 1.0)
        yield _within(f"slices, {what}", plots[2], 1.0)


PARTS: dict[str, tuple[Callable[[Any, Path, Size], Iterator[Row]], float, bool]] = {
    "hundred": (_hundred, 300, True),
    "ready": (_ready, 150, True),
    "thousand": (_thousand, 120, True),
    "many_names": (_many_names, 60, True),
    "forty_panels": (forty_panels, 180, True),
    "one_file": (one_file, 60, True),
    "more_peers": (_more_peers, 420, False),
    "ten_million": (_ten_million, 300, False),
    "rows": (_rows, 1200, False),
    "media": (measured_grid, 600, False),
}
"""What is measured: how, in how many seconds at most, and whether always or with `--all` alone."""
