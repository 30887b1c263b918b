"""Headless Chromium, what opening a page in it costs, and a root as `anew ui` shows it."""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "DRAWN",
    "LIMIT_MS",
    "Opening",
    "Received",
    "Site",
    "as_installed",
    "chromium",
    "command_of",
    "free_port",
    "median",
    "opened",
    "shown",
    "window",
]

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
_TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


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


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a graphics card."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def window(browser: Any, site: Site) -> Iterator[Any]:
    """An empty page in a window of its own, in which nothing is cached."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(LIMIT_MS)
    try:
        context.add_cookies(list(site.cookies))
        yield context.new_page()
    finally:
        context.close()


class Received:
    """Counts the bytes that a page receives: the answers with their heads, and of streams what has come so far."""

    def __init__(self, page: Any) -> None:
        self.bytes = 0
        self.requests = 0
        self._streams: set[str] = set()
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.responseReceived", self._began)
        session.on("Network.dataReceived", self._came)
        session.on("Network.loadingFinished", self._ended)

    def _began(self, event: Any) -> None:
        if event["response"]["mimeType"] == "text/event-stream":
            self._streams.add(event["requestId"])

    def _came(self, event: Any) -> None:
        if event["requestId"] in self._streams:
            self.bytes += int(event["dataLength"])

    def _ended(self, event: Any) -> None:
        if event["requestId"] not in self._streams:
            self.bytes += int(event["encodedDataLength"])
            self.requests += 1


def opened(
    browser: Any, site: Site, path: str, drawn: str, then: Callable[[Any], None] | None = None
) -> Opening:
    """Open a page in a new window, until a chart is drawn; `then` may look at it."""
    with window(browser, site) as page:
        received = Received(page)
        began = time.perf_counter()
        page.goto(site.url + path, wait_until="commit")
        page.locator(drawn).first.wait_for(state="attached")
        page.evaluate(_TWO_FRAMES)
        seconds = time.perf_counter() - began
        # A page that marks the moment is not asked for it again and again.
        told = page.evaluate(_UNTIL_FIRST_CHART)
        opening = Opening(*told) if told else Opening(seconds, received.bytes, received.requests)
        if then is not None:
            then(page)
        return opening


def median(openings: Sequence[Opening]) -> Opening:
    """The median of each cost."""
    return Opening(
        statistics.median(one.seconds for one in openings),
        round(statistics.median(one.bytes for one in openings)),
        round(statistics.median(one.requests for one in openings)),
    )


def as_installed() -> dict[str, str]:
    """The environment of somebody's own machine: its modules are kept compiled, as those of an installed package are."""
    left_out = "PYTHONDONTWRITEBYTECODE"
    return {
        name: value
        for name, value in os.environ.items()
        if name != left_out and not name.startswith("SSH_")
    }


def command_of(root: Path, port: int) -> list[str]:
    """The command that shows a root."""
    return [sys.executable, "-m", "anew", "ui", "--root", str(root), "--quiet", "--no-browser", "--port", str(port)]  # fmt: skip


@contextlib.contextmanager
def shown(browser: Any, root: Path, path: str = "?tab=charts") -> Iterator[Site]:
    """A root as `anew ui` shows it, once it was looked at."""
    process = subprocess.Popen(
        command_of(root, free_port()), stdout=subprocess.PIPE, text=True, env=as_installed()
    )
    context = browser.new_context()
    try:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        address, _, token = link.partition("#")
        page = context.new_page()  # the link is of one use: what it gives is carried on
        page.goto(f"{address}{path}#{token}")
        page.locator(f"{DRAWN}, [role=row]").first.wait_for(state="attached", timeout=4 * LIMIT_MS)
        yield Site(address, tuple(context.cookies()))
    finally:
        context.close()
        process.kill()
        process.communicate()


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
